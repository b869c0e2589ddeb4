"""Writes files with the official safetensors package, and says which files it reads.

    python3 safetensors_reference.py write FOLDER    writes files there; prints {"file": {"tensors": {…}, "metadata": {…}}}
    python3 safetensors_reference.py judge FOLDER    prints {"file": whether the package reads it}
"""

import ctypes
import json
import pathlib
import random
import sys

import safetensors

WIDTHS = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e5m2": 1, "float8_e4m3fn": 1, "int16": 2, "uint16": 2, "float16": 2,
    "bfloat16": 2, "int32": 4, "uint32": 4, "float32": 4, "float64": 8, "int64": 8, "uint64": 8,
}


def write(folder):
    chance = random.Random(7)
    told = {}
    for number in range(40):
        tensors = {}
        for index in range(chance.randrange(0, 12)):
            kind = chance.choice(sorted(WIDTHS))
            shape = [chance.randrange(0, 5) for _ in range(chance.randrange(0, 4))]
            count = WIDTHS[kind]
            for side in shape:
                count *= side
            name = chance.choice(["lora_A.", "lora_B.", "größe.", "日本.", 'quote".', "back\\slash."]) + str(index)
            tensors[name] = {"dtype": kind, "shape": shape, "data": chance.randbytes(count)}
        metadata = {f"key {key}\n": chance.choice(["", "text", '{"a": [1]}', "\u0007ü"]) for key in range(number % 4)}
        buffers = {name: ctypes.create_string_buffer(tensor["data"]) for name, tensor in tensors.items()}
        specs = {
            name: safetensors.TensorSpec(
                dtype=tensor["dtype"], shape=tensor["shape"], data_ptr=ctypes.addressof(buffers[name]),
                data_len=len(tensor["data"]))
            for name, tensor in tensors.items()
        }
        raw = safetensors.serialize(specs, metadata or None)
        file = f"{number}.safetensors"
        (folder / file).write_bytes(raw)
        told[file] = {
            "tensors": {
                name: {"shape": tensor["shape"], "byteCount": len(tensor["data"]), "first": list(tensor["data"][:4])}
                for name, tensor in tensors.items()
            },
            "metadata": metadata,
        }
    return told


def judge(folder):
    verdicts = {}
    for path in sorted(folder.iterdir()):
        try:
            safetensors.deserialize(path.read_bytes())
            verdicts[path.name] = True
        except safetensors.SafetensorError:
            verdicts[path.name] = False
    return verdicts


if __name__ == "__main__":
    print(json.dumps({"write": write, "judge": judge}[sys.argv[1]](pathlib.Path(sys.argv[2]))))
