"""The prompt of the released Apollo models: a header, the clips with their times, the question, in CHATML turns.

Text between visual places is tokenised piece by piece, as the released code does, so a piece's last blank is a token
of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from num2words import num2words
from transformers import PreTrainedTokenizerBase

from apollobench.apollo.model import VISUAL
from apollobench.errors import InputError
from apollobench.types import FramePlan

PLACEHOLDER = "<|video_token|>"
END_OF_TURN = "<|im_end|>"
# Two newlines after "system" are what the models were trained with.
OPENING = f"<|im_start|>system\n\nYou are a helpful vision-language assistant.{END_OF_TURN}\n<|im_start|>user\n"
CLOSING = f"{END_OF_TURN}\n<|im_start|>assistant\n"


def header(clips: int, clip_seconds: float, duration: float) -> str:
    """The line before the clips; it tells their number in words and the length of the video in seconds."""
    return (
        f"You are provided the following series of {num2words(clips)}, {clip_seconds:g} second clips "
        f"from a {timedelta(seconds=duration)} [H:MM:SS] video.\n"
    )


def clip_label(first: float, last: float) -> str:
    """What stands before a clip: the times of its first and last frame in seconds."""
    return f"{round(float(first), 1)}-{round(float(last), 1)} seconds: "


@dataclass(frozen=True)
class Chat:
    """Builds prompts for one model. clip_seconds: what the header calls a clip's length."""

    tokenizer: PreTrainedTokenizerBase
    clip_seconds: float
    tokens_per_clip: int

    def text(self, question: str, plan: FramePlan | None = None) -> str:
        """The whole prompt as text; `plan` None means that no video is shown, and only the question is asked."""
        if plan is None:
            return OPENING + question + CLOSING
        visual = PLACEHOLDER * self.tokens_per_clip
        return "".join(piece + visual for piece in self._seen(plan)) + self._asked(question)

    def head(self, plan: FramePlan) -> list[int]:
        """Token ids up to and including the last visual place: the same for all questions about the same clips."""
        visual = [VISUAL] * self.tokens_per_clip
        return [token for piece in self._tokens(self._seen(plan)) for token in (*piece, *visual)]

    def tail(self, question: str, seen: bool) -> list[int]:
        """Token ids after `head` (or, when nothing is `seen`, all of them). Raises `InputError` for a placeholder."""
        return self.tails([question], seen)[0]

    def tails(self, questions: Sequence[str], seen: bool) -> list[list[int]]:
        """`tail` of several questions."""
        if any(PLACEHOLDER in question for question in questions):
            raise InputError(f"the question contains {PLACEHOLDER}, which stands for a video in the prompt")
        return self._tokens([self._asked(question) if seen else self.text(question) for question in questions])

    def prompt(self, question: str, plan: FramePlan | None = None) -> list[int]:
        """Token ids of the whole prompt, `VISUAL` in the visual places."""
        head = self.head(plan) if plan else []
        return head + self.tail(question, seen=plan is not None)

    def reply_token(self, letter: str) -> int:
        """The id that a reply consisting of this letter begins with. Raises `InputError` if it is not one token."""
        before, after = self._tokens([CLOSING, CLOSING + letter])
        alone = len(after) == len(before) + 1 and after[:-1] == before
        if not alone or str(self.tokenizer.decode(after[-1:])).strip() != letter:
            raise InputError(f"the tokenizer does not write the option letter {letter!r} as one token of its own")
        return after[-1]

    @property
    def stops(self) -> tuple[int, ...]:
        """Ids that end a reply: the end of a turn, and the tokenizer's end of text."""
        (turn,) = self._tokens([END_OF_TURN])
        if len(turn) != 1:
            raise InputError(f"the tokenizer does not know {END_OF_TURN} as one special token")
        eos = self.tokenizer.eos_token_id
        return (turn[0],) if eos in (None, turn[0]) else (turn[0], int(eos))

    def _seen(self, plan: FramePlan) -> list[str]:
        """The text before each clip's visual places."""
        labels = [clip_label(*clip) for clip in plan.clips]
        first = OPENING + header(len(labels), self.clip_seconds, plan.duration) + labels[0]
        return [first, *(f",\n{label}" for label in labels[1:])]

    def _asked(self, question: str) -> str:
        return f"\n\n{question}{CLOSING}"

    def _tokens(self, pieces: Sequence[str]) -> list[list[int]]:
        return self.tokenizer(list(pieces), add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]
