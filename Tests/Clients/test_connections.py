"""Connections that ask for nothing, or for ever, keep nobody out."""

import contextlib
import json
import resource
import socket
import tempfile
import time

import pytest
from conftest import Node, eventually

# Half of them are for HTTP connections, three quarters of those for one address.
FILES = 256


class Narrow(Node):
    """A node that may have few files open."""

    def start(self, hub):
        super().start(hub, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)))

    @property
    def address(self):
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def connect(self):
        return socket.create_connection(self.address, timeout=60)


@pytest.fixture(scope="module")
def narrow():
    with tempfile.TemporaryDirectory(prefix="shoal-connections-") as folder:
        node = Narrow(folder, "http://127.0.0.1:1")
        yield node
        node.stop()


def closes(connection):
    """Everything that still comes, until the node ends the connection."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("begin", [b"", b"GET / HT", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"],
                         ids=["silent", "half a line", "half a head"])
def test_idle_connections_make_room_for_those_that_ask(narrow, begin):
    with contextlib.ExitStack() as stack:
        idle = []
        for _ in range(4 * FILES):
            idle.append(stack.enter_context(narrow.connect()))
            with contextlib.suppress(OSError):
                idle[-1].sendall(begin)
        body = {"model": narrow.model, "prompt": "A shoal is", "max_tokens": 4}
        assert eventually(lambda: narrow.post("/v1/completions", body)["usage"]["completion_tokens"] == 4, within=20)
        assert "too many connections" in json.dumps(narrow.get("/health"))
        assert "too many connections" in narrow.errors()
        idle[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            idle[-1].recv(1)
        assert closes(idle[0]) == b""


def test_a_body_that_trickles_after_its_refusal_is_cut_off(narrow):
    with narrow.connect() as connection:
        connection.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\nContent-Length: 100000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - began < 8, "the connection was kept"
