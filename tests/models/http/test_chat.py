"""Whole runs over real video files against a server that truly looks, and sometimes does not behave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import load_model
from apollobench.models.usage import Usage
from apollobench.types import Item, Mode, Status

from ...evaluate import eyes
from . import oracle
from .oracle import MODEL, Oracle, says, status

MODES = tuple(Mode)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """6 videos with 3 questions each."""
    return eyes.make_world(tmp_path_factory.mktemp("eyes"), 6)


def answered(
    server: Oracle, items: Sequence[Item], store: Path, modes: Sequence[Mode] = MODES, **arguments: str
) -> tuple[RunCounts, Usage]:
    model = load_model(f"http:{MODEL}", {"base_url": server.url, "tries": "1", "frames": "6", **arguments})
    try:
        with Store(store) as opened:
            return run(model, items, modes, opened, progress=False), model.usage  # type: ignore[attr-defined]
    finally:
        model.close()


def accuracy(counts: RunCounts, items: Sequence[Item], mode: Mode) -> float:
    keys = {item.id: item.answer for item in items}
    mine = [response for response in counts.responses if response.mode is mode]
    return sum(response.choice == keys[response.item] for response in mine) / len(mine)


def prompt(post: dict) -> str:  # type: ignore[type-arg]
    content = post["messages"][0]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def asked(server: Oracle) -> Counter[str]:
    """How often each question was put, with what it showed."""
    return Counter(str(post["messages"]) for post in server.posts)


@pytest.mark.parametrize("media", ["frames", "video_jpeg"])
def test_frames_arrive_as_planned_in_every_mode(server: Oracle, items: list[Item], tmp_path: Path, media: str) -> None:
    counts, usage = answered(server, items, tmp_path / "store", media=media)
    assert counts.statuses[Status.OK] == 72
    assert accuracy(counts, items, Mode.VIDEO) == 1.0
    assert accuracy(counts, items, Mode.FRAME) == pytest.approx(1 / 3)
    assert accuracy(counts, items, Mode.TEXT) < 0.6
    assert accuracy(counts, items, Mode.SHUFFLED) < 1.0
    with_frames = 18 * (6 + 1 + 6)
    assert usage == Usage(72, 0, 72 * 50 + 10 * with_frames, 0, 72, {"stop": 72})
    best = [max(range(3), key=(r.option_logprobs or ()).__getitem__) for r in counts.responses]
    assert best == [response.choice for response in counts.responses]


@pytest.mark.parametrize("media", ["video_url", "video_file"])
def test_a_server_that_decodes_gets_the_file_and_how_to_sample_it(
    server: Oracle, items: list[Item], tmp_path: Path, media: str
) -> None:
    counts, _ = answered(server, items, tmp_path / "store", media=media)
    assert accuracy(counts, items, Mode.VIDEO) == 1.0
    assert accuracy(counts, items, Mode.FRAME) == pytest.approx(1 / 3)
    assert counts.statuses[Status.UNSUPPORTED] == 18
    sampled = [post["media_io_kwargs"] for post in server.posts if "media_io_kwargs" in post]
    assert sampled == [{"video": {"num_frames": 6}}] * 18


def test_the_video_stands_before_the_question_and_is_sent_once_before_the_others(
    server: Oracle, items: list[Item], tmp_path: Path
) -> None:
    answered(server, items[:3], tmp_path / "store", [Mode.VIDEO], concurrency="8")
    kinds = [[part["type"] for part in post["messages"][0]["content"]] for post in server.posts]
    assert kinds == [["image_url"] * 6 + ["text"]] * 3
    assert server.done_before[0] == 0
    assert min(server.done_before[1:]) == 1
    assert prompt(server.posts[0]).startswith(items[0].question)


def test_what_a_request_says_beside_its_messages(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    extra = {"body.seed": "7", "body.temperature": "null", "max_new_tokens": "32", "logprobs": "0"}
    counts, _ = answered(server, items[:1], tmp_path / "store", [Mode.TEXT], **extra)
    (post,) = server.posts
    del post["messages"]
    assert post == {"model": MODEL, "max_tokens": 32, "seed": 7}
    assert counts.responses[0].option_logprobs is None


def test_no_more_requests_than_allowed_over_all_videos(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    server.crowd = 4
    answered(server, items, tmp_path / "store", concurrency="4")
    assert server.busiest == 4


def test_every_failure_is_the_error_of_its_own_question(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    server.script = [
        status(500, "boom"),
        oracle.hang,
        oracle.close_mid_body,
        says(b"<html>"),
        says(b"{}"),
        status(429, "slow down"),
        status(400, "bad"),
        says(b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}'),
    ]
    counts, usage = answered(server, items[:12], tmp_path / "s", [Mode.TEXT], concurrency="1", timeout="3")
    errors = [response.error for response in counts.responses if response.status is Status.ERROR]
    assert counts.statuses[Status.ERROR] == 8
    assert counts.statuses[Status.OK] == 4
    for told in ("500 Internal Server Error: boom", "no complete response within 3 s", "RemoteProtocolError"):
        assert any(told in str(error) for error in errors), told
    for told in ("not JSON: '<html>'", "no choices", "429 Too Many Requests: slow down", "400 Bad Request", "no text"):
        assert any(told in str(error) for error in errors), told
    assert usage.responses == 6

    again, _ = answered(server, items[:12], tmp_path / "s", [Mode.TEXT])
    assert (again.asked, again.stored, again.statuses[Status.OK]) == (8, 4, 12)


def test_a_server_that_goes_away_half_way_loses_nothing(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    server.script = [oracle.answer] * 30
    server.forever = status(503, "gone")
    first, _ = answered(server, items, tmp_path / "store", concurrency="3")
    assert first.statuses[Status.OK] == 30
    assert first.statuses[Status.ERROR] == 42
    assert all("503" in str(response.error) for response in first.responses if response.status is Status.ERROR)

    server.posts.clear()
    server.forever = None
    second, _ = answered(server, items, tmp_path / "store", concurrency="3")
    assert len(server.posts) == second.asked == 42
    assert second.stored == 30
    assert second.statuses[Status.OK] == 72
    assert accuracy(second, items, Mode.VIDEO) == 1.0
    assert max(asked(server).values()) == 1


def test_other_settings_are_asked_again_and_other_speeds_are_not(
    server: Oracle, items: list[Item], tmp_path: Path
) -> None:
    answered(server, items[:3], tmp_path / "store", [Mode.VIDEO])
    same, _ = answered(server, items[:3], tmp_path / "store", [Mode.VIDEO], concurrency="2", timeout="60")
    assert same.asked == 0
    other, _ = answered(server, items[:3], tmp_path / "store", [Mode.VIDEO], jpeg_quality="60")
    assert other.asked == 3
    server.listing["data"][0]["root"] = "eyes/v2"
    newer, _ = answered(server, items[:3], tmp_path / "store", [Mode.VIDEO])
    assert newer.asked == 3
