"""Recipes, and what models and servers answer."""

from __future__ import annotations

import json
from pathlib import Path

from apollobench.types import Mode, Request

from .register import ITEMS, copied, target, text


@target("recipe", copied("curation", "synthetic.yaml"))
def _recipe(folder: Path, out: Path) -> None:
    from apollobench.arguments import choose_recipe

    choose_recipe(None, str(folder / "synthetic.yaml"), {"select.size": 10, "select.quotas": "balanced"}).fingerprint  # noqa: B018


@target("training recipe", copied("curation", "training", "three-stage.yaml"))
def _training_recipe(folder: Path, out: Path) -> None:
    from apollobench.training.recipe import load_training

    load_training(str(folder / "three-stage.yaml")).recipe.fingerprint  # noqa: B018


@target("study", copied("curation", "studies", "tiny-designs", "study.yaml"))
def _study(folder: Path, out: Path) -> None:
    from apollobench.apollo.train.study import cells, read_study

    cells(read_study(folder / "study.yaml"))


@target("roster", copied("curation", "models.yaml"))
def _roster(folder: Path, out: Path) -> None:
    from apollobench.models.roster import Roster
    from apollobench.yamlfile import read_yaml

    [entry.size for entry in read_yaml(folder / "models.yaml", Roster).models.values()]


REPLIES = (
    "B",
    "The answer is (B).",
    "**Answer:** B. a blue car",
    "<think>it may be A or not</think> I'd go with option C.",
    "It is not A but B, because the car is blue.",
    "\\boxed{D}",
    "<answer>A</answer>",
    "答案\uff1aC",
    "A, B and C are wrong",
    "The girls are waving at the camera, and neither (A) nor (C) shows that.",
    "I cannot see the video.",
)


def _plant_answers(folder: Path) -> None:
    for number, reply in enumerate(REPLIES):
        (folder / f"{number}.txt").write_text(reply)


@target("answer", _plant_answers)
def _answer(folder: Path, out: Path) -> None:
    from apollobench.evaluate.extract import extract

    for path in folder.iterdir():
        options = ("a red car", "a blue car", text(folder / "9.txt"), "")
        found = extract(text(path), options)
        assert found is None or 0 <= found < len(options)


def _plant_reply(folder: Path) -> None:
    ranked = [{"token": letter, "logprob": -1.5, "bytes": [65], "top_logprobs": []} for letter in "ABCD"]
    first = {**ranked[0], "top_logprobs": ranked}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "B", "refusal": None},
                "logprobs": {"content": [first], "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 3}},
    }
    (folder / "reply.json").write_text(json.dumps(reply))


@target("server reply", _plant_reply)
def _reply(folder: Path, out: Path) -> None:
    """What a server says goes all the way into a store."""
    from apollobench.evaluate.judge import respond
    from apollobench.evaluate.store import Store
    from apollobench.models.http.replies import read_reply
    from apollobench.models.http.server import _as_object

    found = _as_object(text(folder / "reply.json"), str)
    if isinstance(found, dict):
        item = ITEMS[0]
        answer = read_reply(Request(item, Mode.TEXT, "?"), found)
        with Store(out / "responses") as store:
            store.append([respond(item, Mode.TEXT, "m", "k", None, answer)])
        with Store(out / "responses") as store:
            assert len(store.responses) == 1
