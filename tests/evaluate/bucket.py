"""A real S3 server (moto) in a process of its own, which checks keys, and a wire to it that can be cut."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUCKET = "answers"
USER, ALLOWED = "runner", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
PATIENCE = 120


class Wire:
    """Passes all that comes to `url` on to the server at `port`, until it is cut."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, ""
        self.watch: Callable[[str], object] = lambda request: False
        self._here = ("127.0.0.1", 0)
        self._server: _Listening | None = None
        self._lock = threading.Lock()
        self.connect()

    def connect(self) -> None:
        """Also after a cut, and then under the same address."""
        with self._lock:
            self._server = _Listening(self._here, self)
            self._here = self._server.server_address
            self.url = f"http://127.0.0.1:{self._here[1]}"
            threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def at(self, pattern: str, number: int, act: Callable[[], object]) -> None:
        """Calls `act` when request `number` of those to come, from 0, that match is about to be passed on.

        It does not arrive where `act` cuts the wire or returns True.
        """
        count = itertools.count()
        self.watch = lambda request: re.match(pattern, request) and next(count) == number and act()

    def through(self, server: socketserver.BaseServer) -> bool:
        """Whether it has not been cut since `server` began to listen."""
        return self._server is server

    def cut(self) -> None:
        """From now on connections are refused, and those that are open end."""
        with self._lock:
            server, self._server = self._server, None
            if server:
                server.shutdown()
                server.server_close()


class _Listening(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, here: tuple[str, int], wire: Wire) -> None:
        self.wire = wire
        super().__init__(here, _Passing)


class _Passing(socketserver.BaseRequestHandler):
    server: _Listening

    def handle(self) -> None:
        wire = self.server.wire
        with socket.create_connection(("127.0.0.1", wire.port)) as there:
            other = {self.request: there, there: self.request}
            while wire.through(self.server):
                for end in select.select(list(other), [], [], 0.1)[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    if end is self.request and (found := re.match(rb"(GET|HEAD|PUT|POST|DELETE) \S+", data)):
                        dropped = wire.watch(found[0].decode())
                        if dropped or not wire.through(self.server):
                            return
                    other[end].sendall(data)


class Bucket:
    """A bucket called `answers` on a server that runs at `port`, and the keys of somebody who may do all with it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        someone = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "anything"}
        self._client("s3", someone).create_bucket(Bucket=BUCKET)
        accounts = self._client("iam", someone)
        accounts.create_user(UserName=USER)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
        accounts.put_user_policy(UserName=USER, PolicyName="all", PolicyDocument=policy)
        key = accounts.create_access_key(UserName=USER)["AccessKey"]
        self.keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        check_keys = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(check_keys).close()
        self.client = self._client("s3", self.keys)

    def names(self, folder: str) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/").get("Contents", [])
        return [one["Key"].removeprefix(f"{folder}/") for one in listed]

    def read(self, path: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=path)["Body"].read()
        return content

    def write(self, path: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=path, Body=content)

    def remove(self, path: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=path)

    def responses(self, folder: str) -> int:
        """Responses that were ever put there as lines."""
        lines = (self.read(f"{folder}/{name}") for name in self.names(folder) if name.endswith(".jsonl"))
        return sum(content.count(b'{"key":') for content in lines)

    def environment(self, url: str) -> dict[str, str]:
        """What a client at `url` needs; nothing of the surroundings comes between, and it gives up soon."""
        return {
            **self.keys,
            **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def _client(self, service: str, keys: dict[str, str]) -> Any:
        import boto3

        names = {name.lower(): value for name, value in keys.items()}
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **names)


@contextmanager
def running(log: Path) -> Iterator[Bucket]:
    """Starts a server on a free port, which writes to `log`, and ends it."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=file, stderr=file
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Bucket(int(found[1]))
    finally:
        process.kill()
        process.wait()
