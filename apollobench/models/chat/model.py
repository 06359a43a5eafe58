"""A video language model of transformers as a model of the roster: a video is encoded and read once for all questions.

Sharing a video is left to the families whose shared answers are tested to be those of their plain `generate`; any
other model answers one question at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

from apollobench.apollo.checkpoint import holds_apollo
from apollobench.device import find_device
from apollobench.errors import InputError
from apollobench.fingerprint import CHECKPOINT, folder_digest
from apollobench.models.chat.options import Options, own_sampling
from apollobench.models.chat.processor import load_processor
from apollobench.models.chat.prompts import Inputs, Prompts
from apollobench.models.chat.replies import Reply, greedy, plain_reply, read_shared, replies
from apollobench.types import LETTERS, Answer, FramePlan, Mode, Request, Sampling

SHARING = frozenset({"internvl", "llava_onevision", "qwen2_5_vl", "qwen2_vl", "qwen3_vl", "smolvlm"})


@dataclass(frozen=True)
class ChatModel:
    """A loaded model that answers requests. model: a `PreTrainedModel` whose generation_config is `replies.greedy`."""

    name: str
    revision: str
    model: Any
    prompts: Prompts
    sampling: Sampling
    options: Options = field(default_factory=Options)
    modes: frozenset[Mode] = frozenset(Mode)
    at_once: int = 1
    wants_frames: bool = True

    @classmethod
    def load(cls, name: str, folder: Path, options: Options) -> ChatModel:
        """From a checkpoint folder. Raises `InputError` naming what is wrong in it."""
        device = find_device(options.device)
        _check_type(folder)
        prompts = Prompts(load_processor(folder))
        sampling = options.sampling(own_sampling(prompts.processor.video_processor))
        model = _load_weights(folder, options).to(device).eval()
        model.generation_config = greedy(options.max_new_tokens, _stops(folder, model, prompts))
        return cls(name, folder_digest(folder, CHECKPOINT), model, prompts, sampling, options)

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]:
        return {
            "decoding": "greedy",
            "max_new_tokens": self.options.max_new_tokens,
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "attention": self.model.config._attn_implementation,
            "video_processor": self._processing,
        }

    @cached_property
    def _processing(self) -> str:
        return self.prompts.fingerprint

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, in order; text is the greedy reply, option_logprobs those of its first token."""
        for _, group in groupby(requests, key=_shared):
            yield from self._answers(list(group))

    def answer_plainly(self, request: Request) -> Answer:
        """The answer to one request by nothing but `generate`, which `answer` must equal. Raises `InputError`."""
        return self._as_answer(request, plain_reply(self.model, self._prompt(request)))

    def close(self) -> None:
        """It holds nothing but memory."""

    def _answers(self, group: list[Request]) -> list[Answer]:
        """Answers to requests that share what they show; one that makes no prompt costs the others nothing."""
        prompts = [self._prompt_or_error(request) for request in group]
        made = iter(self._replies([prompt for prompt in prompts if not isinstance(prompt, str)], group[0].mode))
        return [
            Answer(None, error=prompt) if isinstance(prompt, str) else self._as_answer(request, next(made))
            for request, prompt in zip(group, prompts, strict=True)
        ]

    def _replies(self, prompts: list[Inputs], mode: Mode) -> list[Reply]:
        shared = None
        alone = len(prompts) < 2 or self.model.config.model_type not in SHARING
        if not alone and mode is not Mode.TEXT:
            shared = read_shared(self.model, prompts, self.prompts.visual_ids)
            alone = shared is None
        if alone:
            return [plain_reply(self.model, prompt) for prompt in prompts]
        size = self.options.batch_size
        batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
        return [reply for batch in batches for reply in replies(self.model, batch, shared)]

    def _prompt_or_error(self, request: Request) -> Inputs | str:
        try:
            return self._prompt(request)
        except InputError as error:
            return str(error)

    def _prompt(self, request: Request) -> Inputs:
        prompt = self.prompts.inputs(request)
        needs = prompt["input_ids"].shape[1] + self.options.max_new_tokens
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        if limit is not None and needs > limit:
            ways = "max_frames or fps" if self.sampling.kind == "fps" else "frames"
            told = f"{request.item.id}: the prompt needs {needs} tokens and {self.name} takes {limit}"
            raise InputError(f"{told}; lower {ways}")
        return prompt

    def _as_answer(self, request: Request, reply: Reply) -> Answer:
        letters = [self.prompts.reply_token(letter) for letter in LETTERS[: len(request.item.options)]]
        known = [letter for letter in letters if letter is not None]
        logprobs = tuple(reply.logprobs[known].tolist()) if len(known) == len(letters) else None
        text = self.prompts.tokenizer.decode(list(reply.ids), skip_special_tokens=True)
        return Answer(text=str(text).strip(), option_logprobs=logprobs)


def _shared(request: Request) -> tuple[str, Mode, FramePlan | None, int] | None:
    """What requests must have in common to share a beginning; None when they show nothing."""
    if request.mode is Mode.TEXT:
        return None
    return request.item.video.id, request.mode, request.plan, id(request.frames)


def _check_type(folder: Path) -> None:
    if holds_apollo(folder):
        raise InputError(f"{folder}: an Apollo checkpoint has a backend of its own; use --model apollo:{folder}")
    try:
        kind = AutoConfig.from_pretrained(folder, trust_remote_code=False).model_type
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: config.json is of no model that transformers knows: {error}") from error
    if kind not in KNOWN:
        raise InputError(
            f"{folder}: a {kind!r} model is not one that takes videos; use a video language model of transformers, "
            "such as qwen2_5_vl, llava_onevision, internvl or smolvlm"
        )


def _load_weights(folder: Path, options: Options) -> Any:
    """Raises `InputError` for weights that are incomplete, where transformers would make up the rest at random."""
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=options.dtype or "auto",
            attn_implementation=options.attn_implementation,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise InputError(f"{folder}: the model cannot be loaded: {error}") from error
    model, found = loaded
    lacking = sorted(found["missing_keys"])
    if lacking:
        more = f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""
        raise InputError(f"{folder}: the weights lack {', '.join(lacking[:4])}{more}; get the whole checkpoint")
    return model


def _stops(folder: Path, model: Any, prompts: Prompts) -> list[int]:
    """Ids that end a reply: those of the checkpoint's generation config, and the tokenizer's end of text."""
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [own]
    stops = dict.fromkeys(one for one in (*listed, prompts.tokenizer.eos_token_id) if one is not None)
    if not stops:
        raise InputError(f"{folder}: neither generation_config.json nor the tokenizer says what ends a reply")
    return list(stops)
