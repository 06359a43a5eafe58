"""Perception Test: acted scenes that probe memory, physics and abstraction; three options (arXiv 2305.13786)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import Row
from apollobench.sources.reading.tables import read_json, read_rows


def rows(path: Path) -> Iterator[Row]:
    """Rows as on the hub, also of the repository's file (video -> `mc_question` -> questions)."""
    if path.suffix != ".json":
        yield from read_rows(path)
        return
    number = 0
    for video, record in read_json(path, dict).items():
        questions = record.get("mc_question") if isinstance(record, dict) else None
        if not isinstance(questions, list):
            yield Row(path, video, number, {}, f"mc_question is {questions!r}, expected a list")
            number += 1
            continue
        for place, each in enumerate(questions):
            data, fault = (each, "") if isinstance(each, dict) else ({}, f"found {str(each)[:60]!r}")
            named = {**data, "video_name": video, "question_id": data.get("id")}
            yield Row(path, f"{video}/{place}", number, named, fault)
            number += 1


def question(row: Row) -> Question:
    """Question numbers count within a video; the answer is the place of an option."""
    video = row.text("video_name")
    return Question(
        id=f"{video}_{row.text('question_id')}",
        question=row.cell("question"),
        options=row.texts("options"),
        answer=row.whole("answer_id"),
        video=video,
        file=f"{video}.mp4",
        native=row.labels("area", "reasoning", "tag"),
    )


COLUMNS = {"video_name", "question", "question_id", "options", "answer_id", "area", "reasoning", "tag"}
SOURCE = Published(
    name="perceptiontest",
    about="Perception Test: memory, physics and abstraction in acted scenes, validation set",
    licence="CC-BY-4.0",
    home="https://github.com/google-deepmind/perception_test",
    splits={
        "val": Split(
            files=(("mc_question_val/validation-*.parquet",), ("mc_question_valid.json",)),
            videos="perceptiontest_val/videos",
            hub=("lmms-eval/PerceptionTest_Val", "lmms-lab/PerceptionTest_Val"),
            media=("videos_chunked_*.zip",),
            size=Size(19140, 5900, 23),
        )
    },
    forms=(Form(COLUMNS, question),),
    rows=rows,
).source
