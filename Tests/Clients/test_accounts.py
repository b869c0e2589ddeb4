"""Users from the command line and from outside: log-in, sessions, bearer values, deactivation, the audit log."""

import http.cookiejar
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import openai
import pytest
from conftest import BINARIES

PASSWORD = "correct horse battery"


class Browser:
    """Keeps cookies, as browsers do."""

    def __init__(self, url):
        self.url = url
        self.headers = {}
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, method, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers | headers, method=method)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def log_in(self, username, password):
        status, answer = self.ask("POST", "/api/auth/login", {"username": username, "password": password})
        if status == 200:
            self.headers = {"x-csrf-token": answer["csrf_token"]}
        return status, answer


def shoal(node, *arguments, stdin=None, check=True):
    """What a command prints."""
    run = subprocess.run(
        [str(BINARIES / "shoal"), *arguments, "--data-dir", str(node.directory)], input=stdin, text=True,
        capture_output=True, timeout=60)
    assert not check or run.returncode == 0, run.stderr
    return run if not check else run.stdout.strip()


@pytest.fixture(scope="module")
def ada(node):
    shoal(node, "user", "add", "ada", "--admin", stdin=PASSWORD + "\n")
    return "ada"


@pytest.fixture
def bob(node, request):
    name = "bob-" + re.sub("[^a-z]+", "-", request.node.name)[:40].strip("-")
    shoal(node, "user", "add", name, "--tokens", "300", stdin=PASSWORD + "\n")
    return name


def bearer(value):
    return {"Authorization": f"Bearer {value}"}


def test_a_session_needs_its_csrf_token_to_change_something(node, ada):
    browser = Browser(node.url)
    assert browser.log_in(ada, "wrong password")[0] == 401
    status, answer = browser.log_in(ada, PASSWORD)
    assert status == 200 and answer["user"]["role"] == "admin"
    assert browser.ask("GET", "/api/me")[1]["user"]["username"] == ada
    assert browser.ask("GET", "/admin/api/users")[0] == 200
    new = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    proof, browser.headers = browser.headers, {}
    assert browser.ask("POST", "/admin/api/users", new)[0] == 403
    browser.headers = proof
    assert browser.ask("POST", "/admin/api/users", new)[0] == 201
    status, answer = browser.ask("POST", "/admin/api/users", new)
    assert status == 409 and isinstance(answer["error"], str)
    assert browser.ask("POST", "/api/auth/logout", {})[0] == 200
    assert browser.ask("GET", "/admin/api/users")[0] == 401


def test_the_answer_to_a_wrong_name_and_to_a_wrong_password_is_the_same(node, ada):
    browser = Browser(node.url)
    assert browser.log_in(ada, "wrong password") == browser.log_in("nobody-at-all", "wrong password")


def test_users_are_listed_as_documented(node, ada):
    users = json.loads(shoal(node, "user", "list", "--json"))["users"]
    one = next(user for user in users if user["username"] == ada)
    assert list(one) == ["id", "username", "email", "role", "tokens", "active", "created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["created_at"])
    page = Browser(node.url).ask("GET", "/admin/api/users?limit=1", **bearer(node.key))[1]
    assert len(page["users"]) == 1 and page["next"] == page["users"][0]["id"]
    rest = Browser(node.url).ask("GET", f"/admin/api/users?limit=1000&after={page['next']}", **bearer(node.key))[1]
    assert [user["id"] for user in page["users"] + rest["users"]] == [user["id"] for user in users]


def test_a_user_may_compute_and_not_administer(node, ada, bob):
    token = Browser(node.url).ask("POST", "/api/auth/token", {"username": bob, "password": PASSWORD})[1]["token"]
    client = openai.OpenAI(base_url=node.url + "/v1", api_key=token, max_retries=0)
    assert node.model in [model.id for model in client.models.list()]
    answer = client.chat.completions.create(
        model=node.model, messages=[{"role": "user", "content": "What is Shoal?"}], max_tokens=4)
    assert answer.choices[0].message.content
    for path in ["/admin/api/users", "/admin/api/audit", "/api/admin/api-key"]:
        assert Browser(node.url).ask("GET", path, **bearer(token))[0] == 403


def test_deactivation_ends_everything_at_once(node, ada, bob):
    browser = Browser(node.url)
    assert browser.log_in(bob, PASSWORD)[0] == 200
    jwt = browser.ask("POST", "/api/auth/token", {"username": bob, "password": PASSWORD})[1]["token"]
    token = shoal(node, "token", "add", "laptop", "--user", bob)
    for headers in [bearer(jwt), bearer(token), {}]:
        assert browser.ask("GET", "/api/me", **headers)[0] == 200
    shoal(node, "user", "set", bob, "--deactivate")
    for headers in [bearer(jwt), bearer(token), {}]:
        assert browser.ask("GET", "/api/me", **headers)[0] == 401
    assert browser.log_in(bob, PASSWORD)[0] == 401
    shoal(node, "user", "set", bob, "--activate")
    assert browser.ask("GET", "/api/me", **bearer(token))[0] == 401, "revoked tokens come back"
    assert browser.log_in(bob, PASSWORD)[0] == 200


def test_a_grant_happens_once_and_no_balance_goes_below_zero(node, ada, bob):
    browser = Browser(node.url)
    user = json.loads(shoal(node, "user", "show", bob, "--json"))["user"]
    path = f"/admin/api/users/{user['id']}/tokens"
    once = bearer(node.key) | {"Idempotency-Key": "november"}
    grant = {"tokens": 50, "reason": "for November"}
    assert [browser.ask("POST", path, grant, **once)[1]["balance"] for _ in range(3)] == [350, 350, 350]
    assert browser.ask("POST", path, {"tokens": 60, "reason": "other"}, **once)[0] == 409
    status, answer = browser.ask("POST", path, {"tokens": -351, "reason": "too much"}, **bearer(node.key))
    assert status == 402 and "350" in answer["error"]
    assert browser.ask("POST", path, {"tokens": -350, "reason": "all"}, **bearer(node.key))[1]["balance"] == 0
    ledger = browser.ask("GET", path, **bearer(node.key))[1]
    assert sum(entry["amount"] for entry in ledger["entries"]) == ledger["balance"] == 0


def test_the_audit_log_says_who_did_what_and_no_secret(node, ada, bob):
    token = shoal(node, "token", "add", "desk", "--user", bob)
    text = json.dumps(Browser(node.url).ask("GET", "/admin/api/audit?limit=1000", **bearer(node.key))[1])
    for action in ["user.create", "api_token.create"]:
        assert action in text
    assert bob in text and "node key" in text
    for secret in [PASSWORD, token, node.key]:
        assert secret not in text
    log = node.errors()
    for secret in [PASSWORD, token, node.key]:
        assert secret not in log


def test_the_first_administrator_has_a_password_for_one_log_in(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}
    process = subprocess.Popen(
        [str(BINARIES / "shoal"), "serve", "--data-dir", str(tmp_path), "--port", "0", "--swarm-host", "127.0.0.1",
         "--swarm-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        browser = Browser(process.stdout.readline().strip().removeprefix("listening on "))
        said = process.stdout.readline()
        password = re.search(r"one-time password of admin is (\S+)", said)[1]
        status, answer = browser.log_in("admin", password)
        assert status == 200 and answer["password_change_required"] is True
        assert Browser(browser.url).log_in("admin", password)[0] == 401, "it is good for one log-in"
        status, answer = browser.ask("GET", "/admin/api/users")
        assert status == 403 and "/api/auth/password" in answer["error"]
        change = {"current_password": password, "new_password": PASSWORD}
        assert browser.ask("POST", "/api/auth/password", change)[0] == 200
        assert browser.log_in("admin", PASSWORD)[0] == 200
        assert browser.ask("GET", "/admin/api/users")[0] == 200
    finally:
        process.terminate()
        process.wait(timeout=15)


def test_the_first_administrator_can_be_made_before_the_first_start(tmp_path):
    class Stopped:
        directory = tmp_path

    assert shoal(Stopped, "user", "add", "eve", "--admin", stdin=PASSWORD + "\n") == "eve: admin, 0 tokens"
    again = shoal(Stopped, "user", "add", "eve", "--admin", stdin=PASSWORD + "\n", check=False)
    assert again.returncode == 1 and "eve" in again.stderr
