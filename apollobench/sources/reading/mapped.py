"""Any table as a source: options say which column is what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apollobench.errors import InputError
from apollobench.jsonfile import loads
from apollobench.sources.base import Options, option_flag, option_text
from apollobench.sources.reading.check import Question, settle
from apollobench.sources.reading.published import Form, read_questions, to_items
from apollobench.sources.reading.row import MalformedError, Row
from apollobench.types import Item

# How a right answer may be given, and what makes of it the place of an option, or its text.
ANSWERS: Mapping[str, Callable[[Row, str], int | str]] = {"letter": Row.letter, "place": Row.whole, "text": Row.cell}
OPTIONS = (
    "id",
    "question",
    "options",
    "answer",
    "answer_is",
    "video",
    "native",
    "suffix",
    "name",
    "licence",
    "videos",
    "skip_malformed",
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table, by what they hold.

    id: None if rows have none. options: one column with a list, or several. answer_is: a key of ANSWERS. suffix: added
    to the video's name to make that of its file.
    """

    id: str | None
    question: str
    options: tuple[str, ...]
    answer: str
    answer_is: str
    video: str
    native: tuple[str, ...] = ()
    suffix: str = ""

    @property
    def form(self) -> Form:
        ids = [] if self.id is None else [self.id]
        return Form({*ids, self.question, *self.options, self.answer, self.video, *self.native}, self.make)

    def make(self, row: Row) -> Question:
        video = row.text(self.video)
        return Question(
            id=row.name if self.id is None else row.text(self.id),
            question=row.cell(self.question),
            options=_list(row, self.options[0]) if len(self.options) == 1 else [row.cell(c) for c in self.options],
            answer=ANSWERS[self.answer_is](row, self.answer),
            video=video,
            file=f"{video}{self.suffix}",
            native=row.labels(*self.native),
        )


def read_mapping(source: str, options: Options) -> Columns:
    """The columns as the options name them; each defaults to its own name. Raises InputError for a wrong option."""
    answer_is = option_text(source, options, "answer_is")
    if answer_is not in ANSWERS:
        raise InputError(f"source {source}, option answer_is: found {answer_is!r}, expected {', '.join(ANSWERS)}")
    return Columns(
        id=option_text(source, options, "id") if "id" in options else None,
        question=option_text(source, options, "question", "question"),
        options=_names(option_text(source, options, "options", "options")),
        answer=option_text(source, options, "answer", "answer"),
        answer_is=answer_is,
        video=option_text(source, options, "video", "video"),
        native=_names(option_text(source, options, "native")) if "native" in options else (),
        suffix=option_text(source, options, "suffix") if "suffix" in options else "",
    )


def read_mapped(options: Options, root: Path) -> list[Item]:
    """The items of the table at the option `path`. Raises InputError as a published source does."""
    path = Path(option_text("of a table", options, "path")).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file; a source of a table is written KIND:PATH")
    return read_files([path], {"name": path.stem, **options}, path.parent)


def read_files(files: Sequence[Path], options: Options, videos: Path) -> list[Item]:
    """The items of tables of one shape. videos: their folder, unless the option of this name gives another."""
    name = option_text(str(files[0]), options, "name")
    if "/" in name:
        raise InputError(f"{files[0]}, option name: found {name!r}; the name of a source has no slash")
    reading = read_questions(files, [read_mapping(name, options).form])
    settle(name, reading.rows, reading.defects, option_flag(name, options, "skip_malformed"))
    folder = Path(option_text(name, options, "videos", str(videos))).expanduser().absolute()
    licence = option_text(name, options, "licence") if "licence" in options else ""
    return to_items(name, licence, reading.questions, folder)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _list(row: Row, column: str) -> list[str]:
    """A list, or its JSON text, as a CSV file holds it."""
    value = row.data.get(column)
    if not isinstance(value, str):
        return row.texts(column)
    try:
        found = loads(value)
    except ValueError as error:
        raise MalformedError(f"{column} is {value!r}, expected a list in JSON") from error
    return Row(row.file, row.label, row.number, {column: found}).texts(column)
