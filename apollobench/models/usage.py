"""What requests cost: the tokens that servers report, and their price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in any currency; None where not known."""

    input: float | None = None
    output: float | None = None

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def of(self, prompt_tokens: float, completion_tokens: float) -> float | None:
        """What so many tokens cost; None when a price is not known."""
        if self.input is None or self.output is None:
            return None
        return (prompt_tokens * self.input + completion_tokens * self.output) / MILLION


@dataclass
class Usage:
    """A tally over responses. silent: those that reported no tokens. finishes: how often a reply ended for what."""

    responses: int = 0
    silent: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    finishes: dict[str, int] = field(default_factory=dict)

    def add(self, reply: Mapping[str, Any]) -> None:
        """Counts one response's JSON; what it does not say, or says in another form, counts as nothing."""
        self.responses += 1
        told = reply.get("usage")
        if isinstance(told, dict) and _count(told, "prompt_tokens"):
            self.prompt_tokens += _count(told, "prompt_tokens")
            self.completion_tokens += _count(told, "completion_tokens")
            self.cached_tokens += _count(told.get("prompt_tokens_details"), "cached_tokens")
        else:
            self.silent += 1
        for choice in _choices(reply):
            reason = str(choice.get("finish_reason"))
            self.finishes[reason] = self.finishes.get(reason, 0) + 1

    def __add__(self, other: Usage) -> Usage:
        reasons = sorted({*self.finishes, *other.finishes})
        return Usage(
            self.responses + other.responses,
            self.silent + other.silent,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            {reason: self.finishes.get(reason, 0) + other.finishes.get(reason, 0) for reason in reasons},
        )


def _choices(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = reply.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _count(told: Any, name: str) -> int:
    value = told.get(name) if isinstance(told, dict) else None
    return value if type(value) is int and value > 0 else 0
