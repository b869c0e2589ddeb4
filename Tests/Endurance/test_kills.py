"""A daemon that is killed at random moments, again and again, while models come, are imported, deleted and given up.

After every restart each shard that the node calls its own has the publisher's bytes, none is lost that it had and that
nobody was giving up, and nothing unfinished lies about. `SHOAL_KILLS` sets how often it is killed, `SHOAL_SEED` repeats a
run: both are printed.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOAL = pathlib.Path(os.environ.get("SHOAL_BIN", ROOT / ".build" / "debug")) / "shoal"
DEMO = ROOT / "Models" / "demo" / "shoal-demo.gguf"
REPOSITORY = "owner/demo-GGUF"
KILLS = int(os.environ.get("SHOAL_KILLS", "200" if os.environ.get("SHOAL_ROUNDS") == "all" else "100"))

#: One megabyte cuts the demo model into four shards.
SETTINGS = {
    "SHOAL_ACCOUNTS_FIRST_ADMINISTRATOR": "false",
    "SHOAL_MODELS_SHARD_SIZE_MB": "1",
    "SHOAL_LOG_LEVEL": "info",
    # What holds shards longer than this is given up whenever the node looks: it has more than it may.
    "SHOAL_AUTO_MANAGE_PRUNE_COOLDOWN_SECS": "0",
    "SHOAL_AUTO_MANAGE_MIN_REPLICAS": "1",
    "SHOAL_AUTO_MANAGE_MAX_STORAGE_MB": "1",
}

#: Fetched from the hub, imported from a file, and given up because two other nodes hold it.
PULLED, IMPORTED, SHARED = "pulled", "imported", "shared"


class Daemon:
    """`shoal serve` on a data directory that outlives it."""

    def __init__(self, directory, hub, name, log, settings=None, join=None):
        self.directory = directory
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "HF_ENDPOINT": hub, **(settings or {})}
        environment["SHOAL_NODE_NICKNAME"] = name
        arguments = [SHOAL, "serve", "--data-dir", directory, "--port", "0", "--swarm-host", "127.0.0.1",
                     "--swarm-port", "0"] + (["--join", join] if join else [])
        self.process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), f"{name} did not start: {line!r}"
        self.address = urllib.parse.urlsplit(line.removeprefix("listening on ")).netloc
        self.key = (directory / "api_key").read_text().strip()

    def ask(self, method, path, body=None, limit=30):
        """The status and the decoded answer; (None, None) where the daemon died meanwhile."""
        connection = http.client.HTTPConnection(self.address, timeout=limit)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        except (OSError, http.client.HTTPException, ValueError):
            return None, None
        finally:
            connection.close()

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, f"{path}: {status} {answer}"
        return answer

    def held(self):
        """The shards on this node's disk, by model."""
        return {
            model["id"]: {shard["index"] for shard in model["shards"] if shard["local"]}
            for model in self.get("/api/admin/models")
        }

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        finally:
            self.process.kill()
            self.process.stdout.close()


@contextlib.contextmanager
def stand_in_hub(root):
    folder = root / "hub" / REPOSITORY
    folder.mkdir(parents=True)
    (folder / f"{PULLED}.gguf").write_bytes(DEMO.read_bytes())
    hub = subprocess.Popen(
        ["python3", ROOT / "Tests" / "StandInHub" / "hub.py", "--root", root / "hub"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield hub.stdout.readline().strip().removeprefix("listening on ")
    finally:
        hub.stdin.close()
        hub.wait(timeout=10)
        hub.stdout.close()


def eventually(what, condition, within=30):
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {within} s"
        time.sleep(0.01)
    return value


def import_model(source, directory, model, shards=None):
    arguments = [SHOAL, "import", source, "--data-dir", directory, "--model-id", model, "--shard-size-mb", "1"]
    if shards is not None:
        arguments += ["--shards", ",".join(map(str, sorted(shards)))]
    return subprocess.Popen(
        arguments, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


class Endurance:
    def __init__(self, root, hub, seed):
        self.random = random.Random(seed)
        self.root, self.hub = root, hub
        self.data = root / "node"
        self.original = DEMO.read_bytes()
        #: The operator's own file, which the library may share by hard link and must never change.
        self.source = root / "source.gguf"
        self.source.write_bytes(self.original)
        self.log = open(root / "node.log", "ab")
        #: What must be there after the next start, by model.
        self.sure = {}
        self.counts = dict.fromkeys(
            ["pulls", "pulls cut short", "imports", "imports cut short", "shard deletions", "model deletions", "prunes"], 0)

    # MARK: - Looking

    def unfinished(self):
        """Files that somebody began and has not put in place."""
        names = re.compile(r"(^\.incoming|\.new$|\.tmp$|\.part$)")
        return [
            name for folder, folders, files in os.walk(self.data) for name in folders + files
            # Uploads come into a folder that is always there.
            if names.search(name) and not (folder.endswith("/loras") and name == ".incoming" and not os.listdir(f"{folder}/{name}"))]

    def check(self, node):
        """What is held is right, nothing sure is lost, nothing unfinished lies about."""
        models = self.data / "models"
        # What the daemon is writing at this moment is gone in the next.
        eventually("nothing unfinished lies about", lambda: self.unfinished() == [], within=5)
        # The first scan verifies what somebody was touching.
        eventually(f"{self.sure} is here again", lambda: all(
            shards <= node.held().get(model, set()) for model, shards in self.sure.items()), within=10)
        held = node.held()
        assert self.source.read_bytes() == self.original, "the file that was imported has changed"
        for model, shards in held.items():
            if not shards:
                continue
            manifest = json.loads((models / model / "manifest.json").read_text())
            with open(models / model / manifest["parts"][0]["name"], "rb") as file:
                assert os.fstat(file.fileno()).st_size == len(self.original)
                for index in shards:
                    for extent in manifest["shards"][index]["ranges"]:
                        start, length = extent["offset"], extent["length"]
                        file.seek(start)
                        assert file.read(length) == self.original[start:start + length], f"shard {index} of {model} is wrong"
        return held

    # MARK: - Disturbing

    def pull(self, node, held):
        shards = self.random.choice([None, self.random.sample(range(4), self.random.randint(1, 3))])
        wish = {"all_shards": True} if shards is None else {"shards": shards}
        self.counts["pulls"] += 1
        return lambda: node.ask(
            "POST", "/api/admin/hf/download-shards", {"repo_id": REPOSITORY, "filename": f"{PULLED}.gguf", **wish})

    def import_more(self, node, held, model=IMPORTED):
        missing = sorted({0, 1, 2, 3} - held.get(model, set()))
        if not missing:
            return self.delete_shard(node, held, model)
        shards = self.random.sample(missing, self.random.randint(1, len(missing)))
        self.counts["imports"] += 1
        self.importing = import_model(self.source, self.data, model, shards)
        return lambda: self.importing.wait()

    def delete_shard(self, node, held, model=None):
        model = model or self.random.choice([PULLED, IMPORTED])
        if not held.get(model):
            return self.pull(node, held)
        index = self.random.choice(sorted(held[model]))
        # The other deed of the round may delete the whole model.
        self.sure.get(model, set()).discard(index)
        self.counts["shard deletions"] += 1
        return lambda: node.ask("DELETE", f"/api/admin/models/{model}/shards/{index}")

    def delete_model(self, node, held):
        model = self.random.choice([PULLED, IMPORTED])
        if model not in held:
            return self.pull(node, held)
        self.sure.pop(model, None)
        self.counts["model deletions"] += 1
        return lambda: node.ask("DELETE", f"/api/admin/models/{model}")

    def prune(self, node, held):
        """Has the node look at what it should hold: of the shared model it gives up what others hold."""
        missing = {0, 1, 2, 3} - held.get(SHARED, set())
        if len(missing) >= 2:
            return self.import_more(node, held, SHARED)
        eventually("the node meets the others", lambda: sum(
            peer["healthy"] for peer in node.get("/api/admin/peers")) == 2)
        self.sure[SHARED] = set()
        self.counts["prunes"] += 1
        policy = {"enabled": True, "max_shards": 0, "prune_enabled": True}
        return lambda: node.ask("PUT", f"/api/admin/models/{SHARED}/auto-manage", policy)

    def round(self, join):
        node = Daemon(self.data, self.hub, "node", self.log, SETTINGS, join)
        try:
            held = self.check(node)
            self.sure = {model: set(shards) for model, shards in held.items()}
            self.importing = None
            deeds = self.random.choices(
                [self.pull, self.import_more, self.delete_shard, self.delete_model, self.prune],
                weights=[8, 5, 3, 1, 5], k=self.random.randint(1, 2))
            threads = [threading.Thread(target=deed(node, held)) for deed in deeds]
            for thread in threads:
                thread.start()
            time.sleep(self.random.choice([0.01, 0.06, 0.25]) * self.random.random())
            if self.importing and self.random.random() < 0.5 and self.importing.poll() is None:
                self.importing.kill()
                self.counts["imports cut short"] += 1
            if any(item["state"] == "downloading" for item in (node.ask("GET", "/api/admin/downloads")[1] or {}).get("downloads", [])):
                self.counts["pulls cut short"] += 1
        finally:
            node.kill()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()


def test_what_is_held_outlasts_every_kill(tmp_path, capsys):
    seed = int(os.environ.get("SHOAL_SEED", random.SystemRandom().randrange(1 << 32)))
    with capsys.disabled():
        print(f"\nseed {seed}, {KILLS} kills")
    with stand_in_hub(tmp_path) as hub, contextlib.ExitStack() as stack:
        endurance = Endurance(tmp_path, hub, seed)
        stack.callback(endurance.log.close)
        join = None
        for name in ["second", "third"]:
            directory = tmp_path / name
            assert import_model(DEMO, directory, SHARED).wait() == 0
            peer = Daemon(
                directory, hub, name, endurance.log, SETTINGS | {"SHOAL_AUTO_MANAGE_ENABLED": "false"}, join)
            stack.callback(peer.stop)
            join = join or peer.get("/api/admin/network-code")["code"]
        # Only what can be had from its publisher again is given up.
        assert import_model(endurance.source, endurance.data, SHARED, [0, 1, 2]).wait() == 0
        (endurance.data / "models" / SHARED / "hf_source.json").write_text(
            json.dumps({"repo_id": REPOSITORY, "filename": f"{PULLED}.gguf"}))
        for number in range(KILLS):
            try:
                endurance.round(join)
            except BaseException as error:
                error.add_note(f"after {number} kills, with seed {seed}; {endurance.counts}")
                raise
        node = Daemon(endurance.data, hub, "node", endurance.log, SETTINGS, join)
        try:
            endurance.check(node)
            pruned = node.get("/api/admin/prune-history")["total"]
            # What was under way goes on by itself, and comes to an end.
            eventually("downloads end", lambda: all(
                item["state"] != "downloading" for item in node.get("/api/admin/downloads")["downloads"]))
            endurance.check(node)
            status, _ = node.ask("POST", "/api/admin/hf/download-shards", {
                "repo_id": REPOSITORY, "filename": f"{PULLED}.gguf", "all_shards": True})
            assert status == 200
            eventually("all of the model is here", lambda: node.held().get(PULLED) == {0, 1, 2, 3})
            endurance.check(node)
        finally:
            node.stop()
    with capsys.disabled():
        print(f"{endurance.counts}, {pruned} shards given up")
    if KILLS >= 100:
        assert pruned > 0 and endurance.counts["pulls cut short"] > 0 and endurance.counts["imports cut short"] > 0
