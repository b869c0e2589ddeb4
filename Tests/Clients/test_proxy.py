"""A node behind nginx and behind Caddy, set up as docs/proxy.md says."""

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

PATH = os.environ["PATH"] + ":/usr/sbin"


def documented(language):
    """The block of the page in a language."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "proxy.md").read_text(), re.S)[1]


def nginx(folder, port, node, change=lambda text: text):
    """Its command line, set up as the page says but for the certificate and the address."""
    server = re.sub(r" *(ssl_certificate|server_name).*\n", "", documented("nginx"))
    server = change(server.replace("443 ssl", f"127.0.0.1:{port}").replace("http://127.0.0.1:8800", node.url))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = f"{folder}/nginx.conf"
    with open(configuration, "w") as file:
        file.write(f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
                   f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{server}\n}}\n")
    return ["nginx", "-p", folder, "-c", configuration, "-e", "stderr"]


def nginx_with_http_1_0(folder, port, node):
    """What nginx does where nobody sets the version."""
    return nginx(
        folder, port, node, lambda text: re.sub(" *proxy_(http_version|set_header Connection).*\n", "", text))


def caddy(folder, port, node):
    """Its command line, set up as the page says but for the address."""
    site = documented("caddy").replace("models.example.org", f"http://127.0.0.1:{port}, http://localhost:{port}")
    configuration = f"{folder}/Caddyfile"
    with open(configuration, "w") as file:
        file.write("{\n    admin off\n    auto_https off\n}\n" + site.replace("127.0.0.1:8800", node.url.removeprefix("http://")))
    return ["caddy", "run", "--config", configuration, "--adapter", "caddyfile"]


class Proxy:
    """A proxy of its own."""

    def __init__(self, folder, node, command):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = command(folder, port, node)
        program = shutil.which(words[0], path=PATH)
        if program is None:
            pytest.skip(f"{words[0]} is not installed")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [program, *words[1:]], env=os.environ | {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder})
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


@pytest.fixture(params=[nginx, nginx_with_http_1_0, caddy])
def proxy(request, node):
    with tempfile.TemporaryDirectory(prefix="shoal-proxy-") as folder:
        proxy = Proxy(folder, node, request.param)
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
    # Not with urllib, which looks for no answer while it still sends.
    asked = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "@-", "-H", f"Authorization: Bearer {node.key}",
         "-H", "Expect:", proxy.url + "/v1/completions"],
        input=json.dumps({"model": node.model, "prompt": "a" * (33 << 20)}), capture_output=True, text=True, timeout=60)
    assert asked.stdout == "413", asked
    assert proxy.status("/v1/completions", body={"model": node.model, "prompt": "a" * 100_000}) == 401


# Caddy does not pass on what a client says of itself, unless it is told whom to believe.
@pytest.mark.parametrize("command, is_passed_on", [(nginx, True), (caddy, False)])
def test_a_trusted_proxy_says_who_asks(trusting, command, is_passed_on):
    said = f"203.0.113.{9 if is_passed_on else 10}"
    with tempfile.TemporaryDirectory(prefix="shoal-proxy-") as folder:
        proxy = Proxy(folder, trusting, command)
        try:
            who = {"username": "nobody", "password": "x"}
            assert proxy.status("/api/auth/login", body=who, headers={"X-Forwarded-For": said}) == 401
        finally:
            proxy.stop()
    request = urllib.request.Request(
        trusting.url + "/admin/api/audit", headers={"Authorization": f"Bearer {trusting.key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert (said in answer.read().decode()) == is_passed_on
