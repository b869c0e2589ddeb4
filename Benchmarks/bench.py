"""Measures Shoal against libllama and one node against two, side by side in one run, and writes `results.md`.

    python bench.py --bin FOLDER --direct PROGRAM --model GGUF --fetched GGUF --listed GGUF
        [--rounds 9] [--models 200] [--only ROW,…] [--output FILE]

In each round all sides of all rows are measured one after the other, in turning order, so that a change of the machine's
speed touches all of them alike. A row is the median of the rounds' ratios.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import accounts
import fetching
import first_token
import listing
import uploading
from client import Direct, Node

PROMPT, DECODED, LONG = 64, 96, 512
SESSIONS, SESSION_TOKENS = 8, 48
IDLE_SETTLE_SECONDS = 3
# The load of the list of models: as many pages as connections, each asking more often than any page does.
SHARDS, CONNECTIONS, PACE, LISTING_SECONDS = 60, 50, 10, 10
WORKERS, HEARTBEAT_SECONDS, HEARTBEAT_ROUNDS = 500, 15, 3
FETCHES, USERS = 3, 100_000
UPLOADS = 9
# The node takes a file's hash after it has answered.
UPLOAD_SETTLE_SECONDS = 1
# Chats before those that count, and those that do.
CHATS_BEFORE = 20
CHATS = 100
HERE = pathlib.Path(__file__).parent


class Bench:
    """The processes under measurement, and what was measured so far."""

    def __init__(self, given: argparse.Namespace, work: pathlib.Path, stack: contextlib.ExitStack):
        self.given, self.work, self.stack = given, work, stack
        self.random = random.Random(8800)
        self.values: dict[str, list[float]] = {}
        self.threads = physical_cores()
        self.one = self.two = self.direct = self.rpc = None

    def prompt(self, length: int) -> list[int]:
        return [self.random.randrange(2000, 30_000) for _ in range(length)]

    def node(self, name: str, shards: str | None, join: str | None = None) -> Node:
        data = self.work / name
        if shards is not None:
            command = [self.given.bin / "shoal", "import", self.given.model, "--data-dir", data, "--model-id", "random"]
            command += ["--shard-size-mb", "512"] + (["--shards", shards] if shards else [])
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"bench: the import failed:\n{done.stderr[-2000:]}")
        node = Node(self.given.bin, data, join)
        self.stack.callback(node.stop)
        return node

    def start(self):
        self.one = self.node("one", "")
        self.two = self.node("first", "0")
        second = self.node("second", "1", join=self.two.run("invite").strip())
        self.one.wait_ready()
        self.two.wait_ready(peers=1)
        second.wait_ready(peers=1)
        self.direct = Direct(self.given.direct, self.given.model, self.threads)
        self.stack.callback(self.direct.stop)
        self.rpc = Direct(self.given.direct, self.given.model, self.threads, "--rpc")
        self.stack.callback(self.rpc.stop)
        for node in (self.one, self.two):  # loads the model, touches every page
            node.complete(self.prompt(PROMPT), 16)
            node.complete(self.prompt(LONG), 2)

    def idle(self):
        for attempt in range(3):
            node = self.node(f"idle-{attempt}", None)
            time.sleep(IDLE_SETTLE_SECONDS)
            self.note("idle start", node.start_seconds)
            self.note("idle memory", node.resident_megabytes())
            print(f"idle {attempt + 1}: {node.start_seconds:.3f} s, {self.values['idle memory'][-1]:.1f} MB", flush=True)
            node.stop()

    def chats(self):
        """Short chats with the demo model, with and without a tool."""
        data = self.work / "chats"
        command = [self.given.bin / "shoal", "import", HERE.parent / "Models/demo/shoal-demo.gguf", "--data-dir", data]
        subprocess.run(command, check=True, capture_output=True)
        node = Node(self.given.bin, data)
        self.stack.callback(node.stop)
        first_token.measure(node, CHATS_BEFORE)
        for name, tools in (("first token", False), ("first token with a tool", True)):
            for value in first_token.measure(node, CHATS, tools):
                self.note(name, value)
            print(f"{name}: {statistics.median(self.values[name]):.2f} ms", flush=True)
        node.stop()

    def note(self, name: str, value: float):
        self.values.setdefault(name, []).append(value)

    def sides(self) -> dict:
        """Every figure that a round measures, by name."""
        return {
            "decode direct": lambda: self.direct.measure("decode", PROMPT, DECODED),
            "decode one": lambda: self.one.complete(self.prompt(PROMPT), DECODED + 1).rate,
            "decode two": lambda: self.two.complete(self.prompt(PROMPT), DECODED + 1).rate,
            "decode rpc": lambda: self.rpc.measure("decode", PROMPT, DECODED),
            "prompt direct": lambda: self.direct.measure("prefill", LONG),
            "prompt one": lambda: LONG / self.one.complete(self.prompt(LONG), 1).first,
            "prompt two": lambda: LONG / self.two.complete(self.prompt(LONG), 1).first,
            "batch direct": lambda: self.direct.measure("batch", SESSIONS, PROMPT, SESSION_TOKENS),
            "batch one": lambda: self.one.complete_many([self.prompt(PROMPT) for _ in range(SESSIONS)], SESSION_TOKENS),
            "repeat": self.repeat,
        }

    def repeat(self) -> float:
        prompt = self.prompt(LONG)
        first = self.one.complete(prompt, 1, cache_prompt=True).first
        second = self.one.complete(prompt, 1, cache_prompt=True).first
        self.note("repeat first", first * 1000)
        self.note("repeat second", second * 1000)
        return second / first

    def transfer(self):
        """A shard between two processes, beside a plain TLS copy of its bytes: both in memory, so that no disk is measured."""
        memory = pathlib.Path("/dev/shm")
        room = memory.is_dir() and shutil.disk_usage(memory).free > 4 * self.given.model.stat().st_size
        work = pathlib.Path(tempfile.mkdtemp(prefix="shoal-transfer-", dir=memory if room else self.work))
        self.stack.callback(shutil.rmtree, work, ignore_errors=True)
        command = [self.given.bin / "shoal-bench-transfer", self.given.model, work, str(self.given.rounds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                name, value = line.rsplit(":", 1)
                self.note(name, float(value))
                print(f"transfer: {name} {float(value):.3g} GB/s", flush=True)
        if process.returncode != 0:
            raise SystemExit("bench: the transfer failed")

    def listing(self):
        """The list of many models, asked for over many connections: at a pace, and as fast as it comes."""
        data = self.given.listed.with_name(f"{self.given.listed.stem}-{self.given.models}")
        listing.make(self.given.bin, self.given.listed, data, self.given.models)
        node = Node(self.given.bin, data)
        self.stack.callback(node.stop)
        node.wait_ready()
        models = node.get("/api/admin/models")
        if [model["hosted_shards"] for model in models] != [SHARDS] * self.given.models:
            raise SystemExit(f"bench: the list has not {self.given.models} models of {SHARDS} shards")
        for side, pace in (("list paced", PACE), ("list saturated", None)):
            times = listing.measure(node.port, CONNECTIONS, LISTING_SECONDS, pace)
            for name, part in (("p50", 0.5), ("p99", 0.99)):
                self.note(f"{side} {name}", listing.quantile(times, part))
            self.note(f"{side} rate", len(times) / LISTING_SECONDS)
            print(f"{side}: {len(times)} answers, p99 {self.values[f'{side} p99'][-1]:.3g} ms", flush=True)
        node.stop()

    def heartbeats(self):
        """What a master spends on workers that have nothing to do, in percent of one core."""
        master = Node(self.given.bin, self.work / "master")
        self.stack.callback(master.stop)
        token = json.loads(master.run("cluster", "token", "add", "bench", "--json"))["token"]
        address = f"127.0.0.1:{json.loads((master.data / 'run.json').read_text())['swarm_port']}"
        time.sleep(IDLE_SETTLE_SECONDS)
        idle = master.busy_percent(HEARTBEAT_SECONDS)
        command = [self.given.bin / "shoal-bench-cluster", address, token, str(WORKERS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as workers:
            if workers.stdout.readline().strip() != "joined":
                raise SystemExit("bench: the workers do not join")
            time.sleep(IDLE_SETTLE_SECONDS)
            for _ in range(HEARTBEAT_ROUNDS):
                self.note("heartbeats", master.busy_percent(HEARTBEAT_SECONDS))
                connected = master.get("/api/admin/cluster_nodes?limit=1")["master_stats"]["connected_nodes"]
                if connected != WORKERS:
                    raise SystemExit(f"bench: {connected} of {WORKERS} workers are connected")
                print(f"heartbeats: {self.values['heartbeats'][-1]:.2f} % (idle {idle:.2f} %)", flush=True)
            workers.stdin.close()
        master.stop()

    def users(self):
        """Pages of a long list of users, asked for like the list of models."""
        node = accounts.start(self.given.bin, self.work / "users", USERS)
        self.stack.callback(node.stop)
        for side, pace in (("users paced", PACE), ("users saturated", None)):
            times = listing.measure(
                node.port, CONNECTIONS, LISTING_SECONDS, pace, accounts.page(node, USERS, CONNECTIONS)
            )
            for name, part in (("p50", 0.5), ("p99", 0.99)):
                self.note(f"{side} {name}", listing.quantile(times, part))
            self.note(f"{side} rate", len(times) / LISTING_SECONDS)
            print(f"{side}: {len(times)} answers, p99 {self.values[f'{side} p99'][-1]:.3g} ms", flush=True)
        node.stop()

    def fetching(self):
        """A model from the hub into one node, and from that one into another; each time into new data directories."""
        bytes = self.given.fetched.stat().st_size
        hub = fetching.Hub(self.work / "hub", self.given.fetched)
        self.stack.callback(hub.stop)
        for number in range(FETCHES):
            nodes = [Node(self.given.bin, self.work / f"fetches-{number}", hub=hub.url)]
            self.stack.callback(nodes[0].stop)
            code = nodes[0].run("invite").strip()
            nodes.append(Node(self.given.bin, self.work / f"fetches-{number}-peer", code, fetching.NO_HUB))
            self.stack.callback(nodes[1].stop)
            nodes[1].wait_ready(peers=1)
            if number == 0:  # the stand-in hashes its file when it is first asked for it
                nodes[0].get(f"/api/admin/hf/probe?repo_id={fetching.REPOSITORY}&filename=fetched.gguf")
            ways = [("hub", "huggingface", fetching.from_hub), ("peer", "peers", fetching.from_peer)]
            for node, (source, name, request) in zip(nodes, ways, strict=True):
                time.sleep(IDLE_SETTLE_SECONDS)
                watch, speed = fetching.fetch(node, bytes, name, request)
                self.note(f"fetch from {source} growth", watch.growth)
                self.note(f"fetch from {source} own growth", watch.own_growth)
                self.note(f"fetch from {source} speed", speed)
                print(f"fetch from {source}: +{watch.growth:.1f} MB, {speed:.0f} MB/s", flush=True)
            for node in reversed(nodes):
                node.stop()
                shutil.rmtree(node.data)

    def uploading(self):
        """A LoRA file over HTTP, and `dd` of the same file, by turns."""
        file = self.work / "upload.safetensors"
        uploading.make(file)
        node = Node(self.given.bin, self.work / "uploads")
        self.stack.callback(node.stop)
        node.wait_ready()
        time.sleep(IDLE_SETTLE_SECONDS)
        before = node.resident_megabytes()
        for number in range(UPLOADS):
            time.sleep(UPLOAD_SETTLE_SECONDS)
            self.note("dd", uploading.copy(file, self.work / "copy"))
            watch, speed = uploading.upload(node, file)
            self.note("upload", speed)
            self.note("upload growth", watch.highest - before)
            print(f"upload {number + 1}: +{watch.highest - before:.1f} MB, {speed:.0f} MB/s, dd {self.values['dd'][-1]:.0f}", flush=True)
        node.stop()

    def rounds(self, wanted: set[str]):
        sides = {name: measure for name, measure in self.sides().items() if name in wanted}
        names = list(sides)
        for number in range(self.given.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                self.note(name, sides[name]())
                print(f"round {number + 1}: {name} {self.values[name][-1]:.3g}", flush=True)

    def median(self, over: str, under: str | None = None) -> float:
        """The median of a figure, or of the ratio of two that every round has measured."""
        if under is None:
            return statistics.median(self.values[over])
        return statistics.median(a / b for a, b in zip(self.values[over], self.values[under], strict=True))


ROWS = [
    # key, what is measured, numerator, denominator, what it must reach
    ("http", "decode, one session over HTTP, one node ÷ libllama driven directly", "decode one", "decode direct", ">= 0.97"),
    ("split", "decode, two nodes on this machine ÷ one node", "decode two", "decode one", ">= 0.95"),
    ("rpc", "the same ÷ llama.cpp's RPC back end with two local servers", "decode two", "decode rpc", "> 1.5"),
    ("prompt-split", "prompt of 512 tokens, two nodes ÷ one node", "prompt two", "prompt one", ">= 0.90"),
    ("sessions", "8 sessions over HTTP, tokens/s in all ÷ libllama's batched decoding of 8 sequences", "batch one", "batch direct", ">= 0.95"),
    ("prompt", "prompt of 512 tokens, one node ÷ libllama with default parameters", "prompt one", "prompt direct", ">= 1.0"),
    ("repeat", "repeated prompt of 512 tokens: time to first token, second ÷ first", "repeat", None, "<= 0.1"),
    ("memory", "daemon without a model: resident memory (MB)", "idle memory", None, "<= 40"),
    ("transfer", "a shard from a peer on this machine ÷ a plain TLS copy of the same bytes", "peer transfer", "plain copy", ">= 0.7"),
    ("verify", "verification of a shard in the page cache (GB/s)", "verification", None, ">= 1"),
    ("fetch", "resident memory that the daemon grows by while it fetches a model of 1 GB from the hub (MB)",
     "fetch from hub growth", None, "<= 64"),
    ("fetch-peer", "the same from a peer (MB)", "fetch from peer growth", None, "<= 64"),
    ("list", "`GET /api/admin/models`, 200 models of 60 shards, 50 connections that ask 10 times a second each: p99 (ms)",
     "list paced p99", None, "<= 10"),
    ("heartbeats", f"{WORKERS} workers with heartbeats every 5 s: what the master uses of one core (%)", "heartbeats", None, "<= 5"),
    ("users", "`GET /admin/api/users`, pages of 100 out of 100,000 users, 50 connections that ask 10 times a second each: p99 (ms)",
     "users paced p99", None, "<= 15"),
    ("users-saturated", "the same, each connection asking again as soon as it has its answer: p99 (ms)",
     "users saturated p99", None, "<= 15"),
    ("upload", "upload of a LoRA file of 500 MB over HTTP ÷ `dd conv=fsync` of the same file to the same disk",
     "upload", "dd", ">= 0.6"),
    ("upload-memory", "resident memory that the daemon grows by meanwhile (MB)", "upload growth", None, "<= 24"),
    ("first", "short chat with the demo model: time to the first token (ms)", "first token", None, "<= 15"),
    ("first-tool", "the same with a tool (ms)", "first token with a tool", None, "<= 30"),
    ("start", "daemon without a model, on a new data directory: `serve` to `/health` (s)", "idle start", None, "<= 0.3"),
]  # fmt: skip


def holds(value: float, bound: str) -> bool:
    sign, limit = bound.split()
    return {">=": value >= float(limit), "<=": value <= float(limit), ">": value > float(limit)}[sign]


def physical_cores() -> int:
    seen = set()
    for path in pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list"):
        seen.add(path.read_text())
    return min(len(seen) or 1, len(os.sched_getaffinity(0)))


def machine() -> str:
    information = pathlib.Path("/proc/cpuinfo").read_text()
    name = next((line.split(":")[1].strip() for line in information.splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    return f"{name}, {physical_cores()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def table(bench: Bench, rows: list) -> str:
    lines = ["| measured | figure | must be | reached |", "|---|---|---|---|"]
    for _, title, over, under, bound in rows:
        value = bench.median(over, under)
        lines.append(f"| {title} | {value:.3g} | {bound} | {'yes' if holds(value, bound) else 'no'} |")
    lines += ["", "Raw figures, median (least to greatest); tokens per second where nothing else is said:", ""]
    units = {"first token": "ms", "first token with a tool": "ms", "repeat first": "ms", "repeat second": "ms", "idle memory": "MB", "idle start": "s", "repeat": "ratio"}
    units |= dict.fromkeys(("peer transfer", "plain copy", "verification"), "GB/s")
    units |= {"heartbeats": "%"}
    units |= {name: "MB" if name.endswith("growth") else "MB/s" for name in bench.values if name.startswith("fetch")}
    units |= {name: "answers/s" if name.endswith("rate") else "ms" for name in bench.values if name.startswith(("list", "users"))}
    units |= {"dd": "MB/s", "upload": "MB/s", "upload growth": "MB"}
    lines += ["| side | median | range |", "|---|---|---|"]
    for name, values in bench.values.items():
        unit = f" ({units[name]})" if name in units else ""
        lines.append(f"| {name}{unit} | {bench.median(name):.4g} | {min(values):.4g} to {max(values):.4g} |")
    return "\n".join(lines)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bin", type=pathlib.Path, required=True)
    arguments.add_argument("--direct", type=pathlib.Path, required=True)
    arguments.add_argument("--model", type=pathlib.Path, required=True)
    arguments.add_argument("--fetched", type=pathlib.Path, required=True)
    arguments.add_argument("--listed", type=pathlib.Path, required=True)
    arguments.add_argument("--models", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--only", default=",".join(row[0] for row in ROWS))
    arguments.add_argument("--output", type=pathlib.Path, default=HERE / "results.md")
    given = arguments.parse_args()
    # A polite kill ends the nodes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows = [row for row in ROWS if row[0] in given.only.split(",")]
    wanted = {side for row in rows for side in row[2:4] if side}

    # Beside the model, so that an import can link the file instead of copying it.
    work = pathlib.Path(tempfile.mkdtemp(prefix="nodes-", dir=given.model.parent))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        bench = Bench(given, work, stack)
        if wanted & {"first token", "first token with a tool"}:
            bench.chats()
        if wanted & {"idle memory", "idle start"}:
            bench.idle()
        if wanted & {"peer transfer", "verification"}:
            bench.transfer()
        if wanted & {"fetch from hub growth", "fetch from peer growth"}:
            bench.fetching()
        if "heartbeats" in wanted:
            bench.heartbeats()
        if "list paced p99" in wanted:
            bench.listing()
        if wanted & {"users paced p99", "users saturated p99"}:
            bench.users()
        if wanted & {"upload", "upload growth"}:
            bench.uploading()
        if wanted & set(bench.sides()):
            bench.start()
            bench.rounds(wanted)
    text = "\n".join([
        "# Results",
        "",
        f"- machine: {machine()}",
        f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"- command: `make bench` ({given.rounds} rounds; model of {given.model.stat().st_size / 1e9:.2f} GB)",
        "",
        table(bench, rows),
        "",
        "What was tried to reach them, and what did not help: [notes.md](notes.md).",
        "",
    ])  # fmt: skip
    given.output.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
