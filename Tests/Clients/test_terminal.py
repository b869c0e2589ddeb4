"""What a person at a terminal meets: a conversation with line editing, and the first hour as docs/first-hour.md shows it."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time

import pytest

from conftest import BINARIES, ROOT, Node, eventually

SLOWNESS = float(os.environ.get("SHOAL_SLOWNESS", "3"))


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, words, environment):
        self.output = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execve(words[0], words, environment)

    def until(self, wanted, within=60):
        """Reads until a pattern is met; what was read before it, and with it."""
        end = time.monotonic() + within
        while not (found := re.search(wanted, self.output)):
            assert time.monotonic() < end, f"no {wanted!r} in {self.output!r}"
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    piece = os.read(self.terminal, 65536)
                except OSError:
                    piece = b""
                assert piece, f"it ended without {wanted!r}: {self.output!r}"
                self.output += piece.decode(errors="replace")
        read, self.output = self.output[: found.end()], self.output[found.end() :]
        return read

    def type(self, text):
        os.write(self.terminal, text.encode())

    def end(self, within=60):
        """The exit status, once it ends."""
        end = time.monotonic() + within
        while True:
            if time.monotonic() > end:
                os.kill(self.process, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.output!r}")
            if not select.select([self.terminal], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            self.output += piece.decode(errors="replace")
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        os.close(self.terminal)
        return status


def chat(node, home, *options):
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "SHOAL_API_KEY": node.key}
    return Terminal([str(BINARIES / "shoal"), "chat", "--url", node.url, *options], environment)


def test_a_conversation(node, tmp_path):
    talk = chat(node, tmp_path, "shoal-demo", "--temperature", "0", "--max-tokens", "400")
    talk.until("/help helps")
    talk.until(r"> ")
    # Typed with mistakes that are mended before it is sent.
    talk.type("What is Shol?\x1b[D\x1b[D\x7foa\x1b[F\r")
    first = talk.until(r"tokens/s[^\n]*\]")
    assert "Shoal" in first and "route" in first, first
    talk.until("> ")
    # The arrow brings it back.
    talk.type("\x1b[A")
    talk.until("What is Shoal\\?")
    talk.type("\r")
    talk.until(r"tokens/s[^\n]*\]")
    # Ctrl-C gives a line up, and stops no conversation.
    talk.type("never mind\x03")
    talk.until("> ")
    talk.type("/model\r")
    talk.until("shoal-demo, of .*shoal-demo")
    talk.type("/nope\r")
    talk.until("there is no /nope")
    talk.until("> ")
    talk.type("/bye\r")
    assert talk.end() == 0
    kept = (tmp_path / ".local/state/shoal/chat_history").read_text()
    assert kept == "What is Shoal?\n", kept
    assert (tmp_path / ".local/state/shoal/chat_history").stat().st_mode & 0o777 == 0o600

    # Another time, with the model that was asked last and the question from before.
    talk = chat(node, tmp_path)
    talk.until("> ")
    talk.type("\x1b[A\r")
    talk.until(r"tokens/s[^\n]*\]")
    # Before the line is being read, the terminal itself takes Ctrl-D.
    talk.until("> ")
    talk.type("\x04")
    assert talk.end() == 0


def test_an_answer_that_is_stopped(node, tmp_path):
    talk = chat(node, tmp_path, "shoal-demo", "--no-history", "--system", "go on", "--temperature", "1.9", "--seed", "3")
    talk.until("> ")
    stopped = False
    for _ in range(20):
        talk.type("What happens when a node dies?\r")
        talk.until(r"\n\r?\n?.")
        talk.type("\x03")
        said = talk.until(r"\[route[^\]]*\]|stopped\r?\n")
        talk.until("> ")
        # A short answer may be complete by then.
        if stopped := "stopped" in said:
            break
    assert stopped
    talk.type("What is a shard?\r")
    talk.until(r"\[route[^\]]*\]")
    talk.type("/exit\r")
    assert talk.end() == 0
    assert not (tmp_path / ".local").exists()


def test_a_list_of_models_that_is_stopped(tmp_path, hub_url):
    """A node that does not answer holds nobody who asks for the models, and ends no conversation."""
    node = Node(tmp_path / "node", hub_url)
    try:
        talk = chat(node, tmp_path, "shoal-demo")
        for line in ("/model", "/model shoal-demo"):
            talk.until("> ")
            os.kill(node.process.pid, signal.SIGSTOP)
            talk.type(line + "\r")
            # Only while a line is read it is not the terminal that takes Ctrl-C.
            eventually(lambda: shows_and_edits(talk.terminal) == (True, True), within=10)
            talk.type("\x03")
            talk.until("stopped\r?\n", within=10)
            os.kill(node.process.pid, signal.SIGCONT)
        talk.until("> ")
        talk.type("/model nobody\r")
        talk.until("there is no model nobody")
        talk.until("> ")
        node.stop()
        talk.type("/model\r")
        talk.until("cannot reach|does not answer|no node|refused")
        talk.until("> ")
        talk.type("/bye\r")
        assert talk.end() == 0
    finally:
        node.process.send_signal(signal.SIGCONT)
        node.stop()


def test_a_one_time_password_is_exchanged_for_another_one(tmp_path, hub_url):
    node = Node(tmp_path / "node", hub_url)
    try:
        file = tmp_path / "node" / "admin_password"
        eventually(file.exists, within=20)
        once = file.read_text().strip()
        home = tmp_path / "home"
        home.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm"}

        def log_in():
            return Terminal([str(BINARIES / "shoal"), "login", "--url", node.url, "admin"], environment)

        person = log_in()
        person.until("password of admin: ")
        person.type("wrong\n")
        assert person.end() == 1 and "the username or the password is wrong" in person.output, person.output
        person = log_in()
        person.until("password of admin: ")
        person.type(once + "\n")
        person.until("that was a one-time password; choose another one")
        person.until("at least [0-9]+ characters: ")
        person.type("short\n")
        person.until("characters")
        person.until("at least [0-9]+ characters: ")
        person.type("correct horse\n")
        person.until("once more: ")
        person.type("correct hors\n")
        person.until("the two passwords differ")
        person.until("at least [0-9]+ characters: ")
        person.type("correct horse\n")
        person.until("once more: ")
        person.type("correct horse\n")
        shown = person.until("logged in at [^ ]+ as admin")
        assert person.end() == 0
        assert "correct horse" not in shown + person.output
        whose = subprocess.run(
            [str(BINARIES / "shoal"), "me", "--url", node.url], env=environment, capture_output=True, text=True, timeout=30)
        assert whose.returncode == 0 and whose.stdout.startswith("admin at"), whose
        assert once not in node.errors()
        person = log_in()
        person.until("password of admin: ")
        person.type(once + "\n")
        assert person.end() == 1
    finally:
        node.stop()


def test_logs_are_there_while_a_node_runs_and_when_it_has_ended(tmp_path, hub_url):
    def logs(*options):
        return subprocess.run(
            [str(BINARIES / "shoal"), "logs", "--data-dir", str(tmp_path / "node"), *options], capture_output=True, text=True,
            timeout=30)

    missing = logs()
    assert missing.returncode == 1 and "no node or worker has logged anything" in missing.stderr, missing
    node = Node(tmp_path / "node", hub_url)
    follower = None
    try:
        follower = subprocess.Popen(
            [str(BINARIES / "shoal"), "logs", "-f", "-n", "1", "--data-dir", str(tmp_path / "node")],
            stdout=subprocess.PIPE, text=True)
        assert follower.stdout.readline()
    finally:
        node.stop()
    try:
        while "stopped" not in (line := follower.stdout.readline()):
            assert line
    finally:
        follower.kill()
        follower.wait()
    everything = (tmp_path / "node" / "node.log").read_text()
    # Why a start fails stands there too, though another shell has seen it.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["serve", "--data-dir", str(tmp_path / "node"), "--port", str(taken.getsockname()[1])]
        failed = subprocess.run([str(BINARIES / "shoal"), *words], capture_output=True, text=True, timeout=30)
    assert failed.returncode == 1
    why = logs("-n", "1").stdout
    assert " critical shoal: ended reason=" in why and failed.stderr.splitlines()[0].removeprefix("error: ") in why, (why, failed)
    everything += why
    assert logs("--tail", "100000").stdout == everything
    assert logs("-n", "2").stdout == "".join(everything.splitlines(keepends=True)[-2:])
    assert logs("--tail", "-1").returncode == 64
    assert (tmp_path / "node" / "shoal.log").stat().st_mode & 0o777 == 0o600


def shows_and_edits(terminal):
    """Whether a terminal shows what is typed and hands on whole lines, as its owner left it."""
    flags = termios.tcgetattr(terminal)[3]
    return bool(flags & termios.ECHO), bool(flags & termios.ICANON)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(node, tmp_path, number):
    words = {
        "chat": (["chat", "--url", node.url, "shoal-demo"], "> ", (False, False)),
        "login": (["login", "--url", node.url, "ada"], "password of ada: ", (False, True)),
    }
    for name, (options, prompt, meanwhile) in words.items():
        if name == "chat" and number == signal.SIGINT:
            continue  # There it stops an answer.
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "SHOAL_API_KEY": node.key}
        program = Terminal([str(BINARIES / "shoal"), *options], environment)
        program.until(re.escape(prompt))
        # Held open, so that the terminal outlives the program.
        other = os.open(f"/proc/{program.process}/fd/0", os.O_RDWR | os.O_NOCTTY)
        try:
            assert shows_and_edits(other) == meanwhile
            os.kill(program.process, number)
            status = os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1])
            assert status == -number
            assert shows_and_edits(other) == (True, True), name
            if name == "chat":
                program.until(re.escape("\x1b[?2004l"))
        finally:
            os.close(other)
            os.close(program.terminal)


def test_a_hub_that_does_not_answer(tmp_path):
    """A search says within three seconds what it waits for."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        node = Node(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        try:
            for words in (["search", "qwen3"], ["pull", "owner/name"], ["pull", "qwen3"]):
                began = time.monotonic()
                asking = subprocess.Popen(
                    [str(BINARIES / "shoal"), *words, "--data-dir", str(tmp_path)], text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
                line = asking.stderr.readline()
                asking.kill()
                asking.communicate()
                assert "waiting for huggingface.co" in line, line
                assert time.monotonic() - began < 3 * SLOWNESS
        finally:
            node.stop()


def test_the_first_hour():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/first-hour"), "--bin", str(BINARIES), "--check"], capture_output=True, text=True,
        timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
