"""A node behind nginx, set up as docs/proxy.md says."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest
from conftest import ROOT, Node, eventually

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def documented():
    """The server block of the page, without what belongs to its certificate."""
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "proxy.md").read_text(), re.S)[1]
    return re.sub(r" *(ssl_certificate|server_name).*\n", "", block)


class Proxy:
    """An nginx of its own."""

    def __init__(self, folder, node, change=lambda text: text):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = change(documented().replace("443 ssl", f"127.0.0.1:{port}").replace("http://127.0.0.1:8800", node.url))
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = f"{folder}/nginx.conf"
        with open(configuration, "w") as file:
            file.write(f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
                       f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{server}\n}}\n")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([NGINX, "-p", folder, "-c", configuration, "-e", "stderr"])
        eventually(lambda: self.status("/health") == 200, within=20)

    def open(self, path, body=None, headers={}):
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.urlopen(
            urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"} | headers), timeout=60)

    def status(self, path, **options):
        try:
            with self.open(path, **options) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def trusting():
    """A node that believes the proxy."""
    os.environ["SHOAL_API_TRUSTED_PROXIES"] = "127.0.0.1"
    with tempfile.TemporaryDirectory(prefix="shoal-proxy-") as folder:
        try:
            node = Node(folder, "http://127.0.0.1:1")
        finally:
            del os.environ["SHOAL_API_TRUSTED_PROXIES"]
        yield node
        node.stop()


@pytest.fixture(params=["as documented", "HTTP/1.0"])
def proxy(request, node):
    change = {"HTTP/1.0": lambda text: re.sub(" *proxy_(http_version|set_header Connection).*\n", "", text)}
    with tempfile.TemporaryDirectory(prefix="shoal-nginx-") as folder:
        proxy = Proxy(folder, node, change.get(request.param, lambda text: text))
        yield proxy
        proxy.stop()


def test_nobody_is_local_behind_a_proxy(node, proxy):
    assert node.get("/api/admin/stats")
    for path in ["/api/admin/stats", "/v1/models", "/metrics"]:
        assert proxy.status(path) == 401, path
        assert proxy.status(path, headers={"Host": "localhost"}) == 401, path
        assert proxy.status(path, headers={"Authorization": f"Bearer {node.key}"}) == 200, path
    assert proxy.status("/api/admin/shutdown", body={}, headers={"Authorization": f"Bearer {node.key}"}) == 403


def test_answers_come_token_by_token(node, proxy):
    body = {"model": node.model, "prompt": "A shoal is", "max_tokens": 300, "stream": True, "ignore_eos": True}
    began, times = time.monotonic(), []
    with proxy.open("/v1/completions", body, {"Authorization": f"Bearer {node.key}"}) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                times.append(time.monotonic() - began)
    assert line == b"\n" and len(times) > 200
    assert times[20] < times[-1] / 2, "the answer came in one piece"


def test_large_bodies_and_refusals_pass(node, proxy):
    headers = {"Authorization": f"Bearer {node.key}"}
    assert proxy.status("/tokenize", body={"model": node.model, "content": "a" * 3_000}, headers=headers) == 200
    assert proxy.status("/v1/completions", body={"model": node.model, "prompt": "a" * (33 << 20)}, headers=headers) == 413
    assert proxy.status("/v1/completions", body={"model": node.model, "prompt": "a" * 100_000}) == 401


def test_a_trusted_proxy_says_who_asks(trusting):
    with tempfile.TemporaryDirectory(prefix="shoal-nginx-") as folder:
        proxy = Proxy(folder, trusting)
        try:
            who = {"username": "nobody", "password": "x"}
            assert proxy.status("/api/auth/login", body=who, headers={"X-Forwarded-For": "203.0.113.9"}) == 401
        finally:
            proxy.stop()
    request = urllib.request.Request(
        trusting.url + "/admin/api/audit", headers={"Authorization": f"Bearer {trusting.key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert "203.0.113.9" in answer.read().decode()
