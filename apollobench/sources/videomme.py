"""Video-MME: 2,700 questions on 900 videos from seconds to an hour, four options each (arXiv 2405.21075)."""

from __future__ import annotations

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.inline import without_mark
from apollobench.sources.reading.places import Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import Row
from apollobench.sources.reading.subtitles import Subtitles, read_srt


def question(row: Row) -> Question:
    """Options are marked `A. ` to `D. `; videoID names the file, several questions share it."""
    video = row.text("videoID")
    return Question(
        id=row.text("question_id"),
        question=row.cell("question"),
        options=[without_mark(option) for option in row.texts("options")],
        answer=row.letter("answer"),
        video=video,
        file=f"{video}.mp4",
        native=row.labels("task_type", "domain", "sub_category", "duration", "video_id", "url"),
        subtitles=f"{video}.srt",
    )


COLUMNS = {"video_id", "duration", "domain", "sub_category", "videoID", "question_id", "task_type"}
SOURCE = Published(
    name="videomme",
    about="Video-MME: short, medium and long videos of all kinds",
    licence="Video-MME: academic research only",
    home="https://github.com/MME-Benchmarks/Video-MME",
    splits={
        "test": Split(
            files=(("videomme/test-*.parquet",), ("test-*.parquet",), ("videomme.json",), ("videomme.csv",)),
            videos="videomme/data",
            hub=("lmms-eval/Video-MME", "lmms-lab/Video-MME"),
            media=("videos_chunked_*.zip",),
            size=Size(2700, 900, 1016),
        )
    },
    forms=(Form(COLUMNS | {"question", "options", "answer"}, question),),
    subtitles=Subtitles("videomme/subtitle", read_srt, each=False, media=("subtitle.zip",)),
).source
