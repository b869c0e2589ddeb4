"""Asks a node for its list of models over many connections at once, and times every answer.

    python listing.py --port PORT [--connections 50] [--seconds 10] [--pace 10 | --saturated] [--plain]

Paced, each connection asks so many times a second at moments of its own, and an answer's time counts from the moment at which it
should have been asked for: what has to wait behind a late answer is late too. Saturated, each connection asks again as soon as it
has its answer, so that as many requests as connections are under way all the time.
"""

import argparse
import heapq
import pathlib
import random
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Callable

WARM_UP_SECONDS = 1
SEED = 8800


class Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int, request: bytes):
        self.request = request
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(1 << 16)
        self.is_waiting = False
        # Moments at which it should have asked, while it still waited.
        self.late: list[float] = []

    def ask(self, due: float):
        if self.is_waiting:
            return self.late.append(due)
        self.due, self.is_waiting = due, True
        self.received, self.wanted = 0, None
        self.socket.sendall(self.request)

    def receive(self) -> bool:
        """Takes what has come; whether the answer is whole."""
        if self.received == len(self.buffer):
            self.buffer.extend(bytes(len(self.buffer)))
        with memoryview(self.buffer) as view:
            count = self.socket.recv_into(view[self.received :])
        if count == 0:
            raise SystemExit("bench: the node closed a connection")
        self.received += count
        if self.wanted is None:
            end = self.buffer.find(b"\r\n\r\n", 0, self.received)
            if end < 0:
                return False
            head = bytes(self.buffer[:end]).decode().lower().split("\r\n")
            if not head[0].startswith("http/1.1 200"):
                raise SystemExit(f"bench: the node answers {head[0]}")
            fields = dict(line.split(": ", 1) for line in head[1:])
            self.wanted = end + 4 + int(fields["content-length"])
        self.is_waiting = self.received < self.wanted
        return not self.is_waiting


def models(number: int, coding: str = "gzip") -> bytes:
    """The request for the list of models, the same on every connection."""
    return f"GET /api/admin/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: {coding}\r\n\r\n".encode()


def measure(
    port: int, connections: int, seconds: float, pace: float | None, request: Callable[[int], bytes] = models
) -> list[float]:
    """Milliseconds of every answer, sorted; `pace` is requests per second of one connection, None: saturated."""
    selector = selectors.DefaultSelector()
    moments = random.Random(SEED)
    start = time.perf_counter()
    due = []
    for number in range(connections):
        connection = Connection(port, request(number))
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        if pace is None:
            connection.ask(time.perf_counter())
        else:
            due.append((start + moments.random() / pace, number, connection))
    heapq.heapify(due)
    times: list[float] = []
    warm = start + WARM_UP_SECONDS
    end = warm + seconds
    while (now := time.perf_counter()) < end:
        while due and due[0][0] <= now:
            at, number, connection = heapq.heappop(due)
            connection.ask(at)
            heapq.heappush(due, (at + 1 / pace, number, connection))
        for key, _ in selector.select(max(0, due[0][0] - now) if due else 1):
            connection = key.data
            if connection.receive():
                if connection.due > warm:
                    times.append((time.perf_counter() - connection.due) * 1000)
                if pace is None:
                    connection.ask(time.perf_counter())
                elif connection.late:
                    connection.ask(connection.late.pop(0))
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    return sorted(times)


def quantile(times: list[float], part: float) -> float:
    return times[min(len(times) - 1, int(len(times) * part))]


def make(bin: pathlib.Path, model: pathlib.Path, data: pathlib.Path, models: int):
    """A data directory whose models are all links to one file, with a shard for each of its layers."""
    if (data / "complete").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    for number in range(models):
        command = [bin / "shoal", "import", model, "--data-dir", data, "--model-id", f"listed-{number:03}"]
        done = subprocess.run([*command, "--shard-size-mb", "1"], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: the import failed:\n{done.stderr[-2000:]}")
    (data / "complete").touch()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--pace", type=float, default=10)
    arguments.add_argument("--saturated", action="store_true", help="ask again as soon as the answer is there")
    arguments.add_argument("--plain", action="store_true", help="ask for the text uncompressed")
    given = arguments.parse_args()
    pace = None if given.saturated else given.pace
    coding = "identity" if given.plain else "gzip"
    times = measure(given.port, given.connections, given.seconds, pace, lambda number: models(number, coding))
    print(
        f"{len(times) / given.seconds:.0f} answers/s, p50 {quantile(times, 0.5):.2f} ms, "
        f"p99 {quantile(times, 0.99):.2f} ms, longest {times[-1]:.2f} ms"
    )


if __name__ == "__main__":
    main()
