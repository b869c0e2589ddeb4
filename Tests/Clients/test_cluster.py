"""A master and its workers as real processes: joining, drivers, jobs, deaths and revocation, and the seeds' own curl lines."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import openai
import pytest

from conftest import BINARIES, DEMO, eventually

SHOAL = str(BINARIES / "shoal")
NOT_HERE = "http://127.0.0.1:9"


class Master:
    """A `shoal serve` without a model."""

    def __init__(self, directory, swarm_port=0):
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.log = open(directory / "node.log", "a")
        self.process = subprocess.Popen(
            [SHOAL, "serve", "--data-dir", str(directory), "--port", "0", "--swarm-host", "127.0.0.1",
             "--swarm-port", str(swarm_port)],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=os.environ | {"HF_ENDPOINT": NOT_HERE},
        )
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), line
        self.url = line.removeprefix("listening on ")
        self.key = (directory / "api_key").read_text().strip()
        record = directory / "run.json"
        self.swarm_port = eventually(lambda: json.loads(record.read_text()).get("swarm_port"), within=10)
        self.address = f"127.0.0.1:{self.swarm_port}"

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def get(self, path):
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def token(self, name):
        status, body = self.call("POST", "/admin/api/cluster_tokens", {"name": name})
        assert status == 201, body
        return body

    def nodes(self):
        nodes = self.get("/api/admin/cluster_nodes?details=true")["nodes"]
        return {node["hostname"]: node for node in nodes}

    def connected(self):
        return {name for name, node in self.nodes().items() if node["connected"]}

    def stats(self):
        return self.get("/api/admin/cluster_nodes")["master_stats"]

    def client(self):
        return openai.OpenAI(base_url=self.url + "/v1", api_key=self.key, max_retries=0, timeout=120)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=15)
        finally:
            self.process.kill()
            self.log.close()


class Worker:
    """A `shoal worker` with a data directory of its own."""

    def __init__(self, directory, hostname, model=None):
        self.directory, self.hostname = directory, hostname
        directory.mkdir()
        self.process = None
        if model:
            command = [SHOAL, "import", str(DEMO), "--data-dir", str(directory), "--model-id", model]
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    def start(self, master, token, *options):
        self.log = open(self.directory / "worker.log", "a")
        self.process = subprocess.Popen(
            [SHOAL, "worker", "--master", master, "--hostname", self.hostname, "--data-dir", str(self.directory),
             *options],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=os.environ | {"SHOAL_CLUSTER_TOKEN": token, "SHOAL_LOG_LEVEL": "debug"},
        )
        return self

    def joined(self):
        """The line that says so, which every join prints."""
        line = self.process.stdout.readline().strip()
        assert line, f"the worker ended with {self.process.wait(timeout=10)}: {self.errors()}"
        return line

    def errors(self):
        return (self.directory / "worker.log").read_text()

    def engines(self):
        """Process ids of its engines."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=15)
            finally:
                self.process.kill()


@pytest.fixture
def cluster(tmp_path):
    """Makes masters and workers, and ends them all."""
    with contextlib.ExitStack() as stack:

        def master(name="master", **options):
            made = Master(tmp_path / name, **options)
            stack.callback(lambda: made.process.poll() is None and made.stop())
            return made

        def worker(hostname, model=None):
            made = Worker(tmp_path / hostname, hostname, model)
            stack.callback(made.stop)
            return made

        yield type("Cluster", (), {"master": staticmethod(master), "worker": staticmethod(worker)})


def ask(client, model, **options):
    """A chat whose answer is the same on every machine of one kind."""
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Tell me a story."}], temperature=0, max_tokens=48,
        extra_body={"ignore_eos": True}, **options,
    )


def test_three_workers_join_are_steered_die_and_are_revoked(cluster, tmp_path):
    master = cluster.master()
    first, second = master.token("Rack one"), master.token("Rack two")
    workers = [cluster.worker(f"worker{number}.example.com") for number in (1, 2, 3)]
    for worker, token in zip(workers, (first, first, second), strict=True):
        worker.start(master.address, token["token"], "--weight", "250")
        assert worker.joined() == f"joined {master.address} as {worker.hostname}"
    names = {worker.hostname for worker in workers}
    assert master.connected() == names
    assert master.stats()["connected_nodes"] == 3
    node = master.nodes()["worker1.example.com"]
    assert node["weight"] == 250 and node["token"] == first["token"][:6] + "..." and node["ip_address"] == "127.0.0.1"
    # The token is in nobody's list of processes.
    assert first["token"] not in pathlib.Path(f"/proc/{workers[0].process.pid}/cmdline").read_text()

    # A driver is set for one, and remembered over its reconnect and over a restart of the master.
    choice = {"hostname": "worker1.example.com", "token": first["token"], "driver": "cuda"}
    assert master.call("POST", "/api/admin/cluster_nodes/set_driver", choice) == (200, {"success": True})
    eventually(lambda: "preferred driver" in workers[0].errors(), within=20)  # there is no GPU here
    assert master.nodes()["worker1.example.com"]["driver"] == "cuda"
    assert master.nodes()["worker2.example.com"]["driver"] is None
    workers[0].stop()
    eventually(lambda: master.connected() == names - {"worker1.example.com"}, within=20)
    assert master.nodes()["worker1.example.com"]["uptime_seconds"] == 0
    told = workers[0].errors().count("preferred driver")
    workers[0].start(master.address, first["token"]).joined()
    eventually(lambda: workers[0].errors().count("preferred driver") > told, within=20)
    master.stop()
    again = cluster.master(swarm_port=master.swarm_port)
    for worker in workers:
        worker.joined()
    eventually(lambda: again.connected() == names, within=20)
    assert again.nodes()["worker1.example.com"]["driver"] == "cuda"

    # One is killed.
    workers[1].stop(signal.SIGKILL)
    eventually(lambda: again.connected() == names - {"worker2.example.com"}, within=20)
    assert again.stats()["total_nodes"] == 3

    # One is revoked: cut off at once, told why, and never let in again.
    identifier = next(t["id"] for t in again.get("/admin/api/cluster_tokens")["tokens"] if t["name"] == "Rack two")
    assert again.call("DELETE", f"/admin/api/cluster_tokens/{identifier}") == (200, {"success": True})
    for _ in range(2):
        assert workers[2].process.wait(timeout=20) == 1
        assert "revoked" in workers[2].errors().splitlines()[-1]
        workers[2].start(again.address, second["token"])
    assert workers[2].process.wait(timeout=20) == 1
    assert again.connected() == {"worker1.example.com"}

    # A stranger's token is refused, and says what to do.
    for token, word in ((_strange(again), "cluster token"), (_foreign(cluster), "not the master")):
        stranger = Worker(tmp_path / f"stranger-{word.split()[0]}", "stranger").start(again.address, token)
        assert stranger.process.wait(timeout=30) == 1
        assert word in stranger.errors().splitlines()[-1]


def _strange(master):
    """A well-formed token of this master that it never made."""
    made = master.token("template")["token"]
    return "A" * 43 + made[43:]


def _foreign(cluster):
    other = cluster.master("other")
    return other.token("elsewhere")["token"]


def test_a_chat_runs_on_the_worker_that_has_the_model(cluster):
    master = cluster.master()
    token = master.token("workers")["token"]
    client = master.client()
    with pytest.raises(openai.NotFoundError):
        ask(client, "far-away")
    worker = cluster.worker("reader", model="far-away").start(master.address, token)
    worker.joined()
    assert [model.id for model in client.models.list()] == ["far-away"]
    whole = ask(client, "far-away")
    assert whole.usage.completion_tokens == 48
    streamed = "".join(
        chunk.choices[0].delta.content or "" for chunk in ask(client, "far-away", stream=True) if chunk.choices
    )
    assert streamed == whole.choices[0].message.content
    completed = client.completions.create(model="far-away", prompt="Once", max_tokens=4, temperature=0, logprobs=1)
    assert len(completed.choices[0].logprobs.tokens) == 4
    eventually(lambda: master.nodes()["reader"]["completed_jobs"] == 3, within=10)
    assert master.nodes()["reader"]["workers_available"] == 1
    assert master.stats()["total_completed_jobs"] == 3 and master.stats()["total_active_jobs"] == 0
    clients = eventually(lambda: _with_processes(master), within=20)
    assert clients[0]["processes"] == [
        {"name": "generation_cpu", "status": "idle", "weight": 100, "model": "far-away"}
    ]

    # What is wrong with a request is told as by the own engine; what no client waits for ends.
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="far-away", prompt="word " * 20_000, max_tokens=1)
    with ask(client, "far-away", stream=True) as stream:
        for _ in zip(range(3), stream):
            pass
    eventually(lambda: master.stats()["total_active_jobs"] == 0, within=10)
    # The same for one that waits for a whole answer: it is long enough to be found at work.
    connection = http.client.HTTPConnection(master.url.removeprefix("http://"), timeout=60)
    body = {"model": "far-away", "prompt": "Once", "max_tokens": 100_000, "ignore_eos": True, "n": 8}
    headers = {"Authorization": f"Bearer {master.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    eventually(lambda: master.stats()["total_active_jobs"] == 8, within=10)
    connection.close()
    eventually(lambda: master.stats()["total_active_jobs"] == 0, within=10)
    eventually(lambda: _with_processes(master), within=10)
    assert master.stats()["total_completed_jobs"] == 3

    # Counters survive a kill of the master.
    master.stop(signal.SIGKILL)
    again = cluster.master(swarm_port=master.swarm_port)
    worker.joined()
    assert again.nodes()["reader"]["completed_jobs"] == 3


def _with_processes(master):
    clients = master.get("/admin/api/cluster_clients")["clients"]
    return [client for client in clients if any(process["status"] == "idle" for process in client["processes"])]


def test_a_worker_that_is_killed_in_the_middle_is_replaced(cluster):
    master = cluster.master()
    token = master.token("workers")["token"]
    client = master.client()
    strong = cluster.worker("strong", model="shared").start(master.address, token, "--weight", "1000")
    strong.joined()
    expected = ask(client, "shared").choices[0].message.content
    spare = cluster.worker("spare", model="shared").start(master.address, token)
    spare.joined()
    eventually(lambda: master.connected() == {"strong", "spare"}, within=20)

    text = ""
    for number, chunk in enumerate(ask(client, "shared", stream=True)):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        if number == 5:
            # The engine first: it would otherwise finish before anybody notices.
            for process in [*strong.engines(), strong.process.pid]:
                os.kill(process, signal.SIGKILL)
    assert text == expected
    eventually(lambda: master.connected() == {"spare"}, within=20)
    nodes = master.nodes()
    assert nodes["strong"]["completed_jobs"] == 1 and nodes["spare"]["completed_jobs"] == 1
    assert master.stats()["total_active_jobs"] == 0 and master.stats()["total_completed_jobs"] == 2

    # With nobody left to go on, the client is told.
    with pytest.raises(openai.APIError) as failure:
        for number, _ in enumerate(ask(client, "shared", stream=True)):
            if number == 5:
                for process in [*spare.engines(), spare.process.pid]:
                    os.kill(process, signal.SIGKILL)
    assert "spare" in str(failure.value)
    eventually(lambda: master.connected() == set(), within=20)
    with pytest.raises(openai.APIStatusError) as failure:
        ask(client, "shared")
    assert failure.value.status_code == 503 and "no worker" in str(failure.value)
    assert master.stats()["total_completed_jobs"] == 2


# The documented lines, word for word; host and token are put in, and what they name. Each with the answer that is documented for it.
AUTHORIZED = 'curl -H "Authorization: Bearer YOUR_ADMIN_API_TOKEN" \\\n {{ request.host_url }}'
CURLS = {
    "users": (AUTHORIZED + "admin/api/users", """
        { "users": [ { "id": 1, "username": "user1", "email": "user1@example.com", "role": "user", "tokens": 100,
        "active": true, "created_at": "2024-01-01T00:00:00Z" } ] }"""),
    "cluster_tokens": (AUTHORIZED + "admin/api/cluster_tokens", """
        { "tokens": [ { "id": 1, "name": "Worker Token", "token": "abc123...", "active": true,
        "created_at": "2024-01-01T00:00:00Z" } ] }"""),
    "cluster_clients": (AUTHORIZED + "admin/api/cluster_clients", """
        { "clients": [ { "client_id": "abc123...", "connected_at": 1640995200.0, "last_seen": 1640995300.0,
        "gpu_info": { "cuda_available": true, "rocm_available": false, "cuda_devices": 1, "rocm_devices": 0,
        "available_backends": ["cuda"] }, "processes": [ { "name": "analysis_cuda", "status": "active", "weight": 10,
        "model": "Qwen/Qwen2.5-VL-7B-Instruct" } ] } ] }"""),
    "cluster_nodes": (AUTHORIZED + "api/admin/cluster_nodes", """
        { "master_stats": { "total_nodes": 3, "connected_nodes": 2, "total_workers": 6, "total_active_jobs": 1,
        "total_completed_jobs": 15, "uptime_seconds": 3600.5 }, "nodes": [ { "token": "abc123...",
        "token_name": "Worker Node 1", "hostname": "worker1.example.com", "weight": 100, "gpus": 1,
        "gpu_memory": ["CUDA Device 0: 8GB VRAM"], "total_memory": 8, "workers_available": 2,
        "ip_address": "192.168.1.100", "connected": true, "last_seen": 1640995300.0, "uptime_seconds": 1800.5,
        "active_jobs": 1, "completed_jobs": 5 } ] }"""),
    "set_driver": (
        'curl -X POST -H "Authorization: Bearer YOUR_ADMIN_API_TOKEN" \\\n -F "hostname=worker1.example.com" \\\n'
        ' -F "token=abc123..." \\\n -F "driver=cuda" \\\n {{ request.host_url }}api/admin/cluster_nodes/set_driver',
        '{ "success": true }'),
}
# What the fields of that name hold, wherever they are.
FORMS = {
    "token": r"[A-Za-z0-9_-]{6}\.\.\.", "created_at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "role": "user|admin",
    "client_id": "[0-9a-f]{16}", "ip_address": r"\d+(\.\d+){3}", "name": r"Worker Token|[a-z]+_(cuda|rocm|cpu)",
    "status": "active|idle|starting", "username": r"\w+", "email": r"(\S+@\S+)?",
}


def like(value, example, at="answer"):
    """Fails unless `value` has exactly the fields of `example` in their order, each of its type and form, all the way down."""
    assert type(value) is type(example), f"{at} is {value!r}"
    if isinstance(example, dict):
        assert list(value) == list(example), at
        for name, inner in example.items():
            like(value[name], inner, f"{at}.{name}")
    elif isinstance(example, list):
        for number, element in enumerate(value):
            like(element, example[0], f"{at}[{number}]")
    elif isinstance(example, str):
        form = FORMS.get(at.rpartition(".")[2])
        assert form is None or re.fullmatch(form, value), f"{at} is {value!r}"


def test_the_documented_lines_work_word_for_word(cluster):
    master = cluster.master()
    token = master.token("Worker Token")["token"]
    account = {"username": "boss", "email": "boss@example.com", "password": "a-long-pass-phrase-8800", "role": "admin"}
    status, boss = master.call("POST", "/admin/api/users", account)
    assert status == 201, boss
    status, user = master.call("POST", "/admin/api/users", account | {
        "username": "user1", "email": "user1@example.com", "role": "user", "tokens": 100})
    assert status == 201, user
    # An administrator's own token, made with a log-in.
    node_key = master.key
    status, login = master.call(
        "POST", "/api/auth/token", {"username": "boss", "password": account["password"]})
    assert status == 200, login
    master.key = login["token"]
    status, made = master.call("POST", "/admin/api/api_tokens", {"name": "curl"})
    assert status == 201, made
    admin_token, master.key = made["token"], node_key
    worker = cluster.worker("worker1.example.com", model="demo").start(master.address, token)
    worker.joined()
    ask(master.client(), "demo")
    eventually(lambda: _with_processes(master), within=20)

    def curl(name, *changes, options=""):
        line = CURLS[name][0]
        for old, new in changes:
            assert old in line
            line = line.replace(old, new)
        line = line.replace("{{ request.host_url }}", master.url + "/")
        line = line.replace("YOUR_ADMIN_API_TOKEN", admin_token).replace("abc123...", token[:6] + "...")
        done = subprocess.run(["bash", "-c", line + options], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answer(name):
        value = json.loads(curl(name))
        like(value, json.loads(CURLS[name][1]), name)
        return value

    users = {user["username"]: user for user in answer("users")["users"]}
    assert users["user1"] == user and users["boss"]["role"] == "admin" and users["user1"]["tokens"] == 100
    tokens = answer("cluster_tokens")["tokens"]
    assert [(entry["id"], entry["name"], entry["token"]) for entry in tokens] == [(1, "Worker Token", token[:6] + "...")]
    clients = answer("cluster_clients")["clients"]
    assert len(clients) == 1 and clients[0]["gpu_info"]["available_backends"][-1] == "cpu"
    assert [process["model"] for process in clients[0]["processes"]] == ["demo"]
    assert time.time() - 60 < clients[0]["connected_at"] <= clients[0]["last_seen"] <= time.time()
    answered = answer("cluster_nodes")
    (node,) = answered["nodes"]
    assert node["hostname"] == "worker1.example.com" and node["token_name"] == "Worker Token" and node["connected"]
    assert node["weight"] == 100 and node["gpus"] == len(node["gpu_memory"]) and node["ip_address"] == "127.0.0.1"
    assert (node["active_jobs"], node["completed_jobs"], node["workers_available"]) == (0, 1, 1)
    statistics = answered["master_stats"]
    assert 0 < node["uptime_seconds"] <= statistics["uptime_seconds"] < 120
    assert list(statistics.values())[:5] == [1, 1, 1, 0, 1]
    assert answer("set_driver") == {"success": True}
    assert master.nodes()["worker1.example.com"]["driver"] == "cuda"
    for change, status in (
        (("hostname=worker1.example.com", "hostname=nobody"), 404), (("token=abc123...", "token=zzz"), 404),
        (("driver=cuda", "driver=vulkan"), 400), (("YOUR_ADMIN_API_TOKEN", "shl_nobody"), 401),
    ):
        body, code = curl("set_driver", change, options=" -w '\n%{http_code}'").rsplit("\n", 1)
        assert int(code) == status and list(json.loads(body)) == ["error"], body

    # A node that is gone is listed in the same form, whole numbers of seconds included.
    worker.stop()
    eventually(lambda: master.connected() == set(), within=20)
    (gone,) = answer("cluster_nodes")["nodes"]
    assert not gone["connected"] and gone["uptime_seconds"] == 0 and gone["completed_jobs"] == 1
    assert answer("cluster_clients") == {"clients": []}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_master_and_a_worker_that_are_stopped_speak_of_no_errors(cluster, how):
    master = cluster.master()
    worker = cluster.worker("lap").start(master.address, master.token("laptops")["token"])
    worker.joined()
    master.stop(how)
    assert master.process.returncode == 0
    log = (master.directory / "node.log").read_text()
    assert "stopped" in log and " error " not in log and "CancellationError" not in log, log
    worker.stop(how)
    assert worker.process.returncode == 0
    assert " error " not in worker.errors() and "CancellationError" not in worker.errors(), worker.errors()


def test_the_command_line_says_the_same(cluster):
    master = cluster.master()

    def shoal(*arguments, status=0):
        done = subprocess.run(
            [SHOAL, *arguments, "--data-dir", str(master.directory)], capture_output=True, text=True, timeout=30
        )
        assert done.returncode == status, done.stderr
        said.append(done.stderr)
        return done.stdout

    said = []
    token = shoal("cluster", "token", "add", "laptops").strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\.[0-9a-f]{64}", token)
    file = master.directory / "worker-token"
    file.write_text(token + "\n")
    worker = cluster.worker("lap")
    worker.process = subprocess.Popen(
        [SHOAL, "worker", "--master", master.address, "--token-file", str(file), "--hostname", "lap",
         "--data-dir", str(worker.directory)],
        stdout=subprocess.PIPE, stderr=open(worker.directory / "worker.log", "a"), text=True,
    )
    worker.joined()
    assert shoal("cluster", "list", "--quiet").split() == ["lap"]
    assert "connected" in shoal("cluster")
    gpus = master.nodes()["lap"]["gpus"]
    for driver in ("rocm", "cuda"):
        assert shoal("cluster", "set-driver", "lap", driver).strip() == f"lap: {driver}"
        assert ("has no GPU now: its engines compute on the processor all the same" in said[-1]) == (gpus == 0)
        assert driver in shoal("cluster", "show", "lap")
    assert shoal("cluster", "set-driver", "lap", "auto").strip() == "lap: auto" and "no GPU" not in said[-1]
    assert "whatever there is" in shoal("cluster", "show", "lap")
    assert "1 connected" in shoal("cluster", "show")
    shoal("cluster", "show", "nobody", status=1)
    shoal("cluster", "set-driver", "nobody", "cuda", status=1)
    shoal("cluster", "set-driver", "lap", "vulkan", status=64)
    assert json.loads(shoal("cluster", "token", "list", "--json"))["tokens"][0]["token"] == token[:6] + "..."
    assert "revoked" in shoal("cluster", "token", "remove", "1")
    assert worker.process.wait(timeout=20) == 1
    for arguments in (["--master", "nowhere"], ["--master", master.address, "--token", "abc"], ["--weight", "0"]):
        done = subprocess.run([SHOAL, "worker", *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == 64, done.stderr
