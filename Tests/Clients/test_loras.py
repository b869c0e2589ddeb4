"""LoRA files from outside: browsers' forms, curl, the command line, many at once, and a node that is killed."""

import collections
import concurrent.futures
import io
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import types
import urllib.parse
import zipfile

import pytest
import requests
from conftest import BINARIES, Node, eventually

ADMIN = "/api/v1/admin/lora"


def safetensors(byte=1, count=64):
    """A file with one tensor of `count` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([byte]) * count


def checkpoint(data=bytes(24), reduce=None):
    """A file as `torch.save` writes it, with one tensor of 2 × 3 floats; or with what `reduce` says in its place."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils
    rebuild = types.FunctionType((lambda *_: None).__code__, {}, "_rebuild_tensor_v2")
    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    storage = object()

    class Tensor:
        def __reduce__(self):
            return reduce or (rebuild, (storage, 0, (2, 3), (3, 1), False, collections.OrderedDict()))

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", torch.FloatStorage, "0", "cpu", 6) if value is storage else None

    pickled, archive = io.BytesIO(), io.BytesIO()
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    try:
        sys.modules |= {"torch": torch, "torch._utils": utils}
        Pickler(pickled, protocol=2).dump({"w": Tensor()})
    finally:
        for name, module in before.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in [("data.pkl", pickled.getvalue()), ("data/0", data), ("version", b"3\n")]:
            file.writestr(f"archive/{name}", content)
    return archive.getvalue()


def headers(node):
    return {"Authorization": f"Bearer {node.key}"}


def upload(node, name, content, path=ADMIN + "/upload", **fields):
    return requests.post(node.url + path, headers=headers(node), files={"file": (name, content)}, data=fields, timeout=60)


def listed(node, path=ADMIN, **query):
    answer = requests.get(node.url + path, headers=headers(node), params=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return [file["partial_path"] for file in answer.json()["files"]]


def shoal(node, *arguments):
    return subprocess.run(
        [str(BINARIES / "shoal"), "lora", *arguments, "--data-dir", str(node.directory)], text=True, capture_output=True,
        timeout=60)


@pytest.mark.parametrize("name, safe", [("plain.safetensors", "plain"), ("größe & maß.safetensors", "gr_e_ma_"), ('a"b.safetensors', "a_22b")])
def test_forms_of_requests_are_taken_in(node, name, safe):
    answer = upload(node, name, safetensors(), entity_type="clothes", use_safe_filename="true")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["partial_path"] == f"clothes/{safe}.safetensors"
    assert open(said["file_path"], "rb").read() == safetensors()


@pytest.mark.parametrize("base", ["/api/v1", ""])
def test_curl_uploads_and_deletes(node, base, tmp_path):
    # Large enough that curl asks first whether it should send it.
    file = tmp_path / "curled.safetensors"
    file.write_bytes(safetensors(count=3_000_000))
    bearer = f"Authorization: Bearer {node.key}"

    def curl(*arguments):
        run = subprocess.run(["curl", "-sS", "-H", bearer, *arguments], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    said = curl(
        "-X", "POST", f"{node.url}{base}/admin/lora/upload", "-F", f"file=@{file}", "-F", "entity_type=identities",
        "-F", "use_safe_filename=false")
    assert said == {
        "file_path": str(node.directory / "models/loras/identities/curled.safetensors"),
        "partial_path": "identities/curled.safetensors", "filename": "curled.safetensors", "file_size": len(safetensors(count=3_000_000)),
        "entity_type": "identities", "upload_timestamp": said["upload_timestamp"],
    }
    deleted = curl(
        "-X", "DELETE", f"{node.url}{base}/admin/lora", "-H", "Content-Type: application/json",
        "-d", json.dumps({"partial_path": said["partial_path"]}))
    assert deleted == {
        "deleted": True, "full_path": said["file_path"],
        "bin_path": str(node.directory / "bin/models/loras/identities/curled.safetensors"), "timestamp": deleted["timestamp"],
    }
    assert curl("-X", "DELETE", f"{node.url}{base}/admin/lora/bin", "-d", '{"all": true}')["purged"] >= 1


def test_checkpoints_of_plain_tensors_are_taken_in_and_others_are_not(node):
    assert upload(node, "torch.pt", checkpoint(), entity_type="product").status_code == 200
    for reduce in [(os.system, ("true",)), (eval, ("1",)), (__import__, ("os",))]:
        answer = upload(node, "evil.pt", checkpoint(reduce=reduce), entity_type="product")
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"][0]["loc"] == ["body", "file"]
    assert upload(node, "short.pt", checkpoint()[:-10], entity_type="product").status_code == 422
    assert listed(node, entity_type="product") == ["product/torch.pt"]


def test_fifty_uploads_of_one_name_at_once_get_fifty_names(node):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(
            lambda number: upload(node, "same.safetensors", safetensors(number, 100_000), entity_type="styles"), range(50)))
    assert [answer.text for answer in answers if answer.status_code != 200] == []
    names = ["same"] + [f"same_v{number}" for number in range(2, 51)]
    assert sorted(answer.json()["partial_path"] for answer in answers) == sorted(f"styles/{name}.safetensors" for name in names)
    for number, answer in enumerate(answers):
        assert open(answer.json()["file_path"], "rb").read() == safetensors(number, 100_000)


def test_a_node_that_is_killed_in_the_middle_of_an_upload_keeps_nothing_of_it(hub_url):
    with tempfile.TemporaryDirectory(prefix="shoal-clients-") as directory:
        node = Node(directory, hub_url)
        incoming = node.directory / "models/loras/.incoming"
        try:
            address = urllib.parse.urlsplit(node.url)
            head = (
                f"POST {ADMIN}/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {node.key}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n"
                '--x\r\nContent-Disposition: form-data; name="file"; filename="half.safetensors"\r\n\r\n')
            with socket.create_connection((address.hostname, address.port)) as client:
                client.sendall(head.encode() + safetensors(count=4_000_000))
                eventually(lambda: [file for file in incoming.iterdir() if file.stat().st_size > 1_000_000], within=30)
                node.process.kill()
                node.process.wait()
            assert list(incoming.iterdir())
            node.start(hub_url)
            assert list(incoming.iterdir()) == []
            assert listed(node) == []
            said = upload(node, "half.safetensors", safetensors()).json()
            assert said["partial_path"] == "no_type_provided/half.safetensors" and "same_as" not in said
        finally:
            node.stop()


def test_a_client_that_goes_away_leaves_nothing(node):
    incoming = node.directory / "models/loras/.incoming"
    address = urllib.parse.urlsplit(node.url)
    head = (
        f"POST /lora/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {node.key}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n")
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="gone.safetensors"\r\n\r\n' + "a" * 1000
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(head.encode() + f"{len(part):x}\r\n{part}\r\n".encode())
        eventually(lambda: list(incoming.iterdir()), within=30)
    eventually(lambda: not list(incoming.iterdir()), within=30)
    assert "no_type_provided/gone.safetensors" not in listed(node)


def test_the_command_line_uploads_lists_removes_restores_and_purges(node, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(safetensors(9, 700_000))
    sent = shoal(node, "upload", str(file), "--type", "faces")
    assert (sent.returncode, sent.stdout) == (0, "faces/mine.safetensors\n"), sent.stderr
    assert "uploading mine.safetensors: 100 %" in sent.stderr
    again = shoal(node, "upload", str(file), "--type", "faces", "--keep-name")
    assert again.returncode == 1 and "already" in again.stderr
    second = json.loads(shoal(node, "upload", str(file), "--type", "faces", "--json").stdout)
    assert second["partial_path"] == "faces/mine_v2.safetensors" and second["same_as"] == "faces/mine.safetensors"

    files = json.loads(shoal(node, "list", "--type", "faces", "--json").stdout)["files"]
    assert [file["partial_path"] for file in files] == ["faces/mine.safetensors", "faces/mine_v2.safetensors"]
    assert files[0]["sha256"] == files[1]["sha256"]
    assert json.loads(shoal(node, "show", "faces/mine.safetensors", "--json").stdout) == files[0]
    assert files[0]["sha256"] in shoal(node, "show", "faces/mine.safetensors").stdout
    assert shoal(node, "show", "faces/none.safetensors").returncode == 1

    assert shoal(node, "rm", "faces/mine.safetensors").returncode == 0
    assert shoal(node, "remove", "faces/mine.safetensors").returncode == 1
    assert shoal(node, "list", "--bin", "--type", "faces", "--quiet").stdout == "faces/mine.safetensors\n"
    assert shoal(node, "restore", "faces/mine.safetensors").stdout == "faces/mine.safetensors\n"
    shoal(node, "rm", "faces/mine.safetensors")
    assert shoal(node, "purge", "faces/mine.safetensors").stdout == "1 file removed\n"
    assert shoal(node, "purge").returncode == 64
    assert shoal(node, "upload", str(tmp_path / "missing.pt")).returncode == 1
    (tmp_path / "notes.txt").write_text("")
    assert "extension" in shoal(node, "upload", str(tmp_path / "notes.txt")).stderr


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_the_command_line_uploads_regular_files_only(node, tmp_path, make):
    path = tmp_path / "mine.safetensors"
    make(path)
    sent = shoal(node, "upload", str(path))
    assert (sent.returncode, sent.stdout) == (1, "")
    assert "no regular file" in sent.stderr and str(path) in sent.stderr


def test_users_upload_and_administrators_do_the_rest(node):
    subprocess.run(
        [str(BINARIES / "shoal"), "user", "add", "painter", "--data-dir", str(node.directory)], input="correct horse battery\n",
        text=True, check=True, capture_output=True, timeout=60)
    token = subprocess.run(
        [str(BINARIES / "shoal"), "token", "add", "easel", "--user", "painter", "--data-dir", str(node.directory)],
        text=True, check=True, capture_output=True, timeout=60).stdout.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    file = {"file": ("painted.safetensors", safetensors())}
    said = requests.post(node.url + "/api/v1/lora/upload", headers=bearer, files=file, timeout=60)
    assert said.status_code == 200 and "entity_type" not in said.json(), said.text
    assert requests.post(node.url + ADMIN + "/upload", headers=bearer, files=file, timeout=60).status_code == 403
    assert requests.get(node.url + ADMIN, headers=bearer, timeout=60).json() == {"detail": "this is for administrators"}
    refused = requests.post(
        node.url + "/lora/upload", headers=bearer, files=file, data={"entity_type": "faces"}, timeout=60)
    assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", "entity_type"]
    log = requests.get(node.url + "/admin/api/audit", headers=headers(node), timeout=60).json()["entries"]
    assert [(entry["actor"], entry["outcome"]) for entry in log if entry["action"] == "lora.upload"][:2] == [
        ("painter", "refused"), ("painter", "done")]
