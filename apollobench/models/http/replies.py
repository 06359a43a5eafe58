"""What a chat completion says: the text, and the log-probabilities of the options' letters where it tells them all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from apollobench.types import LETTERS, Answer, Request

SHOWN = 200
UNLIKELY = -9999.0  # what servers write for "no probability"; not a figure


def read_reply(request: Request, reply: Mapping[str, Any]) -> Answer:
    """The answer in the JSON of a response, with the log-probabilities of the options where it tells them all."""
    answer = read_text(reply)
    if answer.text is None:
        return answer
    return Answer(answer.text, option_logprobs(reply["choices"][0], len(request.item.options)))


def read_text(reply: Mapping[str, Any]) -> Answer:
    """The text of the first choice. An empty text is an answer; content that is absent is an error that says why."""
    try:
        choice = reply["choices"][0]
        message = choice["message"]
        text = message.get("content")
        finish = choice.get("finish_reason")
    except (LookupError, TypeError, AttributeError):
        return Answer(None, error=f"the server's response has no choices[0].message: {_short(reply)}")
    if finish == "content_filter":
        return Answer(None, error=f"the server's content filter stopped the reply: {_short(message)}")
    if text is None and isinstance(message.get("refusal"), str):
        text = message["refusal"]
    if not isinstance(text, str):
        return Answer(None, error=f"the server's reply has no text (finish_reason {finish!r}): {_short(message)}")
    return Answer(text)


def option_logprobs(choice: Mapping[str, Any], options: int) -> tuple[float, ...] | None:
    """Natural log-probability of each of the first `options` letters as the first token of the reply.

    Of all likely tokens that the server lists there, those that are a letter but for white space count for it; their
    probabilities add up. None unless every letter is among them: a missing one is less likely than those listed, and
    nobody knows how much.
    """
    try:
        first = choice["logprobs"]["content"][0]
        listed = [(str(entry["token"]).strip(), float(entry["logprob"])) for entry in first["top_logprobs"]]
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    found = [[value for token, value in listed if token == letter and _told(value)] for letter in LETTERS[:options]]
    return tuple(map(_sum, found)) if all(found) else None


def _told(logprob: float) -> bool:
    return math.isfinite(logprob) and logprob > UNLIKELY


def _sum(logprobs: list[float]) -> float:
    """The logarithm of the summed probabilities."""
    top = max(logprobs)
    return top + math.log(math.fsum(math.exp(value - top) for value in logprobs))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
