"""Which item a row of a result file is about: by id, question, options and video, never by position.

A row finds candidates by its ids; failing those by its question. A candidate stays while nothing that the row shows
contradicts it: the question must be in what was asked, the options must be the item's in whatever order, and one of the
videos must be the item's unless an id alone decides. What remains must be one item. A row without a known id must show
question and options, since a letter means nothing without them; where only an id speaks, the keys must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from apollobench.evaluate.extract import extract
from apollobench.imports.fields import IDS
from apollobench.imports.rows import Row
from apollobench.imports.text import first_line, listed, question_lines, shown_options, wording, words
from apollobench.types import LETTERS, Item


@dataclass(frozen=True, slots=True)
class Match:
    """An item, and how the file's options map to its: `order[i]` is the item's index of the file's option i.

    order: None for the item's own. options_shown: whether the row has them. sure: False when nothing but question and
    options say so, which another item of the data set may share. key_differs: the file has another right answer for
    the same question and options.
    """

    item: Item
    order: tuple[int, ...] | None = None
    options_shown: bool = True
    sure: bool = True
    key_differs: bool = False

    def index(self, shown: int) -> int | None:
        """The item's index of the option that the file shows at index `shown`; None when there is none."""
        if not 0 <= shown < len(self.item.options):
            return None
        return shown if self.order is None else self.order[shown]

    def read(self, answer: str) -> int | None:
        """The item's index of the option that `answer` names in the file's order."""
        order = self.order or range(len(self.item.options))
        shown = extract(answer, [self.item.options[i] for i in order])
        return None if shown is None else self.index(shown)

    def count(self, number: int) -> int | None:
        """As `index`, for a number that may as well be an option's text; None where the two disagree."""
        index, worded = self.index(number), self.read(str(number))
        return index if worded in (None, index) else None


class Matcher:
    """The items to match against, indexed by the names and the questions that rows may give."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._by_id: dict[str, list[_Known]] = {}
        self._by_question: dict[str, list[_Known]] = {}
        for known in map(_known, items):
            for name in known.names:
                self._by_id.setdefault(name, []).append(known)
            self._by_question.setdefault(first_line(known.item.question), []).append(known)
        self._by_question.pop("", None)

    def find(self, row: Row) -> Match | str:
        """The one item that `row` is about, or the reason why it is about none."""
        shown = _shown(row)
        named = _once(known for name in row.ids for known in self._by_id.get(name, ()))
        found = _settle(row, shown, named, by_id=True) if named else "no item has its id"
        if isinstance(found, Match):
            return found
        if not row.asked:
            return found if row.ids else "it shows neither an id nor a question"
        asked = _once(known for line in question_lines(row.asked) for known in self._by_question.get(line, ()))
        if not asked:
            return found if named else "no item has its id or its question"
        return _settle(row, shown, asked, by_id=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """An item with all that rows are compared by. names: what it is called. videos: what its video is called."""

    item: Item
    question: str
    options: tuple[str, ...]
    listed: str
    names: frozenset[str]
    videos: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a row shows, in the same terms. explicit: the options are a field of their own."""

    asked: str
    options: tuple[str, ...]
    explicit: bool
    videos: frozenset[str]


def _known(item: Item) -> _Known:
    """With the item's id, its id in its source, and what its source calls an id; likewise for its video."""
    ids = {item.native[name] for name in IDS if item.native.get(name)}
    return _Known(
        item=item,
        question=words(item.question),
        options=tuple(map(wording, item.options)),
        listed=listed(item.options),
        names=frozenset({item.id, item.id.split("/", 1)[-1], *ids}),
        videos=frozenset({item.video.id, item.video.id.split("/", 1)[-1], item.video.path.stem, *item.native.values()}),
    )


def _shown(row: Row) -> _Shown:
    options = row.options or shown_options(row.asked)
    stems = {PurePosixPath(name).stem for name in row.videos}
    return _Shown(words(row.asked), tuple(map(wording, options)), bool(row.options), frozenset({*row.videos, *stems}))


def _settle(row: Row, shown: _Shown, candidates: Sequence[_Known], *, by_id: bool) -> Match | str:
    """Drops candidates by one piece of evidence after the other; the one that leaves none is the reason."""
    if row.asked:
        candidates = [known for known in candidates if known.question in shown.asked]
        if not candidates:
            return "its id is known, but its question is another"
    if row.videos and not (by_id and len(candidates) == 1):
        candidates = [known for known in candidates if known.videos & shown.videos]
        if not candidates:
            return f"its {'id' if by_id else 'question'} is known, but its video is another"
    matches = [match for known in candidates if (match := _by_options(shown, known, by_id))]
    if not matches:
        return "its question is known, but its options are others" if shown.options else "it shows no options"
    matches = [match for match in (_by_key(row, match) for match in matches) if match]
    if not matches:
        return "its id is known, but its key is another"
    if len(matches) > 1:
        return "several items agree with all that it shows"
    if (
        isinstance(row.answer, int)
        and matches[0].index(row.answer) is not None
        and matches[0].count(row.answer) is None
    ):
        return "its number may be an option's index or its text"
    return replace(matches[0], sure=by_id or bool(row.videos))


def _by_options(shown: _Shown, known: _Known, by_id: bool) -> Match | None:
    """The item with the order of the options that the row shows; None when they are not the item's, or not shown."""
    own, theirs = known.options, shown.options
    if own == theirs or (not shown.explicit and _lists(shown.asked, known)):
        return Match(known.item)
    if not theirs:
        return Match(known.item, options_shown=False) if by_id else None
    if sorted(own) == sorted(theirs) and len(set(own)) == len(own):
        return Match(known.item, tuple(own.index(option) for option in theirs))
    return None


def _lists(asked: str, known: _Known) -> bool:
    """Whether the item's options, and no more than they, stand in `asked` with their letters, on however many lines."""
    more = LETTERS[len(known.options) : len(known.options) + 1].casefold()
    return known.listed in asked and f"{known.listed}{more} " not in asked


def _by_key(row: Row, match: Match) -> Match | None:
    """The match, marked where the keys differ; None when then only an id speaks for it, or only the score counts."""
    key = None if row.key is None else _key(match, row.key)
    if key is None or key == match.item.answer:
        return match
    if not row.answered or not match.options_shown:
        return None
    return replace(match, key_differs=True)


def _key(match: Match, key: str | int) -> int | None:
    """The item's index of the right answer; None where the file's key cannot be read for sure."""
    digits = str(key).strip()
    if digits.isdecimal() and len(digits) < 3:
        return match.count(int(digits))
    return match.read(str(key))


def _once(known: Iterable[_Known]) -> list[_Known]:
    return list({one.item.id: one for one in known}.values())
