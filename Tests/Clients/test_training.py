"""Trainings that are paid for: what a thousand clients at once, and a daemon that is killed, leave of a balance."""

import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import random
import resource
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from conftest import BINARIES, eventually

PRICE = 100
#: Says who it is, how far it is, and what it was given, and takes as long as its data say.
TRAINER = """\
echo $$ > "$SHOAL_OUTPUT_DIR/pid"
echo '{"progress": 0.5, "message": "half of it"}'
echo "training $SHOAL_OUTPUT_MODEL on $SHOAL_TRAIN_PATH"
echo 'a warning' >&2
. "$SHOAL_TRAIN_PATH/how"
rm "$SHOAL_OUTPUT_DIR/pid"
echo weights > "$SHOAL_OUTPUT_DIR/adapter"
"""


class Daemon:
    """`shoal serve` on a data directory that outlives it, and its node key."""

    def __init__(self, data, **settings):
        self.data = data
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.log = open(data.parent / "node.log", "ab")
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "HF_ENDPOINT": "http://127.0.0.1:1"}
        self.process = subprocess.Popen(
            [str(BINARIES / "shoal"), "serve", "--data-dir", str(data), "--port", "0", "--swarm-host", "127.0.0.1",
             "--swarm-port", "0"],
            env=environment | {f"SHOAL_{name.upper()}": str(value) for name, value in settings.items()},
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), f"the node did not start: {line!r}"
        self.url = line.removeprefix("listening on ")
        self.address = urllib.parse.urlsplit(self.url)
        self.key = (data / "api_key").read_text().strip()

    def ask(self, method, path, body=None, key=None, **headers):
        """The status and the decoded answer."""
        connection = http.client.HTTPConnection(self.address.netloc, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers["content-type"] == "application/json"
            return answer.status, json.loads(text) if is_json else text

    def get(self, path, key=None):
        status, answer = self.ask("GET", path, key=key)
        assert status == 200, f"{path}: {status} {answer}"
        return answer

    def add_user(self, name, tokens):
        """The id of a new user, and an API token of theirs."""
        status, user = self.ask("POST", "/admin/api/users", {
            "username": name, "email": f"{name}@example.com", "password": "correct horse", "tokens": tokens})
        assert status == 201, user
        status, token = self.ask("POST", "/admin/api/api_tokens", {"name": "test", "user_id": user["id"]})
        assert status == 201, token
        return user["id"], token["token"]

    def balance(self, user):
        return self.get(f"/admin/api/users/{user}")["tokens"]

    def jobs(self, key=None):
        return self.get("/admin/api/jobs?limit=1000", key=key)["jobs"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        try:
            assert self.process.wait(timeout=15) == 0
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.log.close()


def make_data(tmp_path):
    """A data directory with something to train on: that takes no time, a moment, for ever, or that is not enough."""
    for name, how in [("quick", ":"), ("slow", "sleep 0.1"), ("endless", "sleep 600"), ("bad", "echo 'no data' >&2; exit 3")]:
        folder = tmp_path / "data" / "files" / name
        folder.mkdir(parents=True)
        (folder / "how").write_text(how)
    (tmp_path / "train it.sh").write_text(TRAINER)
    return tmp_path / "data"


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path)


@contextlib.contextmanager
def daemon(data, **settings):
    command = f"/bin/sh '{data.parent / 'train it.sh'}'"
    node = Daemon(data, training_command=command, **settings)
    try:
        yield node
    finally:
        if node.process.poll() is None:
            node.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A node for tests that have users of their own and leave nothing running."""
    with daemon(make_data(tmp_path_factory.mktemp("training")), training_maximum_running=2) as node:
        yield node


async def ask_at_once(node, requests, on_answer=lambda status: None, sending=contextlib.nullcontext()):
    """Sends all requests at the same moment, each on a connection of its own; their statuses and answers, None where there was
    none. `sending` is entered when everybody is connected, and left when everybody has asked."""
    connecting = asyncio.Semaphore(100)
    sent, sent_before_answers = [], []

    async def connect():
        async with connecting:
            return await asyncio.open_connection(node.address.hostname, node.address.port, limit=1 << 20)

    async def ask(connection, body, headers):
        reader, writer = connection
        try:
            lines = ["POST /admin/api/train HTTP/1.1", f"Host: {node.address.netloc}", "Connection: close",
                     f"Content-Length: {len(body)}", *headers]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            sent.append(body)
            answer = await reader.read(-1)
            sent_before_answers.append(len(sent))
            head, _, text = answer.partition(b"\r\n\r\n")
            if not head:
                return None
            status = int(head.split()[1])
            on_answer(status)
            return status, json.loads(text)
        except OSError:
            return None
        finally:
            writer.close()

    connections = await asyncio.gather(*(connect() for _ in requests))
    with sending:
        asking = [
            asyncio.ensure_future(ask(connection, json.dumps(body).encode(), headers))
            for connection, (body, headers) in zip(connections, requests)
        ]
        # Each gets as far as to wait for its answer.
        await asyncio.sleep(0)
        assert len(sent) == len(requests)
    answers = await asyncio.gather(*asking)
    # At once means that nobody had an answer before everybody had asked.
    assert set(sent_before_answers) <= {len(requests)}
    return answers


def train_at_once(node, count, token, folder, keys=None, **hooks):
    requests = [
        ({"train_path": f"/{folder}", "output_model": "tiny"},
         [f"Authorization: Bearer {token}"] + ([f"Idempotency-Key: {keys[number]}"] if keys else []))
        for number in range(count)
    ]
    return asyncio.run(ask_at_once(node, requests, **hooks))


def check_ledger(data, user):
    """Adds the user's entries up by hand: each balance is the sum so far, none is negative, and nothing is left open."""
    with contextlib.closing(sqlite3.connect(data / "shoal.sqlite")) as database:
        entries = database.execute(
            "SELECT id, kind, amount, balance, reservation FROM ledgerEntry WHERE user = ? ORDER BY id", (user,)).fetchall()
        open_jobs = database.execute("SELECT COUNT(*) FROM trainingJob WHERE state IN ('queued', 'running')").fetchone()[0]
        jobs = dict(database.execute("SELECT reservation, state FROM trainingJob WHERE user = ?", (user,)).fetchall())
    total, reserved, closed = 0, {}, {}
    for number, kind, amount, balance, reservation in entries:
        total += amount
        assert balance == total >= 0
        if kind == "reserve":
            reserved[number] = -amount
        elif kind != "grant":
            assert reservation in reserved and reservation not in closed
            assert amount == (reserved[reservation] if kind == "refund" else 0)
            closed[reservation] = kind
    assert open_jobs == 0 and closed.keys() == reserved.keys() == jobs.keys()
    for reservation, state in jobs.items():
        assert closed[reservation] == ("settle" if state == "succeeded" else "refund")
    return total


def trainers(data):
    """The processes that train."""
    processes = []
    for pid in (data / "training").glob("output/*/pid"):
        with contextlib.suppress(FileNotFoundError, ValueError):
            number = int(pid.read_text())
            if pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                processes.append(number)
    return processes


def test_of_a_thousand_trainings_at_once_a_thousand_tokens_pay_for_ten(shared):
    user, token = shared.add_user("ada", 10 * PRICE)
    answers = train_at_once(shared, 1000, token, "quick")
    statuses = [answer and answer[0] for answer in answers]
    assert {status: statuses.count(status) for status in set(statuses)} == {200: 10, 402: 990}
    done = [answer for status, answer in answers if status == 200]
    assert all(answer["message"] == "Training completed" and answer["tokens_used"] == PRICE for answer in done)
    assert all(0 <= answer["remaining_tokens"] < 10 * PRICE for answer in done)
    assert all(answer["error"] for status, answer in answers if status == 402)
    assert shared.balance(user) == 0
    assert [job["state"] for job in shared.jobs(token)] == ["succeeded"] * 10
    for job in (job for job in shared.jobs() if job["user_id"] == user):
        assert job["output_dir"] == os.path.realpath(shared.data / "training" / "output" / job["id"])
        assert pathlib.Path(job["output_dir"], "adapter").read_text() == "weights\n"
    assert not any("output_dir" in job for job in shared.jobs(token))
    # Every balance that there ever was is in the ledger.
    assert check_ledger(shared.data, user) == 0


@contextlib.contextmanager
def killing_while_it_reserves(node, user, count):
    """Kills the node when `count` reservations are written, and the next one half: a trigger that never ends keeps the node in the
    middle of its transaction."""
    with contextlib.closing(sqlite3.connect(node.data / "shoal.sqlite", timeout=10, isolation_level=None)) as database:
        database.executescript(f"""
            CREATE VIEW endless AS
                WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers)
                SELECT number FROM numbers;
            CREATE TRIGGER endlessReservation AFTER INSERT ON ledgerEntry
            WHEN NEW.user = {user} AND NEW.kind = 'reserve'
                AND (SELECT COUNT(*) FROM ledgerEntry WHERE user = {user} AND kind = 'reserve') = {count + 1}
            BEGIN SELECT COUNT(*) FROM endless; END;
            """)
        yield
        database.execute("PRAGMA busy_timeout = 0")

        def is_in_the_middle():
            written, = database.execute(
                "SELECT COUNT(*) FROM ledgerEntry WHERE user = ? AND kind = 'reserve'", (user,)).fetchone()
            assert written <= count
            return written == count and not can_write()

        def can_write():
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            database.execute("ROLLBACK")
            return True

        eventually(is_in_the_middle, within=20)
        node.kill()
        eventually(can_write, within=10)
        database.executescript("DROP TRIGGER endlessReservation; DROP VIEW endless")


def keys_taken(data, user):
    """The idempotency keys of the jobs that a user has."""
    with contextlib.closing(sqlite3.connect(data / "shoal.sqlite")) as database:
        return [key for key, in database.execute("SELECT requestKey FROM trainingJob WHERE user = ?", (user,))]


def check_after_kill(node, user, token, folder, done):
    """On a node that was killed and has started again: what was not done costs nothing, and what was taken stays what it was; at
    least `done` trainings were done. How many jobs the killed node took."""
    jobs = node.jobs(token)
    assert len(jobs) <= 10 and {job["state"] for job in jobs} <= {"succeeded", "failed"}
    succeeded = [job for job in jobs if job["state"] == "succeeded"]
    assert len(succeeded) >= done
    assert all(job["message"].startswith("node stopped") for job in jobs if job["state"] == "failed")
    assert all(job["tokens_used"] == (PRICE if job["state"] == "succeeded" else 0) for job in jobs)
    assert node.balance(user) == check_ledger(node.data, user) == 10 * PRICE - PRICE * len(succeeded)
    # Asked again under the same keys, what was taken stays what it was, and new ones are taken until nothing is left.
    keys = keys_taken(node.data, user) + [f"round-2-{number}" for number in range(40)]
    again = [status for status, _ in train_at_once(node, len(keys), token, folder, keys=keys)]
    failed = len(jobs) - len(succeeded)
    assert {status: again.count(status) for status in (200, 422)} == {200: 10, 422: failed}
    assert again.count(402) == len(keys) - 10 - failed
    assert node.balance(user) == check_ledger(node.data, user) == 0
    return len(jobs)


def test_a_node_that_is_killed_in_the_middle_gives_back_what_was_not_done(data):
    seed = int(os.environ.get("SHOAL_SEED", random.randrange(1 << 32)))
    print(f"SHOAL_SEED={seed}")
    chance = random.Random(seed)
    keys = [f"round-1-{number}" for number in range(1000)]

    # First while it reserves.
    written = chance.randrange(1, 10)
    with daemon(data, training_maximum_running=2) as node:
        ada, adas = node.add_user("ada", 10 * PRICE)
        answers = train_at_once(
            node, 1000, adas, "quick", keys=keys, sending=killing_while_it_reserves(node, ada, written))
        assert node.process.poll() == -signal.SIGKILL
        # There were tokens left, so that nobody can have been refused.
        statuses = [answer[0] for answer in answers if answer]
        assert set(statuses) <= {200} and len(statuses) <= written
    eventually(lambda: not trainers(data), within=10)

    with daemon(data, training_maximum_running=4) as node:
        # Of the reservation that was half written, there is nothing.
        assert check_after_kill(node, ada, adas, "quick", done=len(statuses)) == written
        # Then when so many have been refused, while others are still asked for, or when so many have been trained.
        bob, bobs = node.add_user("bob", 10 * PRICE)
        status_to_count, enough = chance.choice([(402, chance.randrange(1, 200)), (200, chance.randrange(1, 6))])
        counted = []

        def count(status):
            counted.append(status)
            if node.process.poll() is None and counted.count(status_to_count) >= enough:
                node.kill()

        train_at_once(node, 300, bobs, "slow", on_answer=count, keys=keys)
        assert node.process.poll() == -signal.SIGKILL and set(counted) <= {200, 402}
    eventually(lambda: not trainers(data), within=10)

    with daemon(data, training_maximum_running=4) as node:
        check_after_kill(node, bob, bobs, "slow", done=counted.count(200))
        assert node.balance(ada) == 0
    assert check_ledger(data, ada) == check_ledger(data, bob) == 0
    assert b"contradicts" not in (data.parent / "node.log").read_bytes()


def test_a_node_that_stops_ends_what_trains_and_gives_its_tokens_back(data):
    with daemon(data) as node:
        user, token = node.add_user("ada", 10 * PRICE)
        for _ in range(5):
            status, job = node.ask(
                "POST", "/admin/api/train", {"train_path": "endless"}, key=token, prefer="respond-async")
            assert status == 202 and job["state"] == "queued"
        eventually(lambda: trainers(data), within=10)
        assert node.balance(user) == 5 * PRICE
    assert not trainers(data)
    assert check_ledger(data, user) == 10 * PRICE
    assert list((data / "training" / "output").iterdir()) == []


def test_a_job_is_followed_cancelled_and_read_about(shared):
    user, token = shared.add_user("bob", 3 * PRICE)
    _, other = shared.add_user("eve", 0)
    started = {"train_path": "endless", "output_model": "tiny", "description": "first try"}
    status, job = shared.ask("POST", "/admin/api/train", started, key=token, prefer="respond-async")
    assert status == 202
    path = f"/admin/api/jobs/{job['id']}"
    running = eventually(lambda: (seen := shared.get(path, key=token))["progress"] == 0.5 and seen, within=10)
    assert running["state"] == "running" and running["message"] == "half of it"
    assert {name: running[name] for name in started} == started
    log = eventually(lambda: (text := shared.get(path + "/log", key=token)).count("\n") == 2 and text, within=10)
    assert sorted(log.splitlines()) == ["a warning", f"training tiny on {os.path.realpath(shared.data)}/files/endless"]
    for suffix, method in [("", "GET"), ("/log", "GET"), ("/cancel", "POST")]:
        assert shared.ask(method, path + suffix, key=other)[0] == 404
    assert shared.jobs(other) == []
    status, ended = shared.ask("POST", path + "/cancel", key=token)
    assert status == 200 and ended["state"] == "cancelled" and ended["tokens_used"] == 0
    assert shared.ask("POST", path + "/cancel", key=token)[0] == 409
    assert not trainers(shared.data) and shared.balance(user) == 3 * PRICE
    # A client that goes away ends nothing.
    connection = http.client.HTTPConnection(shared.address.netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/admin/api/train", json.dumps({"train_path": "slow"}), headers)
    eventually(lambda: len(shared.jobs(token)) == 2, within=10)
    connection.close()
    left = eventually(lambda: (last := shared.jobs(token)[0])["finished_at"] and last, within=10)
    assert left["state"] == "succeeded" and shared.balance(user) == 2 * PRICE
    status, answer = shared.ask("POST", "/admin/api/train", {"train_path": "../bad"}, key=token)
    assert status == 400 and "train_path" in answer["error"]
    status, answer = shared.ask("POST", "/admin/api/train", {"train_path": "bad"}, key=token)
    failed = shared.jobs(token)[0]
    assert status == 422 and answer["error"] == (
        f"the training failed, /admin/api/jobs/{failed['id']}/log may say why; {PRICE} tokens were given back")
    assert failed["message"] == "the training command ended with status 3: no data"
    assert "no data\n" in shared.get(f"/admin/api/jobs/{failed['id']}/log", key=token)
    entries = shared.get(f"/admin/api/audit?actor_id={user}")["entries"]
    assert [entry["action"] for entry in entries] == [
        "training.submit", "training.submit", "training.cancel", "training.submit"]
    assert check_ledger(shared.data, user) == 2 * PRICE


def test_the_documented_commands_work_word_for_word(shared):
    files = shared.data / "files"
    (files / "some" / "path").mkdir(parents=True)
    (files / "some" / "path" / "file.txt").write_bytes(bytes(1024))
    (files / "path" / "to" / "training").mkdir(parents=True)
    (files / "path" / "to" / "training" / "data").symlink_to("../../../quick")

    def run(command):
        command = command.replace("YOUR_ADMIN_API_TOKEN", shared.key)
        command = command.replace("{{ request.host_url }}", shared.url + "/")
        return json.loads(subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=30).stdout)

    assert run(
        'curl -H "Authorization: Bearer YOUR_ADMIN_API_TOKEN" "{{ request.host_url }}admin/api/browse?path=/some/path"'
    ) == {
        "current_path": "/some/path",
        "items": [{"name": "file.txt", "path": "/some/path/file.txt", "is_dir": False, "size": 1024}],
    }
    # Administrators pay nothing.
    assert run(
        'curl -X POST -H "Authorization: Bearer YOUR_ADMIN_API_TOKEN" -H "Content-Type: application/json" '
        '-d \'{ "output_model": "MyModel", "description": "Custom trained model", '
        '"train_path": "/path/to/training/data" }\' {{ request.host_url }}admin/api/train'
    ) == {"message": "Training completed", "tokens_used": 0, "remaining_tokens": 0}


def test_a_node_that_cannot_train_says_which_setting_is_missing(node):
    headers = {"Authorization": f"Bearer {node.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        node.url + "/admin/api/train", json.dumps({"train_path": "/"}).encode(), headers)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=30)
    assert refusal.value.code == 503 and "training.command" in json.load(refusal.value)["error"]
