"""One server over HTTP: requests in one background event loop, so many wait at a time and all can be called off."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2

from apollobench.errors import InputError
from apollobench.models.http.address import Address
from apollobench.models.http.backoff import Backoff, retry_after, wait_before, worth_another_try
from apollobench.redact import SHORTEST, hide_in_logs, without_credentials

SHOWN = 300  # characters of what a server said
LARGEST = 32 * 2**20  # bytes of a response, unpacked; a reply with log-probabilities has some thousands
Result = TypeVar("Result")


class RequestError(Exception):
    """No usable response: the text says which server, what came back and how often it was tried. status: if one did."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Failure:
    """One try that failed. again: whether another may do better. told: seconds the server asks to wait."""

    text: str
    status: int | None = None
    again: bool = True
    told: float | None = None


class Server:
    """A connection to the server at `address`, with at most `concurrency` requests in flight.

    timeout: seconds for one try, from connecting to the last byte. A request that waits for its next try keeps its
    place. When as many requests as run at once have failed for good in a row, the others are tried once each until
    one succeeds, so that a server that is gone does not hold up the rest for hours. sleep, draw and now stand in for
    the waiting, the random numbers from 0 to 1 and the time of day.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float = 300.0,
        concurrency: int = 8,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.address, self.timeout, self.concurrency = address, timeout, concurrency
        self.backoff = backoff or Backoff()
        self._sleep, self._draw, self._now = sleep, draw, now
        self._failed_in_a_row = 0
        self._places = asyncio.Semaphore(concurrency)
        hide_in_logs(address.secrets)
        headers = {} if address.authorization is None else {"Authorization": address.authorization}
        self._client = httpx2.AsyncClient(
            headers=headers, timeout=None, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        )
        self._loop = asyncio.new_event_loop()
        self._gate, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine that asks this server, waited for by the calling thread.

        Raises `InputError` when the server is closed before there is one.
        """
        with self._gate:
            if self._closed:
                work.close()
                raise InputError(f"server {self.address.url}: the connection was closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise InputError(f"server {self.address.url}: the request was called off") from error

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that the server returns to `body`. Raises `RequestError`."""
        async with self._places:
            return await self._insistently("POST", path, json.dumps(body).encode("ascii"))

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`. Raises `RequestError`."""
        async with self._places:
            return await self._insistently("GET", path, None)

    def close(self) -> None:
        """Calls off all requests and ends the connections; threads that wait for a result get an error at once."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()

    async def _insistently(self, method: str, path: str, content: bytes | None) -> dict[str, Any]:
        tries = 1 if self._failed_in_a_row >= self.concurrency else self.backoff.tries
        began, waited, attempt = self._loop.time(), 0.0, 1
        while isinstance(found := await self._once(method, path, content), _Failure):
            wait = wait_before(attempt, found.told, self._draw)
            spent = max(waited, self._loop.time() - began)
            if not found.again or attempt == tries or spent + wait > self.backoff.patience:
                self._failed_in_a_row = self._failed_in_a_row + 1 if found.again else 0
                raise RequestError(self._report(found, attempt), found.status)
            await self._sleep(wait)
            waited, attempt = waited + wait, attempt + 1
        self._failed_in_a_row = 0
        return found

    async def _once(self, method: str, path: str, content: bytes | None) -> dict[str, Any] | _Failure:
        url, headers = self.address.url + path, {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(self.timeout),
                self._client.stream(method, url, content=content, headers=headers) as response,
            ):
                text = await _text(response)
        except TimeoutError:
            return _Failure(f"no complete response within {self.timeout:g} s")
        except httpx2.TransportError as error:
            return _Failure(f"{type(error).__name__}: {error}".rstrip(": "))
        except (
            httpx2.HTTPError,
            httpx2.InvalidURL,
        ) as error:  # such as a body that is not of the encoding its header says
            return _Failure(f"{type(error).__name__}: {error}", again=False)
        if text is None:
            return _Failure(f"{response.status_code}, but more than {LARGEST // 2**20} MiB", again=False)
        if response.status_code != 200:
            return self._refused(response, text)
        return _as_object(text, lambda said: self.address.redact(said, SHORTEST))

    def _refused(self, response: httpx2.Response, body: str) -> _Failure:
        status = response.status_code
        text = f"{status} {response.reason_phrase}: {_message(body)}"
        if "location" in response.headers:
            text += f" (it points to {without_credentials(response.headers['location'])})"
        told = retry_after(response.headers.get("retry-after"), self._now())
        return _Failure(text, status, worth_another_try(status), told)

    def _report(self, failure: _Failure, tries: int) -> str:
        said = " ".join(self.address.redact(failure.text).split())
        short = said if len(said) <= SHOWN else said[:SHOWN] + "..."
        asked = "" if failure.told is None else f"; it asks to wait {failure.told:.0f} s"
        return f"server {self.address.url}: {short}{asked} ({tries} {'try' if tries == 1 else 'tries'})"


async def _text(response: httpx2.Response) -> str | None:
    """The body, or None once it is larger than any reply: the rest of it is not read."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST:
            return None
    return body.decode(response.encoding or "utf-8", errors="replace")


def _as_object(text: str, redact: Callable[[str], str]) -> dict[str, Any] | _Failure:
    """The object in a body, redacted as it reads once its escapes are undone; halves of characters become `?`."""
    try:
        found = json.loads(text)
        plain = json.dumps(found, ensure_ascii=False).encode(errors="replace").decode()
        clean = json.loads(redact(plain))
    except (ValueError, RecursionError):
        return _Failure(f"200, but not JSON: {text!r}", 200, again=False)
    if not isinstance(clean, dict):
        return _Failure(f"200, but not a JSON object: {text!r}", 200, again=False)
    return clean


def _message(text: str) -> str:
    """What an error response says: the message of the usual JSON form, else the text itself."""
    try:
        found = json.loads(text)
        inner = found.get("error", found)
        return str(inner.get("message", inner) if isinstance(inner, dict) else inner)
    except (ValueError, AttributeError, RecursionError):
        return text
