"""MVBench: twenty tasks on short videos that one frame does not solve, 200 questions each (arXiv 2311.17005)."""

from __future__ import annotations

from apollobench.sources.base import Size
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.places import VIDEO_SUFFIXES, Split
from apollobench.sources.reading.published import Form, Published
from apollobench.sources.reading.row import MalformedError, Row

# Where the videos of each task lie in the hub's revision `video`. Some tasks show a part of a video, cut beforehand.
FOLDERS = {
    "action_antonym": "ssv2_video_mp4",
    "action_count": "perception/videos",
    "action_localization": "sta/sta_video_segment",
    "action_prediction": "star/Charades_segment",
    "action_sequence": "star/Charades_segment",
    "character_order": "perception/videos",
    "counterfactual_inference": "clevrer/video_validation",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/video_fps3_hq_segment",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "fine_grained_pose": "nturgbd_convert",
    "moving_attribute": "clevrer/video_validation",
    "moving_count": "clevrer/video_validation",
    "moving_direction": "clevrer/video_validation",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_segment",
    "object_shuffle": "perception/videos",
    "scene_transition": "scene_qa/video",
    "state_change": "perception/videos",
    "unexpected_action": "FunQA_test/test",
}


def question(row: Row) -> Question:
    """The file's name is the task. A part is named by start and end in seconds: `ZS9XR_1.5_17.1.mp4`."""
    folder = FOLDERS.get(row.file.stem)
    if folder is None:
        raise MalformedError(f"{row.file.stem} is not a task of MVBench; its files are named by task")
    video = row.text("video")
    stem, dot, suffix = video.rpartition(".") if "." in video else (video, ".", "mp4")
    if row.has("start"):
        bounds = f"_{row.number_of('start')}_{row.number_of('end')}"
        stem = stem.removesuffix(bounds)
    else:
        bounds = ""
    return Question(
        id=row.name,
        question=row.cell("question"),
        options=row.texts("candidates"),
        answer=row.cell("answer"),
        video=f"{folder}/{stem}",
        file=f"{folder}/{stem}{bounds}{dot}{suffix}",
        native={"task": row.file.stem, **row.labels("start", "end")},
    )


SOURCE = Published(
    name="mvbench",
    about="MVBench: twenty tasks on short videos",
    licence="MIT",
    home="https://huggingface.co/datasets/OpenGVLab/MVBench",
    splits={
        "train": Split(
            files=(tuple(f"{task}.json" for task in FOLDERS),),
            videos="mvbench_video",
            hub=("OpenGVLab/MVBench",),
            revision="video",
            media=tuple(f"*{suffix}" for suffix in VIDEO_SUFFIXES),
            size=Size(4000, 3655, 16),
        )
    },
    forms=(Form({"video", "question", "candidates", "answer"}, question),),
).source
