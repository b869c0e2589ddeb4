"""Writes files with PyTorch, and says which files its safe loader reads.

    python3 torch_reference.py good FOLDER     writes checkpoints; prints {"file": {"name": [type, shape, first bytes]}}
    python3 torch_reference.py evil FOLDER     writes files that run something when loaded; prints {"file": what it is}
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
import struct
import sys
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
        "size": torch.Size([1, 2]), "device": torch.device("cpu"), "dtype": torch.bfloat16, "long": "x" * 100_000,
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
    print(json.dumps({"good": good, "evil": evil, "judge": judge}[sys.argv[1]](pathlib.Path(sys.argv[2]))))
