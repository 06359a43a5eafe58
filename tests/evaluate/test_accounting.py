"""Usage is summed over runs, and what servers say about it is read with care."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.accounting import USAGE, record, total
from apollobench.models.usage import Prices, Usage
from apollobench.report.usage import usage_line


def test_runs_add_up(tmp_path: Path) -> None:
    assert total(tmp_path) == Usage()
    record(tmp_path, Usage(3, 1, 300, 40, 5, {"stop": 2, "length": 1}))
    record(tmp_path, Usage())
    record(tmp_path, Usage(2, 0, 100, 0, 2, {"stop": 2}))
    assert total(tmp_path) == Usage(5, 1, 400, 40, 7, {"stop": 4, "length": 1})
    assert len((tmp_path / USAGE).read_text().splitlines()) == 2


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    record(tmp_path, Usage(1))
    with (tmp_path / USAGE).open("a") as file:
        file.write('{"responses": 3, "fin')
    with pytest.raises(InputError, match=r"usage\.jsonl, line 2: not a record of usage"):
        total(tmp_path)


@pytest.mark.parametrize("told", [None, 7, [], {}, {"prompt_tokens": "many"}, {"prompt_tokens": -1}])
def test_a_response_that_tells_no_tokens_is_counted_as_silent(told: Any) -> None:
    usage = Usage()
    usage.add({"usage": told, "choices": [{"finish_reason": "stop"}, None]})
    assert usage == Usage(1, 1, 0, 0, 0, {"stop": 1})


def test_tokens_and_cached_ones_are_counted() -> None:
    usage = Usage()
    told = {"prompt_tokens": 90, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 64}}
    usage.add({"usage": told, "choices": "none"})
    assert usage == Usage(1, 0, 90, 64, 2)


def test_a_price_needs_both_prices() -> None:
    assert Prices(2.0, 8.0).of(1_000_000, 500_000) == 6.0
    assert Prices(2.0).of(1, 1) is None
    assert not Prices(None, 3.0).known


def test_the_line_says_what_is_known() -> None:
    usage = Usage(1200, 3, 90_000, 64, 1200, {"stop": 1000, "length": 200})
    assert usage_line(usage, Prices(1.0, 10.0)) == (
        "1,200 responses, 90,000 prompt tokens (64 cached), 1,200 reply tokens, price 0.1020, "
        "3 responses told no tokens; replies ended by 200 length, 1,000 stop"
    )
    assert usage_line(Usage(), Prices()) == ("0 responses, 0 prompt tokens, 0 reply tokens; replies ended by nothing")
