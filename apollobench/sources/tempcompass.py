"""TempCompass: short videos that differ in action, speed, direction, order or change only (arXiv 2403.00476)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.inline import split_options, without_mark
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import MalformedError, Row
from apollobench.sources.reading.tables import read_json, read_rows

TASKS = {"multi-choice": 1580, "yes_no": 2453, "caption_matching": 1503}  # and how many questions each has


def rows(path: Path) -> Iterator[Row]:
    """Rows as on the hub, also of the repository's files (video -> dimension -> questions). `place` counts in both."""
    seen = Counter[tuple[str, str]]()
    for row in read_rows(path) if path.suffix != ".json" else nested(path):
        asked = (str(row.data.get("video_id")), str(row.data.get("dim")))
        yield Row(path, row.label, row.number, {**row.data, "place": seen[asked]}, row.fault)
        seen[asked] += 1


def nested(path: Path) -> Iterator[Row]:
    number = 0
    for video, dimensions in read_json(path, dict).items():
        for dim, questions in dimensions.items() if isinstance(dimensions, dict) else [("", [dimensions])]:
            for place, each in enumerate(questions if isinstance(questions, list) else [questions]):
                label = f"{video}/{dim}/{place}"
                data, fault = (each, "") if isinstance(each, dict) else ({}, f"found {str(each)[:60]!r}")
                yield Row(path, label, number, {**data, "video_id": video, "dim": dim}, fault)
                number += 1


def question(row: Row) -> Question:
    """Options stand in the question; the answer is one of them with its mark. Yes-or-no questions have none."""
    video, dim, text, answer = (row.text(name) for name in ("video_id", "dim", "question", "answer"))
    if answer.lower() in ("yes", "no"):
        task, options, answer = "yes_no", ["yes", "no"], answer.lower()
    else:
        text, options = split_options(text)
        task = "multi-choice" if answer[1:2] == "." else "caption_matching"
        marked = [line.strip() for line in row.text("question").split("\n")]
        if answer not in marked:
            raise MalformedError(f"the answer {answer!r} is not a line of the question")
        answer = without_mark(answer)
    return Question(
        id=f"{task}/{video}/{dim}/{row.whole('place')}",
        question=text,
        options=options,
        answer=answer,
        video=video,
        file=f"{video}.mp4",
        native={"dim": dim, "task": task},
    )


SOURCE = Published(
    name="tempcompass",
    about="TempCompass: what changes over time in short videos",
    licence="CC-BY-NC-4.0",
    home="https://github.com/llyx97/TempCompass",
    splits={
        task: Split(
            files=((f"{task}/test-*.parquet",), (f"{task}.json",)),
            videos="tempcompass/videos",
            hub=("lmms-eval/TempCompass", "lmms-lab/TempCompass"),
            media=("*videos*.zip",),
            size=Size(items, 410, 11),
        )
        for task, items in TASKS.items()
    },
    forms=(Form({"video_id", "question", "answer", "dim"}, question),),
    rows=rows,
).source
