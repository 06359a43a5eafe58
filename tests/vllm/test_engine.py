"""Apollo in a vLLM engine against the same weights in transformers: prompt ids, greedy tokens, log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from apollobench.apollo.chat import Turn
from apollobench.apollo.hf.export import export_apollo
from apollobench.apollo.hf.layout import IMAGE, VIDEO
from apollobench.apollo.model import VISUAL
from apollobench.apollo.processing import make_clips
from apollobench.evaluate.prompt import build_prompt
from apollobench.models.apollo import ApolloModel, Options
from apollobench.models.roster import SHIPPED
from apollobench.types import LETTERS, FramePlan, Item, Mode, Request, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

NEW_TOKENS = 8
SMALL: dict[str, Any] = {
    "dtype": "float32",
    "enforce_eager": True,
    "max_num_seqs": 4,
    "kv_cache_memory_bytes": 64 << 20,
    "block_size": 32,
    "seed": 0,
}


@pytest.fixture(scope="module")
def llm(environment: pytest.MonkeyPatch, exported: Path) -> Iterator[Any]:
    """An engine that reads prompts in chunks of 64 tokens, shorter than most videos here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        from vllm import LLM

        yield LLM(str(exported), max_num_batched_tokens=64, enable_chunked_prefill=True, **SMALL)


def shown(item: Item, mode: Mode, model: ApolloModel) -> Request:
    probed = probe(item.video.path)
    plan = plan_for_mode(probed, mode, model.sampling, item.fingerprint)
    return Request(item, mode, build_prompt(item), plan, None if plan is None else decode(probed, plan.indices))


def video(frames: np.ndarray, plan: FramePlan) -> tuple[np.ndarray, dict[str, Any]]:
    told = {"fps": 1.0, "frames_indices": list(plan.indices), "duration": plan.duration}
    return frames, {**told, "clips": [list(clip) for clip in plan.clips]}


def as_prompt(request: Request, model: ApolloModel) -> dict[str, Any]:
    if request.plan is None or request.frames is None or model.model.vision is None:
        return {"prompt": model.chat.text(request.prompt)}
    text = model.chat.text(f"{VIDEO}\n\n{request.prompt}")
    return {"prompt": text, "multi_modal_data": {"video": video(request.frames, request.plan)}}


def asked(llm: Any, prompts: Sequence[dict[str, Any]], model: ApolloModel, letters: int = 5) -> list[Any]:
    from vllm import SamplingParams

    ids = [model.chat.reply_token(letter) for letter in LETTERS[:letters]]
    wanted = SamplingParams(max_tokens=NEW_TOKENS, temperature=0, logprobs=letters, logprob_token_ids=ids)
    return list(llm.generate(list(prompts), wanted, use_tqdm=False))


def logprobs(output: Any, model: ApolloModel, letters: int) -> list[float]:
    first = output.outputs[0].logprobs[0]
    return [first[model.chat.reply_token(letter)].logprob for letter in LETTERS[:letters]]


def with_places(ids: Sequence[int], llm: Any) -> list[int]:
    place = llm.get_tokenizer().convert_tokens_to_ids(VIDEO)
    return [VISUAL if token == place else token for token in ids]


@pytest.mark.parametrize("mode", list(Mode))
def test_answers_are_those_of_transformers(llm: Any, apollo: ApolloModel, items: list[Item], mode: Mode) -> None:
    requests = [shown(item, mode, apollo) for item in items]
    outputs = asked(llm, [as_prompt(request, apollo) for request in requests], apollo)
    for request, output, answer in zip(requests, outputs, apollo.answer(requests), strict=True):
        assert with_places(output.prompt_token_ids, llm) == apollo.chat.prompt(request.prompt, request.plan)
        assert output.outputs[0].text.strip() == answer.text
        count = len(request.item.options)
        assert logprobs(output, apollo, count) == pytest.approx(answer.option_logprobs, abs=1e-3)


def reference(model: ApolloModel, turns: Sequence[Turn], films: Sequence[tuple[np.ndarray, FramePlan | None]]) -> Any:
    """Prompt ids, greedy ids and the first log-probabilities `[V]`, all clips encoded and the prompt read at once."""
    ids, _ = model.chat.conversation(turns, [plan for _, plan in films])
    assert model.model.config.vision is not None
    parts = [make_clips(frames, model.model.config.vision) for frames, _ in films]
    clips = [torch.cat(tower) for tower in zip(*parts, strict=True)]
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        first = model.model(tokens, clips=clips).logits[0, -1].float().log_softmax(-1)
    written = model.model.generate(tokens, clips=clips, max_new_tokens=NEW_TOKENS, stop=model.chat.stops)[0].tolist()
    return ids, written, first


def noise(clips: int, seed: int) -> tuple[np.ndarray, FramePlan]:
    frames = np.random.default_rng(seed).integers(0, 256, (4 * clips, 40, 60, 3), dtype=np.uint8)
    bounds = tuple((2.0 * clip, 2.0 * clip + 1.5) for clip in range(clips))
    return frames, FramePlan(Sampling("clips"), tuple(range(4 * clips)), (), bounds, 2.0 * clips)


@pytest.mark.parametrize("clips", [1, 2, 7, 30])
def test_any_number_of_clips(llm: Any, apollo: ApolloModel, clips: int) -> None:
    frames, plan = noise(clips, clips)
    question = "What came first?"
    prompt = {"prompt": apollo.chat.text(f"{VIDEO}\n\n{question}"), "multi_modal_data": {"video": video(frames, plan)}}
    (output,) = asked(llm, [prompt], apollo)
    ids, written, first = reference(apollo, [("user", question)], [(frames, plan)])
    assert with_places(output.prompt_token_ids, llm) == ids
    assert list(output.outputs[0].token_ids) == written
    letters = [first[apollo.chat.reply_token(letter)].item() for letter in LETTERS[:5]]
    assert logprobs(output, apollo, 5) == pytest.approx(letters, abs=1e-3)


def test_several_videos_and_an_image_in_one_prompt(llm: Any, apollo: ApolloModel) -> None:
    (first, second), still = (noise(3, 11), noise(2, 12)), np.full((50, 70, 3), 90, np.uint8)
    text = f"{VIDEO}\n\nthen\n\n{IMAGE}\n\nand\n\n{VIDEO}\n\nWhich was brighter?"
    shown = {"video": [video(*first), video(*second)], "image": Image.fromarray(still)}
    (output,) = asked(llm, [{"prompt": apollo.chat.text(text), "multi_modal_data": shown}], apollo)
    turns: list[Turn] = [("user", "<video> then <image> and <video> Which was brighter?")]
    ids, written, logits = reference(apollo, turns, [first, (still[None], None), second])
    assert with_places(output.prompt_token_ids, llm) == ids
    assert list(output.outputs[0].token_ids) == written
    assert logprobs(output, apollo, 2) == pytest.approx(
        [logits[apollo.chat.reply_token(letter)].item() for letter in "AB"], abs=1e-3
    )


def test_videos_of_many_requests_are_encoded_together_and_apart(llm: Any, apollo: ApolloModel) -> None:
    films = [noise(clips, 20 + clips) for clips in (5, 1, 9, 2)]
    prompts = [
        {"prompt": apollo.chat.text(f"{VIDEO}\n\nWhy?"), "multi_modal_data": {"video": video(*film)}} for film in films
    ]
    together = asked(llm, prompts, apollo)
    apart = [asked(llm, [prompt], apollo)[0] for prompt in prompts]
    for film, one, other in zip(films, together, apart, strict=True):
        _, written, _ = reference(apollo, [("user", "Why?")], [film])
        assert list(one.outputs[0].token_ids) == list(other.outputs[0].token_ids) == written


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ({"video": np.zeros((4, 8, 8, 3), np.uint8)}, "metadata"),
        ({"video": (np.zeros((4, 8, 8, 3), np.float32), {"fps": 2.0})}, "frames must be uint8"),
        ({"video": (np.zeros((0, 8, 8, 3), np.uint8), {"fps": 2.0})}, "frames"),
        (
            {"video": (np.zeros((8, 8, 8, 3), np.uint8), {"clips": [[0, 1]], "duration": 1.0, "frames_indices": []})},
            "2 clips",
        ),
        ({"video": (np.zeros((4 * 1100, 1, 1, 3), np.uint8), {"fps": 2.0})}, "1100 clips and the model takes"),
    ],
)
def test_what_cannot_be_shown_is_an_error_and_the_engine_lives(
    llm: Any, apollo: ApolloModel, shown: dict[str, Any], message: str
) -> None:
    prompt = {"prompt": apollo.chat.text(f"{VIDEO}\n\nWhy?"), "multi_modal_data": shown}
    with pytest.raises(ValueError, match=message):
        asked(llm, [prompt], apollo)
    (output,) = asked(llm, [{"prompt": apollo.chat.text("Why?")}], apollo)
    assert output.outputs[0].token_ids


@pytest.mark.parametrize("name", ["apollo-tiny-m-siglip", "apollo-tiny-l", "apollo-tiny-l-blind"])
def test_other_towers_sizes_and_none(llm: Any, items: list[Item], tmp_path: Path, name: str) -> None:
    from vllm import LLM

    export_apollo(SHIPPED / name, tmp_path / name, dtype="float32")
    model = ApolloModel.load(name, tmp_path / name, Options(dtype="float32"))
    engine = LLM(str(tmp_path / name), **SMALL)
    requests = [shown(item, mode, model) for item in items[::4] for mode in (Mode.TEXT, Mode.VIDEO)]
    outputs = asked(engine, [as_prompt(request, model) for request in requests], model)
    for request, output, answer in zip(requests, outputs, model.answer(requests), strict=True):
        assert output.outputs[0].text.strip() == answer.text
        assert logprobs(output, model, len(request.item.options)) == pytest.approx(answer.option_logprobs, abs=1e-3)
