"""LongVideoBench: questions that refer to a moment of a subtitled video of up to an hour (arXiv 2407.15754)."""

from __future__ import annotations

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import Row
from apollobench.sources.reading.subtitles import Subtitles, read_cues

OPTIONS = tuple(f"option{i}" for i in range(5))
ABSENT = "N/A"


def original(row: Row) -> Question:
    """The rows of lvb_val.json, with a list of candidates."""
    return question(row, row.texts("candidates"))


def numbered(row: Row) -> Question:
    """The hub's rows: option0 to option4, `N/A` where there are fewer."""
    options = [row.cell(name) for name in OPTIONS]
    while options and options[-1] == ABSENT:
        options.pop()
    return question(row, options)


def question(row: Row, options: list[str]) -> Question:
    """Subtitles are of the whole video that was published; a shorter one here begins at their given second."""
    start, duration = row.number_of("starting_timestamp_for_subtitles"), row.number_of("duration")
    return Question(
        id=row.text("id"),
        question=row.cell("question"),
        options=options,
        answer=row.whole("correct_choice"),
        video=row.text("video_id"),
        file=row.text("video_path"),
        native=row.labels("question_category", "topic_category", "level", "duration", "duration_group"),
        subtitles=row.text("subtitle_path"),
        span=(start, start + duration),
    )


COLUMNS = {"video_id", "id", "video_path", "subtitle_path", "question", "correct_choice", "duration", "duration_group"}
LABELS = {"question_category", "topic_category", "starting_timestamp_for_subtitles"}
SOURCE = Published(
    name="longvideobench",
    about="LongVideoBench: moments in long subtitled videos, validation set",
    licence="CC-BY-NC-SA-4.0",
    home="https://github.com/longvideobench/LongVideoBench",
    splits={
        "val": Split(
            files=(("validation-*.parquet",), ("lvb_val.json",)),
            videos="datasets/longvideobench/videos",
            hub=("longvideobench/LongVideoBench",),
            media=("videos.tar*",),
            size=Size(1337, 753, 477),
        )
    },
    forms=(Form(COLUMNS | LABELS | {*OPTIONS}, numbered), Form(COLUMNS | LABELS | {"candidates"}, original)),
    subtitles=Subtitles("datasets/longvideobench/subtitles", read_cues, each=True, media=("subtitles.tar*",)),
).source
