"""The prompt of Apollo models as token ids: what is shown, the question, and whole conversations, in CHATML turns.

Text between visual places is tokenised piece by piece, as the released code does, so a piece's last blank is a token
of its own. A reply is a piece too, which is how it comes about when the model writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from transformers import PreTrainedTokenizerBase

from apollobench.apollo.integration import SEPARATORS, pieces
from apollobench.apollo.model import IGNORE, VISUAL
from apollobench.errors import InputError
from apollobench.types import FramePlan

PLACEHOLDER = "<|video_token|>"
END_OF_TURN = "<|im_end|>"
# Two newlines after "system" are what the models were trained with.
OPENING = f"<|im_start|>system\n\nYou are a helpful vision-language assistant.{END_OF_TURN}\n<|im_start|>user\n"
CLOSING = f"{END_OF_TURN}\n<|im_start|>assistant\n"
NEXT = "\n<|im_start|>user\n"
MARKER = re.compile(r"\s*<(?:video|image)>\s*")

Turn = tuple[Literal["user", "assistant"], str]


@dataclass(frozen=True, slots=True)
class Reply:
    """Text that the model is to write."""

    text: str


Part = str | Reply | None  # None: the places of one clip


@dataclass(frozen=True)
class Chat:
    """Builds prompts for one model. clip_seconds: what the header calls a clip's length.

    integration: one of `config.INTEGRATIONS`. Raises `InputError` for a tokenizer that lacks what it needs.
    """

    tokenizer: PreTrainedTokenizerBase
    clip_seconds: float
    tokens_per_clip: int
    integration: str = "released"

    def __post_init__(self) -> None:
        if "separators" not in self.integration:
            return
        lacking = [name for name, ids in zip(SEPARATORS, self._tokens(SEPARATORS), strict=True) if len(ids) != 1]
        if lacking:
            raise InputError(
                f"integration {self.integration!r} needs {' and '.join(lacking)} as special tokens of the tokenizer; "
                "add them, and rows for them to the language model's embedding"
            )

    def text(self, question: str, plan: FramePlan | None = None) -> str:
        """The whole prompt as text; `plan` None means that no video is shown, and only the question is asked."""
        visual = PLACEHOLDER * self.tokens_per_clip
        shown = "".join(visual if part is None else str(part) for part in self._shown([plan])) if plan else ""
        return OPENING + shown + (self._asked(question) if plan else question + CLOSING)

    def head(self, plan: FramePlan) -> list[int]:
        """Token ids up to the end of the video: the same for all questions about the same clips."""
        return self._encode([OPENING, *self._shown([plan])])[0]

    def tail(self, question: str, seen: bool) -> list[int]:
        """Token ids after `head` (or, when nothing is `seen`, all of them). Raises `InputError` for a placeholder."""
        return self.tails([question], seen)[0]

    def tails(self, questions: Sequence[str], seen: bool) -> list[list[int]]:
        """`tail` of several questions."""
        for question in questions:
            _without_placeholder(question)
        return self._tokens([self._asked(question) if seen else self.text(question) for question in questions])

    def prompt(self, question: str, plan: FramePlan | None = None) -> list[int]:
        """Token ids of the whole prompt, `VISUAL` in the visual places."""
        head = self.head(plan) if plan else []
        return head + self.tail(question, seen=plan is not None)

    def conversation(self, turns: Sequence[Turn], shown: Sequence[FramePlan | None]) -> tuple[list[int], list[int]]:
        """Token ids and labels of a conversation; labels are `IGNORE` but for what the assistant says and its stops.

        In a user's text `<video>` and `<image>` mark where the next one of `shown` stands (None: a still image, one
        clip); without any marker all stand before the first text. A conversation that ends with the user is a prompt.
        Raises `InputError` where the markers do not fit what is shown, or the turns do not alternate.
        """
        if [who for who, _ in turns] != ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2):
            raise InputError("turns must alternate, the user first")
        if not any(MARKER.search(text) for who, text in turns if who == "user"):
            turns = [("user", "<video>" * len(shown) + turns[0][1]), *turns[1:]]
        waiting, parts, opening = list(shown), list[Part](), OPENING
        for who, text in turns:
            _without_placeholder(text)
            if who == "user":
                parts += [opening, *self._message(text, waiting), CLOSING]
                opening = NEXT
            else:
                parts.append(Reply(text + END_OF_TURN))
        if waiting:
            raise InputError(f"{len(waiting)} of {len(shown)} videos or images have no <video> or <image> in the text")
        return self._encode(parts)

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

    def _shown(self, plans: Iterable[FramePlan | None]) -> list[Part]:
        """The parts of videos and images that follow each other."""
        parts: list[Part] = []
        for number, plan in enumerate(plans):
            *before, after = pieces(self.integration, plan, self.clip_seconds)
            parts += ["\n\n"] * bool(number)
            for piece in before:
                parts += [piece, None]
            parts.append(after)
        return parts

    def _message(self, text: str, waiting: list[FramePlan | None]) -> list[Part]:
        """A user's message; takes what its markers show from `waiting`. Text and what is shown stand a line apart."""
        between = MARKER.split(text)
        if len(between) - 1 > len(waiting):
            raise InputError(f"the text marks {len(between) - 1} videos or images, but {len(waiting)} are given")
        parts: list[Part] = []
        for number, words in enumerate(between):
            if number:
                parts += ["\n\n"] * bool(parts) + self._shown([waiting.pop(0)])
            if words:
                parts += ["\n\n"] * bool(parts) + [words]
        return parts

    def _encode(self, parts: Sequence[Part]) -> tuple[list[int], list[int]]:
        """Ids and labels; neighbouring texts are one piece."""
        merged: list[Part] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            elif part != "":
                merged.append(part)
        texts = [part.text if isinstance(part, Reply) else part for part in merged if part is not None]
        tokens = iter(self._tokens(texts))
        ids: list[int] = []
        labels: list[int] = []
        for part in merged:
            piece = [VISUAL] * self.tokens_per_clip if part is None else next(tokens)
            ids += piece
            labels += piece if isinstance(part, Reply) else [IGNORE] * len(piece)
        return ids, labels

    def _asked(self, question: str) -> str:
        return f"\n\n{question}{CLOSING}"

    def _tokens(self, pieces: Sequence[str]) -> list[list[int]]:
        return self.tokenizer(list(pieces), add_special_tokens=False)["input_ids"] if pieces else []


def _without_placeholder(text: str) -> None:
    if PLACEHOLDER in text:
        raise InputError(f"the question contains {PLACEHOLDER}, which stands for a video in the prompt")
