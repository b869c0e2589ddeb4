"""Measures uploads of a large LoRA file, beside `dd` of the same bytes to the same disk."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import time

from client import Node
from fetching import Watch

BYTES = 500_000_000
BOUNDARY = b"shoal-bench"
LIMIT_SECONDS = 120


def make(path: pathlib.Path):
    """A safetensors file with one tensor of random bytes, in the page cache."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [BYTES], "data_offsets": [0, BYTES]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in range(BYTES // 1_000_000):
            file.write(os.urandom(1_000_000))
    os.sync()


def copy(file: pathlib.Path, target: pathlib.Path) -> float:
    """Megabytes per second of `dd` that waits for the disk."""
    os.sync()
    began = time.monotonic()
    subprocess.run(["dd", f"if={file}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True)
    seconds = time.monotonic() - began
    target.unlink()
    return file.stat().st_size / seconds / 1e6


def upload(node: Node, file: pathlib.Path) -> tuple[Watch, float]:
    """The memory, and megabytes per second, from the first byte that is sent to the answer, which waits for the disk too."""
    head = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="upload.safetensors"\r\n\r\n'
    tail = b"\r\n--" + BOUNDARY + b"--\r\n"
    length = len(head) + file.stat().st_size + len(tail)
    request = (
        f"POST /api/v1/admin/lora/upload HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nAuthorization: Bearer {node.key}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\nContent-Length: {length}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    os.sync()
    with Watch(node) as watch, open(file, "rb") as source:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", node.port), LIMIT_SECONDS) as connection:
            connection.sendall(request + head)
            connection.sendfile(source)
            connection.sendall(tail)
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
        seconds = time.monotonic() - began
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"bench: the upload was refused: {answer[:1000]!r}")
    stored = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    pathlib.Path(stored["file_path"]).unlink()
    return watch, file.stat().st_size / seconds / 1e6
