"""Agreement from independent words only; figures against the same computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from apollobench.review.agreement import report
from apollobench.review.ledger import Ledger
from apollobench.review.words import Draft
from apollobench.types import Item, Video


def items(count: int) -> dict[str, Item]:
    made = [
        Item(f"a/{n}", "?", ("x", "y"), 0, Video(f"v{n // 2}", Path("/v")), ("OCR", "Spatial")[n % 2])
        for n in range(count)
    ]
    return {item.id: item for item in made}


def verdict(item: str, who: str, action: str) -> Draft:
    return Draft(item, who, action, reason="ambiguous" if action == "drop" else "")


def test_two_reviewers(ledger: Ledger) -> None:
    pool = items(10)
    for n, name in enumerate(pool):
        ledger.append(Draft(name, "ada", "answer", "A" if n < 8 else "B"))
        ledger.append(verdict(name, "ada", "keep" if n < 7 else "drop"))
    for n, name in enumerate(list(pool)[:8]):
        ledger.append(verdict(name, "ben", "keep" if n < 6 else "drop"), Draft(name, "ben", "category", "OCR"))
    ledger.append(verdict("a/6", "ben", "keep"))  # after seeing: does not count
    found = report(pool, ledger.histories(), ["ada", "ben"])
    assert found.reviewers == ("ada", "ben")
    whole = found.verdicts[-1]
    # ada: 7 keep, 1 drop; ben: 6 keep, 2 drop; the same on 7 of 8, by chance (7 * 6 + 1 * 2) / 64
    assert (whole.group, whole.items) == ("all", 8)
    assert whole.percent is not None
    assert whole.percent.value == 7 / 8
    assert whole.percent.clusters == 4
    assert whole.kappa is not None
    assert whole.kappa.value == pytest.approx((7 / 8 - 44 / 64) / (1 - 44 / 64))
    assert [(row.group, row.items) for row in found.verdicts] == [("OCR", 4), ("Spatial", 4), ("all", 8)]
    ada, ben = found.readers
    assert (ada.answered, ada.decided, ben.answered, ben.decided) == (10, 10, 0, 8)
    assert ada.right is not None
    assert ada.right.value == 0.8
    assert ben.right is None


def test_categories_and_keys_are_what_they_would_be(ledger: Ledger) -> None:
    pool = items(4)
    for name in pool:
        ledger.append(Draft(name, "ada", "category", "OCR"), Draft(name, "ada", "keep"))
        ledger.append(Draft(name, "ben", "key", "B", "so"), Draft(name, "ben", "keep"))
    found = report(pool, ledger.histories(), ["ada", "ben"])
    assert found.categories.percent is not None
    assert found.keys.percent is not None
    assert found.categories.percent.value == 0.5  # `a/0` and `a/2` were OCR anyway
    assert found.keys.percent.value == 0
    assert found.verdicts[-1].kappa is not None
    assert math.isnan(found.verdicts[-1].kappa.value)


def test_three_reviewers_and_none(ledger: Ledger) -> None:
    pool = items(6)
    assert report(pool, ledger.histories(), ["ada", "ben"]).verdicts[-1].percent is None
    ledger.join("cyd", "reviewer")
    for n, name in enumerate(pool):
        for who in ("ada", "ben", "cyd"):
            ledger.append(verdict(name, who, "drop" if (who == "cyd" and n == 0) or n == 5 else "keep"))
        ledger.append(verdict(name, "jo", "drop"))
    found = report(pool, ledger.histories(), ["ada", "ben", "cyd"]).verdicts[-1]
    assert found.percent is not None
    assert found.percent.value == pytest.approx((5 + 1 / 3) / 6)
    expected = (14 / 18) ** 2 + (4 / 18) ** 2
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx((found.percent.value - expected) / (1 - expected))
