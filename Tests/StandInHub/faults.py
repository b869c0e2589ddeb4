"""Misbehaviour on demand.

A fault is a JSON object: `kind`, and optionally `host` ("hub" or "store"), `method`, `path` (text that the request's path
contains), `skip` (matching requests that pass unharmed first) and `times` (how many suffer; all when absent). By kind:

    status       answers `status` (429, 503, …), with `retry_after` as Retry-After, or with `rate_limit` seconds in RateLimit
    drop         closes the connection without an answer
    body         answers 200 with the text `body`
    redirect     answers 302 to `location`
    truncate     closes the connection after `after` bytes of the body
    short        leaves `missing` bytes out at the body's end, and says so in Content-Length
    long         adds `extra` bytes to the body, and says so in Content-Length
    stall        sends nothing for `seconds` after `after` bytes of the body
    slow         sends `bytes_per_second`
    ignore_range answers the whole file with 200
    wrong_range  answers 206 with bytes `shift` further on than asked
    no_etag      leaves ETag out
    change       swaps the file's bytes and ETag when the file store is asked for it (once, unless `times` says more)
    expire       the file store refuses what was signed before this request, where `path` is in it (once, unless `times` says more)
    size         claims `size` bytes wherever the file is described
    gate         makes the repository `repository` gated; the accepted token opens it if `granted`
    move         `repository` has been renamed to `to`
"""

import threading

KINDS = {line.split()[0] for line in __doc__.split("By kind:")[1].splitlines() if line.startswith("    ")}

class Faults:
    """The faults that are in force, and the count-down of each."""

    def __init__(self):
        self.lock = threading.Lock()
        self.faults = []

    def add(self, fault):
        if fault.get("kind") not in KINDS:
            raise ValueError(f"no such kind of fault: {fault.get('kind')}")
        once = {"host": "store", "times": 1} if fault["kind"] in ("change", "expire") else {}
        with self.lock:
            self.faults.append(once | fault)

    def reset(self):
        with self.lock:
            self.faults.clear()

    def hitting(self, host, method, path):
        """The faults that this request suffers, by kind; counts them down."""
        suffered = {}
        with self.lock:
            for fault in self.faults:
                if fault["kind"] in ("size", "gate", "move"):
                    continue
                if fault.get("host", host) != host or fault.get("method", method) != method:
                    continue
                if fault.get("path", "") not in path:
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                elif fault.get("times", 1) > 0:
                    if "times" in fault:
                        fault["times"] -= 1
                    suffered.setdefault(fault["kind"], fault)
        return suffered

    def standing(self, kind, **wanted):
        """The fault of this kind that is about these values, if there is one."""
        with self.lock:
            for fault in self.faults:
                if fault["kind"] == kind and all(fault.get(name) == value for name, value in wanted.items()):
                    return fault
        return None

    def size(self, file):
        fault = self.standing("size", path=file.path)
        return fault["size"] if fault else file.size
