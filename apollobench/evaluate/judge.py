"""From a model's answer to a response with a status: what was chosen, or why nothing was."""

from __future__ import annotations

import math
from dataclasses import replace

from apollobench.evaluate.extract import extract
from apollobench.types import Answer, Item, Mode, Response, Status


def respond(item: Item, mode: Mode, model: str, key: str, plan: str | None, answer: Answer) -> Response:
    """The response that `answer` makes. plan: fingerprint of the frame plan. Nothing is raised: a fault is a status."""
    status, choice, error = _judge(item, answer)
    return Response(key, item.id, model, mode, status, answer.text, choice, answer.option_logprobs, plan, error)


def failed(
    item: Item, mode: Mode, model: str, key: str, plan: str | None, error: str, status: Status = Status.ERROR
) -> Response:
    """The response of a question that never came to an answer, with the reason."""
    return Response(key, item.id, model, mode, status, None, None, None, plan, error)


def reread(item: Item, response: Response) -> Response:
    """A stored answer as today's extractor reads it; the model is not asked again."""
    status, choice, error = _judge(item, Answer(response.text, response.option_logprobs))
    return replace(response, status=status, choice=choice, error=error)


def best_option(logprobs: tuple[float, ...]) -> int | None:
    """The most likely option's index; None when the first place is shared."""
    top = max(logprobs)
    return logprobs.index(top) if logprobs.count(top) == 1 else None


def _judge(item: Item, answer: Answer) -> tuple[Status, int | None, str | None]:
    """Text is read by the extractor; a model that gives only log-probabilities chooses its most likely option."""
    error = answer.error or _fault(item, answer)
    if error is not None:
        return Status.ERROR, None, error
    if answer.text is not None:
        choice = extract(answer.text, item.options)
    else:
        assert answer.option_logprobs is not None
        choice = best_option(answer.option_logprobs)
    return (Status.UNPARSED if choice is None else Status.OK), choice, None


def _fault(item: Item, answer: Answer) -> str | None:
    logprobs = answer.option_logprobs
    if logprobs is None:
        return "the model gave neither text nor log-probabilities" if answer.text is None else None
    if len(logprobs) != len(item.options):
        return f"the model gave {len(logprobs)} log-probabilities for {len(item.options)} options"
    if not all(map(math.isfinite, logprobs)):
        return f"the model gave log-probabilities that are not finite: {logprobs}"
    return None
