"""Fixtures: a real node with the demo model, and the official client of it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import openai
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("SHOAL_BIN", ROOT / ".build" / "debug"))
DEMO = ROOT / "Models" / "demo" / "shoal-demo.gguf"
HUB = ROOT / "Tests" / "StandInHub" / "hub.py"
# A repository of the stand-in hub that the node is pointed to.
REPOSITORY = "shoal/demo-GGUF"

# Whether everything is tried that can be: `make thorough` says so.
IS_THOROUGH = os.environ.get("SHOAL_ROUNDS") == "all"

# What the made-up requests of the contract's tests are made from.
SEED = int(os.environ.get("SHOAL_CONTRACT_SEED", "8800"))


def pytest_report_header():
    return f"SHOAL_CONTRACT_SEED={SEED}"


class Node:
    """A `shoal serve` on a data directory of its own, holding all of the demo model."""

    def __init__(self, directory, hub):
        self.directory = pathlib.Path(directory)
        program = str(BINARIES / "shoal")
        data = ["--data-dir", str(self.directory)]
        imported = subprocess.run(
            [program, "import", str(DEMO), *data], capture_output=True, text=True, check=True, timeout=120
        )
        self.model = imported.stdout.strip().splitlines()[-1]
        self.start(hub)

    def start(self, hub, **options):
        self.log = open(self.directory / "node.log", "w+")
        self.process = subprocess.Popen(
            [str(BINARIES / "shoal"), "serve", "--data-dir", str(self.directory), "--port", "0",
             "--swarm-host", "127.0.0.1", "--swarm-port", "0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=os.environ | {"HF_ENDPOINT": hub}, **options,
        )
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), f"the node did not start: {line!r} {self.errors()}"
        self.url = line.removeprefix("listening on ")
        self.key = (self.directory / "api_key").read_text().strip()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path, body):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def errors(self):
        self.log.flush()
        return (self.directory / "node.log").read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        finally:
            self.process.kill()
            self.log.close()


def eventually(condition, within):
    """What `condition` returns once that is true; fails when `within` seconds have passed."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return value


@pytest.fixture(scope="session")
def hub_url(tmp_path_factory):
    """A stand-in hub with the demo model, and nothing of what goes on outside."""
    root = tmp_path_factory.mktemp("hub")
    folder = root / REPOSITORY
    folder.mkdir(parents=True)
    shutil.copyfile(DEMO, folder / "demo.Q8_0.gguf")
    process = subprocess.Popen(
        [sys.executable, str(HUB), "--root", str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip().removeprefix("listening on ")
    finally:
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def node(hub_url):
    with tempfile.TemporaryDirectory(prefix="shoal-clients-") as directory:
        node = Node(directory, hub_url)
        try:
            yield node
        finally:
            node.stop()


@pytest.fixture(scope="session")
def client(node):
    return openai.OpenAI(base_url=node.url + "/v1", api_key=node.key, max_retries=0, timeout=120)
