"""The adapter answers exactly as the plain model does, one question at a time, and bad requests stay alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from apollobench.apollo.chat import PLACEHOLDER, Chat
from apollobench.apollo.checkpoint import save_apollo
from apollobench.apollo.processing import make_clips
from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.apollo import ApolloModel, Options
from apollobench.models.base import Model
from apollobench.sources.synthetic.make import make_video
from apollobench.types import LETTERS, Answer, FramePlan, Item, Mode, Request, Sampling, Status, Video

from .. import tiny

torch.set_num_threads(1)
NEW_TOKENS = 6


@pytest.fixture(scope="module")
def sighted(tmp_path_factory: pytest.TempPathFactory) -> ApolloModel:
    return loaded(tmp_path_factory.mktemp("sighted"))


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> ApolloModel:
    return loaded(tmp_path_factory.mktemp("blind"), towers=())


def loaded(folder: Path, towers: tuple[str, ...] = (tiny.SIGLIP, tiny.INTERNVIDEO2), **options: int) -> ApolloModel:
    save_apollo(tiny.model(towers), tiny.tokenizer(), folder)
    return ApolloModel.load("tiny", folder, Options(max_new_tokens=NEW_TOKENS, **options))  # type: ignore[arg-type]


def picture(video: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(video).integers(0, 256, (count, 30, 40, 3), dtype=np.uint8)


def request(video: int, question: int, mode: Mode, frames: int = 8) -> Request:
    options = tuple(f"choice {n}" for n in range(2 + question % 4))
    text = "?" * (1 + 5 * question)
    item = Item(f"test/{video}-{question}", text, options, 0, Video(f"test/{video}", Path("/none.mp4")))
    if mode is Mode.TEXT:
        return Request(item, mode, f"question {question}{text}")
    shown = picture(video, frames)
    if mode is Mode.SHUFFLED:
        shown = shown[::-1].copy()
    times = tuple(0.5 * n for n in range(frames))
    clips = tuple((times[n], times[min(n + 3, frames - 1)]) for n in range(0, frames, 4))
    plan = FramePlan(Sampling(kind="clips"), tuple(range(frames)), times, clips, frames / 2)
    return Request(item, mode, f"question {question}{text}", plan, shown)


def plainly(model: ApolloModel, one: Request) -> Answer:
    """The same request through `Apollo.forward` and `Apollo.generate`, alone and without a shared beginning."""
    apollo, chat = model.model, model.chat
    sees = apollo.config.vision is not None and one.mode is not Mode.TEXT
    ids = torch.tensor([chat.prompt(one.prompt, one.plan if sees else None)])
    clips = None
    if sees:
        assert one.frames is not None
        assert apollo.config.vision is not None
        clips = make_clips(one.frames, apollo.config.vision)
    with torch.inference_mode():
        first = apollo(ids, clips=clips).logits[0, -1].log_softmax(-1)
        new = apollo.generate(ids, clips=clips, max_new_tokens=NEW_TOKENS, stop=chat.stops)[0].tolist()
    letters = [chat.reply_token(letter) for letter in LETTERS[: len(one.item.options)]]
    text = chat.tokenizer.decode([token for token in new if token not in chat.stops], skip_special_tokens=True)
    return Answer(text.strip(), tuple(first[letters].tolist()))


def assert_same(found: Sequence[Answer], expected: Sequence[Answer]) -> None:
    assert [answer.text for answer in found] == [answer.text for answer in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.error is None
        assert a.option_logprobs == pytest.approx(b.option_logprobs, abs=1e-4)


@pytest.mark.parametrize("batch_size", [32, 2])
def test_sighted_answers_equal_the_plain_model(tmp_path: Path, batch_size: int) -> None:
    model = loaded(tmp_path, batch_size=batch_size)
    requests = [
        request(video, question, mode, frames=1 if mode is Mode.FRAME else 8)
        for video in range(2)
        for mode in Mode
        for question in range(3)
    ]
    answers = list(model.answer(requests))
    assert_same(answers, [plainly(model, one) for one in requests])
    assert len({answer.option_logprobs for answer in answers}) > len(Mode)


def test_frames_made_ready_beforehand_give_the_same_answers(sighted: ApolloModel) -> None:
    requests = [request(video, question, Mode.VIDEO) for video in range(2) for question in range(2)]
    ready = [replace(one, inputs=sighted.preprocess(one.frames)) for one in requests if one.frames is not None]
    assert list(sighted.answer(ready)) == list(sighted.answer(requests))
    swapped = replace(requests[0], inputs=ready[2].inputs)
    assert list(sighted.answer([swapped])) != list(sighted.answer(requests[:1]))


@dataclass(frozen=True)
class Watched(ApolloModel):
    """Remembers what it was given beforehand; broken, it cannot make anything of frames before it is asked."""

    broken: bool = False
    made: list[int] = field(default_factory=list)
    ready: list[bool] = field(default_factory=list)

    def preprocess(self, frames: NDArray[np.uint8]) -> list[torch.Tensor] | None:
        self.made.append(len(frames))
        if self.broken:
            raise RuntimeError("no room")
        return super().preprocess(frames)

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        self.ready.extend(one.inputs is not None for one in requests)
        return super().answer(requests)


def test_a_run_makes_frames_ready_once_for_all_questions_about_them(sighted: ApolloModel, tmp_path: Path) -> None:
    make_video(tmp_path, 3)
    (path,) = tmp_path.glob("*.mp4")
    items = [Item(f"test/{n}", f"Which is number {n}?", ("a", "b"), 0, Video("film", path)) for n in range(3)]
    parts = {one.name: getattr(sighted, one.name) for one in fields(sighted)}
    told = []
    for broken in (False, True):
        model = Watched(**parts, broken=broken)
        with Store(tmp_path / f"responses-{broken}") as store:
            counts = run(model, items, (Mode.TEXT, Mode.FRAME, Mode.VIDEO), store, progress=False)
        told.append([(one.item, one.mode, one.status, one.option_logprobs) for one in counts.responses])
        assert len(model.made) == (1 if broken else 2)
        assert model.ready == 3 * [False] + 6 * [not broken]
    assert told[0] == told[1]
    assert {status for _, _, status, _ in told[0]} <= {Status.OK, Status.UNPARSED}


def test_blind_answers_ignore_what_is_shown(blind: ApolloModel) -> None:
    requests = [request(0, question, mode) for mode in Mode for question in range(3)]
    answers = list(blind.answer(requests))
    assert_same(answers, [plainly(blind, one) for one in requests])
    assert_same(answers[3:6], answers[:3])


def test_frames_of_one_video_are_not_mixed_with_another(sighted: ApolloModel) -> None:
    mixed = [request(video, 1, Mode.VIDEO) for video in (0, 1, 0)]
    first, second, third = sighted.answer(mixed)
    assert first == third
    assert first.option_logprobs != second.option_logprobs


def test_answers_come_one_per_request_and_in_order(sighted: ApolloModel) -> None:
    requests = [request(video, question, Mode.VIDEO) for video in range(2) for question in range(4)]
    answers = list(sighted.answer(requests))
    assert [len(answer.option_logprobs or ()) for answer in answers] == [2, 3, 4, 5] * 2
    assert all(sum(map(np.exp, answer.option_logprobs or ())) <= 1 for answer in answers)
    assert list(sighted.answer([])) == []


def test_bad_requests_fail_alone(sighted: ApolloModel) -> None:
    good = [request(0, question, Mode.VIDEO) for question in range(3)]
    smuggled = replace(good[1], prompt=f"{PLACEHOLDER}?")
    answers = list(sighted.answer([good[0], smuggled, good[2]]))
    assert_same([answers[0], answers[2]], [plainly(sighted, good[0]), plainly(sighted, good[2])])
    assert answers[1] == Answer(None, error=answers[1].error)
    assert "the question contains <|video_token|>" in str(answers[1].error)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": None}, "test/0-0: mode video was asked without frames"),
        ({"plan": None}, "test/0-0: mode video was asked without frames"),
        ({"frames": picture(0, 12)}, "the frames make 3 clips, but the plan has 2"),
        ({"frames": picture(0, 8)[..., 0]}, r"frames must be uint8 \[T, H, W, 3\]"),
        ({"prompt": "long " * 4000}, "test/0-0: the prompt needs .* tokens and tiny takes 16384; lower max_clips"),
    ],
)
def test_requests_that_cannot_be_answered_say_why(
    sighted: ApolloModel, changes: dict[str, object], message: str
) -> None:
    bad = replace(request(0, 0, Mode.VIDEO), **changes)  # type: ignore[arg-type]
    wrong, right = sighted.answer([bad, request(1, 0, Mode.VIDEO)])
    with pytest.raises(InputError, match=message):
        raise InputError(str(wrong.error))
    assert wrong.text is None
    assert right.error is None


def test_a_video_without_a_usable_frame_is_named(sighted: ApolloModel, tmp_path: Path) -> None:
    make_video(tmp_path, 3)
    (path,) = tmp_path.glob("*.mp4")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat")
    size = int.from_bytes(content[start - 4 : start], "big")
    content[start + 4 : start - 4 + size] = bytes(size - 8)  # a whole file, but nothing in it decodes
    path.write_bytes(content)
    item = Item("test/black", "?", ("a", "b"), 0, Video("black", path))
    with Store(tmp_path / "responses") as store:
        counts = run(sighted, [item], (Mode.TEXT, Mode.VIDEO), store, progress=False)
    text, video = counts.responses
    assert text.error is None
    assert video.status is Status.ERROR
    assert f"{path}: no frame of its video stream can be decoded. Replace the file" in str(video.error)


def test_identity_and_settings(sighted: ApolloModel, blind: ApolloModel) -> None:
    model: Model = sighted
    assert model.name == "tiny"
    assert model.revision != blind.revision
    assert model.settings == {"decoding": "greedy", "max_new_tokens": NEW_TOKENS, "dtype": "float32"}
    assert model.modes == frozenset(Mode)
    assert model.sampling == Sampling(kind="clips", max_clips=3)
    assert blind.sampling == Sampling(kind="center")


def test_sampling_can_be_changed_where_the_model_reads_it() -> None:
    own = Sampling(kind="released")
    assert Options.parse({"ratio": "0.5"}).sampling(own) == replace(own, ratio=0.5)
    with pytest.raises(InputError, match=r"max_clips changes nothing: the model samples by 'released', .* reads ratio"):
        Options.parse({"max_clips": "3"}).sampling(own)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"temperature": "1"},
            "unknown model argument 'temperature'; valid: pretrained, revision, dtype, device",
        ),
        ({"max_new_tokens": "0"}, "max_new_tokens=0: expected a whole number, at least 1"),
        ({"batch_size": "two"}, "batch_size=two: expected a whole number"),
        ({"fps": "-1"}, "fps=-1: expected a number above 0"),
        ({"ratio": "nan"}, "ratio=nan: expected a number above 0"),
        ({"dtype": "int8"}, "dtype 'int8' is not one of float32"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options.parse(arguments)


@pytest.mark.parametrize("device", ["abacus", *([] if torch.cuda.is_available() else ["cuda"])])
def test_devices_are_checked(tmp_path: Path, device: str) -> None:
    with pytest.raises(InputError, match=f"device '{device}'"):
        ApolloModel.load("tiny", tmp_path, Options(device=device))


def test_letters_are_the_tokens_a_reply_begins_with(sighted: ApolloModel) -> None:
    chat: Chat = sighted.chat
    written = chat.tokenizer(chat.text("?") + "B<|im_end|>", add_special_tokens=False)["input_ids"]
    assert written[-2:] == [chat.reply_token("B"), chat.stops[0]]
