"""A published benchmark as a source: find its files, make a question of every row, check all, and give items."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.errors import InputError
from apollobench.sources.base import NotAtHandError, Options, Source, Supply, option_flag, option_text
from apollobench.sources.reading.check import Defect, Question, Repeats, problems, settle
from apollobench.sources.reading.places import Media, Split, find_annotations, media_folder
from apollobench.sources.reading.row import MalformedError, Row
from apollobench.sources.reading.subtitles import Subtitles, with_subtitles
from apollobench.sources.reading.tables import read_rows
from apollobench.types import Item, Video


@dataclass(frozen=True, slots=True)
class Form:
    """One shape of rows, told by the columns it must have, and what reads such a row (or raises MalformedError)."""

    columns: Set[str]
    question: Callable[[Row], Question]

    def fits(self, row: Row) -> bool:
        return self.columns <= row.data.keys()


@dataclass(frozen=True, slots=True)
class Published:
    """splits: by the name that the option `split` gives, the default first. home: where it is published.

    rows: the rows of one file, for files that are no tables.
    """

    name: str
    about: str
    licence: str
    home: str
    splits: Mapping[str, Split]
    forms: tuple[Form, ...]
    subtitles: Subtitles | None = None
    rows: Callable[[Path], Iterable[Row]] = read_rows

    @property
    def source(self) -> Source:
        options = ("data", "split", "videos", "skip_malformed", "at_hand")
        with_them = (*options, "subtitles") if self.subtitles else options
        splits = f" ({', '.join(self.splits)})" if len(self.splits) > 1 else ""
        sizes = {name: split.size for name, split in self.splits.items() if split.size}
        return Source(self.name, f"{self.about}{splits}", with_them, self.read, sizes=sizes, supplies=self.supplies)

    def read(self, options: Options, root: Path) -> list[Item]:
        """The items of one split.

        Raises NotAtHandError for annotations that are not at hand, unless the option `at_hand` leaves out whatever is
        not, and InputError for malformed rows unless they are to be skipped.
        """
        only_at_hand = option_flag(self.name, options, "at_hand")
        try:
            questions = self._questions(options, root)
        except NotAtHandError:
            if not only_at_hand:
                raise
            print(f"note: {self.name}: left out, its annotations are not at hand", file=sys.stderr)
            return []
        folder = self._videos(options, root)
        items = to_items(self.name, self.licence, questions, folder)
        if self.subtitles and option_flag(self.name, options, "subtitles"):
            items = with_subtitles(self.name, items, questions, self.subtitles, root)
        return with_video_at_hand(self.name, items, folder) if only_at_hand else items

    def supplies(self, options: Options, root: Path, ids: Set[str] | None) -> list[Supply]:
        """The videos, and with the option `subtitles` the subtitles, of the items with these ids, or of all.

        Raises InputError as `read` does, and for ids that the source does not hold.
        """
        questions = self._questions(options, root)
        if ids is not None:
            questions = [each for each in questions if f"{self.name}/{each.id}" in ids]
            strange = sorted(ids - {f"{self.name}/{each.id}" for each in questions})
            if strange:
                raise InputError(
                    f"source {self.name} holds no {', '.join(strange[:3])}"
                    f"{f' and {len(strange) - 3:,} more' if len(strange) > 3 else ''}; take the split and annotations "
                    "that these items were made from"
                )
        split = self._split(options)
        hub = split.media_hub or split.hub
        files = tuple(dict.fromkeys(each.file for each in questions))
        folder = self._videos(options, root)
        supplies = [Supply("videos", folder, split.videos, files, hub, split.revision, split.media, each=True)]
        if self.subtitles and option_flag(self.name, options, "subtitles"):
            layout, names = self.subtitles.folder, self.subtitles.media
            files = tuple(dict.fromkeys(each.subtitles for each in questions))
            place = media_folder(layout, root)
            supplies.append(
                Supply("subtitles", place, layout, files, hub, split.revision, names, each=self.subtitles.each)
            )
        return supplies

    def _questions(self, options: Options, root: Path) -> list[Question]:
        split = self._split(options)
        data = option_text(self.name, options, "data") if "data" in options else None
        files = find_annotations(self.name, split, data, root, self.home)
        reading = read_questions(files, self.forms, self.rows)
        settle(self.name, reading.rows, reading.defects, option_flag(self.name, options, "skip_malformed"))
        return reading.questions

    def _videos(self, options: Options, root: Path) -> Path:
        if "videos" in options:
            return Path(option_text(self.name, options, "videos")).expanduser().absolute()
        return media_folder(self._split(options).videos, root)

    def _split(self, options: Options) -> Split:
        name = option_text(self.name, options, "split", next(iter(self.splits)))
        if name not in self.splits:
            raise InputError(f"source {self.name} has no split {name!r}; it has: {', '.join(self.splits)}")
        return self.splits[name]


@dataclass(slots=True)
class Reading:
    """What came out of files: sound questions in the files' order, what was wrong, and how many rows there were."""

    questions: list[Question] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    rows: int = 0


def read_questions(
    files: Sequence[Path], forms: Sequence[Form], rows: Callable[[Path], Iterable[Row]] = read_rows
) -> Reading:
    """Every row of the files. Raises InputError naming a file that holds no row of any of the forms."""
    reading, repeats = Reading(), Repeats()
    for file in files:
        found = list(rows(file))
        if not any(form.fits(row) for row in found for form in forms):
            columns = ", ".join(next((row.data for row in found if row.data), {})) or "none"
            expected = "; or ".join(", ".join(sorted(form.columns)) for form in forms)
            raise InputError(f"{file}: no row has the columns of this source; found: {columns}; expected: {expected}")
        reading.rows += len(found)
        for row in found:
            where = f"{row.file.name} {row.label}"
            try:
                question = _question(row, forms)
                wrong = [*problems(question), *repeats.problems(question, where)]
            except MalformedError as error:
                wrong = [str(error)]
            if wrong:
                reading.defects.append(Defect(where, "; ".join(wrong)))
            else:
                reading.questions.append(question)
    return reading


def to_items(source: str, licence: str, questions: Sequence[Question], videos: Path) -> list[Item]:
    """Items of sound questions. Questions about one video share it."""
    media, known = Media(videos), dict[str, Video]()
    return list(_items(source, licence, questions, media, known))


def with_video_at_hand(source: str, items: Sequence[Item], folder: Path) -> list[Item]:
    """Those whose video is on this machine; how many are not is told on standard error."""
    there = {path: path.is_file() for path in {item.video.path for item in items}}
    kept = [item for item in items if there[item.video.path]]
    if len(kept) < len(items):
        lost = len(items) - len(kept)
        told = f"left out {lost:,} of {len(items):,} questions, their videos are not under {folder}"
        print(f"note: {source}: {told}", file=sys.stderr)
    return kept


def _items(
    source: str, licence: str, questions: Sequence[Question], media: Media, known: dict[str, Video]
) -> Iterator[Item]:
    for each in questions:
        video = known.get(each.file)
        if video is None:
            video = known[each.file] = Video(f"{source}/{each.video}", media.path(each.file))
        yield Item(
            id=f"{source}/{each.id}",
            question=each.question,
            options=tuple(each.options),
            answer=each.key,
            video=video,
            native=each.native,
            licence=licence,
        )


def _question(row: Row, forms: Sequence[Form]) -> Question:
    if row.fault:
        raise MalformedError(row.fault)
    for form in forms:
        if form.fits(row):
            return form.question(row)
    lacking = min((form.columns - row.data.keys() for form in forms), key=len)
    raise MalformedError(f"lacks {', '.join(sorted(lacking))}")
