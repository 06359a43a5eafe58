"""One call of a class's `generate_until`, and what of its outcome is no answer.

Many classes log an error and go on, without the video or with an empty answer; so an error that a class logs while it
is asked is an error of the question. Others give a failure for the text of an answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from apollobench.models.lmms.failure import FAILURE
from apollobench.models.lmms.handling import Kind
from apollobench.models.lmms.visuals import Visuals
from apollobench.types import Answer, Request

TASK, SPLIT = "apollobench", "test"


class AskingError(Exception):
    """The class did not give what it was asked for."""


def ask(model: Any, kind: Kind, requests: Sequence[Request], visuals: Visuals, max_new_tokens: int) -> list[Answer]:
    """Answers to requests of one mode, in order, from an instance of a class.

    The class looks each request up in its `task_dict` as a document, and hands it to the function that it got. Raises
    `AskingError`, and whatever the class raises.
    """
    from lmms_eval.api.instance import unwrap_generation_output

    model.task_dict = {TASK: {SPLIT: list(requests)}}
    with _listening() as heard, redirect_stdout(sys.stderr):
        outputs = model.generate_until(_instances(kind, requests, visuals, max_new_tokens))
    answers = [_answer(unwrap_generation_output(output)[0]) for output in outputs]
    if heard and not any(answer.error for answer in answers):
        raise AskingError(heard[0])
    if len(answers) != len(requests):
        raise AskingError(f"it gave {len(answers)} answers to {len(requests)} questions")
    return answers


def generation(max_new_tokens: int) -> dict[str, Any]:
    """What lmms-eval's own tasks with options ask for; a mapping of its own for each question, as classes change it."""
    greedy = {"do_sample": False, "temperature": 0, "top_p": 1.0, "num_beams": 1}
    return {"max_new_tokens": max_new_tokens, "until": ["\n\n"], **greedy}


def _instances(kind: Kind, requests: Sequence[Request], visuals: Visuals, max_new_tokens: int) -> list[Any]:
    from lmms_eval.api.instance import Instance

    def messages(request: Request) -> list[dict[str, Any]]:
        return [{"role": "user", "content": [*visuals.content(request), {"type": "text", "text": request.prompt}]}]

    made = []
    for number, request in enumerate(requests):
        settings = generation(max_new_tokens)
        asked = (messages, settings) if kind == "chat" else (settings, visuals.of)
        made.append(
            Instance(
                request_type="generate_until",
                arguments=(request.prompt, *asked, number, TASK, SPLIT),
                idx=number,
                metadata={"task": TASK, "doc_id": number, "repeats": 1},
            )
        )
    return made


def _answer(text: Any) -> Answer:
    if not isinstance(text, str):
        raise AskingError(f"it gave {type(text).__name__} for an answer, expected text")
    return Answer(None, error=text) if FAILURE.match(text) else Answer(text.strip())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """The errors that are logged meanwhile."""
    from loguru import logger

    heard: list[str] = []
    tell: Callable[[str], None] = heard.append
    sink = logger.add(lambda message: tell(str(message).strip()), level="ERROR", format="{message}")
    try:
        yield heard
    finally:
        logger.remove(sink)
