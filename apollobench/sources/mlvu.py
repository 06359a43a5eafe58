"""MLVU: questions on videos of minutes to hours, of seven kinds in dev and nine in test (arXiv 2406.04264).

The tasks whose answers are free text (sub-scene captioning, summaries) are not read.
"""

from __future__ import annotations

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.inline import split_options
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import MalformedError, Row

TASKS = ("1_plotQA", "2_needle", "3_ego", "4_count", "5_order", "6_anomaly_reco", "7_topic_reasoning")


def original(row: Row) -> Question:
    """The repository's rows: the answer is an option's text. Rows of dev have no id: task and row make one."""
    video = row.text("video")
    return Question(
        id=row.text("question_id") if row.has("question_id") else row.name,
        question=row.cell("question"),
        options=row.texts("candidates"),
        answer=row.cell("answer"),
        video=video,
        file=video,
        native={**row.labels("duration"), "task_type": row.text("question_type")},
    )


def marked(row: Row) -> Question:
    """The hub's rows: options stand in the question, `(A) text` on a line each, and the answer is a letter."""
    asked, options = split_options(row.text("question"))
    if row.has("candidates") and row.texts("candidates") != options:
        raise MalformedError(f"the options in the question are {options}, but candidates are {row.texts('candidates')}")
    video = row.text("video_name")
    return Question(
        id=row.text("question_id"),
        question=asked,
        options=options,
        answer=row.letter("answer"),
        video=video,
        file=video,
        native={**row.labels("duration"), "task_type": row.text("task_type")},
    )


SOURCE = Published(
    name="mlvu",
    about="MLVU: long videos",
    licence="CC-BY-NC-SA-4.0",
    home="https://github.com/JUNJIE99/MLVU",
    splits={
        "dev": Split(
            files=(("test-*.parquet",), tuple(f"{task}.json" for task in TASKS)),
            videos="mlvu",
            hub=("sy1998/MLVU_dev",),
            media=("*.zip",),
            size=Size(2175, 1122, 756),
        ),
        "test": Split(
            files=(("test-*.parquet",), ("test_mcq_gt.json",)),
            videos="mlvu_test",
            hub=("sy1998/MLVU_Test",),
            media=("*.zip",),
        ),
    },
    forms=(
        Form({"video_name", "duration", "question", "answer", "task_type", "question_id"}, marked),
        Form({"video", "duration", "question", "candidates", "answer", "question_type"}, original),
    ),
).source
