"""Every family answers through the runner, and just as `generate` does one question at a time; faults stay alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import normalizers
from transformers import Qwen2Config, Qwen2ForCausalLM

from apollobench.apollo.checkpoint import save_apollo
from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.models.chat.model import SHARING, ChatModel
from apollobench.models.chat.once import Once
from apollobench.models.chat.options import Options
from apollobench.models.chat.processor import load_processor
from apollobench.models.registry import load_model
from apollobench.types import LETTERS, Answer, Item, Mode, Request, Response, Status

from ... import tiny
from . import families
from .asking import request, requests

NEW_TOKENS = 5
FAMILIES = tuple(families.FAMILIES)
Checkpoint = Callable[[str], Path]


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> ChatModel:
    return loaded(checkpoint(request.param))


@pytest.fixture
def llava(checkpoint: Checkpoint) -> ChatModel:
    return loaded(checkpoint("llava_onevision"))


def loaded(folder: Path, **options: str | int) -> ChatModel:
    return ChatModel.load("tiny", folder, Options(**{"frames": 6, "max_new_tokens": NEW_TOKENS} | options))


def copied(folder: Path, place: Path) -> Path:
    return Path(shutil.copytree(folder, place / "copy"))


def lengthened(asked: Sequence[Request]) -> list[Request]:
    """The same with prompts of quite different lengths."""
    return [replace(one, prompt=one.prompt + "!" * (17 * (number % 3))) for number, one in enumerate(asked)]


def plainly(model: ChatModel, asked: Sequence[Request]) -> list[Answer]:
    return [model.answer_plainly(one) for one in asked]


def assert_same(found: Sequence[Answer], expected: Sequence[Answer]) -> None:
    assert [answer.error for answer in found] == [None] * len(expected)
    assert [answer.text for answer in found] == [answer.text for answer in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.option_logprobs == pytest.approx(b.option_logprobs, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_mode_is_answered_through_the_runner(
    family: str, checkpoint: Checkpoint, questions: list[Item], tmp_path: Path
) -> None:
    def answered(store: Path) -> tuple[Response, ...]:
        model = load_model(f"transformers:{checkpoint(family)}", {"frames": "6", "max_new_tokens": "4"})
        with Store(store) as opened:
            counts = run(model, questions, tuple(Mode), opened, progress=False)
            assert counts.asked == len(questions) * len(Mode)
            again = run(model, questions, tuple(Mode), opened, progress=False)
        assert (again.asked, again.responses) == (0, counts.responses)
        return counts.responses

    first, second = answered(tmp_path / "one"), answered(tmp_path / "two")
    assert first == second
    assert {response.status for response in first} <= {Status.OK, Status.UNPARSED}
    assert [len(response.option_logprobs or ()) for response in first] == [3] * len(first)
    assert len({response.option_logprobs for response in first}) == len(first)


@pytest.mark.parametrize("batch_size", [8, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_shared_answers_equal_plain_ones(
    family: str, batch_size: int, checkpoint: Checkpoint, questions: list[Item]
) -> None:
    model = loaded(checkpoint(family), batch_size=batch_size)
    asked = lengthened(requests(questions, tuple(Mode), model.sampling))
    assert_same(list(model.answer(asked)), plainly(model, asked))


def test_log_probabilities_are_those_of_a_forward_pass(model: ChatModel, questions: list[Item]) -> None:
    blank = "Ġ" if model.model.config.model_type == "smolvlm" else ""
    letters = model.prompts.tokenizer.convert_tokens_to_ids([blank + letter for letter in LETTERS[:3]])
    asked = requests(questions[:3], (Mode.TEXT, Mode.FRAME, Mode.VIDEO), model.sampling)
    for one, answer in zip(asked, model.answer(asked), strict=True):
        with torch.inference_mode():
            logits = model.model(**model.prompts.inputs(one)).logits[0, -1]
        assert answer.option_logprobs == pytest.approx(logits.log_softmax(-1)[letters].tolist(), abs=1e-4)


class Counting:
    """A video processor, and how often it was called."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.calls = inner, 0

    def __call__(self, *given: Any, **choices: Any) -> Any:
        self.calls += 1
        return self.inner(*given, **choices)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def looks(model: ChatModel) -> list[int]:
    """A list that grows whenever the vision tower runs."""
    towers = {"visual", "vision_tower", "vision_model"}
    (tower,) = (part for name, part in model.model.base_model.named_children() if name in towers)
    seen: list[int] = []
    tower.register_forward_hook(lambda *_: seen.append(1))
    return seen


def test_a_video_is_preprocessed_and_encoded_once(model: ChatModel, questions: list[Item]) -> None:
    counting, seen = Counting(model.prompts.processor.video_processor), looks(model)
    model.prompts.processor.video_processor = Once(counting)
    answers = list(model.answer(requests(questions, (Mode.TEXT, Mode.VIDEO), model.sampling)))
    assert len(answers) == 12
    assert (counting.calls, len(seen)) == (2, 2)


def test_a_family_that_is_not_known_to_share_answers_one_by_one(checkpoint: Checkpoint, questions: list[Item]) -> None:
    model = loaded(checkpoint("qwen3_vl_moe"))
    assert model.model.config.model_type not in SHARING
    seen = looks(model)
    asked = requests(questions[:3], tuple(Mode), model.sampling)
    answers = list(model.answer(asked))
    assert len(seen) == 9
    assert_same(answers, plainly(model, asked))


def test_nothing_is_shared_where_the_cache_slides(tmp_path: Path, questions: list[Item]) -> None:
    slides = {"use_sliding_window": True, "sliding_window": 24, "max_window_layers": 0}
    model = loaded(families.write(lambda: families.qwen2_vl(**slides), tmp_path))
    seen = looks(model)
    asked = lengthened(requests(questions[:3], (Mode.VIDEO,), model.sampling))
    answers = list(model.answer(asked))
    assert len(seen) == 4  # once in vain
    assert_same(answers, plainly(model, asked))


def test_what_is_shown_decides(model: ChatModel, questions: list[Item]) -> None:
    asked = request(questions[0], Mode.VIDEO, model.sampling)
    assert asked.frames is not None
    other = replace(asked, frames=255 - asked.frames)
    backwards = replace(asked, frames=asked.frames[::-1].copy())
    seen, inverted, reordered, again = model.answer([asked, other, backwards, asked])
    assert seen == again
    assert len({answer.option_logprobs for answer in (seen, inverted, reordered)}) == 3


def test_the_decoding_of_a_checkpoint_is_not_followed(
    checkpoint: Checkpoint, questions: list[Item], tmp_path: Path
) -> None:
    folder = copied(checkpoint("smolvlm"), tmp_path)
    path = folder / "generation_config.json"
    own = json.loads(path.read_text())
    own |= {"do_sample": True, "temperature": 9.0, "repetition_penalty": 9.0, "num_beams": 3, "max_new_tokens": 1}
    path.write_text(json.dumps(own))
    asked = requests(questions[:2], (Mode.TEXT, Mode.VIDEO), loaded(folder).sampling)
    assert list(loaded(folder).answer(asked)) == list(loaded(checkpoint("smolvlm")).answer(asked))


def test_identity_and_settings(llava: ChatModel, checkpoint: Checkpoint) -> None:
    model: Model = llava
    assert (model.name, model.at_once, model.wants_frames) == ("tiny", 1, True)
    assert model.modes == frozenset(Mode)
    settings = dict(model.settings)
    assert len(str(settings.pop("video_processor"))) == 32
    assert settings == {
        "decoding": "greedy",
        "max_new_tokens": NEW_TOKENS,
        "dtype": "float32",
        "attention": "sdpa",
    }
    assert model.revision != loaded(checkpoint("internvl")).revision
    other = loaded(checkpoint("llava_onevision"), attn_implementation="eager", dtype="bfloat16")
    assert (other.settings["attention"], other.settings["dtype"]) == ("eager", "bfloat16")
    assert other.revision == model.revision
    model.close()


def test_half_precision_answers_too(checkpoint: Checkpoint, questions: list[Item]) -> None:
    for family in ("qwen2_5_vl", "smolvlm"):
        model = loaded(checkpoint(family), dtype="bfloat16")
        answers = list(model.answer(requests(questions[:3], tuple(Mode), model.sampling)))
        assert [answer.error for answer in answers] == [None] * 12


def test_bad_requests_fail_alone(llava: ChatModel, questions: list[Item]) -> None:
    good = requests(questions[:3], (Mode.VIDEO,), llava.sampling)
    long = replace(good[0], prompt="long " * families.CONTEXT)
    smuggled = replace(good[1], prompt="<video>?")
    bare = replace(good[2], frames=None)
    answers = list(llava.answer([good[0], long, smuggled, good[1], bare, good[2]]))
    assert_same([answers[0], answers[3], answers[5]], plainly(llava, good))
    assert [answers[n].text for n in (1, 2, 4)] == [None] * 3
    item = good[0].item.id
    assert re.search(rf"{item}: the prompt needs \d+ tokens and tiny takes 4096; lower frames", str(answers[1].error))
    assert "the question contains <video>, which stands for what is shown" in str(answers[2].error)
    assert "mode video was asked without frames" in str(answers[4].error)


def test_letters_that_are_no_tokens_have_no_log_probabilities(
    checkpoint: Checkpoint, questions: list[Item], tmp_path: Path
) -> None:
    folder = copied(checkpoint("internvl"), tmp_path)
    words = load_processor(folder).tokenizer
    words.backend_tokenizer.normalizer = normalizers.Lowercase()
    words.save_pretrained(folder)
    model = loaded(folder)
    (answer,) = model.answer([request(questions[0], Mode.VIDEO, model.sampling)])
    assert answer.error is None
    assert answer.text is not None
    assert answer.option_logprobs is None


def test_a_reply_begins_as_the_template_lets_it(checkpoint: Checkpoint) -> None:
    spaced, plain = loaded(checkpoint("smolvlm")).prompts, loaded(checkpoint("qwen2_vl")).prompts
    assert spaced.tokenizer.convert_ids_to_tokens([spaced.reply_token("B")]) == ["ĠB"]
    assert plain.tokenizer.convert_ids_to_tokens([plain.reply_token("B")]) == ["B"]


def test_weights_that_are_incomplete_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copied(checkpoint("qwen2_vl"), tmp_path)
    tensors = load_file(folder / "model.safetensors")
    gone = sorted(tensors)[3]
    save_file({name: x for name, x in tensors.items() if name != gone}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"copy: the weights lack .*; get the whole checkpoint"):
        loaded(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"copy: the model cannot be loaded: .*model.safetensors"):
        loaded(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("processor_config.json", "no processor can be read"),
        ("chat_template.jinja", "no chat template; put the model's chat_template.jinja there"),
        ("config.json", "no config.json there"),
    ],
)
def test_folders_that_lack_a_file_say_which(checkpoint: Checkpoint, tmp_path: Path, spoil: str, message: str) -> None:
    folder = copied(checkpoint("llava_onevision"), tmp_path)
    (folder / spoil).unlink()
    with pytest.raises(InputError, match=message):
        load_model(f"transformers:{folder}")


def test_models_of_another_kind_are_refused(tmp_path: Path) -> None:
    words = tiny.tokenizer()
    blind = Qwen2ForCausalLM(Qwen2Config(**tiny.config(()).llm))
    blind.save_pretrained(tmp_path / "text")
    words.save_pretrained(tmp_path / "text")
    with pytest.raises(InputError, match="a 'qwen2' model is not one that takes videos; use a video language model"):
        load_model(f"transformers:{tmp_path / 'text'}")
    save_apollo(tiny.model(), words, tmp_path / "apollo")
    with pytest.raises(InputError, match="has a backend of its own; use --model apollo:"):
        load_model(f"transformers:{tmp_path / 'apollo'}")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text('{"model_type": "never-heard-of"}')
    with pytest.raises(InputError, match=r"odd: config.json is of no model that transformers knows: .*never-heard-of"):
        load_model(f"transformers:{tmp_path / 'odd'}")


def test_arguments_are_checked(checkpoint: Checkpoint) -> None:
    name = f"transformers:{checkpoint('llava_onevision')}"
    with pytest.raises(InputError, match="unknown model argument 'temperature'; valid: pretrained, revision, dtype"):
        load_model(name, {"temperature": "1"})
    with pytest.raises(InputError, match="device 'abacus' is not known to torch"):
        load_model(name, {"device": "abacus"})
    with pytest.raises(InputError, match=r"the model cannot be loaded: .*by_hand"):
        load_model(name, {"attn_implementation": "by_hand"})
