"""From a request to what a model takes: the chat template of its processor, the video before the question.

The model sees exactly the frames of the plan, at the times of the plan. Times are told in milliseconds, as a film of
1,000 frames a second of which the planned ones are shown: so they are right for videos of a changing frame rate too.
A single frame is shown as a video of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.video_utils import VideoMetadata

from apollobench.errors import InputError
from apollobench.types import FramePlan, Mode, Request, digest

TICKS = 1000  # a second
AS_PLANNED = {"do_sample_frames": False}

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Prompts:
    """Writes the prompts of one model with its own processor, as of `load_processor`."""

    processor: Any
    letters: dict[str, int | None] = field(default_factory=dict, repr=False)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.processor.tokenizer  # type: ignore[no-any-return]

    @property
    def fingerprint(self) -> str:
        """Hash of all that the video processor is set to, defaults of the library included."""
        return digest(self.processor.video_processor.to_dict())

    @property
    def visual_ids(self) -> frozenset[int]:
        """The ids that stand for what is seen, and those around it where the processor names them."""
        ids = (*self.processor.image_token_ids, *self.processor.video_token_ids)
        return frozenset(one for one in ids if one is not None)

    def inputs(self, request: Request) -> Inputs:
        """What the model takes, by name; `input_ids` `[1, L]` among it. Raises `InputError`."""
        item, shown = request.item.id, request.mode is not Mode.TEXT
        for place in self.processor.all_special_multimodal_tokens:
            if place in request.prompt:
                raise InputError(f"{item}: the question contains {place}, which stands for what is shown in the prompt")
        if shown and (request.plan is None or request.frames is None):
            raise InputError(f"{item}: mode {request.mode} was asked without frames")
        content = [{"type": "video", "video": request.frames}] if shown else []
        choices: dict[str, Any] = {"return_tensors": "pt", **AS_PLANNED}
        if request.plan is not None and shown:
            choices |= {"video_metadata": [[_metadata(request.plan)]], "input_data_format": "channels_last"}
        message = {"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}
        try:
            made = self.processor.apply_chat_template(
                [message], add_generation_prompt=True, tokenize=True, return_dict=True, processor_kwargs=choices
            )
        except ValueError as error:
            raise InputError(f"{item}: the processor does not take it: {error}") from error
        return dict(made)

    def reply_token(self, letter: str) -> int | None:
        """The id that a reply consisting of this letter begins with; None if it is not one token.

        Where the template writes an assistant's turn just as it begins one, a reply begins as it does in that turn,
        perhaps with a blank; else as the letter does when it follows the prompt.
        """
        if letter not in self.letters:
            self.letters[letter] = self._reply_token(letter)
        return self.letters[letter]

    def _reply_token(self, letter: str) -> int | None:
        ask = [{"role": "user", "content": [{"type": "text", "text": "?"}]}]
        said = {"role": "assistant", "content": [{"type": "text", "text": letter}]}
        prompt = self._text(ask, add_generation_prompt=True)
        before = self._tokens(prompt)
        for text in (self._text([*ask, said]), prompt + letter):
            after = self._tokens(text)
            reply = after[len(before) :]
            if after[: len(before)] == before and reply and str(self.tokenizer.decode(reply[:1])).strip() == letter:
                return reply[0]
        return None

    def _text(self, messages: list[dict[str, Any]], **choices: bool) -> str:
        return str(self.processor.apply_chat_template(messages, processor_kwargs=dict(AS_PLANNED), **choices))

    def _tokens(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]


def _metadata(plan: FramePlan) -> VideoMetadata:
    return VideoMetadata(
        total_num_frames=round(plan.duration * TICKS),
        fps=TICKS,
        duration=plan.duration,
        frames_indices=[round(time * TICKS) for time in plan.timestamps],
    )
