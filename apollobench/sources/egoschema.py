"""EgoSchema: three minutes of a day filmed from the head, five long options; the 500 with public answers.

arXiv 2308.09126. Every question is about C, who wears the camera: that is the one label, `view`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from apollobench.errors import InputError
from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.inline import without_mark
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import Row
from apollobench.sources.reading.tables import read_json, read_rows

ANSWERS = "subset_answers.json"
OPTIONS = tuple(f"option {i}" for i in range(5))
NATIVE = {"view": "egocentric"}


def rows(path: Path) -> Iterator[Row]:
    """Rows as on the hub; of the repository's questions.json those that subset_answers.json beside it answers."""
    if path.suffix != ".json":
        yield from read_rows(path)
        return
    beside = path.parent / ANSWERS
    if not beside.is_file():
        raise InputError(f"{path}: its answers are not beside it; put {ANSWERS} of the official repository there")
    answers = read_json(beside, dict)
    asked = {row.data.get("q_uid"): row for row in read_rows(path)}
    for uid, answer in answers.items():
        row = asked.get(uid) or Row(beside, uid, 0, {}, f"answers a question that {path.name} does not hold")
        yield Row(row.file, row.label, row.number, {**row.data, "answer": answer}, row.fault)


def marked(row: Row) -> Question:
    """The hub's rows: options marked `A. ` to `E. `, the answer a place as text."""
    return question(row, row.text("video_idx"), [without_mark(option) for option in row.texts("option")])


def original(row: Row) -> Question:
    """The repository's rows."""
    return question(row, row.text("q_uid"), [row.cell(name) for name in OPTIONS])


def question(row: Row, video: str, options: list[str]) -> Question:
    """One question is asked of each video, and has its id."""
    return Question(
        id=video,
        question=row.cell("question"),
        options=options,
        answer=row.whole("answer"),
        video=video,
        file=f"{video}.mp4",
        native=NATIVE,
    )


SOURCE = Published(
    name="egoschema",
    about="EgoSchema: days filmed from the head, the 500 questions with public answers",
    licence="EgoSchema: not stated; Ego4D licence for the videos",
    home="https://github.com/egoschema/EgoSchema",
    splits={
        "subset": Split(
            files=(("Subset/test-*.parquet",), ("test-*.parquet",), ("questions.json",)),
            videos="egoschema/videos",
            hub=("lmms-eval/egoschema", "lmms-lab/egoschema"),
            media=("videos_chunked_*.zip",),
            size=Size(500, 500, 180),
        )
    },
    forms=(
        Form({"question_idx", "question", "video_idx", "option", "answer"}, marked),
        Form({"q_uid", "question", *OPTIONS, "answer"}, original),
    ),
    rows=rows,
).source
