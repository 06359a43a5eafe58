"""When a request is tried again, and how long to wait before: exponential backoff with full jitter, or as told.

Full jitter draws the wait evenly from 0 to a bound that doubles with every try, so that requests which failed together
do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). A `Retry-After`
header (RFC 9110, section 10.2.3: seconds or a date) is the least wait instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE, LONGEST = 1.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Backoff:
    """tries: of one request at most. patience: seconds from its first try in which another may begin."""

    tries: int = 8
    patience: float = 600.0


def worth_another_try(status: int) -> bool:
    """Whether the same request may be answered later: it came too early or too often, or the server failed."""
    return status in (408, 409, 425, 429) or status >= 500


def wait_before(attempt: int, told: float | None, draw: Callable[[], float]) -> float:
    """Seconds to wait after try number `attempt` (from 1). told: by the server. draw: gives a number from 0 to 1."""
    if told is not None:
        return told + draw() * BASE
    return draw() * min(LONGEST, BASE * 2.0**attempt)


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, at least 0; None without one that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
