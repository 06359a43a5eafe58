"""The runner on real video files: what is asked, what is stored, and what one bad video, item or answer does."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, load_plans, load_responses
from apollobench.types import Answer, Item, Mode, Request, Sampling, Status, Video

from . import eyes
from .eyes import MODES, Eyes


def answered(items: Sequence[Item], store: Path, model: Eyes | None = None, modes: Sequence[Mode] = MODES, **how: int):
    with Store(store) as opened:
        return run(model or Eyes(), items, modes, opened, progress=False, **how)


def right(items: Sequence[Item], responses: Sequence, mode: Mode) -> float:
    keys = {item.id: item.answer for item in items}
    made = [response for response in responses if response.mode is mode]
    return sum(response.choice == keys[response.item] for response in made) / len(made)


def test_a_model_that_looks_is_right_where_it_can_see(items: list[Item], tmp_path: Path) -> None:
    counts = answered(items, tmp_path)
    assert counts.statuses == dict.fromkeys(Status, 0) | {Status.OK: 144}
    assert (counts.asked, counts.stored) == (144, 0)
    assert right(items, counts.responses, Mode.VIDEO) == 1.0
    middle = [item for item in items if item.id.endswith("middle")]
    in_frame = [response for response in counts.responses if response.item.endswith("middle")]
    assert right(middle, in_frame, Mode.FRAME) == 1.0
    assert right(items, counts.responses, Mode.FRAME) == pytest.approx(1 / 3)
    assert right(items, counts.responses, Mode.SHUFFLED) < 0.9
    assert [(r.mode, r.item) for r in counts.responses] == [(mode, item.id) for mode in MODES for item in items]


def test_what_a_model_saw_is_stored(items: list[Item], tmp_path: Path) -> None:
    counts = answered(items, tmp_path)
    plans = load_plans(tmp_path)
    for made in counts.responses:
        assert (made.plan is None) == (made.mode is Mode.TEXT)
        if made.plan is not None:
            assert len(plans[made.plan].indices) == (1 if made.mode is Mode.FRAME else 6)


def test_a_second_run_asks_nothing_and_says_the_same(items: list[Item], tmp_path: Path) -> None:
    first = answered(items, tmp_path)
    files = sorted(tmp_path.iterdir())
    model = Eyes()
    second = answered(items, tmp_path, model)
    assert (second.asked, second.stored, model.asked) == (0, 144, 0)
    assert second.responses == first.responses
    assert sorted(tmp_path.iterdir()) == files


def test_more_modes_and_items_ask_only_those(items: list[Item], tmp_path: Path) -> None:
    answered(items[:9], tmp_path, modes=[Mode.TEXT, Mode.VIDEO])
    more = answered(items, tmp_path, modes=[Mode.VIDEO, Mode.FRAME])
    assert (more.stored, more.asked) == (9, 27 + 36)


@pytest.mark.parametrize(
    "changed",
    [Eyes(revision="2"), Eyes(settings={"decoding": "other"}), Eyes(sampling=Sampling("uniform", 3, clip_frames=1))],
)
def test_another_model_or_sampling_is_asked_again(items: list[Item], tmp_path: Path, changed: Eyes) -> None:
    answered(items[:3], tmp_path, modes=[Mode.VIDEO])
    assert answered(items[:3], tmp_path, changed, modes=[Mode.VIDEO]).asked == 3


def test_another_file_under_the_same_name_is_asked_again(tmp_path: Path) -> None:
    items = eyes.make_world(tmp_path / "world", 2)
    before = answered(items, tmp_path / "store", modes=[Mode.TEXT, Mode.VIDEO])
    eyes.write_video(items[0].video.path, ["blue", "blue", "blue"])
    after = answered(items, tmp_path / "store", modes=[Mode.TEXT, Mode.VIDEO])
    assert (before.asked, after.asked, after.stored) == (12, 3, 9)
    blue = [items[n].options.index("blue") for n in range(3)]
    assert [made.choice for made in after.responses if made.mode is Mode.VIDEO][:3] == blue


def test_each_video_is_decoded_once(items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from apollobench.video import decode as module

    real, calls = module.decode, Counter[str]()

    def counting(probed, indices, *rest):  # type: ignore[no-untyped-def]
        calls[probed.path.name] += 1
        assert list(indices) == sorted(set(indices))
        return real(probed, indices, *rest)

    monkeypatch.setattr(module, "decode", counting)
    answered(items, tmp_path, decode_workers=2)
    assert set(calls.values()) == {1}
    assert len(calls) == 12
    calls.clear()
    answered(items, tmp_path)
    assert not calls


@dataclass
class Watchful(Eyes):
    """Remembers how requests were put to it."""

    def __post_init__(self) -> None:
        self.calls: list[list[Request]] = []

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        self.calls.append(list(requests))
        return super().answer(requests)


def test_requests_come_by_video_then_mode(items: list[Item], tmp_path: Path) -> None:
    model = Watchful()
    answered(items, tmp_path, model)
    assert len(model.calls) == 12
    for call in model.calls:
        assert len({request.item.video.id for request in call}) == 1
        assert [request.mode for request in call] == [mode for mode in MODES for _ in range(3)]
        shown = [request.frames for request in call if request.mode is Mode.VIDEO]
        assert all(frames is shown[0] for frames in shown)
        assert shown[0] is not None
        assert shown[0].shape == (6, 48, 48, 3)


@pytest.mark.parametrize(("batch_size", "calls"), [(1, 12), (12, 12), (13, 6), (1000, 1)])
def test_batches_are_whole_videos(items: list[Item], tmp_path: Path, batch_size: int, calls: int) -> None:
    model = Watchful()
    counts = answered(items, tmp_path, model, batch_size=batch_size)
    assert len(model.calls) == calls
    assert counts.asked == 144


def test_bad_videos_are_errors_of_their_items_and_only_where_they_are_shown(tmp_path: Path) -> None:
    items = eyes.make_world(tmp_path / "world", 5)
    videos = [items[3 * number].video.path for number in range(5)]
    videos[0].unlink()
    videos[1].write_bytes(b"")
    videos[2].write_bytes(b"this is no video at all" * 100)
    data = videos[3].read_bytes()
    videos[3].write_bytes(data[: len(data) // 2])
    counts = answered(items, tmp_path / "store")
    assert counts.statuses[Status.ERROR] == 4 * 3 * 3
    assert counts.statuses[Status.OK] == 5 * 3 + 3 * 3
    for made in counts.responses:
        broken = made.item < "eyes/004" and made.mode is not Mode.TEXT
        assert (made.status is Status.ERROR) == broken
        if broken:
            assert made.item.split("/")[1][:3] + ".mp4" in (made.error or "")


def test_errors_are_asked_again_and_an_answer_ends_them(tmp_path: Path) -> None:
    items = eyes.make_world(tmp_path / "world", 2)
    path = items[0].video.path
    data = path.read_bytes()
    path.unlink()
    first = answered(items, tmp_path / "store", modes=[Mode.VIDEO])
    lines = sum(len(file.read_text().splitlines()) for file in (tmp_path / "store").glob("*.jsonl"))
    again = answered(items, tmp_path / "store", modes=[Mode.VIDEO])
    assert again.responses == first.responses
    assert sum(len(file.read_text().splitlines()) for file in (tmp_path / "store").glob("*.jsonl")) == lines
    path.write_bytes(data)
    mended = answered(items, tmp_path / "store", modes=[Mode.VIDEO])
    assert (mended.asked, mended.stored, mended.statuses[Status.ERROR]) == (3, 3, 0)
    assert {made.status for made in load_responses(tmp_path / "store")} == {Status.OK}
    path.unlink()
    gone = answered(items, tmp_path / "store", modes=[Mode.VIDEO])
    assert gone.statuses[Status.ERROR] == 3


def test_an_item_without_a_proper_prompt_is_an_error(items: list[Item], tmp_path: Path) -> None:
    odd = [items[0], replace(items[1], options=("red",), answer=0), items[2]]
    counts = answered(odd, tmp_path, modes=[Mode.TEXT, Mode.VIDEO])
    assert [made.status.value for made in counts.responses] == ["ok", "error", "ok"] * 2
    assert "1 options, expected 2" in (counts.responses[1].error or "")


def test_a_mode_that_a_model_lacks_is_said(items: list[Item], tmp_path: Path) -> None:
    blind = Eyes(modes=frozenset({Mode.TEXT}))
    counts = answered(items[:3], tmp_path, blind, modes=[Mode.TEXT, Mode.VIDEO])
    assert [made.status.value for made in counts.responses] == ["ok"] * 3 + ["unsupported"] * 3
    assert counts.responses[-1].error == "eyes does not support video mode"
    assert blind.asked == 3


def test_modes_that_a_model_lacks_are_named_before_it_is_asked(
    items: list[Item], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said_when_asked: list[str] = []

    class Listening(Eyes):
        def look(self, request: Request) -> int:
            said_when_asked.append(capsys.readouterr().err)
            return super().look(request)

    blind = Listening(modes=frozenset({Mode.TEXT}))
    with Store(tmp_path) as store:
        run(blind, items[:3], [Mode.VIDEO, Mode.TEXT, Mode.SHUFFLED], store)
    lines = said_when_asked[0].splitlines()[:2]
    assert lines == [
        "eyes does not support video mode: its questions there count as unsupported",
        "eyes does not support shuffled mode: its questions there count as unsupported",
    ]


def test_a_sampling_that_makes_no_sense_is_an_error_that_says_so(items: list[Item], tmp_path: Path) -> None:
    counts = answered(
        items[:3], tmp_path, Eyes(sampling=Sampling("uniform")), modes=[Mode.TEXT, Mode.FRAME, Mode.VIDEO]
    )
    assert [made.status.value for made in counts.responses[:3]] == ["ok"] * 3
    assert all("needs `frames`" in (made.error or "") for made in counts.responses[-3:])
    assert len(counts.responses) == 9


@dataclass
class Moody(Eyes):
    """Fails in the given way at any call that holds the question about the middle."""

    way: str = "raise"

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        answers = list(super().answer(requests))
        if not any("middle" in request.prompt for request in requests):
            return iter(answers)
        if self.way == "raise":
            raise RuntimeError("out of memory")
        if self.way == "exit":
            raise SystemExit(3)
        if self.way == "late":
            return self.late(answers)
        return iter(answers + answers if self.way == "more" else answers[1:])

    def late(self, answers: list[Answer]) -> Iterator[Answer]:
        yield answers[0]
        raise OSError("connection lost")


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("raise", "RuntimeError: out of memory"),
        ("exit", "SystemExit: 3"),
        ("late", "OSError: connection lost"),
        ("more", "gave 2 answers to 1 requests"),
        ("fewer", "gave 0 answers to 1 requests"),
    ],
)
def test_a_failing_batch_is_asked_one_by_one(items: list[Item], tmp_path: Path, way: str, message: str) -> None:
    counts = answered(items[:6], tmp_path, Moody(way=way), modes=[Mode.TEXT, Mode.VIDEO])
    for made in counts.responses:
        if made.item.endswith("middle"):
            assert made.status is Status.ERROR
            assert message in (made.error or "")
        else:
            assert made.status is Status.OK
    assert right(items, [r for r in counts.responses if r.status is Status.OK], Mode.VIDEO) == 1.0


def test_an_interrupt_keeps_what_was_answered(items: list[Item], tmp_path: Path) -> None:
    @dataclass
    class Interrupted(Eyes):
        def look(self, request: Request) -> int:
            if self.asked == 30:
                raise KeyboardInterrupt
            return super().look(request)

    with pytest.raises(KeyboardInterrupt):
        answered(items, tmp_path, Interrupted())
    assert len(load_responses(tmp_path)) == 24
    assert answered(items, tmp_path).asked == 120


def test_stored_text_is_read_by_the_present_extractor(items: list[Item], tmp_path: Path) -> None:
    first = answered(items[:3], tmp_path, modes=[Mode.TEXT])
    stale = [replace(made, status=Status.UNPARSED, choice=None) for made in first.responses]
    with Store(tmp_path) as store:
        store.append(stale)
    again = answered(items[:3], tmp_path, modes=[Mode.TEXT])
    assert again.responses == first.responses
    assert (again.asked, again.stored) == (0, 3)
    assert set(load_responses(tmp_path)) == set(first.responses)


def test_items_of_one_id_are_refused(items: list[Item], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="eyes/000-first occurs more than once"):
        answered([*items, items[0]], tmp_path)


def test_nothing_to_do_is_fine(tmp_path: Path) -> None:
    counts = answered([], tmp_path)
    assert counts.responses == ()
    assert sum(counts.statuses.values()) == 0


def test_questions_of_one_video_may_stand_apart(items: list[Item], tmp_path: Path) -> None:
    mixed = items[::3] + items[1::3] + items[2::3]
    model = Watchful()
    counts = answered(mixed, tmp_path, model)
    assert len(model.calls) == 12
    assert [made.item for made in counts.responses[:36]] == [item.id for item in mixed]


def test_progress_ends_with_the_whole_count(
    items: list[Item], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(tmp_path) as store:
        run(Eyes(), items[:6], [Mode.TEXT], store)
        run(Eyes(), items, [Mode.TEXT], store)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "eyes: 36/36 (100 %), 6 stored, " in shown.err


def test_a_video_of_another_place_keeps_its_answers(items: list[Item], tmp_path: Path) -> None:
    answered(items[:3], tmp_path / "store", modes=[Mode.VIDEO])
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(items[0].video.path.read_bytes())
    moved = [replace(item, video=Video(item.video.id, copy)) for item in items[:3]]
    assert answered(moved, tmp_path / "store", modes=[Mode.VIDEO]).stored == 3


@dataclass
class Crowd(Eyes):
    """Can be asked about several videos at a time; the first video is answered last."""

    at_once: int = 4
    name: str = "crowd"

    def __post_init__(self) -> None:
        self.last_begun = threading.Event()
        self.order: list[str] = []

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        video = requests[0].item.video.id
        if video.endswith("000"):
            assert self.last_begun.wait(60)
        if video.endswith("003"):
            self.last_begun.set()
        answers = list(super().answer(requests))
        self.order.append(video)
        return iter(answers)


def test_a_model_that_can_be_asked_at_once_is(items: list[Item], tmp_path: Path) -> None:
    model = Crowd()
    counts = answered(items, tmp_path / "crowd", model)
    assert model.order[0] != items[0].video.id
    alone = answered(items, tmp_path / "alone", Eyes())
    assert [made.choice for made in counts.responses] == [made.choice for made in alone.responses]
    assert [made.item for made in counts.responses] == [made.item for made in alone.responses]
    assert len(load_responses(tmp_path / "crowd")) == counts.asked == 144


def test_an_interrupt_keeps_what_others_had_answered(items: list[Item], tmp_path: Path) -> None:
    @dataclass
    class Interrupted(Crowd):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            if requests[0].item.video.id.endswith("007"):
                raise KeyboardInterrupt
            return super().answer(requests)

    with pytest.raises(KeyboardInterrupt):
        answered(items, tmp_path, Interrupted())
    kept = len(load_responses(tmp_path))
    assert kept >= 4 * 12
    assert answered(items, tmp_path, Crowd()).asked == 144 - kept


def test_a_model_that_reads_videos_itself_gets_plans_without_frames(items: list[Item], tmp_path: Path) -> None:
    model = Watchful(wants_frames=False)
    answered(items[:3], tmp_path, model, modes=[Mode.TEXT, Mode.VIDEO])
    ((*text, first, second, third),) = model.calls
    assert all(request.plan is None for request in text)
    for request in (first, second, third):
        assert request.frames is None
        assert request.plan is not None
        assert len(request.plan.indices) == 6
