"""Keys and tokens stay with us, whatever a server sends back: commands in processes of their own, servers that echo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from apollobench.benchmark import Entry, write_benchmark
from apollobench.errors import InputError
from apollobench.models.http.address import find_address

from ..evaluate import eyes

KEY, TOKEN, PASSWORD = "sk-0123456789abcdef", "hf_0123456789abcdefghij", "correct/horse"
LOUD = [sys.executable, "-c", "import logging, apollobench.cli as c; logging.basicConfig(level=0); c.main()"]
Act = Callable[["Echo"], None]


class Echo(BaseHTTPRequestHandler):
    """Tells everything that it was sent, in headers, in the reason and in the body."""

    protocol_version = "HTTP/1.1"
    act: Act

    def do_GET(self) -> None:
        type(self).act(self)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).act(self)

    def do_HEAD(self) -> None:
        type(self).act(self)

    @property
    def secret(self) -> str:
        return str(self.headers["Authorization"])

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status, f"no {self.secret}")
        for name in ("X-Error-Message", "X-Request-Id", "WWW-Authenticate"):
            self.send_header(name, self.secret)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def echo(act: Act) -> Iterator[str]:
    """The address of a server that does `act` with every request."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Once", (Echo,), {"act": act}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refusing(status: int) -> Act:
    return lambda handler: handler.say(
        status, json.dumps({"error": {"message": f"bad {handler.secret}"}, "detail": dict(handler.headers)}).encode()
    )


def escaped(handler: Echo) -> None:
    """An honest listing, then replies that spell the key in JSON escapes."""
    if handler.command == "GET":
        handler.say(200, b'{"data": [{"id": "m", "root": "weights"}]}')
        return
    spelt = "".join(f"\\u{ord(letter):04x}" for letter in handler.secret)
    handler.say(200, b'{"choices": [{"message": {"content": "A. %s"}}]}' % spelt.encode())


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    items = eyes.make_world(root / "data", 1)
    write_benchmark(root / "benchmark", [Entry(item) for item in items], [], {"name": "eyes"}, "# eyes\n")
    return root / "benchmark"


def run(root: Path, *given: str | Path, **more: str) -> str:
    """All that a command says, with every logger at its loudest."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = {**kept, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **more}
    done = subprocess.run([*LOUD, *map(str, given)], env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout + done.stderr


def written(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("act", "expected"),
    [(refusing(401), "401"), (refusing(500), "500"), (escaped, "result: ")],
    ids=["401", "500", "reply"],
)
def test_a_key_of_a_server(act: Act, expected: str, root: Path, benchmark: Path, tmp_path: Path) -> None:
    with echo(act) as url:
        for number, (address, more) in enumerate(
            [(url, {"OPENAI_API_KEY": KEY}), (url.replace("//", f"//{KEY}@"), {})]
        ):
            arguments = ["--model_args", "tries=1,frames=2", "--benchmark", benchmark, "--mode", "text"]
            out = tmp_path / str(number)
            said = run(
                root,
                "eval",
                "--model",
                "http:m",
                "--base_url",
                f"{address}/v1",
                *arguments,
                "--output_path",
                out,
                **more,
            )
            assert expected in said
            assert KEY not in said + written(tmp_path)
    if act is escaped:
        assert "A. Bearer ***" in written(tmp_path)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_token_of_the_hub(status: int, root: Path, benchmark: Path, tmp_path: Path) -> None:
    with echo(refusing(status)) as url:
        own = {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
        asked = ["--model", "transformers:someone/model", "--benchmark", benchmark, "--output_path", tmp_path / "out"]
        said = run(root, "eval", *asked, **own)
        said += run(root, "fetch", "--sources", "nextqa", "--data_root", tmp_path / "data", "--yes", **own)
    assert "someone/model" in said
    assert TOKEN not in said + written(tmp_path)


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    for address in (
        f"http://me:{PASSWORD}@host/v1",
        f"ftp://me:{PASSWORD}@host",
        f"http://me:{PASSWORD}@host:99999/v1",
    ):
        with pytest.raises(InputError, match=r"base_url=\w+://\*\*\*@host") as caught:
            find_address(address)
        assert "horse" not in str(caught.value)
