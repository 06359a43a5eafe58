"""The chat template and the processor write the released prompt, token by token, for whatever is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.video_utils import VideoMetadata

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import save_apollo
from apollobench.apollo.hf.export import export_apollo
from apollobench.apollo.hf.layout import IMAGE, VIDEO
from apollobench.apollo.hf.processor import ApolloProcessor
from apollobench.apollo.integration import SEPARATORS
from apollobench.apollo.model import VISUAL
from apollobench.apollo.processing import make_clips
from apollobench.errors import InputError
from apollobench.types import FramePlan, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

from ... import tiny
from .conftest import Pair


def prompt(processor: ApolloProcessor, text: str, **shown: Any) -> list[int]:
    """Token ids of a rendered text, the visual places as `Chat` writes them."""
    ids = processor(text=text, **shown)["input_ids"][0].tolist()
    return [VISUAL if token == processor.video_token_id else token for token in ids]


def rendered(processor: ApolloProcessor, *content: dict[str, str]) -> str:
    message = [{"role": "user", "content": list(content)}]
    return str(processor.apply_chat_template(message, add_generation_prompt=True))


def frames(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 20, 30, 3), dtype=np.uint8)


def test_the_template_writes_the_released_prompt(pair: Pair) -> None:
    said, template = {"type": "text", "text": "Why?"}, pair.processor.apply_chat_template
    assert rendered(pair.processor, said) == pair.chat.text("Why?")
    assert template([{"role": "user", "content": "Why?"}], add_generation_prompt=True) == pair.chat.text("Why?")
    assert pair.chat.text(f"{VIDEO}\n\nWhy?") == rendered(pair.processor, {"type": "video"}, said)
    assert pair.chat.text(f"{IMAGE}\n\nWhy?") == rendered(pair.processor, {"type": "image"}, said)
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    assert template(turns) == pair.chat.text("Why?") + "So.<|im_end|>\n"
    spoken = template([{"role": "system", "content": "Be short."}, *turns[:1]])
    assert spoken == "<|im_start|>system\n\nBe short.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
    assert pair.processor.tokenizer.chat_template == pair.processor.chat_template


def test_a_file_is_sampled_as_the_model_wants(pair: Pair, film: Path) -> None:
    probed = probe(film)
    chosen = plan(probed, pair.processor.sampling)
    assert len(chosen.clips) == 3
    text = rendered(pair.processor, {"type": "video"}, {"type": "text", "text": "Why?"})
    assert prompt(pair.processor, text, videos=str(film)) == pair.chat.prompt("Why?", chosen)
    given = pair.processor(text=text, videos=[film])["pixel_values"]
    assert pair.apollo.config.vision is not None
    expected = make_clips(decode(probed, chosen.indices), pair.apollo.config.vision)
    assert all(torch.equal(a, b) for a, b in zip(given, expected, strict=True))


@pytest.mark.parametrize(
    "metadata",
    [
        {"fps": 10.0, "frames_indices": [0, 5, 10, 15, 20, 25], "duration": 4.0},
        VideoMetadata(total_num_frames=40, fps=10.0, frames_indices=[0, 5, 10, 15, 20, 25]),
    ],
)
def test_frames_come_with_their_times(pair: Pair, metadata: Any) -> None:
    clips = ((0.0, 1.5), (2.0, 2.5))
    shown = FramePlan(Sampling(kind="clips"), (0, 5, 10, 15, 20, 25, 25, 25), (), clips, 4.0)
    text = pair.chat.text(f"{VIDEO}\n\nWhy?")
    found = prompt(pair.processor, text, videos=[frames(6)], video_metadata=[metadata])
    assert found == pair.chat.prompt("Why?", shown)
    tensors = pair.processor(text=text, videos=torch.from_numpy(frames(6)), video_metadata=metadata)["pixel_values"]
    assert [len(tower) for tower in tensors] == [2, 2]


def test_frames_without_indices_are_the_first_ones(pair: Pair) -> None:
    text = pair.chat.text(f"{VIDEO}\n\nWhy?")
    shown = FramePlan(Sampling(kind="clips"), (0, 1, 2, 3), (), ((0.0, 1.5),), 2.0)
    found = prompt(pair.processor, text, videos=frames(4), video_metadata={"fps": 2})
    assert found == pair.chat.prompt("Why?", shown)


@pytest.mark.parametrize("kind", ["array", "picture", "path"])
def test_images_of_every_form(pair: Pair, tmp_path: Path, kind: str) -> None:
    pixels = frames(1)[0]
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "still.png")
    image = {"array": pixels, "picture": picture, "path": str(tmp_path / "still.png")}[kind]
    text = pair.chat.text(f"{IMAGE}\n\nWhy?")
    assert prompt(pair.processor, text, images=image) == pair.chat.conversation([("user", "Why?")], [None])[0]
    assert pair.apollo.config.vision is not None
    expected = make_clips(pixels[None], pair.apollo.config.vision)
    given = pair.processor(text=text, images=[image])["pixel_values"]
    assert all(torch.equal(a, b) for a, b in zip(given, expected, strict=True))


def test_several_are_shown_where_they_stand(pair: Pair, film: Path) -> None:
    text = pair.chat.text(f"One\n\n{IMAGE}\n\nor two:\n\n{VIDEO}\n\n?")
    still, chosen = frames(1)[0], plan(probe(film), pair.processor.sampling)
    expected, _ = pair.chat.conversation([("user", "One <image> or two: <video>\n?")], [None, chosen])
    assert prompt(pair.processor, text, images=[still], videos=[str(film)]) == expected
    first, second = pair.chat.text(f"{IMAGE}\n\nA?"), pair.chat.text(f"{IMAGE}\n\nB?")
    flat = pair.processor(text=[first, second], images=[still, 255 - still])
    nested = pair.processor(text=[first, second], images=[[still], [255 - still]])
    assert all(torch.equal(a, b) for a, b in zip(flat["pixel_values"], nested["pixel_values"], strict=True))


@pytest.mark.parametrize("integration", ["timestamps", "timestamps+separators", "plain"])
def test_other_prompt_forms(tmp_path: Path, film: Path, integration: str) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(list(SEPARATORS), special_tokens=True)
    model = tiny.model(integration=integration, llm={**tiny.config().llm, "vocab_size": 270})
    save_apollo(model, tokenizer, tmp_path / "published")
    export_apollo(tmp_path / "published", tmp_path / "exported")
    processor = ApolloProcessor.from_pretrained(tmp_path / "exported")
    chat = Chat(tokenizer, model.config.clip_duration, model.config.tokens_per_clip, integration)
    found = prompt(processor, chat.text(f"{VIDEO}\n\nWhy?"), videos=str(film))
    assert found == chat.prompt("Why?", plan(probe(film), processor.sampling))


@pytest.mark.parametrize(
    ("text", "shown", "message"),
    [
        (VIDEO, {}, r"\[1\] places <\|video_pad\|>, but 0 are given"),
        ("?", {"images": frames(1)[0]}, r"\[0\] places <\|image_pad\|>, but 1 are given"),
        ([VIDEO, "?"], {"videos": [[], ["a.mp4"]]}, r"\[1, 0\] places .* but \[0, 1\] are given"),
        (VIDEO, {"videos": "none.mp4"}, "none.mp4: no such file"),
        (VIDEO, {"videos": frames(4)}, "frames need video_metadata that tells their fps"),
        (VIDEO, {"videos": frames(4), "video_metadata": {"fps": 0}}, "video_metadata that tells their fps"),
        (
            VIDEO,
            {"videos": frames(4), "video_metadata": {"fps": 1, "frames_indices": [1]}},
            "4 frames are given, but video_metadata has 1 frames_indices",
        ),
        (VIDEO, {"videos": frames(4), "video_metadata": [{}, {}]}, "1 videos are given, but video_metadata has 2"),
        (VIDEO, {"videos": frames(4)[..., 0], "video_metadata": {"fps": 1}}, r"frames must be uint8 \[T, H, W, 3\]"),
        (IMAGE, {"images": "none.png"}, "image 'none.png' cannot be read"),
        ("long " * 9000, {}, "needs 45000 tokens with its 0 clips, and the model takes 16384; show fewer"),
        ([], {}, "needed are a text"),
        ("?", {"return_tensors": "np"}, "return_tensors='pt'"),
    ],
)
def test_what_does_not_fit_is_told(pair: Pair, text: Any, shown: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pair.processor(text=text, **shown)


def test_a_blind_model_is_shown_nothing(tmp_path: Path) -> None:
    save_apollo(tiny.model(()), tiny.tokenizer(), tmp_path / "published")
    export_apollo(tmp_path / "published", tmp_path / "exported")
    processor = ApolloProcessor.from_pretrained(tmp_path / "exported")
    with pytest.raises(InputError, match="a blind model takes no videos or images"):
        processor(text=IMAGE, images=frames(1)[0])
