"""Rows that stay: on the disk when acknowledged, never changed, whoever writes beside."""

from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.review.ledger import NAME, Ledger
from apollobench.review.words import Draft


def test_kept_with_reviewer_time_old_and_new_value(ledger: Ledger) -> None:
    (first,) = ledger.append(Draft("a/1", "ada", "key", "B", "seen", original="C"))
    (second,) = ledger.append(Draft("a/1", "ada", "undo", undoes=first.number))
    with closing(sqlite3.connect(ledger.path)) as connection:
        found = connection.execute("SELECT number, reviewer, action, old, value, undoes FROM words").fetchall()
        assert found == [(1, "ada", "key", "C", "B", None), (2, "ada", "undo", "B", "C", 1)]
        times = [time for (time,) in connection.execute("SELECT time FROM words")]
    assert times == [first.time, second.time]
    assert times[0].endswith("+00:00")


def test_only_added_to(ledger: Ledger) -> None:
    ledger.append(Draft("a/1", "ada", "keep"))
    with closing(sqlite3.connect(ledger.path)) as connection:
        for change in ("UPDATE words SET reviewer = 'ben'", "DELETE FROM words"):
            with pytest.raises(sqlite3.IntegrityError, match="only added"):
                connection.execute(change)


def test_commits_reach_the_disk(ledger: Ledger) -> None:
    asked = [ledger._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]  # 2 is FULL: an fsync of the log at every commit


def test_all_or_none(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="reason"):
        ledger.append(Draft("a/1", "ada", "keep"), Draft("a/2", "ada", "drop"))
    assert not ledger.histories()
    ledger.append(Draft("a/1", "ada", "keep"))
    assert list(ledger.histories()) == ["a/1"]


def test_strangers_and_changed_roles_are_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="another role"):
        ledger.join("ada", "adjudicator")
    for name in ("", " x", "a\nb", "x" * 41):
        with pytest.raises(InputError, match="name"):
            ledger.join(name, "reviewer")
    with pytest.raises(sqlite3.IntegrityError):
        ledger.append(Draft("a/1", "nobody", "keep"))
    ledger.append(Draft("a/1", "ada", "keep"))
    assert ledger.history("a/1").verdict("ada") == "keep"


def test_threads(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda n: ledger.append(Draft(f"a/{n % 7}", "ada", "keep", note=str(n)))[0], range(200)))
    assert {row.number for row in rows} == set(range(1, 201))
    told = [row for history in ledger.histories().values() for row in history.told]
    assert {row.note for row in told} == {str(n) for n in range(200)}


def many(path: Path, who: str) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.join(who, "reviewer")
        for n in range(40):
            ledger.append(Draft(f"a/{n % 3}", who, "keep", note=f"{who} {n}"))


def test_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=many, args=(tmp_path / NAME, who)) for who in ("ada", "ben")]
    for writer in writers:
        writer.start()
    with closing(Ledger(tmp_path / NAME)) as ledger:
        for writer in writers:
            writer.join(60)
            assert writer.exitcode == 0
        told = {row.note for history in ledger.histories().values() for row in history.told}
    assert told == {f"{who} {n}" for who in ("ada", "ben") for n in range(40)}


def test_something_else_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database, but long enough to be read as one" * 100)
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    for name in ("text", "other", "missing/inside"):
        with pytest.raises(InputError, match=name):
            Ledger(tmp_path / name)
    assert text.read_text().startswith("no database")
