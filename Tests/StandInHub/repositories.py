"""The repositories below a folder, described as the hub describes them."""

import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import threading

CHUNK_BYTES = 1 << 20
# What the hub's own .gitattributes sends to the large-file store whatever its size.
LARGE_FILE_SUFFIXES = (".gguf", ".safetensors", ".bin")
LARGE_FILE_BYTES = 10 << 20


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a repository, as its bytes are at one time."""

    path: str
    location: pathlib.Path
    size: int
    sha256: str
    blob_id: str
    pointer_size: int | None
    # Every byte is served exclusive-or'ed with this, after a `change`.
    mask: int = 0

    @property
    def is_large(self):
        return self.pointer_size is not None

    @property
    def linked_etag(self):
        """What the hub says: the SHA-256 of large files, git's id of small ones."""
        return f'"{self.sha256 if self.is_large else self.blob_id}"'

    @property
    def stored_etag(self):
        """What the file store says: like an object store's, not the hash of the bytes."""
        parts = max(1, -(-self.size // (8 << 20)))
        return f'"{hashlib.md5(self.sha256.encode()).hexdigest()}-{parts}"'

    def read(self, start, end):
        """The bytes from `start` up to `end`, in chunks."""
        table = bytes(number ^ self.mask for number in range(256)) if self.mask else None
        with open(self.location, "rb") as file:
            file.seek(start)
            while start < end and (chunk := file.read(min(CHUNK_BYTES, end - start))):
                start += len(chunk)
                yield chunk.translate(table) if table else chunk


class Repository:
    """A folder of files, and beside it `NAME.json` with what differs from the defaults of `facts`."""

    def __init__(self, store, folder):
        self.store = store
        self.folder = folder
        self.id = f"{folder.parent.name}/{folder.name}"
        self.facts = {
            "downloads": 0, "likes": 0, "tags": ["gguf"], "gated": False, "private": False, "disabled": False,
            "pipeline_tag": "text-generation", "library_name": "gguf", "createdAt": "2024-01-02T03:04:05.000Z",
        }
        described = folder.with_name(folder.name + ".json")
        if described.exists():
            self.facts.update(json.loads(described.read_text()))

    def files(self):
        """All files, in the order of their paths."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return [self.store.describe(self, path) for path in paths]

    def file(self, path):
        return next((file for file in self.files() if file.path == path), None)

    @property
    def sha(self):
        """The commit: another one whenever a file is another one, but for what `change` swapped behind the hub's back."""
        return hashlib.sha1((self.id + self.store.listing(self)).encode()).hexdigest()

    @property
    def last_modified(self):
        newest = max((path.stat().st_mtime for path in self.folder.rglob("*")), default=0)
        moment = datetime.datetime.fromtimestamp(newest, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def listed(self, full):
        """As in the answer to a search."""
        entry = {
            "_id": hashlib.md5(self.id.encode()).hexdigest()[:24], "id": self.id, "likes": self.facts["likes"],
            "private": self.facts["private"], "downloads": self.facts["downloads"], "tags": self.facts["tags"],
            "pipeline_tag": self.facts["pipeline_tag"], "library_name": self.facts["library_name"],
            "createdAt": self.facts["createdAt"], "modelId": self.id,
        }
        if full:
            entry |= {
                "author": self.folder.parent.name, "gated": self.facts["gated"], "lastModified": self.last_modified,
                "sha": self.sha, "siblings": [{"rfilename": file.path} for file in self.files()],
            }
        return entry

    def described(self, blobs, size_of):
        """As in the answer to a question for the model; sizes and hashes only with `blobs`."""
        siblings = []
        for file in self.files():
            sibling = {"rfilename": file.path}
            if blobs:
                size = size_of(file)
                sibling |= {"blobId": file.blob_id, "size": size}
                if file.is_large:
                    sibling["lfs"] = {"sha256": file.sha256, "size": size, "pointerSize": file.pointer_size}
            siblings.append(sibling)
        return self.listed(full=True) | {
            "disabled": self.facts["disabled"], "siblings": siblings, "spaces": [],
            "usedStorage": sum(file.size for file in self.files()),
        }

    def tree(self, path, recursive, expand, size_of):
        """What lies in the folder `path`; None where there is no such folder."""
        prefix = path + "/" if path else ""
        entries = {}
        for file in self.files():
            if not file.path.startswith(prefix):
                continue
            names = file.path[len(prefix):].split("/")
            folders = len(names) - 1 if recursive else min(1, len(names) - 1)
            for depth in range(1, folders + 1):
                folder = prefix + "/".join(names[:depth])
                entries[folder] = {
                    "type": "directory", "oid": hashlib.sha1(folder.encode()).hexdigest(), "size": 0, "path": folder,
                }
            if recursive or len(names) == 1:
                size = size_of(file)
                entry = {"type": "file", "oid": file.blob_id, "size": size, "path": file.path}
                if file.is_large:
                    entry["lfs"] = {"oid": file.sha256, "size": size, "pointerSize": file.pointer_size}
                entries[file.path] = entry
        if expand:
            for entry in entries.values():
                entry["lastCommit"] = {"id": self.sha, "title": "Upload files", "date": self.last_modified}
        return [entries[path] for path in sorted(entries)] if entries or not path else None


class Store:
    """All repositories below `root`, and the hashes of their files."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.lock = threading.Lock()
        self.known = {}
        self.masks = {}

    def repositories(self):
        folders = sorted(path for path in self.root.glob("*/*") if path.is_dir())
        return [Repository(self, folder) for folder in folders]

    def repository(self, id):
        owner, _, name = id.partition("/")
        if not name or any(part in ("", ".", "..") for part in (owner, name)):
            return None
        folder = self.root / owner / name
        return Repository(self, folder) if folder.is_dir() else None

    def stored(self, id, sha256):
        """The large file that the file store has under this key; also while other bytes have taken its place."""
        repository = self.repository(id)
        if repository is None:
            return None
        for file in repository.files():
            original = self.hashes(file.location, 0)
            if file.is_large and sha256 in (file.sha256, original[0]):
                return file
        return None

    def change(self, repository, path):
        """Puts other bytes of the same length in the place of a file's."""
        location = repository.folder / path
        with self.lock:
            self.masks[location] = self.masks.get(location, 0) ^ 0x5A

    def reset(self):
        with self.lock:
            self.masks.clear()

    def listing(self, repository):
        paths = sorted(path for path in repository.folder.rglob("*") if path.is_file())
        files = [(path.relative_to(repository.folder).as_posix(), self.hashes(path, 0)) for path in paths]
        return "".join(f"{path} {hashes[1]}\n" for path, hashes in files)

    def describe(self, repository, location):
        with self.lock:
            mask = self.masks.get(location, 0)
        sha256, blob_id, pointer_size, size = self.hashes(location, mask)
        path = location.relative_to(repository.folder).as_posix()
        return File(path, location, size, sha256, blob_id, pointer_size, mask)

    def hashes(self, location, mask):
        """SHA-256, git's id, and the size of git's pointer for large files; remembered while the file stays as it is."""
        status = os.stat(location)
        key = (location, status.st_size, status.st_mtime_ns, mask)
        with self.lock:
            if key in self.known:
                return self.known[key]
        size = status.st_size
        plain, git = hashlib.sha256(), hashlib.sha1(f"blob {size}\0".encode())
        for chunk in File("", location, size, "", "", None, mask).read(0, size):
            plain.update(chunk)
            git.update(chunk)
        sha256, blob_id, pointer_size = plain.hexdigest(), git.hexdigest(), None
        if size > LARGE_FILE_BYTES or location.name.endswith(LARGE_FILE_SUFFIXES):
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
            blob_id = hashlib.sha1(f"blob {len(pointer)}\0".encode() + pointer).hexdigest()
            pointer_size = len(pointer)
        with self.lock:
            self.known[key] = (sha256, blob_id, pointer_size, size)
        return sha256, blob_id, pointer_size, size
