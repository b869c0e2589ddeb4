"""Measures what a node's memory grows by while it fetches a model, from the stand-in hub or from a peer."""

import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time

from client import Node

HUB = pathlib.Path(__file__).parent.parent / "Tests/StandInHub/hub.py"
REPOSITORY = "bench/fetched-GGUF"
INTERVAL_SECONDS = 0.05
LIMIT_SECONDS = 300
# Where no hub is: what a peer has must come from the peer.
NO_HUB = "http://127.0.0.1:9"


class Hub:
    """A running stand-in hub with one model."""

    def __init__(self, root: pathlib.Path, model: pathlib.Path):
        folder = root / REPOSITORY
        folder.mkdir(parents=True)
        os.link(model, folder / "fetched.gguf")
        self.process = subprocess.Popen(
            [sys.executable, HUB, "--root", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip().removeprefix("listening on ")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(15)


class Watch:
    """The highest resident memory of a node from here to the end of the block, in megabytes; `own` is without mapped files."""

    def __init__(self, node: Node):
        self.node = node
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def sample(self) -> tuple[float, float]:
        return self.node.resident_megabytes(), self.node.resident_megabytes("RssAnon")

    def run(self):
        while not self.ended.wait(INTERVAL_SECONDS):
            resident, own = self.sample()
            self.highest, self.highest_own = max(self.highest, resident), max(self.highest_own, own)

    def __enter__(self):
        self.highest, self.highest_own = self.start, self.start_own = self.sample()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    @property
    def growth(self) -> float:
        return self.highest - self.start

    @property
    def own_growth(self) -> float:
        return self.highest_own - self.start_own


def fetch(node: Node, bytes: int, source: str, request) -> tuple[Watch, float]:
    """The memory, and megabytes per second, from before `request` until the node holds the model, all of it from `source`."""
    with Watch(node) as watch:
        began = time.monotonic()
        model = request(node)
        while (status := node.get(f"/api/admin/models/{model}/status"))["state"] != "complete":
            is_coming = status["state"] in ("awaiting_manifest", "downloading")
            if not is_coming or time.monotonic() - began > LIMIT_SECONDS:
                raise SystemExit(f"bench: the model is not fetched: {status}")
            time.sleep(INTERVAL_SECONDS)
        seconds = time.monotonic() - began
    if status["source"] != source:
        raise SystemExit(f"bench: the model came from {status['source']} instead of {source}")
    return watch, bytes / seconds / 1e6


def from_hub(node: Node) -> str:
    wish = {"repo_id": REPOSITORY, "filename": "fetched.gguf", "all_shards": True}
    return node.post("/api/admin/hf/download-shards", wish)["model_id"]


def from_peer(node: Node) -> str:
    """Asks for every shard of the model that peers hold; all are asked for before anybody asks whether they are there."""
    [model] = node.get("/api/admin/models")
    first = f"/api/admin/models/{model['id']}/shards/0/download"
    node.post(first, {})  # brings the header, and with it the number of shards
    [model] = node.get("/api/admin/models")
    for index in range(1, model["shard_count"]):
        node.post(f"/api/admin/models/{model['id']}/shards/{index}/download", {})
    return model["id"]
