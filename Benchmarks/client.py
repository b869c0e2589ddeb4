"""What the benchmarks need of a node: processes to start, and streamed completions with the time of every token."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

WORD = " w"  # every token that the random model makes begins like this


def free_port() -> int:
    """A port below those that the system gives to outgoing connections, so that none takes it before the node does."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as handle:
            handle.bind(("127.0.0.1", port))
            return port
    raise SystemExit("bench: no port is free")


@dataclasses.dataclass
class Answer:
    """One streamed completion; times are seconds after the request was sent."""

    times: list[float]

    @property
    def first(self) -> float:
        return self.times[0]

    @property
    def rate(self) -> float:
        """Tokens per second after the first one."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


class Node:
    """A running `shoal serve` with a data directory of its own."""

    def __init__(self, bin: pathlib.Path, data: pathlib.Path, join: str | None = None, hub: str | None = None):
        self.bin, self.data, self.port = bin, data, free_port()
        command = [bin / "shoal", "serve", "--data-dir", data, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--swarm-host", "127.0.0.1", "--swarm-port", "0"]
        command += ["--join", join] if join else []
        data.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with open(data.with_suffix(".log"), "wb") as log:
            # Nodes that fetch shards from each other would not be measured as they were set up.
            environment = os.environ | {"SHOAL_AUTO_MANAGE_ENABLED": "false"} | ({"HF_ENDPOINT": hub} if hub else {})
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.start_seconds = self._wait("/health", began) - began
        self.key = (data / "api_key").read_text().strip()

    def _wait(self, path: str, began: float, limit: float = 30) -> float:
        """Polls until the path answers 200; the time when it did."""
        while time.monotonic() - began < limit:
            if self.process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return time.monotonic()
            except OSError:
                pass
            time.sleep(0.002)
        log = self.data.with_suffix(".log")
        raise SystemExit(f"bench: a node does not answer {path}; the end of {log}:\n{log.read_text()[-2000:]}")

    def wait_ready(self, peers: int = 0):
        self._wait("/health/ready", time.monotonic())
        for _ in range(200):
            if len(json.loads(self.run("peers", "--json")) or []) >= peers:
                return
            time.sleep(0.1)
        raise SystemExit("bench: the nodes do not find each other")

    def run(self, *arguments: str) -> str:
        """A command of `shoal` against this node."""
        return subprocess.run(
            [self.bin / "shoal", *arguments, "--data-dir", self.data], check=True, capture_output=True, text=True
        ).stdout

    def resident_megabytes(self, field: str = "VmRSS") -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        raise SystemExit(f"bench: no {field}")

    def busy_percent(self, seconds: float) -> float:
        """What the process uses of one core, over that time."""
        began, before = time.monotonic(), self._processor_seconds()
        time.sleep(seconds)
        return (self._processor_seconds() - before) / (time.monotonic() - began) * 100

    def _processor_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str):
        return self._ask("GET", path)

    def post(self, path: str, body: dict):
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None = None):
        """What the node answers, decoded."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != 200:
            raise SystemExit(f"bench: {path} answered {response.status}: {text[:1000]!r}")
        return json.loads(text)

    def complete(self, prompt: list[int], tokens: int, **options) -> Answer:
        """Greedy completion of token ids, streamed."""
        body = {"model": "random", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True}
        body |= {"ignore_eos": True, "cache_prompt": False} | options
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        began = time.monotonic()
        connection.request("POST", "/v1/completions", json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"bench: /v1/completions answered {response.status}: {response.read()[:1000]!r}")
        times: list[float] = []
        for line in response:
            if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise SystemExit(f"bench: the stream failed: {event['error']}")
            now = time.monotonic() - began
            for choice in event.get("choices", []):
                times += [now] * choice.get("text", "").count(WORD)
        connection.close()
        if len(times) != tokens:
            raise SystemExit(f"bench: {len(times)} tokens instead of {tokens}")
        return Answer(times)

    def complete_many(self, prompts: list[list[int]], tokens: int) -> float:
        """Tokens per second of all prompts together while all of them are being decoded."""
        answers: list[tuple[float, Answer]] = []

        def ask(prompt: list[int]):
            began = time.monotonic()
            answers.append((began, self.complete(prompt, tokens)))

        threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in prompts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(answers) != len(prompts):
            raise SystemExit("bench: a session failed")
        times = [[began + at for at in answer.times] for began, answer in answers]
        start, end = max(row[0] for row in times), min(row[-1] for row in times)
        # Each session by its own first and last token of that time: the order within a step would tilt a common count.
        shared = [[at for at in row if start <= at <= end] for row in times]
        if any(len(row) < 2 for row in shared):
            raise SystemExit("bench: the sessions did not run at the same time")
        return sum((len(row) - 1) / (row[-1] - row[0]) for row in shared)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Direct:
    """The program of `direct.c`, with the model loaded."""

    def __init__(self, program: pathlib.Path, model: pathlib.Path, threads: int, *options: str):
        self.process = subprocess.Popen(
            [program, model, str(threads), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("bench: libllama does not load the model")

    def measure(self, *command) -> float:
        """Tokens per second of one command of `direct.c`."""
        self.process.stdin.write(" ".join(map(str, command)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("bench: the direct program ended")
        return float(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(15)
