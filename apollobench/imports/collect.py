"""From result files to responses: reads the rows, matches them, and tells what became of every one of them.

Of several answers of one model to one item in one mode the first counts, in the order of the files and of their rows.
Rows that only question and options identify must be the only ones to claim their item; if several do, none counts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.errors import InputError
from apollobench.evaluate.judge import failed
from apollobench.imports.formats import FORMATS, find_format
from apollobench.imports.match import Match, Matcher
from apollobench.imports.rows import Fault, Row
from apollobench.types import Mode, Response, Status, digest

MOST_FAULTS = 20
SEVERAL = "several rows have its question and options, and none names a video"
Question = tuple[str, str, Mode]


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that was read. tool: name of the format. sha256: of its content."""

    path: Path
    tool: str
    sha256: str


@dataclass(slots=True)
class Tally:
    """What became of the rows of one file; matched, unmatched, blank and repeated together are all of them.

    unmatched: places by reason. key_differs: matched rows whose file has another key. rescored: rows that the file
    scores otherwise than our reading of the answer against its own key.
    """

    origin: Origin
    rows: int = 0
    matched: int = 0
    blank: int = 0
    repeated: int = 0
    conflicting: int = 0
    key_differs: int = 0
    rescored: int = 0
    unmatched: dict[str, list[str]] = field(default_factory=dict)
    models: Counter[str] = field(default_factory=Counter)
    modes: Counter[Mode] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        return sum(map(len, self.unmatched.values()))


@dataclass(frozen=True, slots=True)
class _Claim:
    response: Response
    place: str
    sure: bool
    tally: Tally


def collect(
    files: Sequence[Path], matcher: Matcher, *, form: str | None, model: str | None, mode: Mode
) -> tuple[list[Response], list[Tally]]:
    """The responses of all files, and a tally of each. form: the format, None to tell it from the content.

    model, mode: for rows that name none. Raises InputError for a file that cannot be read, naming every malformed row,
    and for a row that names no model when none is given.
    """
    desk = _Desk(matcher, model, mode)
    for path in files:
        tool = find_format(path, form)
        with path.open("rb") as file:
            origin = Origin(path, tool, hashlib.file_digest(file, "sha256").hexdigest())
        desk.take(origin)
    return [claim.response for claim in desk.claims.values()], desk.tallies


class _Desk:
    """Where rows are turned into responses, one file after the other."""

    def __init__(self, matcher: Matcher, model: str | None, mode: Mode) -> None:
        self.matcher, self.model, self.mode = matcher, model, mode
        self.claims: dict[Question, _Claim] = {}
        self.tallies: list[Tally] = []
        self._withdrawn: set[Question] = set()

    def take(self, origin: Origin) -> None:
        """Reads one file to its end."""
        tally = Tally(origin)
        self.tallies.append(tally)
        try:
            self._read(tally)
        except RecursionError as error:
            raise InputError(f"{origin.path}: holds JSON that is nested too deeply; this is no result file") from error

    def _read(self, tally: Tally) -> None:
        origin = tally.origin
        faults: list[Fault] = []
        malformed = 0
        for row in FORMATS[origin.tool].read(origin.path):
            tally.rows += 1
            if isinstance(row, Fault):
                malformed += 1
                faults += [row] if malformed <= MOST_FAULTS else []
            elif row.blank:
                tally.blank += 1
            else:
                self._place(row, tally)
        if malformed:
            raise InputError(_told(origin, faults, malformed))

    def _place(self, row: Row, tally: Tally) -> None:
        name = row.model or self.model
        if not name:
            raise InputError(f"{row.place}: names no model; say whose answers these are with --model NAME")
        if not name.isprintable():
            raise InputError(f"{row.place}: the model is called {name[:80]!r}; a name must be printable, on one line")
        found = self.matcher.find(row)
        if isinstance(found, str):
            tally.unmatched.setdefault(found, []).append(row.place)
            return
        response = _response(row, found, f"{name}@{tally.origin.tool}", row.mode or self.mode, tally.origin)
        question = (response.model, response.item, response.mode)
        claim = self.claims.get(question)
        if question in self._withdrawn or (claim and not (claim.sure and found.sure)):
            self._withdraw(question, row.place, tally)
        elif claim:
            tally.repeated += 1
            tally.conflicting += not same_answer(claim.response, response)
        else:
            self.claims[question] = _Claim(response, row.place, found.sure, tally)
            tally.matched += 1
            tally.models[response.model] += 1
            tally.modes[response.mode] += 1
            tally.key_differs += found.key_differs
            tally.rescored += _rescored(row, found, response)

    def _withdraw(self, question: Question, place: str, tally: Tally) -> None:
        """Takes back what rows that cannot be told apart have claimed."""
        claim = self.claims.pop(question, None)
        if claim:
            claim.tally.unmatched.setdefault(SEVERAL, []).append(claim.place)
            claim.tally.matched -= 1
            claim.tally.models[question[0]] -= 1
            claim.tally.modes[question[2]] -= 1
        self._withdrawn.add(question)
        tally.unmatched.setdefault(SEVERAL, []).append(place)


def same_answer(first: Response, second: Response) -> bool:
    """Whether both name the same option, or end in the same way without one; their wording may differ."""
    return (first.status, first.choice) == (second.status, second.choice)


def import_key(match: Match, mode: Mode, model: str, origin: Origin, *, scored: bool) -> str:
    """Digest of all that identifies an imported answer; the prompt and the frames behind it are not known.

    scored: the file tells only right or wrong, which is about the key that the item has now.
    """
    item = match.item
    known = {"tool": origin.tool, "file": origin.sha256, "prompt": None, "frames": None}
    return digest(["imported", item.fingerprint, mode, model, known, item.answer if scored else None])


def _response(row: Row, match: Match, model: str, mode: Mode, origin: Origin) -> Response:
    item = match.item
    scored = not row.answered and row.error is None
    key = import_key(match, mode, model, origin, scored=scored)
    if row.error is not None:
        return failed(item, mode, model, key, None, row.error)
    if scored:
        status, choice = (Status.OK, item.answer) if row.correct else (Status.WRONG, None)
        return Response(key, item.id, model, mode, status, None, choice, None, None)
    choice = _choice(row, match)
    status = Status.UNPARSED if choice is None else Status.OK
    text = row.answer if isinstance(row.answer, str) and match.order is None else None
    return Response(key, item.id, model, mode, status, text, choice, None, None)


def _choice(row: Row, match: Match) -> int | None:
    if row.choice is not None:
        return match.index(row.choice)
    return match.count(row.answer) if isinstance(row.answer, int) else match.read(row.answer or "")


def _rescored(row: Row, match: Match, response: Response) -> bool:
    if row.correct is None or not row.answered or match.key_differs:
        return False
    return (response.choice == match.item.answer) != row.correct


def _told(origin: Origin, faults: Sequence[Fault], malformed: int) -> str:
    shown = "\n".join(f"  {fault.place}: {fault.reason}" for fault in faults)
    rest = f"\n  and {malformed - len(faults):,} more" if malformed > len(faults) else ""
    return (
        f"{origin.path}: {malformed:,} malformed rows, read as {origin.tool}:\n{shown}{rest}\n"
        "Mend or delete them, or name another format with --format; nothing was imported"
    )
