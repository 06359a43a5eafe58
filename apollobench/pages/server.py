"""The server of pages for one person's machine: loopback unless a token guards it, and nothing from other origins.

A page that some other site opens in the same browser must not be able to read or write here: the Host header has to be
one of ours (against DNS rebinding), whatever changes something has to come from our own pages, and cookies are strict.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from apollobench.errors import InputError
from apollobench.pages.render import POLICY, STATIC

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "apollobench_token"
LONGEST = 64 * 1024  # bytes of a request's body
SAFE = ("GET", "HEAD")
HEADERS = (
    (b"content-security-policy", f"{POLICY}; frame-ancestors 'none'".encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer a browser hides the Origin of our own forms
    (b"cross-origin-resource-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the pages are served. token: what opens them, empty for loopback without one."""

    host: str
    port: int
    token: str = ""

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not self.token:
            raise InputError(
                f"--host {self.host} lets other machines in; guard the pages with --token TEXT (or the environment "
                f"variable APOLLOBENCH_TOKEN), or serve them on 127.0.0.1"
            )

    @property
    def url(self) -> str:
        """What a person opens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/{f'?token={self.token}' if self.token else ''}"


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def application(routes: Sequence[BaseRoute], address: Address) -> Starlette:
    """The guarded application: these routes, and the styles and scripts under /static."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    static = Mount("/static", StaticFiles(directory=STATIC, follow_symlink=False))
    return Starlette(routes=[*routes, static], middleware=[Middleware(Guard, address=address)])


def serve(routes: Sequence[BaseRoute], host: str, port: int, token: str = "", *, browser: bool = False) -> None:
    """Serves until interrupted, and prints the address first. port: 0 for a free one. browser: also opens it in one.

    Raises InputError for a port in use, and for another host than this machine without a token.
    """
    import uvicorn

    listening = listen(host, port)
    address = Address(host, listening.getsockname()[1], token)
    print(f"serving {address.url} (Ctrl-C ends it)", flush=True)
    if browser:
        threading.Thread(target=webbrowser.open, args=(address.url,), daemon=True).start()
    config = uvicorn.Config(application(routes, address), log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


class Guard:
    """Middleware that turns away what does not come from our own pages, and sets the headers of every response."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app, self._address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope) or self._opening(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, _limited(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        from starlette.datastructures import Headers
        from starlette.responses import PlainTextResponse

        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("unknown host\n", 421)
        if scope["method"] in SAFE:
            return None
        origin = urlsplit(headers.get("origin", ""))
        if origin.scheme != "http" or origin.netloc != headers["host"]:
            return PlainTextResponse("not from a page of this server\n", 403)
        if not headers.get("content-length", "").isdigit():
            return PlainTextResponse("how long?\n", 411)
        if int(headers["content-length"]) > LONGEST:
            return PlainTextResponse(f"more than {LONGEST} bytes\n", 413)
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name, port = urlsplit(f"//{host}").hostname, urlsplit(f"//{host}").port or 80
        except ValueError:
            return False
        if port != self._address.port or name is None:
            return False
        return is_loopback(name) if is_loopback(self._address.host) else True

    def _opening(self, scope: Scope) -> Response | None:
        """With a token: the cookie lets in, the token in the address gives the cookie, anything else is refused."""
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse, RedirectResponse

        token = self._address.token
        request = Request(scope)
        if not token or _equal(request.cookies.get(COOKIE, ""), token):
            return None
        if not _equal(request.query_params.get("token", ""), token):
            return PlainTextResponse("open the address that was printed, with its token\n", 401)
        answer = RedirectResponse(request.url.path, 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return sending


def _limited(receive: Receive) -> Receive:
    """The body as it comes; one that is longer than it said ends the connection."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= LONGEST else {"type": "http.disconnect"}

    return receiving


def listen(host: str, port: int) -> socket.socket:
    """A socket on which connections wait until they are served. port: 0 for a free one. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise InputError(
            f"--host {host} --port {port}: {error.strerror}; choose another, or 0 for a free port"
        ) from error
    return listening
