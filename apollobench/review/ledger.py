"""Where words are kept: an SQLite database to which rows are only ever added, by any number of people and processes.

One thread writes. Whatever arrives while a commit is under way goes into the next one together (group commit), and
`append` returns when its rows are on the disk: write-ahead log with synchronous=FULL, one fsync a commit. So a process
that is killed loses nothing that was acknowledged; a machine that loses power neither, as far as its disk keeps what it
says it has. Readers keep all rows in memory and fetch those that were added since, by whomever.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from apollobench.errors import InputError
from apollobench.review.history import History, complete, replay
from apollobench.review.words import ADJUDICATOR, ROLES, Draft, Row

NAME = "review.sqlite"
FORMAT = 0x61707231  # in the file's header; the last digit is the version
LONGEST_NAME = 40
PATIENCE = 20.0  # seconds to wait for another process's commit
SCHEMA = """
CREATE TABLE IF NOT EXISTS words (
  number INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, reviewer TEXT NOT NULL REFERENCES people(name),
  action TEXT NOT NULL, value TEXT, old TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL, time TEXT NOT NULL,
  undoes INTEGER REFERENCES words(number)
);
CREATE INDEX IF NOT EXISTS words_of_item ON words (item);
CREATE TABLE IF NOT EXISTS people (name TEXT PRIMARY KEY, role TEXT NOT NULL, time TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS words_stay BEFORE UPDATE ON words BEGIN SELECT RAISE(ABORT, 'rows are only added'); END;
CREATE TRIGGER IF NOT EXISTS words_remain BEFORE DELETE ON words BEGIN SELECT RAISE(ABORT, 'rows are only added'); END;
"""
COLUMNS = tuple(field.name for field in fields(Row))
INSERT = f"INSERT INTO words ({', '.join(COLUMNS[1:])}) VALUES ({', '.join('?' * (len(COLUMNS) - 1))})"
Work = Callable[[sqlite3.Connection], Any]


class Ledger:
    """The database at `path`, made if it is not there. For use by any number of threads."""

    def __init__(self, path: Path) -> None:
        """Raises InputError for a file that is something else or cannot be written."""
        self.path = path
        self._writer, self._reader = _open(path), _open(path)
        self._lock = threading.Lock()
        self._last = 0
        self._rows: dict[str, list[Row]] = {}
        self._people: dict[str, str] = {}
        self._histories: dict[str, History] = {}
        self._waiting: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="review ledger", daemon=True)
        self._thread.start()

    def append(self, *drafts: Draft) -> tuple[Row, ...]:
        """Keeps all of them or none; they are on the disk when this returns. Raises InputError as `complete` does."""
        return tuple(self._do(lambda connection: [self._insert(connection, draft) for draft in drafts]))

    def join(self, name: str, role: str) -> None:
        """Adds a person. Nobody's role changes. Raises InputError for a name that cannot be one or has another role."""
        if role not in ROLES:
            raise InputError(f"role {role!r}; valid: {', '.join(ROLES)}")
        if not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
            raise InputError(f"name {name!r}: expected 1 to {LONGEST_NAME} printable characters, no space at its ends")
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        self._do(lambda db: db.execute("INSERT OR IGNORE INTO people VALUES (?, ?, ?)", (name, role, time)))
        if self.people()[name] != role:
            raise InputError(f"{name} takes part as {self.people()[name]}; another role needs another name")

    def people(self) -> dict[str, str]:
        """Name -> role, in the order of joining."""
        with self._lock:
            self._refresh()
            return dict(self._people)

    def adjudicators(self) -> frozenset[str]:
        return frozenset(name for name, role in self.people().items() if role == ADJUDICATOR)

    def history(self, item: str) -> History:
        """What the words about an item amount to now."""
        with self._lock:
            self._refresh()
            return self._history(item)

    def histories(self) -> Mapping[str, History]:
        """Of every item about which there is a word."""
        with self._lock:
            self._refresh()
            return {item: self._history(item) for item in self._rows}

    def close(self) -> None:
        """Ends when all that was handed over is kept."""
        self._waiting.put(None)
        self._thread.join()
        self._writer.close()
        self._reader.close()

    def _do(self, work: Work) -> Any:
        done: Future[Any] = Future()
        self._waiting.put((work, done))
        return done.result()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, ending = [first], False
            while not self._waiting.empty():
                more = self._waiting.get()
                ending = ending or more is None
                batch += [more] if more else []
            self._commit(batch)
            if ending:
                return

    def _commit(self, batch: Sequence[tuple[Work, Future[Any]]]) -> None:
        """One transaction for all; whoever waits is told after it is on the disk, or that it is not."""
        results: list[tuple[Future[Any], Any]] = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for work, done in batch:
                self._writer.execute("SAVEPOINT one")
                try:
                    results.append((done, work(self._writer)))
                except (InputError, sqlite3.IntegrityError) as error:  # of this one alone
                    self._writer.execute("ROLLBACK TO one")
                    done.set_exception(error)
                self._writer.execute("RELEASE one")
            self._writer.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            return
        for done, result in results:
            done.set_result(result)

    def _insert(self, connection: sqlite3.Connection, draft: Draft) -> Row:
        found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM words WHERE item = ?", (draft.item,))
        row = complete(draft, 0, [Row(*values) for values in found], datetime.now(UTC))
        number = connection.execute(INSERT, astuple(row)[1:]).lastrowid
        return replace(row, number=number or 0)

    def _refresh(self) -> None:
        roles = dict(self._reader.execute("SELECT name, role FROM people ORDER BY time, name").fetchall())
        if roles != self._people:
            self._people = roles
            self._histories.clear()
        new = self._reader.execute(f"SELECT {', '.join(COLUMNS)} FROM words WHERE number > ?", (self._last,))
        for row in (Row(*values) for values in new):
            self._rows.setdefault(row.item, []).append(row)
            self._histories.pop(row.item, None)
            self._last = row.number

    def _history(self, item: str) -> History:
        if item not in self._histories:
            judges = {name for name, role in self._people.items() if role == ADJUDICATOR}
            self._histories[item] = replay(self._rows.get(item, ()), judges)
        return self._histories[item]


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        held = connection.execute("PRAGMA application_id").fetchone()[0]
        if held not in (0, FORMAT) or (held == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone()):
            raise InputError(f"{path}: a database of something else, or of another version; move it away")
        for name, value in (("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON")):
            connection.execute(f"PRAGMA {name} = {value}")
        connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.strip().split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {FORMAT}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise InputError(
            f"{path}: cannot keep decisions there ({error}); check the file, its folder, the disk"
        ) from error
    return connection
