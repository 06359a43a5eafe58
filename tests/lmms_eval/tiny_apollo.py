"""The shipped apollo-tiny as model classes of lmms-eval, chat and simple, that know nothing but what a task shows them.

What makes their frames those of our own evaluation: they sample a video file by our planner with the model's own
sampling, and take the pixels of a picture as they come. Only the time of a picture, which Apollo's prompt tells, has no
place in a picture; they look it up in the video.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from lmms_eval.models.registry_v2 import ModelManifest
from PIL import Image

from apollobench.benchmark import from_row
from apollobench.models.registry import load_model
from apollobench.types import Item, Mode, Request
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe


class TinyApollo(lmms):
    """fails: a word; questions that have it end as a failed request would."""

    def __init__(self, pretrained: str = "apollo-tiny", fails: str = "", batch_size: int = 1) -> None:
        super().__init__()
        self.model, self.fails = load_model(pretrained), fails

    def reply(self, doc: dict[str, Any], prompt: str, visuals: list[Any]) -> str:
        if self.fails and self.fails in prompt:
            return "[LMMS_EVAL_REQUEST_FAILED after 3 retries] timeout"
        (answer,) = self.model.answer([self.request(from_row(doc, Path()).item, prompt, visuals)])
        assert answer.text is not None, answer.error
        return answer.text

    def request(self, item: Item, prompt: str, visuals: list[Any]) -> Request:
        if not visuals:
            return Request(item, Mode.TEXT, prompt)
        (visual,) = visuals
        if isinstance(visual, Image.Image):
            plan = plan_for_mode(probe(item.video.path), Mode.FRAME, self.model.sampling, "")
            assert plan is not None
            return Request(item, Mode.FRAME, prompt, plan, np.stack([np.asarray(visual)] * len(plan.indices)))
        probed = probe(Path(visual))
        plan = plan_for_mode(probed, Mode.VIDEO, self.model.sampling, "")
        assert plan is not None
        return Request(item, Mode.VIDEO, prompt, plan, decode(probed, plan.indices))

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        raise NotImplementedError


class Simple(TinyApollo):
    def generate_until(self, requests: list[Instance]) -> list[str]:
        made = []
        for prompt, _, doc_to_visual, doc_id, task, split in [request.args for request in requests]:
            doc = self.task_dict[task][split][doc_id]
            made.append(self.reply(doc, prompt, doc_to_visual(doc)))
        return made


class Chat(TinyApollo):
    is_simple = False

    def generate_until(self, requests: list[Instance]) -> list[str]:
        made = []
        for _, doc_to_messages, _, doc_id, task, split in [request.args for request in requests]:
            doc = self.task_dict[task][split][doc_id]
            (message,) = doc_to_messages(doc)
            *shown, text = message["content"]
            assert [part["type"] for part in shown] == [
                "image" if isinstance(part["url"], Image.Image) else "video" for part in shown
            ]
            made.append(self.reply(doc, text["text"], [part["url"] for part in shown]))
        return made


MANIFESTS = [
    ModelManifest("tiny_apollo", simple_class_path=f"{__name__}.Simple", chat_class_path=f"{__name__}.Chat"),
]
