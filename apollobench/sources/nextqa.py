"""NExT-QA: why and how, what before, while and after, in home videos; five options each (arXiv 2105.08276)."""

from __future__ import annotations

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import Row

OPTIONS = tuple(f"a{i}" for i in range(5))
HUB, ARCHIVES = ("lmms-eval/NExTQA", "lmms-lab/NExTQA"), ("videos*.zip", "NExTVideo*.zip")


def question(row: Row) -> Question:
    """Question numbers count within a video; the answer is the place of an option."""
    video = row.text("video")
    return Question(
        id=f"{video}_{row.text('qid')}",
        question=row.cell("question"),
        options=[row.cell(name) for name in OPTIONS],
        answer=row.whole("answer"),
        video=video,
        file=f"{video}.mp4",
        native=row.labels("type", "frame_count", "width", "height"),
    )


SOURCE = Published(
    name="nextqa",
    about="NExT-QA: causes, manners and order in home videos",
    licence="MIT",
    home="https://github.com/doc-doc/NExT-QA",
    splits={
        "test": Split(
            files=(("MC/test-*.parquet",), ("test.csv",)),
            videos="nextqa/NExTVideo",
            hub=HUB,
            media=ARCHIVES,
            size=Size(8564, 1000, 44),
        ),
        "val": Split(
            files=(("val.csv",),),
            videos="nextqa/NExTVideo",
            media=ARCHIVES,
            media_hub=HUB,
            size=Size(4996, 570, 44),
        ),
    },
    forms=(Form({"video", "question", *OPTIONS, "answer", "type", "qid"}, question),),
).source
