"""Who gets in: a real server, asked by a client that says exactly what a hostile page or program would."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from apollobench.errors import InputError
from apollobench.pages.server import LONGEST, Address, is_loopback

from .conftest import serving


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


ROUTES = [Route("/", echo, methods=["GET", "POST"])]


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with serving(ROUTES) as found:
        yield found


def ask(
    address: Address, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    told = {"Host": f"{address.host}:{address.port}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, text in told.items():
        connection.putheader(name, text)
    connection.endheaders(body)
    return connection.getresponse()


def post(address: Address, body: bytes = b"x", **headers: str) -> int:
    origin = {"Origin": f"http://{address.host}:{address.port}", "Content-Length": str(len(body))}
    return ask(address, "POST", body=body, **{**origin, **headers}).status


def test_own_pages_read_and_write(address: Address) -> None:
    found = ask(address)
    assert found.status == 200
    policy = found.getheader("content-security-policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.getheader("x-content-type-options") == "nosniff"
    assert post(address) == 200
    assert ask(address, path="/static/style.css").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "", "[::1", "a b"])
def test_other_hosts_are_turned_away(address: Address, host: str) -> None:
    assert ask(address, Host=host.format(port=address.port)).status in (400, 421)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_other_origins_change_nothing(address: Address, origin: str) -> None:
    assert post(address, Origin=origin.format(port=address.port)) == 403


def test_long_bodies_are_turned_away(address: Address) -> None:
    assert post(address, b"x" * LONGEST) == 200
    assert post(address, b"x" * (LONGEST + 1)) == 413
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    told = {"Origin": f"http://{address.host}:{address.port}", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/", iter([b"x" * 1000]), told, encode_chunked=True)
    assert connection.getresponse().status == 411


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd", "/static/none"]
)
def test_only_static_files_are_static(address: Address, path: str) -> None:
    assert ask(address, path=path).status == 404


def test_token_opens() -> None:
    with serving(ROUTES, "secret") as address:
        assert ask(address).status == 401
        assert ask(address, path="/?token=wrong").status == 401
        assert ask(address, path="/static/style.css").status == 401
        opened = ask(address, path="/?token=secret")
        assert (opened.status, opened.getheader("location")) == (303, "/")
        cookie = opened.getheader("set-cookie") or ""
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert ask(address, Cookie=cookie.split(";")[0]).status == 200
        assert ask(address, Cookie="apollobench_token=other").status == 401


def test_other_machines_need_a_token() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1", "box")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(InputError, match="--token"):
        Address("0.0.0.0", 80)
    assert Address("0.0.0.0", 80, "t").url == "http://0.0.0.0:80/?token=t"
