"""Model classes for lmms-eval that truly look at what they are shown, registered as any plugin's are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.models.model_utils.load_video import read_video
from lmms_eval.models.registry_v2 import ModelManifest
from loguru import logger
from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
TROUBLE = "Which colour is shown middle?"


def look(prompt: str, pictures: list[np.ndarray]) -> str:
    """The letter of the colour asked about; blind, the first."""
    question, *lines = prompt.splitlines()
    if not pictures:
        return "A"
    which = {"first": 0, "middle": len(pictures) // 2, "last": -1}[question.split()[-1][:-1]]
    mean = pictures[which].reshape(-1, 3).mean(axis=0)
    seen = min(COLOURS, key=lambda colour: float(np.abs(mean - COLOURS[colour]).sum()))
    return next(line[0] for line in lines if line.endswith(f". {seen}"))


class Eyes(lmms):
    """trouble: what it does instead of answering questions about the middle. shown: pictures of each question."""

    def __init__(self, pretrained: str = "nobody/eyes", trouble: str = "", batch_size: int = 1) -> None:
        super().__init__()
        self.pretrained, self.trouble = pretrained, trouble
        self.calls: list[int] = []
        self.shown: list[list[np.ndarray]] = []

    def reply(self, prompt: str, pictures: list[np.ndarray]) -> str:
        print("a class may print")
        self.shown.append(pictures)
        if prompt.startswith(TROUBLE) and self.trouble:
            return TROUBLES[self.trouble](prompt)
        return look(prompt, pictures)

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        raise NotImplementedError


class EyesChat(Eyes):
    is_simple = False

    def generate_until(self, requests: list[Instance]) -> list[GenerationResult]:
        self.calls.append(len(requests))
        made = []
        for _, doc_to_messages, settings, doc_id, task, split in [request.args for request in requests]:
            (message,) = doc_to_messages(self.task_dict[task][split][doc_id])
            *shown, text = message["content"]
            pictures = [np.asarray(picture) for part in shown for picture in self.pictures(part)]
            settings["image_sizes"] = [picture.shape for picture in pictures]  # as real classes do
            made.append(GenerationResult(self.reply(text["text"], pictures), TokenCounts(output_tokens=1)))
        return made

    def pictures(self, part: dict[str, Any]) -> list[Image.Image]:
        return part["url"] if part["type"] == "video" else [part["url"]]


class EyesSimple(Eyes):
    """It reads files itself, at most `max_frames_num` frames of each."""

    def __init__(self, max_frames_num: int = 3, **settings: Any) -> None:
        super().__init__(**settings)
        self.max_frames_num = max_frames_num

    def generate_until(self, requests: list[Instance]) -> list[str]:
        self.calls.append(len(requests))
        made = []
        for prompt, _, doc_to_visual, doc_id, task, split in [request.args for request in requests]:
            visuals = doc_to_visual(self.task_dict[task][split][doc_id])
            made.append(self.reply(prompt, [picture for visual in visuals for picture in self.pictures(visual)]))
        return made

    def pictures(self, visual: str | Image.Image) -> list[np.ndarray]:
        if isinstance(visual, Image.Image):
            return [np.asarray(visual)]
        assert visual.endswith(".mp4")
        return list(read_video(visual, num_frm=self.max_frames_num))


def log_and_go_on(prompt: str) -> str:
    logger.error("Error in loading video")
    return look(prompt, [])


def raise_error(prompt: str) -> str:
    raise RuntimeError("out of memory")


def leave(prompt: str) -> str:
    sys.exit(3)


TROUBLES: dict[str, Callable[[str], str]] = {
    "raise": raise_error,
    "exit": leave,
    "log": log_and_go_on,
    "request": lambda prompt: "[LMMS_EVAL_REQUEST_FAILED after 3 retries] timeout",
    "budget": lambda prompt: "[LMMS_EVAL_BUDGET_EXCEEDED]",
    "file": lambda prompt: "Video /tmp/a.mp4 can not load, check the source",
    "empty": lambda prompt: "",
}
MANIFESTS = [
    ModelManifest("eyes_chat", chat_class_path=f"{__name__}.EyesChat"),
    ModelManifest("eyes_simple", simple_class_path=f"{__name__}.EyesSimple"),
    ModelManifest("eyes", simple_class_path=f"{__name__}.EyesSimple", chat_class_path=f"{__name__}.EyesChat"),
]
