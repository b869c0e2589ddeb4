"""The official client of the Hugging Face hub works with the stand-in hub of the tests as with the real one, so what the
node's own client does there counts."""

import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import textwrap
import urllib.request

import pytest

HUB = pathlib.Path(__file__).resolve().parents[1] / "StandInHub" / "hub.py"
TOKEN = "hf_stand_in"


class StandInHub:
    """A running stand-in with three repositories."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder) / "repositories"
        self.bytes = {}
        random_bytes = random.Random(7).randbytes
        self.add("shoal/tiny-GGUF", "tiny-Q4_K_M.gguf", random_bytes(300_000))
        self.add("shoal/tiny-GGUF", "BF16/tiny-BF16-00001-of-00002.gguf", random_bytes(200_000))
        self.add("shoal/tiny-GGUF", "BF16/tiny-BF16-00002-of-00002.gguf", random_bytes(100_000))
        self.add("shoal/tiny-GGUF", "README.md", b"# Tiny\n")
        self.add("shoal/other-GGUF", "other-Q8_0.gguf", random_bytes(12 << 20))
        self.add("closed/gated-GGUF", "gated.gguf", random_bytes(1000))
        self.add("closed/private-GGUF", "private.gguf", random_bytes(1000))
        self.describe("shoal/tiny-GGUF", downloads=12, likes=3, tags=["gguf", "license:mit"])
        self.describe("closed/gated-GGUF", gated="manual", downloads=5)
        self.describe("closed/private-GGUF", private=True)
        self.process = subprocess.Popen(
            [sys.executable, str(HUB), "--root", str(self.root), "--token", TOKEN, "--tree-page", "2"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.url = self.process.stdout.readline().strip().removeprefix("listening on ")
        assert self.url.startswith("http://127.0.0.1:")

    def add(self, repository, path, content):
        file = self.root / repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.bytes[repository, path] = content

    def describe(self, repository, **facts):
        (self.root / f"{repository}.json").write_text(json.dumps(facts))

    def control(self, action, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__stand-in/{action}", data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def sha256(self, repository, path):
        return hashlib.sha256(self.bytes[repository, path]).hexdigest()

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    hub = StandInHub(tmp_path_factory.mktemp("stand-in-hub"))
    try:
        yield hub
    finally:
        hub.stop()


@pytest.fixture
def hub(running):
    running.control("reset", {})
    return running


@pytest.fixture
def client(hub, tmp_path):
    """Runs Python with the official client in a process of its own, as a user would: only HF_ENDPOINT points to the stand-in."""

    def run(program, token=None):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url,
            # The stand-in offers plain HTTP, as the hub does to clients without the Xet protocol.
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        if token:
            environment["HF_TOKEN"] = token
        start = "import json\nfrom huggingface_hub import HfApi, hf_hub_download, errors\napi = HfApi()\n"
        finished = subprocess.run(
            [sys.executable, "-c", start + textwrap.dedent(program)], env=environment, capture_output=True, text=True,
            timeout=120,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    return run


def test_search_pages_through_all_models_in_order_of_downloads(hub, client):
    found = client("""
        models = api.list_models(filter="gguf", search="gguf", sort="downloads", full=True)
        print(json.dumps([[m.id, m.downloads, m.likes, m.gated, [s.rfilename for s in m.siblings]] for m in models]))
    """)
    assert [entry[0] for entry in found] == ["shoal/tiny-GGUF", "closed/gated-GGUF", "shoal/other-GGUF"]
    assert found[0][1:4] == [12, 3, False] and found[1][3] == "manual"
    assert "BF16/tiny-BF16-00001-of-00002.gguf" in found[0][4]
    limited = client('print(json.dumps([m.id for m in api.list_models(search="shoal", limit=1)]))')
    assert limited == ["shoal/tiny-GGUF"]


def test_the_next_page_is_where_the_link_header_says(hub):
    with urllib.request.urlopen(f"{hub.url}/api/models?filter=gguf&limit=2", timeout=10) as answer:
        first, link = json.load(answer), answer.headers["Link"]
    assert len(first) == 2 and link.endswith('>; rel="next"')
    with urllib.request.urlopen(link[1:].split(">")[0], timeout=10) as answer:
        assert len(json.load(answer)) == 1 and answer.headers["Link"] is None


def test_model_info_tells_sizes_and_hashes(hub, client):
    info = client("""
        info = api.model_info("shoal/tiny-GGUF", files_metadata=True)
        files = {s.rfilename: [s.size, s.blob_id, s.lfs and s.lfs.sha256, s.lfs and s.lfs.pointer_size] for s in info.siblings}
        at = api.model_info("shoal/tiny-GGUF", revision=info.sha)
        print(json.dumps([info.sha, at.sha, info.tags, info.private, info.last_modified.year > 2000, files]))
    """)
    sha, same, tags, private, dated, files = info
    assert len(sha) == 40 and sha == same and tags == ["gguf", "license:mit"] and private is False and dated
    for path, (size, blob, sha256, pointer) in files.items():
        content = hub.bytes["shoal/tiny-GGUF", path]
        assert size == len(content) and len(blob) == 40
        if path.endswith(".gguf"):
            assert sha256 == hub.sha256("shoal/tiny-GGUF", path) and pointer in range(120, 140)
        else:
            assert sha256 is None and blob == hashlib.sha1(b"blob %d\0" % size + content).hexdigest()


def test_the_tree_is_listed_over_several_pages(hub, client):
    tree, top, folder = client("""
        def listed(**options):
            return [[type(e).__name__, e.path, getattr(e, "size", None)] for e in api.list_repo_tree("shoal/tiny-GGUF", **options)]
        print(json.dumps([listed(recursive=True, expand=True), listed(), listed(path_in_repo="BF16")]))
    """)
    assert ["RepoFolder", "BF16", None] in tree and ["RepoFile", "README.md", 7] in tree and len(tree) == 5
    assert [entry[1] for entry in top] == ["BF16", "README.md", "tiny-Q4_K_M.gguf"]
    assert [entry[2] for entry in folder] == [200_000, 100_000]
    assert sum("/tree/" in request["path"] for request in hub.control("requests")) >= 4


@pytest.mark.parametrize("path", ["tiny-Q4_K_M.gguf", "BF16/tiny-BF16-00002-of-00002.gguf", "README.md"])
def test_a_download_has_the_right_bytes(hub, client, path):
    downloaded = client(f'print(json.dumps(hf_hub_download("shoal/tiny-GGUF", "{path}")))')
    assert pathlib.Path(downloaded).read_bytes() == hub.bytes["shoal/tiny-GGUF", path]


def test_a_download_that_breaks_off_is_resumed_where_it_stopped(hub, client):
    hub.control("faults", {"kind": "truncate", "host": "store", "after": 11 << 20, "times": 1})
    downloaded = client('print(json.dumps(hf_hub_download("shoal/other-GGUF", "other-Q8_0.gguf")))')
    assert pathlib.Path(downloaded).read_bytes() == hub.bytes["shoal/other-GGUF", "other-Q8_0.gguf"]
    ranges = [request["range"] for request in hub.control("requests") if request["host"] == "store"]
    # The client writes, and so remembers, 10 MiB at a time.
    assert ranges == [None, f"bytes={10 << 20}-"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_asked_again(hub, client, status):
    hub.control("faults", {"kind": "status", "status": status, "path": "/tree/", "retry_after": 0, "times": 1})
    assert len(client('print(json.dumps([e.path for e in api.list_repo_tree("shoal/tiny-GGUF", path_in_repo="BF16")]))')) == 2


def test_the_token_stays_with_the_hub(hub, client):
    client('print(json.dumps(hf_hub_download("shoal/tiny-GGUF", "tiny-Q4_K_M.gguf")))', token=TOKEN)
    requests = hub.control("requests")
    assert {request["token"] for request in requests if request["host"] == "hub"} == {True}
    assert [request["token"] for request in requests if request["host"] == "store"] == [False]
    store = requests[-1]["path"]
    with pytest.raises(urllib.error.HTTPError) as refusal:
        address = location(hub, "shoal/tiny-GGUF", "tiny-Q4_K_M.gguf")
        urllib.request.urlopen(urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"}), timeout=10)
    assert refusal.value.code == 400 and store.startswith("/repos/")


def location(hub, repository, path):
    """Where the hub sends one who asks for a large file."""

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        urllib.request.build_opener(NoRedirect).open(f"{hub.url}/{repository}/resolve/main/{path}", timeout=10)
    except urllib.error.HTTPError as answer:
        assert answer.code == 302 and answer.headers["X-Linked-Size"] and answer.headers["X-Repo-Commit"]
        return answer.headers["Location"]
    raise AssertionError("no redirect")


def ask_store(hub, **headers):
    request = urllib.request.Request(
        location(hub, "shoal/tiny-GGUF", "tiny-Q4_K_M.gguf"),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def test_the_file_store_answers_ranges(hub):
    whole = hub.bytes["shoal/tiny-GGUF", "tiny-Q4_K_M.gguf"]
    status, headers, body = ask_store(hub, Range="bytes=10-19")
    assert (status, headers["Content-Range"], body) == (206, "bytes 10-19/300000", whole[10:20])
    etag = headers["ETag"]
    assert ask_store(hub, Range="bytes=-5")[2] == whole[-5:]
    assert ask_store(hub, Range="bytes=299990-999999")[2] == whole[299_990:]
    assert ask_store(hub, Range="bytes=5-9", If_Range=etag)[::2] == (206, whole[5:10])
    assert ask_store(hub, Range="bytes=5-9", If_Range='"other"')[::2] == (200, whole)
    assert ask_store(hub, If_Match='"other"')[0] == 412
    status, headers, _ = ask_store(hub, Range="bytes=300000-")
    assert (status, headers["Content-Range"]) == (416, "bytes */300000")


@pytest.mark.parametrize(
    ("call", "token", "expected"),
    [
        ('api.model_info("shoal/missing")', None, "RepositoryNotFoundError"),
        ('api.model_info("shoal/missing")', TOKEN, "RepositoryNotFoundError"),
        ('api.model_info("closed/private-GGUF")', None, "RepositoryNotFoundError"),
        ('api.model_info("shoal/tiny-GGUF", revision="old")', None, "RevisionNotFoundError"),
        ('list(api.list_repo_tree("shoal/tiny-GGUF", path_in_repo="none"))', None, "RemoteEntryNotFoundError"),
        ('hf_hub_download("shoal/missing", "a.gguf")', None, "RepositoryNotFoundError"),
        ('hf_hub_download("shoal/tiny-GGUF", "a.gguf")', None, "RemoteEntryNotFoundError"),
        ('hf_hub_download("shoal/tiny-GGUF", "tiny-Q4_K_M.gguf", revision="old")', None, "RevisionNotFoundError"),
        ('hf_hub_download("closed/gated-GGUF", "gated.gguf")', None, "GatedRepoError"),
        ('hf_hub_download("closed/gated-GGUF", "gated.gguf")', TOKEN, "GatedRepoError"),
        ('api.model_info("shoal/tiny-GGUF")', "hf_wrong", "HfHubHTTPError"),
    ],
)
def test_refusals_are_the_errors_of_the_official_client(client, call, token, expected):
    raised = client(
        f"""
        try:
            {call}
            print(json.dumps(None))
        except errors.HfHubHTTPError as error:
            print(json.dumps(type(error).__name__))
        """,
        token,
    )
    assert raised == expected


def test_what_is_gated_opens_to_a_token_with_access(hub, client):
    hub.control("faults", {"kind": "gate", "repository": "closed/gated-GGUF", "granted": True})
    program = 'print(json.dumps(hf_hub_download("closed/gated-GGUF", "gated.gguf")))'
    assert pathlib.Path(client(program, TOKEN)).read_bytes() == hub.bytes["closed/gated-GGUF", "gated.gguf"]


def test_a_renamed_repository_is_found_under_its_old_name(hub, client):
    hub.control("faults", {"kind": "move", "repository": "shoal/old-GGUF", "to": "shoal/tiny-GGUF"})
    assert client('print(json.dumps(api.model_info("shoal/old-GGUF").id))') == "shoal/tiny-GGUF"
    downloaded = client('print(json.dumps(hf_hub_download("shoal/old-GGUF", "tiny-Q4_K_M.gguf")))')
    assert pathlib.Path(downloaded).read_bytes() == hub.bytes["shoal/tiny-GGUF", "tiny-Q4_K_M.gguf"]


def test_a_changed_file_has_another_etag_and_other_bytes(hub):
    _, before, content = ask_store(hub)
    hub.control("faults", {"kind": "change"})
    _, after, changed = ask_store(hub)
    assert before["ETag"] != after["ETag"] and len(changed) == len(content) and changed != content
