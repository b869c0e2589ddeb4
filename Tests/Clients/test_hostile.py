"""One caller's request never stops another's: attacks against one node and against two, beside a stream that must go on."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import pytest
from attacks import ATTACKS, MANY_OBJECTS
from conftest import BINARIES, DEMO, Node, eventually

# A stream may pause for a second; machines that test may be three times as slow as that is meant for.
SLOW = float(os.environ.get("SHOAL_SLOWNESS", "3"))


class Half(Node):
    """A node with some shards of the demo model."""

    def __init__(self, directory, shards, join=None):
        self.directory = pathlib.Path(directory)
        data = ["--data-dir", str(self.directory)]
        imported = subprocess.run(
            [str(BINARIES / "shoal"), "import", str(DEMO), *data, "--shard-size-mb", "2", *shards],
            capture_output=True, text=True, check=True, timeout=120,
        )
        self.model = imported.stdout.strip().splitlines()[-1]
        os.environ["SHOAL_AUTO_MANAGE_ENABLED"] = "false"
        self.start("http://127.0.0.1:1")
        if join:
            subprocess.run(
                [str(BINARIES / "shoal"), "join", join, *data], check=True, capture_output=True, timeout=60)

    def user(self, name):
        """An API token of a new user."""
        run = lambda *arguments, **options: subprocess.run(
            [str(BINARIES / "shoal"), *arguments, "--data-dir", str(self.directory)], check=True, text=True,
            capture_output=True, timeout=60, **options).stdout.strip()
        run("user", "add", name, input="correct horse battery\n")
        return run("token", "add", "test", "--user", name).splitlines()[-1]

    def send(self, path, body, timeout=60, key=None):
        """Status and answer of a request, and how long it took."""
        data = body if isinstance(body, bytes) else json.dumps(body).replace('"MODEL"', f'"{self.model}"').encode()
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        began = time.monotonic()
        try:
            with urllib.request.urlopen(
                    urllib.request.Request(self.url + path, data, headers), timeout=timeout) as answer:
                return answer.status, answer.read(), time.monotonic() - began
        except urllib.error.HTTPError as error:
            return error.code, error.read(), time.monotonic() - began

    def leave(self, body, after=None):
        """Sends a request and goes: after so many seconds, or else when the answer has begun."""
        data = json.dumps(body).replace('"MODEL"', f'"{self.model}"').encode()
        host, port = self.url.removeprefix("http://").split(":")
        head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head.encode() + data)
            if after is not None:
                return time.sleep(after)
            with connection.makefile("rb") as answer:
                assert b" 200 " in answer.readline()
                while not answer.readline().startswith(b"data: "):
                    pass

    @staticmethod
    def cut(answer):
        """Ends the connection of an answer that somebody else reads."""
        answer.fp.raw._sock.shutdown(socket.SHUT_RDWR)

    def engines(self, preparing=False):
        """Process ids of the engines that compute, or of those that prepare prompts."""
        found = set()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                if int((path / "stat").read_text().rsplit(")", 1)[1].split()[1]) != self.process.pid:
                    continue
                arguments = (path / "cmdline").read_bytes().split(b"\0")
                if b"shoal-engine" in arguments[0] and (b"--prepare" in arguments) == preparing:
                    found.add(int(path.name))
        return found

    def resident(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture(scope="module", params=[1, 2], ids=["one node", "two nodes"])
def nodes(request):
    with contextlib.ExitStack() as stack:
        folder = lambda: stack.enter_context(tempfile.TemporaryDirectory(prefix="shoal-hostile-"))
        if request.param == 1:
            nodes = [Half(folder(), [])]
        else:
            nodes = [Half(folder(), ["--shards", "0"])]
            stack.callback(nodes[0].stop)
            code = subprocess.run(
                [str(BINARIES / "shoal"), "invite", "--data-dir", str(nodes[0].directory)],
                capture_output=True, text=True, check=True, timeout=60).stdout.strip()
            nodes.append(Half(folder(), ["--shards", "1"], join=code))
        stack.callback(nodes[-1].stop)
        eventually(lambda: nodes[0].send("/v1/chat/completions", warm())[0] == 200, within=60)
        yield nodes


def warm():
    return {"model": "MODEL", "messages": [{"role": "user", "content": "What is Shoal?"}], "max_tokens": 4}


class Stream:
    """Another user's answer, as long as the context allows, with the times at which its pieces came."""

    def __init__(self, node, tokens=300):
        self.times, self.finish = [], None
        body = {"model": node.model, "prompt": "A shoal is", "max_tokens": tokens, "stream": True, "ignore_eos": True,
                "temperature": 0, "stream_options": {"include_usage": True}}
        headers = {"Authorization": f"Bearer {node.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(node.url + "/v1/completions", json.dumps(body).encode(), headers)
        self.tokens = None
        self.thread = threading.Thread(target=self.read, args=(request,))
        self.thread.start()

    def read(self, request):
        with urllib.request.urlopen(request, timeout=120) as answer:
            for line in answer:
                if not line.startswith(b"data: {"):
                    continue
                self.times.append(time.monotonic())
                event = json.loads(line[6:])
                for choice in event.get("choices", []):
                    self.finish = choice.get("finish_reason") or self.finish
                if event.get("usage"):
                    self.tokens = event["usage"]["completion_tokens"]

    def end(self):
        self.thread.join(timeout=120)
        pauses = [later - earlier for earlier, later in zip(self.times, self.times[1:])]
        return self.tokens, max(pauses, default=0)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_answered_at_once_and_disturbs_nobody(nodes, attack):
    node = nodes[0]
    node.send("/v1/chat/completions", warm())
    engines = [node.engines() for node in nodes]
    before = node.resident()
    stream = Stream(node)
    eventually(lambda: len(stream.times) > 2, within=30)
    status, body, seconds = node.send(attack.path, attack.body)
    tokens, pause = stream.end()
    assert status in attack.statuses, body[:500]
    assert seconds <= 2 * SLOW, f"{attack.name} took {seconds:.1f} s"
    assert tokens == 300, "the stream beside it lost tokens"
    assert pause <= 1 * SLOW, f"the stream beside it paused for {pause:.1f} s"
    assert [node.engines() for node in nodes] == engines, "an engine was ended"
    assert node.resident() - before <= 64 << 20, "the daemon has grown"


# Asks for /health until standard input closes, in a process that nothing else keeps busy, and prints the times.
WATCH = """
import http.client, json, select, sys, time
host, waits = sys.argv[1], []
while not select.select([sys.stdin], [], [], 0.01)[0]:
    began = time.monotonic()
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", "/health")
    connection.getresponse().read()
    waits.append(time.monotonic() - began)
print(json.dumps(waits))
"""


def test_all_attacks_at_once_leave_the_node_well(nodes):
    node = nodes[0]
    node.send("/v1/chat/completions", warm())
    engines = [node.engines() for node in nodes]
    bodies = [json.dumps(attack.body).replace('"MODEL"', f'"{node.model}"').encode() for attack in ATTACKS]
    watcher = subprocess.Popen(
        [sys.executable, "-c", WATCH, node.url.removeprefix("http://")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda attack, body: node.send(attack.path, body), ATTACKS, bodies))
        many = node.send("/v1/chat/completions", MANY_OBJECTS)
    waits = sorted(json.loads(watcher.communicate("end", timeout=30)[0]))
    for attack, (status, body, _) in zip(ATTACKS, answers):
        assert status in (*attack.statuses, 429, 503), (attack.name, status, body[:300])
    assert many[0] in (400, 413), many[1][:300]
    slow = waits[int(len(waits) * 0.99)]
    assert slow <= 0.05 * SLOW, f"/health took {slow * 1000:.0f} ms"
    assert node.send("/v1/chat/completions", warm())[0] == 200
    assert [node.engines() for node in nodes] == engines


def test_requests_outlive_the_process_that_prepares_them(nodes):
    node = nodes[0]
    node.send("/v1/chat/completions", warm())
    engines = node.engines()
    killed = 0
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(node.send, "/v1/chat/completions", warm()) for _ in range(50)]
        while not all(answer.done() for answer in answers):
            for process in node.engines(preparing=True) if killed < 3 else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed += 1
            time.sleep(0.05)
        statuses = [answer.result()[0] for answer in answers]
    assert killed > 0
    assert set(statuses) <= {200, 503}, statuses
    assert statuses.count(200) >= 25, statuses
    assert node.engines() == engines
    assert node.send("/v1/chat/completions", warm())[0] == 200


def test_who_asks_for_much_leaves_room_for_others(nodes):
    node = nodes[0]
    name = f"u{len(nodes)}"
    greedy, modest = node.user(f"greedy-{name}"), node.user(f"modest-{name}")
    engines = [node.engines() for node in nodes]
    many = {"model": node.model, "messages": [{"role": "user", "content": "Hi"}], "n": 128, "max_tokens": 900, "stream": True,
            "ignore_eos": True}
    headers = {"Authorization": f"Bearer {greedy}", "Content-Type": "application/json"}
    request = urllib.request.Request(node.url + "/v1/chat/completions", json.dumps(many).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        pieces = []

        def read():
            with contextlib.suppress(ValueError, OSError):
                pieces.extend(line for line in answer if line.startswith(b"data: "))

        reader = threading.Thread(target=read)
        reader.start()
        asked = 0
        # The cache holds 8,192 tokens: at the end it has been full for a while.
        while asked < 3 or len(pieces) < 10_000:
            assert reader.is_alive(), pieces[-1:]
            status, body, seconds = node.send("/v1/chat/completions", warm() | {"max_tokens": 3}, key=modest)
            asked += 1
            assert status == 200, body[:300]
            assert seconds <= 5 * SLOW, f"three tokens took {seconds:.1f} s beside 128 answers"
            time.sleep(0.2)
        node.cut(answer)
        reader.join(timeout=10)
    assert not any(b'"error"' in piece for piece in pieces)
    assert [node.engines() for node in nodes] == engines, "an engine was ended"


def test_connections_outlast_the_requests_that_end_on_them(nodes):
    """A server closes an HTTP/2 connection on which more than 200 streams are reset in 30 seconds."""
    node = nodes[0]
    node.send("/v1/chat/completions", warm())
    processes = [(node.engines(), node.engines(preparing=True)) for node in nodes]
    before = [len(node.errors()) for node in nodes]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    kinds = [warm(), warm() | {"max_tokens": 40, "stop": "o"}, warm() | {"tools": [tool]}]
    long = warm() | {"stream": True, "max_tokens": 900, "ignore_eos": True}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for kind in kinds:
            answers = list(pool.map(lambda _: node.send("/v1/chat/completions", kind), range(220)))
            assert {status for status, _, _ in answers} == {200}
        list(pool.map(lambda _: node.leave(long), range(220)))
        list(pool.map(lambda _: node.leave(long | {"tools": [tool]}, after=0.005), range(220)))
    assert node.send("/v1/chat/completions", warm())[0] == 200
    assert [(node.engines(), node.engines(preparing=True)) for node in nodes] == processes
    for node, length in zip(nodes, before):
        assert "its stream broke" not in node.errors()[length:]


def test_a_node_stops_while_it_is_attacked():
    with tempfile.TemporaryDirectory(prefix="shoal-hostile-") as folder:
        node = Half(folder, [])
        eventually(lambda: node.send("/v1/chat/completions", warm())[0] == 200, within=60)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            def attack(attack):
                with contextlib.suppress(OSError):
                    node.send(attack.path, attack.body)
            for one in ATTACKS:
                pool.submit(attack, one)
            time.sleep(0.3)
            began = time.monotonic()
            node.process.send_signal(signal.SIGTERM)
            node.process.wait(timeout=30)
            assert time.monotonic() - began <= 10
            assert node.engines() | node.engines(preparing=True) == set()
