"""Fills a node with users, and asks for pages of them.

    python accounts.py --bin FOLDER [--users 100000] [--seconds 10]
"""

import argparse
import pathlib
import sqlite3
import tempfile

import listing
from client import Node

PAGE = 100


def fill(data: pathlib.Path, users: int):
    """Adds users with a balance each to the database of a node that has run and does not run now."""
    with sqlite3.connect(data / "shoal.sqlite") as database:
        [first] = database.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM accountUser").fetchone()
        numbers = range(first, first + users)
        database.executemany(
            "INSERT INTO accountUser (id, username, email, role, active, created, passwordHash, passwordState)"
            " VALUES (?, ?, ?, 'user', 1, ?, '', 'chosen')",
            ((number, f"user{number}", f"user{number}@example.com", 1.7e9 + number) for number in numbers),
        )
        database.executemany(
            "INSERT INTO ledgerEntry (user, kind, amount, balance, key, reason, at)"
            " VALUES (?, 'grant', ?, ?, 'first', 'balance to begin with', ?)",
            ((number, number % 1000, number % 1000, 1.7e9 + number) for number in numbers),
        )
    database.close()


def page(node: Node, users: int, connections: int):
    """What makes the request of each connection: pages that lie all over the list."""
    def request(number: int) -> bytes:
        path = f"/admin/api/users?limit={PAGE}&after={1 + number * (users - PAGE) // connections}"
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {node.key}\r\n"
        return f"{head}Accept-Encoding: gzip\r\n\r\n".encode()

    return request


def start(bin: pathlib.Path, data: pathlib.Path, users: int) -> Node:
    """A node with so many users."""
    Node(bin, data).stop()
    fill(data, users)
    node = Node(bin, data)
    last = node.get(f"/admin/api/users?limit={PAGE}&after={users - PAGE}")["users"]
    if len(last) != PAGE or last[-1]["tokens"] != last[-1]["id"] % 1000:
        raise SystemExit("bench: the node has not the users that were added")
    return node


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bin", type=pathlib.Path, required=True)
    arguments.add_argument("--users", type=int, default=100_000)
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=10)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="shoal-accounts-") as folder:
        node = start(given.bin, pathlib.Path(folder) / "users", given.users)
        try:
            print(f"started in {node.start_seconds:.2f} s, {node.resident_megabytes():.1f} MB")
            for side, pace in (("paced", 10), ("saturated", None)):
                times = listing.measure(
                    node.port, given.connections, given.seconds, pace, page(node, given.users, given.connections)
                )
                print(
                    f"{side}: {len(times) / given.seconds:.0f} answers/s, p50 {listing.quantile(times, 0.5):.2f} ms, "
                    f"p99 {listing.quantile(times, 0.99):.2f} ms, longest {times[-1]:.2f} ms"
                )
        finally:
            node.stop()


if __name__ == "__main__":
    main()
