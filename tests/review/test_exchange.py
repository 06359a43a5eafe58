"""Decisions out, in, and into a curation."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from apollobench.benchmark import load_benchmark
from apollobench.curate.decisions import apply_decisions, read_decisions
from apollobench.errors import InputError
from apollobench.review.exchange import export_decisions, import_decisions
from apollobench.review.ledger import Ledger
from apollobench.review.words import Draft
from apollobench.types import Item


@pytest.fixture
def items(made: Path) -> dict[str, Item]:
    return {item.id: item for item in load_benchmark(made).items}


def test_there_and_back(ledger: Ledger, items: dict[str, Item], tmp_path: Path) -> None:
    first, second, third = list(items)[:3]
    (undone,) = ledger.append(Draft(first, "ada", "drop", reason="ambiguous"))
    ledger.append(Draft(first, "ada", "undo", undoes=undone.number), Draft(first, "ada", "keep"))
    ledger.append(Draft(second, "ada", "keep"), Draft(second, "ben", "drop", reason="other", note="dark, “so”"))
    ledger.append(Draft(third, "ben", "key", "B", "it shows"), Draft(third, "ben", "answer", "B"))
    file = tmp_path / "decisions.jsonl"
    assert export_decisions(ledger, file) == 4
    told = read_decisions(file)
    assert [(d.item, d.action, d.reviewer) for d in told] == [
        (first, "keep", "ada"),
        (second, "keep", "ada"),
        (second, "drop", "ben"),
        (third, "key", "ben"),
    ]
    with pytest.raises(InputError, match="disagree"):
        apply_decisions(list(items.values()), told)
    ledger.append(Draft(second, "jo", "drop", reason="ambiguous"))
    export_decisions(ledger, file)
    review = apply_decisions(list(items.values()), read_decisions(file))
    assert list(review.drops) == [second]
    assert next(item for item in review.items if item.id == third).answer == 1
    with closing(Ledger(tmp_path / "other.sqlite")) as other:
        assert import_decisions(other, file, items).added == 5
        again = import_decisions(other, file, items)
        assert (again.added, again.known) == (0, 5)
        export_decisions(other, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()


def test_items_of_another_version_are_kept_and_told(ledger: Ledger, items: dict[str, Item], tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    ledger.append(Draft("gone/1", "ada", "keep"), Draft(next(iter(items)), "ada", "keep"))
    export_decisions(ledger, file)
    with closing(Ledger(tmp_path / "other.sqlite")) as other:
        assert import_decisions(other, file, items).strange == 1
        assert set(other.histories()) == {"gone/1", next(iter(items))}


def test_a_key_that_is_no_option_is_refused_whole(ledger: Ledger, items: dict[str, Item], tmp_path: Path) -> None:
    file, first = tmp_path / "decisions.jsonl", next(iter(items))
    line = '{"item": "%s", "action": "%s", "value": %s, "reason": "r", "note": "", "reviewer": "eve", "time": "%s"}\n'
    time = "2026-01-01T00:00:00Z"
    file.write_text(line % (first, "keep", "null", time) + line % (first, "key", '"J"', time))
    with pytest.raises(InputError, match="options"):
        import_decisions(ledger, file, items)
    assert not ledger.histories()
    assert "eve" not in ledger.people()
