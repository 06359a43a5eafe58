"""Asks a model what the work on some videos leaves to ask, and makes responses of its answers. Nothing is raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apollobench.errors import InputError
from apollobench.evaluate.judge import respond
from apollobench.evaluate.prepare import Work, describe
from apollobench.models.base import Model
from apollobench.types import Answer, FramePlan, Request, Response


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of the work on one video, or of a part of it; all that is to be stored, and no frames.

    stored: answers found in the store. failed: ended without the model. made: the model was asked.
    plans: the frame plans that `stored` and `made` refer to, by fingerprint.
    """

    stored: Sequence[Response] = ()
    failed: Sequence[Response] = ()
    made: Sequence[Response] = ()
    plans: Mapping[str, FramePlan] = field(default_factory=dict)


def at_hand(work: Work) -> Settled:
    """What of the work needs no model."""
    return Settled(work.stored, work.failed, plans=work.plans if work.stored else {})


def ask(model: Model, works: Sequence[Work]) -> list[Settled]:
    """What the model answers to all questions of `works`, put to it as one batch; one for each of them."""
    answers = iter(_answers(model, [one.request for work in works for one in work.asks]))
    return [Settled(made=_made(model, work, [next(answers) for _ in work.asks]), plans=work.plans) for work in works]


def _made(model: Model, work: Work, answers: Sequence[Answer]) -> list[Response]:
    return [
        respond(one.request.item, one.request.mode, model.name, one.key, one.plan, answer)
        for one, answer in zip(work.asks, answers, strict=True)
    ]


def _answers(model: Model, requests: Sequence[Request]) -> list[Answer]:
    """One answer for each request. A batch that fails is asked again in halves, and what fails alone is an error."""
    if not requests:
        return []
    try:
        return _asked(model, requests)
    except (Exception, SystemExit) as error:
        if len(requests) == 1:
            return [Answer(None, error=f"the model failed: {describe(error)}")]
    half = len(requests) // 2  # the error is gone by now, and the device's memory that it held is free again
    return [*_answers(model, requests[:half]), *_answers(model, requests[half:])]


def _asked(model: Model, requests: Sequence[Request]) -> list[Answer]:
    answers = list(model.answer(requests))
    if len(answers) != len(requests):
        raise InputError(f"it gave {len(answers)} answers to {len(requests)} requests")
    return answers
