"""How long a request waits for its next try."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apollobench.models.http.backoff import LONGEST, retry_after, wait_before, worth_another_try

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_bounds_double_up_to_the_longest_and_the_draw_spreads_below_them() -> None:
    bounds = [wait_before(attempt, None, lambda: 1.0) for attempt in range(1, 9)]
    assert bounds == [2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST, LONGEST]
    assert wait_before(3, None, lambda: 0.25) == 2.0
    assert wait_before(50, None, lambda: 0.0) == 0.0


def test_what_the_server_asks_for_is_the_least_wait() -> None:
    assert wait_before(1, 30.0, lambda: 0.0) == 30.0
    assert 30.0 < wait_before(1, 30.0, lambda: 0.5) <= 31.0


def test_only_what_may_pass_is_tried_again() -> None:
    again = {status for status in range(300, 600) if worth_another_try(status)}
    assert again == {408, 409, 425, 429, *range(500, 600)}
