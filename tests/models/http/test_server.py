"""The client against a real server that refuses, hangs, breaks off, talks nonsense and limits rates."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.models.http.address import Address, find_address
from apollobench.models.http.backoff import Backoff
from apollobench.models.http.server import RequestError, Server

from . import oracle
from .oracle import Oracle, says, status

KEY = "sk-0123456789abcdef"
BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "Which colour is shown first?\nA. red\nB. blue\nAnswer"}],
}
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Clock:
    """Waits for nothing and remembers how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@contextmanager
def client(url: str, clock: Clock | None = None, **how: Any) -> Iterator[Server]:
    clock = clock or Clock()
    made = Server(find_address(url), sleep=clock.sleep, draw=lambda: 0.5, now=lambda: NOON, **how)
    try:
        yield made
    finally:
        made.close()


def ask(made: Server) -> str:
    return str(made.run(made.post("/chat/completions", BODY))["choices"][0]["message"]["content"])


def failure(made: Server) -> str:
    with pytest.raises(RequestError) as error:
        ask(made)
    return str(error.value)


def test_failures_that_pass_are_waited_out(server: Oracle) -> None:
    server.script = [status(500), status(503), status(429), status(408), oracle.close_mid_body]
    clock = Clock()
    with client(server.url, clock) as made:
        assert ask(made) == "A"
    assert clock.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(server.posts) == 6
    assert all(post == BODY for post in server.posts)


def test_retry_after_is_honoured_in_seconds_and_as_a_date(server: Oracle) -> None:
    server.script = [
        status(429, Retry_After="7"),
        status(503, Retry_After="Sun, 01 Mar 2026 12:00:20 GMT"),
        status(429, Retry_After="whenever"),
    ]
    clock = Clock()
    with client(server.url, clock) as made:
        assert ask(made) == "A"
    assert clock.waits == [7.5, 20.5, 4.0]


def test_a_rate_limit_that_never_ends_is_given_up(server: Oracle) -> None:
    server.forever = status(429, "slow down", Retry_After="100")
    clock = Clock()
    with client(server.url, clock, backoff=Backoff(tries=50, patience=350)) as made:
        text = failure(made)
    assert text == f"server {server.url}: 429 Too Many Requests: slow down; it asks to wait 100 s (4 tries)"
    assert sum(clock.waits) <= 350
    server.forever = status(429, "slow down")
    with client(server.url, backoff=Backoff(tries=3)) as made:
        assert failure(made).endswith("429 Too Many Requests: slow down (3 tries)")


def test_a_wait_beyond_all_patience_is_not_begun(server: Oracle) -> None:
    server.script = [status(429, Retry_After="86400")]
    clock = Clock()
    with client(server.url, clock) as made:
        assert "it asks to wait 86400 s (1 try)" in failure(made)
    assert not clock.waits


def test_a_server_that_hangs_or_dribbles_is_left(server: Oracle) -> None:
    for act in (oracle.hang, oracle.dribble):
        server.script = [act, act]
        with client(server.url, timeout=0.2, backoff=Backoff(tries=2)) as made:
            assert failure(made) == f"server {server.url}: no complete response within 0.2 s (2 tries)"
    assert len(server.posts) == 4


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with client(f"http://127.0.0.1:{port}/v1", backoff=Backoff(tries=3)) as made:
        text = failure(made)
    assert text.startswith(f"server http://127.0.0.1:{port}/v1: ConnectError")
    assert text.endswith("(3 tries)")


def test_a_body_that_breaks_off_is_an_error_that_says_so(server: Oracle) -> None:
    server.forever = oracle.close_mid_body
    with client(server.url, backoff=Backoff(tries=2)) as made:
        assert "RemoteProtocolError" in failure(made)
    assert len(server.posts) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html>Bad gateway</html>", "200, but not JSON: '<html>Bad gateway</html>'"),
        (b'{"choices": [{"mess', "200, but not JSON: "),
        (b"", "200, but not JSON: ''"),
        (b"[1]", "200, but not a JSON object: '[1]'"),
        (b"[" * 100_000, "200, but not JSON: '[[["),
        (b"\xff\xfe\x00", "200, but not JSON"),
    ],
)
def test_nonsense_is_named_shortened_and_not_asked_again(server: Oracle, content: bytes, told: str) -> None:
    server.script = [says(content)]
    with client(server.url) as made:
        text = failure(made)
    assert told in text
    assert text.endswith("(1 try)")
    assert len(text) < 450


def test_a_reply_without_end_is_left_and_not_asked_for_again(server: Oracle) -> None:
    server.script = [oracle.flood]
    with client(server.url) as made:
        assert failure(made) == f"server {server.url}: 200, but more than 32 MiB (1 try)"
        assert ask(made) == "A"


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404, 413, 422])
def test_requests_that_are_wrong_are_not_sent_again(server: Oracle, code: int) -> None:
    server.script = [status(code, "no such model", Location="http://me:word@elsewhere/")]
    with client(server.url) as made:
        text = failure(made)
    assert f": {code} " in text
    assert "no such model" in text
    assert "word" not in text
    assert len(server.posts) == 1


def test_the_key_is_sent_and_never_told(server: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [oracle.echo_key, says(f"<p>{'x' * 290}{KEY}".encode(), 500), oracle.echo_key_as_reply]
    with client(server.url, backoff=Backoff(tries=1)) as made:
        assert "bad key ***, Bearer ***" in failure(made)
        assert KEY[:6] not in failure(made)
        assert ask(made) == "A. Your key is Bearer ***"
        assert KEY not in repr(made.address)
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_no_more_requests_than_allowed_are_in_flight(server: Oracle) -> None:
    server.crowd = 3
    with client(server.url, concurrency=3) as made:

        async def many() -> list[dict[str, Any]]:
            return await asyncio.gather(*(made.post("/chat/completions", BODY) for _ in range(20)))

        assert len(made.run(many())) == 20
    assert server.busiest == 3


def test_when_many_failed_in_a_row_the_others_are_tried_once_until_one_succeeds(server: Oracle) -> None:
    server.forever = status(503)
    with client(server.url, concurrency=2, backoff=Backoff(tries=3)) as made:
        endings = [failure(made).rpartition("(")[2] for _ in range(4)]
        assert endings == ["3 tries)", "3 tries)", "1 try)", "1 try)"]
        assert len(server.posts) == 8
        server.forever = None
        assert ask(made) == "A"
        server.forever = status(503)
        server.posts.clear()
        failure(made)
        assert len(server.posts) == 3


def test_closing_calls_off_what_is_under_way(server: Oracle) -> None:
    server.forever = oracle.hang
    made = Server(Address(server.url))
    found: list[BaseException] = []

    def wait() -> None:
        try:
            ask(made)
        except InputError as error:
            found.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.posts:
        server.over.wait(0.005)
    made.close()
    thread.join()
    assert "called off" in str(found[0])
    made.close()
    with pytest.raises(InputError, match="the connection was closed"):
        ask(made)
