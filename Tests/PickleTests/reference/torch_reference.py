"""Writes files with PyTorch, and says which files its safe loader reads.

    python3 torch_reference.py good FOLDER     writes checkpoints; prints {"file": {"name": [type, shape, first bytes]}}
    python3 torch_reference.py evil FOLDER     writes files that run something when loaded; prints {"file": what it is}
    python3 torch_reference.py polyglots FOLDER  writes files that two readers read; prints {"file": what it is}
    python3 torch_reference.py judge FOLDER    prints {"file": {"shapes": {…}} or {"fault": why torch.load refuses it}}
"""

import collections
import importlib
import io
import json
import operator
import os
import pathlib
import pickle
import pickletools
import struct
import sys
import tarfile
import warnings
import zipfile

import torch

warnings.simplefilter("ignore")


def lora():
    torch.manual_seed(3)
    state = {}
    for layer in range(12):
        for name, shape in (("lora_down", (4, 32)), ("lora_up", (32, 4))):
            state[f"unet.blocks.{layer}.{name}.weight"] = torch.randn(*shape).half() * 1e-4
        state[f"unet.blocks.{layer}.alpha"] = torch.tensor(4.0)
    return state


def checkpoints():
    """Each value is (object, {name: tensor} as it is expected)."""
    shared = torch.arange(12.0).reshape(3, 4)
    types = [
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
        "complex128",
    ]
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2, bias=False))
    lora_state = lora()
    rich = {
        "state_dict": collections.OrderedDict(a=torch.ones(2, 2), b=torch.zeros(3)),
        "rank": 8, "alpha": 16.5, "name": "größe", "flag": True, "nothing": None, "big": 1 << 70, "negative": -5,
        "list": [1, "two", [3.0, {"four": 4}]], "tuple": (1, 2, 3, 4), "bytes": b"\x80\x02cos\nsystem\n",
        "size": torch.Size([1, 2]), "device": torch.device("cpu"), "dtype": torch.bfloat16, "long": "x" * 4096,
    }
    yield "plain", {"w": torch.arange(6.0).reshape(2, 3)}, None
    yield "empty", {}, None
    yield "lora", lora_state, None
    yield "types", {name: torch.ones(2, 3).to(getattr(torch, name)) for name in types}, None
    yield "tied", {"a": shared, "b": shared, "row": shared[1], "column": shared[:, 2], "turned": shared.t()}, None
    yield "parameters", {"p": torch.nn.Parameter(torch.ones(3)), "q": torch.nn.Parameter(torch.ones(2, 2), False)}, None
    yield "module", module.state_dict(), None
    yield "nothing-in-it", {"none": torch.zeros(0, 4), "scalar": torch.tensor(2.5), "w": torch.ones(2)}, None
    yield "rich", rich, {"state_dict.a": rich["state_dict"]["a"], "state_dict.b": rich["state_dict"]["b"]}
    yield "nested", {"a": {"b": {"c": torch.ones(5)}}, "d": [torch.ones(1)]}, {"a.b.c": torch.ones(5)}
    yield "expanded", {"e": torch.ones(1, 4).expand(3, 4)}, None
    yield "bare", torch.ones(7), {"": torch.ones(7)}


def first_bytes(tensor):
    return list(bytes(tensor.detach().contiguous().reshape(-1)[:1].view(torch.uint8).tolist()))


def good(folder):
    told = {}
    for name, value, expected in checkpoints():
        expected = value if expected is None else expected
        described = {
            key: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), first_bytes(tensor) if tensor.numel() else []]
            for key, tensor in expected.items()
        }
        ways = {
            "zip.pt": {},
            "zip4.pth": {"pickle_protocol": 4},
            "zip5.ckpt": {"pickle_protocol": 5},
            "legacy.bin": {"_use_new_zipfile_serialization": False},
            "legacy4.ckpt": {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
        }
        for ending, options in ways.items():
            file = f"{name}-{ending}"
            torch.save(value, folder / file, **options)
            told[file] = described
    # These have no storage class of their own, so they are rebuilt from bytes.
    narrow = ["float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64"]
    value = {name: torch.ones(2, 3).to(getattr(torch, name)) for name in narrow}
    torch.save(value, folder / "narrow-zip.pt")
    told["narrow-zip.pt"] = {
        key: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), first_bytes(tensor)] for key, tensor in value.items()
    }
    return told


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


def evil(folder):
    """Files that run something when torch.load without its safe loader, or Python, reads them."""
    inner = pickle.dumps(Call(os.system, "true"), 2)
    nested = io.BytesIO()
    torch.save({"x": Call(os.system, "true")}, nested)
    calls = {
        "os.system": Call(os.system, "true"),
        "eval": Call(eval, "1"),
        "exec": Call(exec, "1"),
        "getattr": Call(getattr, "x", "upper"),
        "import_module": Call(importlib.import_module, "os"),
        "__import__": Call(__import__, "os"),
        "attrgetter": Call(operator.attrgetter, "system"),
        "methodcaller": Call(operator.methodcaller, "upper"),
        "pickle.loads": Call(pickle.loads, inner),
        "torch.load": Call(torch.load, io.BytesIO(nested.getvalue())),
        "load_from_bytes": Call(torch.storage._load_from_bytes, nested.getvalue()),
        "open": Call(open, "/dev/null"),
        "partial": Call(__import__("functools").partial, print),
        "jit": Call(torch.jit.load, "x"),
        "hub": Call(torch.hub.load, "x", "y"),
        "module": torch.nn.Linear(1, 1),
        "counter": collections.Counter("aab"),
        "class": collections.Counter,
        "function": torch._utils._rebuild_tensor_v2,
    }
    told = {}
    for name, value in calls.items():
        for ending, options in {
            "zip.pt": {}, "zip0.pt": {"pickle_protocol": 1}, "zip4.pt": {"pickle_protocol": 4},
            "legacy.pt": {"_use_new_zipfile_serialization": False},
        }.items():
            try:
                torch.save({"w": torch.ones(3), "x": value}, folder / f"{name}-{ending}", **options)
            except Exception:
                continue
            told[f"{name}-{ending}"] = name
    for protocol in range(6):
        (folder / f"bare-{protocol}.pt").write_bytes(pickle.dumps(calls["os.system"], protocol))
        told[f"bare-{protocol}.pt"] = "a pickle alone"
    told |= archives(folder, inner)
    return told


def archives(folder, inner):
    """A good archive with something added or changed, of which Python or PyTorch reads what is bad."""
    torch.save({"w": torch.ones(3)}, folder / "a.zip")
    original = (folder / "a.zip").read_bytes()
    (folder / "a.zip").unlink()
    told = {}

    def write(name, data):
        (folder / f"{name}.pt").write_bytes(data)
        told[f"{name}.pt"] = name

    def added(name, members, compression=zipfile.ZIP_STORED):
        buffer = io.BytesIO(original)
        with zipfile.ZipFile(buffer, "a", compression) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        write(name, buffer.getvalue())

    for ending in ("pkl", "py", "txt", "json", "safetensors", "jpg", ""):
        added(f"added-{ending}", {f"a/other.{ending}".rstrip("."): inner})
    added("added-second-data", {"a/data.pkl": inner})
    added("added-other-case", {"a/DATA.PKL": inner})
    added("added-other-root", {"b/data.pkl": inner})
    added("added-traversal", {"a/../../evil.pkl": inner})
    added("added-absolute", {"/etc/evil": inner})
    added("added-storage", {"a/data/1": inner})
    added("added-torchscript", {"a/constants.pkl": inner, "a/code/x.py": b""})
    added("added-deflated", {"a/version2": b"x" * 1000}, zipfile.ZIP_DEFLATED)
    write("prefix", inner + original)
    write("prefix-zip", b"PK\x03\x04" + original)
    write("suffix", original + inner)
    write("comment", original[:-2] + struct.pack("<H", len(inner)) + inner)
    return told


class Unseekable(io.BytesIO):
    def seekable(self):
        return False

    def tell(self):
        raise OSError


# What is read as one kind and is another one too. A zip archive and a legacy file begin with bytes that no length of a safetensors
# header has, and the first byte of a zip archive ends a pickle.

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
VERSION = b"M\xe9\x03."


def system_information():
    def text(word):
        return b"\x8c" + bytes([len(word)]) + word

    sizes = b"(" + text(b"short") + b"K\x02" + text(b"int") + b"K\x04" + text(b"long") + b"K\x04d"
    return b"(" + text(b"protocol_version") + b"M\xe9\x03" + text(b"little_endian") + b"\x88" + text(b"type_sizes") + sizes + b"d"


def checksums(total):
    """The fields by which Python's tarfile reads a checksum."""
    digits = b"%o" % total
    yield "plain", digits.rjust(6, b"0") + b"\0 "
    yield "prefix", b"0o" + digits + b"\0"
    yield "capital", b"0O" + digits + b"\0"
    yield "sign", b"+" + digits + b"\0"
    yield "underscore", digits[:2] + b"_" + digits[2:] + b"\0"
    yield "leading", b"0_" + digits
    yield "space", b"\t\v" + digits + b"\r"
    yield "binary", b"\x80" + total.to_bytes(7, "big")


def tar_headers(start, filler, size):
    """The first block of a tar file that begins with these bytes; the rest of it is made of `filler`."""
    numbers = [(100, 8, 0o644), (108, 8, 0), (116, 8, 0), (124, 12, size), (136, 12, 0), (329, 8, 0), (337, 8, 0)]
    block = bytearray(start + filler * (512 - len(start)))
    for place, width, number in numbers:
        if len(start) <= place:
            block[place : place + width] = b"%0*o " % (width - 1, number)
    block[156:157] = b"0"
    block[148:156] = b" " * 8
    for name, field in checksums(sum(block)):
        field = field.ljust(8, b" ")
        yield name, bytes(block[:148]) + field[:8] + bytes(block[156:])


def tar_members(payload):
    """What follows the first block and its data: the member that PyTorch opens first."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("storages")
        member.size = len(payload)
        archive.addfile(member, io.BytesIO(payload))
    return buffer.getvalue()


def zip_of(payload):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", payload)
    return buffer.getvalue()


def object_pickle(hidden, size):
    """The pickle of {"w": a byte tensor}, behind a constant that is thrown away."""
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(size, dtype=torch.uint8)}, buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    stops = []
    position = 0
    for _ in range(5):
        for opcode, _, place in pickletools.genops(data[position:]):
            if opcode.name == "STOP":
                end = position + place + 1
        stops.append((position, end))
        position = end
    pickled = data[slice(*stops[3])]
    return pickled[:2] + b"B" + struct.pack("<I", len(hidden)) + hidden + b"0" + pickled[2:], data[slice(*stops[4])]


def archive_pickle(hidden, size):
    """The same as the data.pkl of an archive."""
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(size, dtype=torch.uint8)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        pickled = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
    return pickled[:2] + b"B" + struct.pack("<I", len(hidden)) + hidden + b"0" + pickled[2:]


def legacy_with(data, hidden=b"", system=None):
    """A legacy file whose only storage is `data`. A storage begins with its length, of eight bytes."""
    pickled, keys = object_pickle(hidden, len(data))
    head = MAGIC + VERSION + (system or system_information() + b".")
    return head + pickled + keys + struct.pack("<Q", len(data)) + data


def safetensors_with(data, metadata="", length=None):
    header = json.dumps(
        {"__metadata__": {"t": metadata}, "w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}},
        separators=(",", ":"), ensure_ascii=False,
    ).encode()
    header = header.ljust(length or (len(header) + 7) // 8 * 8)
    return struct.pack("<Q", len(header)) + header + data


def line_pickle(data, length):
    """A safetensors file whose header has a line break after its last bracket and braces behind that."""
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]' % (len(data), len(data))
    return struct.pack("<Q", length) + header.ljust(length - 3) + b"\n}}" + data


def polyglots(folder):
    made = folder / "made"
    payload = pickle.dumps(Call(os.mkdir, str(made)), 0)
    told = {}

    def runs(path):
        """Whether PyTorch or Python's own unpickler runs the payload."""
        for load in (lambda file: torch.load(file, weights_only=False), pickle.load):
            try:
                with path.open("rb") as file:
                    load(file)
            except Exception:
                pass
        if made.exists():
            made.rmdir()
            return True
        return False

    def write(name, data, proof):
        path = folder / name
        path.write_bytes(data)
        if not proof(path):
            sys.exit(f"{name} is not read in two ways")
        told[name] = name

    def is_tar(path):
        with tarfile.open(path) as archive:
            return "storages" in archive.getnames()

    def is_zip(path):
        return zipfile.ZipFile(path).namelist() == ["a/data.pkl"]

    # Legacy and tar: the header lies in a constant of the object's pickle, the members in its storage. The first block's data
    # reach from byte 512 to the members. Byte 100, where a number begins, is that of a PROTO.
    members = tar_members(payload)
    size = 4096
    system = system_information()
    system += b"\x94" * (100 - len(MAGIC + VERSION) - len(system) - 1) + b"."
    start = MAGIC + VERSION + system + b"\x80\x02B" + struct.pack("<I", 512 - 107)
    for name, block in tar_headers(start, b"\0", size - 512):
        probe = legacy_with(bytes(size) + members, block[107:], system)
        room = size - (len(probe) - size - len(members))
        write(f"legacy-tar-{name}.pt", legacy_with(bytes(room) + members, block[107:], system), runs)
    # The same in an archive's data.pkl, whose checksum follows the data.
    start = b"PK\x03\x04\x14\0\x08\0" + bytes(4) + b"!\0" + bytes(12) + b"\x0a\0\0\0a/data.pkl"
    start += b"\x80\x02B" + struct.pack("<I", 512 - 47)
    for name, block in tar_headers(start, b"\0", size - 512):

        def archive(room):
            buffer = Unseekable()
            with zipfile.ZipFile(buffer, "w") as archive:
                for member, data in {
                    "a/data.pkl": archive_pickle(block[47:], room + len(members)), "a/byteorder": b"little",
                    "a/data/0": bytes(room) + members, "a/version": b"3\n",
                }.items():
                    with archive.open(zipfile.ZipInfo(member), "w") as file:
                        file.write(data)
            return buffer.getvalue()

        room = 2048 - archive(2048).index(members) + size
        write(f"zip-tar-{name}.pt", archive(room), is_tar)
    write("legacy-zip.pt", legacy_with(bytes(100) + zip_of(payload)), is_zip)
    write("legacy-zip-comment.pt", legacy_with(zip_of(payload)[:-2] + b"\xff\xff" + bytes(65_000)), is_zip)

    # Bytes 30 to 512 are a text of the metadata, whose characters a text can have.
    plain = safetensors_with(members, "x" * (512 - 30), 4096 - 8)
    for name, block in tar_headers(plain[:100], b"x", 4096 - 512):
        if name not in ("space", "binary"):
            block = plain[:100] + block[100:].replace(b"\0", b" ")
            write(f"safetensors-tar-{name}.safetensors", block + plain[512:], runs)
    write("safetensors-zip.safetensors", safetensors_with(bytes(100) + zip_of(payload)), is_zip)
    # The header's length begins with the opcode of a text, which ends where another begins that ends with a line.
    for name, first in {
        "pickle": b"", "legacy": b"0" + MAGIC[2:] + VERSION + system_information() + b".",
    }.items():
        write(
            f"safetensors-{name}.safetensors", safetensors_with(b"\n" + first + payload, "a" * 7 + "V", 0x2058), runs)
    # Lines that end with NUL for machines written in C, and go on to the line break in the tensor.
    for name, length in {"int": 0x3049, "long": 0x304C, "float": 0x3046}.items():
        write(
            f"safetensors-{name}.safetensors", line_pickle(payload, length), runs)
    # Tar and pickle alone.
    write("tar.pt", tar_members(payload), runs)
    write("pickle.pt", payload, runs)
    return told


def judge(folder):
    """The safe loader knows few opcodes, so what it refuses is tried with the full one: nothing is to be judged but what
    names only what rebuilds tensors."""
    verdicts = {}
    for path in sorted(folder.iterdir()):
        try:
            try:
                value = torch.load(path, weights_only=True)
            except pickle.UnpicklingError:
                value = torch.load(path, weights_only=False)
            verdicts[path.name] = {
                "shapes": {key: list(tensor.shape) for key, tensor in value.items() if isinstance(tensor, torch.Tensor)}
            }
        except Exception as error:
            verdicts[path.name] = {"fault": f"{type(error).__name__}: {error}"}
    return verdicts


if __name__ == "__main__":
    print(json.dumps({"good": good, "evil": evil, "polyglots": polyglots, "judge": judge}[sys.argv[1]](pathlib.Path(sys.argv[2]))))
