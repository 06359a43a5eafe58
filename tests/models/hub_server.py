"""A hub on this machine: a real HTTP server with the few endpoints of the Hugging Face hub that a download asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

REPOSITORY, COMMIT = "someone/apollo-tiny", "c" * 40


class Hub(ThreadingHTTPServer):
    """Serves the files of `folder` as `REPOSITORY`; `someone/gated` is gated. asked: the files that were sent.

    kind: models or datasets.
    """

    def __init__(self, folder: Path, repository: str, kind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.api = f"/api/{kind}/{repository}"
        self.files = f"/{'' if kind == 'models' else f'{kind}/'}{repository}/resolve/{COMMIT}/"
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def answer(self, body: bool) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/api/models/someone/gated/"):
            self.send(403, b"", body, {"X-Error-Code": "GatedRepo"})
        elif path in (f"{self.server.api}/revision/{name}" for name in ("main", "v1", COMMIT)):
            self.send(200, json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": []}).encode(), body)
        elif path.startswith(f"{self.server.api}/revision/"):
            self.send(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
        elif path == f"{self.server.api}/tree/{COMMIT}":
            self.send(200, json.dumps(self.tree()).encode(), body)
        elif path.startswith(self.server.files):
            self.send_file(path.removeprefix(self.server.files), body)
        else:
            self.send(404, b"", body, {"X-Error-Code": "RepoNotFound"})

    def tree(self) -> list[dict[str, object]]:
        files = sorted(path for path in self.server.folder.rglob("*") if path.is_file())
        return [
            {
                "type": "file",
                "path": path.relative_to(self.server.folder).as_posix(),
                "size": path.stat().st_size,
                "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
            }
            for path in files
        ]

    def send_file(self, name: str, body: bool) -> None:
        content = (self.server.folder / name).read_bytes()
        if body:
            self.server.asked.append(name)
        self.send(200, content, body, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})

    def send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def hub(folder: Path, repository: str = REPOSITORY, kind: str = "models") -> Iterator[Hub]:
    server = Hub(folder, repository, kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
