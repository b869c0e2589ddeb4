#!/usr/bin/env python3
"""A stand-in for the Hugging Face hub, for tests: answers what the real one answers about the repositories in a folder.

    python3 hub.py --root FOLDER [--port 0] [--token hf_stand_in] [--tree-page 1000]

FOLDER holds `owner/name/…files…`, and optionally `owner/name.json` with downloads, likes, tags, gated, private. The first line
on standard output is `listening on http://127.0.0.1:PORT`; the program ends when its standard input closes. A second listener
stands for the file store that large files are redirected to; it refuses what carries the hub's token. Beside the hub's own:

    POST /__stand-in/faults     puts a fault in force (see faults.py)
    POST /__stand-in/reset      forgets all faults and requests
    GET  /__stand-in/requests   the requests so far: host, method, path, range, token, status, bytes of the body sent
"""

import argparse
import base64
import http.server
import os
import sys
import threading
import time
import urllib.parse

from faults import Faults
from repositories import Store
from serving import EXPOSED, Handler


class Hub:
    """What both listeners share."""

    def __init__(self, root, token, tree_page):
        self.store = Store(root)
        self.token = token
        self.tree_page = tree_page
        self.faults = Faults()
        self.lock = threading.Lock()
        self.requests = []
        # Locations that hold the text and were signed up to the moment are refused.
        self.expired = {}
        self.url = self.store_url = ""

    def reset(self):
        self.faults.reset()
        self.store.reset()
        self.expired = {}
        with self.lock:
            self.requests.clear()

    def expire(self, path):
        """Locations that hold this text, and have been signed by now, are refused from now on."""
        with self.lock:
            self.expired[path] = time.monotonic_ns()

    def has_expired(self, path, signature):
        with self.lock:
            return any(text in path and signature <= moment for text, moment in self.expired.items())


class HubHandler(Handler):
    host = "hub"

    def route(self):
        given = self.headers.get("Authorization")
        if given is not None and given != f"Bearer {self.hub.token}":
            return self.refuse(401, None, "Invalid credentials in Authorization header")
        self.known = given is not None
        match self.segments:
            case ["api", "models"]:
                self.search()
            case ["api", "resolve-cache", "models", owner, name, _commit, *path] if path:
                self.cached(f"{owner}/{name}", "/".join(path))
            case ["api", "models", owner, name]:
                self.describe(f"{owner}/{name}", "main")
            case ["api", "models", owner, name, "revision", revision]:
                self.describe(f"{owner}/{name}", revision)
            case ["api", "models", owner, name, "tree", revision, *path]:
                self.tree(f"{owner}/{name}", revision, "/".join(path))
            case [owner, name, "resolve", revision, *path] if path:
                self.resolve(f"{owner}/{name}", revision, "/".join(path))
            case _:
                self.refuse(404, None, "Sorry, we can't find the page you are looking for.")

    def flag(self, name):
        return self.parameters.get(name, [""])[0].lower() in ("true", "1")

    def repository(self, id, revision, gated=False):
        """The repository at a revision, or nothing after the refusal is sent."""
        if move := self.hub.faults.standing("move", repository=id):
            self.answer(307, f"Temporary Redirect. Redirecting to {move['to']}",
                        {"Location": self.path.replace(id, move["to"], 1)})
            return None
        repository = self.hub.store.repository(id)
        if repository is None or (repository.facts["private"] and not self.known):
            if self.known:
                self.refuse(404, "RepoNotFound", "Repository not found")
            elif self.segments[0] == "api":
                # The code stands in for what the official client concludes from the hub's https addresses alone.
                self.refuse(401, "RepoNotFound", "Invalid username or password.")
            else:
                self.refuse(401, "RepoNotFound", "Repository not found")
            return None
        if fault := self.hub.faults.standing("gate", repository=id):
            repository.facts |= {"gated": "manual", "granted": fault.get("granted", False)}
        if gated and repository.facts["gated"] and not (self.known and repository.facts.get("granted")):
            start = f"Access to model {id} is restricted"
            if self.known:
                self.refuse(403, "GatedRepo", f"{start} and you are not in the authorized list. Visit "
                            f"{self.hub.url}/{id} to ask for access.")
            else:
                self.refuse(401, "GatedRepo", f"{start}. You must have access to it and be authenticated to access it. "
                            "Please log in.")
            return None
        if revision not in ("main", "refs/heads/main", repository.sha):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repository

    def page(self, entries, size):
        """One page of entries, with a link to the next one."""
        start = 0
        if cursor := self.parameters.get("cursor", [""])[0]:
            start = int(base64.urlsafe_b64decode(cursor))
        headers = {"Access-Control-Expose-Headers": EXPOSED}
        if start + size < len(entries):
            following = {name: values for name, values in self.parameters.items() if name != "cursor"}
            following["cursor"] = [base64.urlsafe_b64encode(str(start + size).encode()).decode()]
            path = self.path.partition("?")[0]
            query = urllib.parse.urlencode(following, doseq=True)
            headers["Link"] = f'<{self.hub.url}{path}?{query}>; rel="next"'
        self.answer(200, entries[start:start + size], headers)

    def search(self):
        words = self.parameters.get("search", [""])[0].lower().split()
        filters = [part for value in self.parameters.get("filter", []) for part in value.split(",") if part]
        author = self.parameters.get("author", [""])[0]
        limit = min(1000, max(1, int(self.parameters.get("limit", ["1000"])[0])))
        found = [
            repository for repository in self.hub.store.repositories()
            if all(word in repository.id.lower() for word in words)
            and all(tag in repository.facts["tags"] for tag in filters)
            and (not author or repository.id.startswith(author + "/"))
            and (self.known or not repository.facts["private"])
        ]
        sort = self.parameters.get("sort", ["downloads"])[0]
        if sort == "lastModified":
            found.sort(key=lambda repository: repository.last_modified, reverse=True)
        elif sort in ("downloads", "likes"):
            found.sort(key=lambda repository: repository.facts[sort], reverse=True)
        self.page([repository.listed(self.flag("full")) for repository in found], limit)

    def describe(self, id, revision):
        if repository := self.repository(id, revision):
            self.answer(200, repository.described(self.flag("blobs"), self.hub.faults.size))

    def tree(self, id, revision, path):
        if repository := self.repository(id, revision):
            entries = repository.tree(path, self.flag("recursive"), self.flag("expand"), self.hub.faults.size)
            if entries is None:
                return self.refuse(404, "EntryNotFound", f'{path} does not exist on "{revision}"')
            size = 50 if self.flag("expand") else self.hub.tree_page
            self.page(entries, int(self.parameters.get("limit", [size])[0]))

    def resolve(self, id, revision, path):
        repository = self.repository(id, revision, gated=True)
        if repository is None:
            return
        file = repository.file(path)
        headers = {"X-Repo-Commit": repository.sha, "Access-Control-Expose-Headers": EXPOSED}
        if file is None:
            return self.refuse(404, "EntryNotFound", "Entry not found", headers)
        headers |= {
            "X-Linked-Size": str(self.hub.faults.size(file)), "X-Linked-ETag": file.linked_etag, "Accept-Ranges": "bytes",
            "ETag": file.linked_etag, "Vary": "Accept",
        }
        if not file.is_large:
            place = urllib.parse.quote(f"{id}/{repository.sha}/{path}")
            headers["Location"] = f"/api/resolve-cache/models/{place}?etag={urllib.parse.quote(file.linked_etag)}"
            return self.answer(307, "Temporary Redirect", headers)
        name = path.rsplit("/", 1)[-1]
        query = urllib.parse.urlencode({
            "response-content-disposition": f'inline; filename="{name}";', "Expires": str(int(time.time()) + 3600),
            "Signature": str(time.monotonic_ns()),
        })
        headers["Location"] = f"{self.hub.store_url}/repos/{id}/{file.sha256}?{query}"
        self.answer(302, f"Found. Redirecting to {headers['Location']}", headers)

    def cached(self, id, path):
        repository = self.repository(id, "main", gated=True)
        if repository and (file := repository.file(path)):
            self.send_file(file, file.linked_etag, {"X-Repo-Commit": repository.sha})
        elif repository:
            self.refuse(404, "EntryNotFound", "Entry not found")


class StoreHandler(Handler):
    host = "store"

    def route(self):
        if "Authorization" in self.headers:
            return self.refuse_as_store(400, "InvalidArgument", "Only one auth mechanism allowed")
        signature = self.parameters.get("Signature", ["0"])[0]
        if not signature.isdigit() or self.hub.has_expired(self.path, int(signature)):
            return self.refuse_as_store(403, "AccessDenied", "Request has expired")
        match self.segments:
            case ["repos", owner, name, sha256]:
                file = self.hub.store.stored(f"{owner}/{name}", sha256)
                if file is not None and "change" in self.suffered:
                    repository = self.hub.store.repository(f"{owner}/{name}")
                    self.hub.store.change(repository, file.path)
                    file = repository.file(file.path)
                if file is not None:
                    return self.send_file(file, file.stored_etag, {})
        self.refuse_as_store(404, "NoSuchKey", "The specified key does not exist.")

    def refuse_as_store(self, status, code, message):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>",
                    {"Content-Type": "application/xml"})


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="A stand-in for the Hugging Face hub.")
    parser.add_argument("--root", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="hf_stand_in")
    parser.add_argument("--tree-page", type=int, default=1000)
    options = parser.parse_args()
    hub = Hub(options.root, options.token, options.tree_page)
    listeners = []
    for handler, port in ((HubHandler, options.port), (StoreHandler, 0)):
        listener = Listener(("127.0.0.1", port), type(handler.__name__, (handler,), {"hub": hub}))
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        listeners.append(listener)
    hub.url, hub.store_url = (f"http://127.0.0.1:{listener.server_address[1]}" for listener in listeners)
    print(f"listening on {hub.url}", flush=True)
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    main()
