"""A hub of data sets on this machine: real HTTP with listings, LFS metadata, redirects to a file server, and ranges.

It counts what it sends, and can be told to fail in the ways in which the real one does.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "c" * 40
PIECE = 1 << 13


class Hub(ThreadingHTTPServer):
    """Serves folders as data sets.

    sent: bytes of each file that went out. seen: (path, Authorization) of each request for a file. gated: data sets
    that ask for a token. refusals: statuses to answer the next requests for contents with, each once. cuts: how many
    of the next answers break off half-way. damaged: files of which a byte is flipped on the way. ranges: whether parts
    of files are sent. pause: seconds between pieces.
    """

    daemon_threads = True

    def __init__(self, folders: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folders = dict(folders)
        self.sent: Counter[str] = Counter()
        self.seen: list[tuple[str, str | None]] = []
        self.gated: dict[str, str] = {}
        self.refusals: list[int] = []
        self.cuts = 0
        self.damaged: set[str] = set()
        self.ranges = True
        self.pause = 0.0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def total(self) -> int:
        return sum(self.sent.values())

    def forget(self) -> None:
        self.sent.clear()
        self.seen.clear()


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        token = self.headers.get("Authorization")
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(/revision/[^/]+)?", path):
            self.in_repository(found[1], lambda _: self.answer({"id": found[1], "sha": COMMIT}))
        elif found := re.fullmatch(rf"/api/datasets/([^/]+/[^/]+)/tree/{COMMIT}", path):
            self.in_repository(found[1], lambda folder: self.answer(tree(folder)))
        elif found := re.fullmatch(rf"/datasets/([^/]+/[^/]+)/resolve/{COMMIT}/(.+)", path):
            self.server.seen.append((path, token))
            self.in_repository(found[1], lambda folder: self.redirect(found[1], folder / found[2], found[2]))
        elif found := re.fullmatch(r"/files/([^/]+/[^/]+)/(.+)", path):
            self.server.seen.append((path, token))
            self.send_file(self.server.folders[found[1]] / found[2], found[2])
        else:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})

    def in_repository(self, name: str, then: Callable[[Path], None]) -> None:
        if name not in self.server.folders:
            self.send(401, b"", {"X-Error-Code": "RepoNotFound"})
        elif name in self.server.gated and self.headers.get("Authorization") != f"Bearer {self.server.gated[name]}":
            self.send(403, b"", {"X-Error-Code": "GatedRepo"})
        else:
            then(self.server.folders[name])

    def redirect(self, repository: str, file: Path, name: str) -> None:
        """To a file server at another host, as the hub does; its headers tell what the file is."""
        target = f"http://localhost:{self.server.server_port}/files/{repository}/{name}?signature=secret"
        etag, size = f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"', str(file.stat().st_size)
        told = {"X-Repo-Commit": COMMIT, "X-Linked-Etag": etag, "X-Linked-Size": size, "ETag": etag}
        self.send(302, b"", {"Location": target, **told})

    def answer(self, content: object) -> None:
        self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send_file(self, file: Path, name: str) -> None:
        with self.server.lock:
            refusal = self.server.refusals.pop(0) if self.server.refusals else None
            cut = self.server.cuts > 0
            self.server.cuts -= cut
        if refusal is not None:
            self.send(refusal, b"", {"Retry-After": "0"})
            return
        content = file.read_bytes()
        if name in self.server.damaged:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        status, headers = 200, {"Accept-Ranges": "bytes"}
        if asked and self.server.ranges:
            first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
            status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{len(content)}"
            content = content[first : last + 1]
        self.head(status, len(content), headers)
        for start in range(0, len(content) // 2 if cut else len(content), PIECE):
            piece = content[start : start + PIECE]
            self.wfile.write(piece)
            with self.server.lock:
                self.server.sent[name] += len(piece)
            if self.server.pause:
                time.sleep(self.server.pause)
        if cut:
            self.close_connection = True

    def send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.head(status, len(content), headers)
        if self.command == "GET":
            self.wfile.write(content)

    def head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            """The client went away, or was killed."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def tree(folder: Path) -> list[dict[str, object]]:
    """The files as the hub lists them: archives and videos by LFS, the rest as git has it."""
    listed = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        row = {"type": "file", "path": path.relative_to(folder).as_posix(), "size": len(content), "oid": sha1}
        if path.suffix not in (".json", ".txt"):
            sha256 = hashlib.sha256(content).hexdigest()
            row["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
        listed.append(row)
    return listed


@contextmanager
def hub(folders: Mapping[str, Path]) -> Iterator[Hub]:
    server = Hub(folders)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
