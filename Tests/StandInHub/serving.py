"""What both listeners of the stand-in have in common: the log of requests, faults, and files with ranges."""

import http.server
import json
import re
import socket
import time
import urllib.parse

EXPOSED = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in-hub"
    disable_nagle_algorithm = True
    host = ""
    hub = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_one()

    def do_HEAD(self):
        self.handle_one()

    def do_POST(self):
        self.handle_one()

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        raw, _, query = self.path.partition("?")
        self.segments = [urllib.parse.unquote(part) for part in raw.split("/")[1:]]
        self.parameters = urllib.parse.parse_qs(query, keep_blank_values=True)
        if self.segments[0] == "__stand-in" and self.host == "hub":
            return self.control(content)
        self.entry = {
            "host": self.host, "method": self.command, "path": self.path, "range": self.headers.get("Range"),
            "if_range": self.headers.get("If-Range"), "token": "Authorization" in self.headers, "status": 0, "sent": 0,
        }
        with self.hub.lock:
            self.hub.requests.append(self.entry)
        self.suffered = self.hub.faults.hitting(self.host, self.command, self.path)
        if "expire" in self.suffered:
            self.hub.expire(self.suffered["expire"].get("path", ""))
        try:
            if not self.failed():
                self.route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def control(self, content):
        action = (self.command, self.segments[1:])
        if action == ("POST", ["faults"]):
            try:
                self.hub.faults.add(json.loads(content))
            except ValueError as error:
                return self.answer(400, {"error": str(error)})
            return self.answer(200, {})
        if action == ("POST", ["reset"]):
            self.hub.reset()
            return self.answer(200, {})
        if action == ("GET", ["requests"]):
            with self.hub.lock:
                requests = [dict(entry) for entry in self.hub.requests]
            return self.answer(200, requests)
        return self.answer(404, {"error": "there is no such control"})

    def failed(self):
        """Gives the answer of a fault that needs no file."""
        if "drop" in self.suffered:
            self.close_connection = True
            return True
        if fault := self.suffered.get("status"):
            headers = {}
            if "retry_after" in fault:
                headers["Retry-After"] = str(fault["retry_after"])
            if "rate_limit" in fault:
                headers["RateLimit"] = f'"api";r=0;t={fault["rate_limit"]}'
            self.answer(fault["status"], {"error": "the stand-in was told to fail"}, headers)
            return True
        if fault := self.suffered.get("body"):
            self.answer(200, fault["body"])
            return True
        if fault := self.suffered.get("redirect"):
            self.answer(302, "", {"Location": fault["location"]})
            return True
        return False

    def answer(self, status, content, headers=None):
        """JSON, or text where `content` is text."""
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        kind = "text/plain; charset=utf-8" if isinstance(content, str) else "application/json; charset=utf-8"
        self.start(status, {"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def start(self, status, headers):
        if hasattr(self, "entry"):
            self.entry["status"] = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_file(self, file, etag, headers):
        """The file, or the range of it that is asked for, with the faults of this request."""
        size = file.size
        headers = {"Accept-Ranges": "bytes", "ETag": etag, "Content-Type": "application/octet-stream"} | headers
        if "no_etag" in self.suffered:
            del headers["ETag"]
        if (wanted := self.headers.get("If-Match")) and wanted not in (etag, "*"):
            return self.start(412, {"Content-Length": "0"})
        start, end, status = 0, size, 200
        asked = self.headers.get("Range")
        if (condition := self.headers.get("If-Range")) and condition != etag:
            asked = None
        if asked and "ignore_range" not in self.suffered and (found := re.fullmatch(r"bytes=(\d*)-(\d*)", asked)):
            first, last = found.groups()
            if first:
                start, end = int(first), min(size, int(last) + 1) if last else size
            elif last:
                start = max(0, size - int(last))
            if start >= size or start >= end or not (first or last):
                return self.start(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
            status = 206
        if fault := self.suffered.get("wrong_range"):
            start, end = min(size - 1, start + fault["shift"]), min(size, end + fault["shift"])
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        length = end - start
        if fault := self.suffered.get("short"):
            end = max(start, end - fault["missing"])
            length = end - start
        extra = b"\0" * self.suffered.get("long", {}).get("extra", 0)
        self.start(status, headers | {"Content-Length": str(length + len(extra))})
        if self.command != "HEAD":
            self.send_body(file, start, end)
            self.wfile.write(extra)

    def send_body(self, file, start, end):
        rate = self.suffered.get("slow", {}).get("bytes_per_second")
        cuts = sorted(
            (fault["after"], kind) for kind, fault in self.suffered.items() if kind in ("truncate", "stall")
        )
        position = start
        for after, kind in cuts:
            cut = min(end, start + after)
            self.send_bytes(file, position, cut, rate)
            position = cut
            if kind == "truncate":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_WR)
                raise BrokenPipeError
            self.wfile.flush()
            time.sleep(self.suffered["stall"]["seconds"])
        self.send_bytes(file, position, end, rate)

    def send_bytes(self, file, start, end, rate):
        for chunk in file.read(start, end):
            step = max(1, rate // 20) if rate else len(chunk)
            for offset in range(0, len(chunk), step):
                piece = chunk[offset:offset + step]
                self.wfile.write(piece)
                self.entry["sent"] += len(piece)
                if rate:
                    time.sleep(len(piece) / rate)

    def refuse(self, status, code, message, headers=None):
        """An error as the hub says it."""
        headers = {"X-Error-Message": message, "Access-Control-Expose-Headers": EXPOSED} | (headers or {})
        if code:
            headers["X-Error-Code"] = code
        self.answer(status, {"error": message} if self.segments[0] == "api" else message, headers)
