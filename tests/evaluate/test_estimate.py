"""What an evaluation would ask, told beforehand and then compared with what it asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.apollo.checkpoint import save_apollo
from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.estimate import Share, estimate
from apollobench.evaluate.job import Job, evaluate
from apollobench.evaluate.prompt import build_prompt
from apollobench.report.estimate import estimate_markdown
from apollobench.types import Item, Mode

from .. import tiny
from . import eyes

ALL = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)
HTTP = {"base_url": "http://127.0.0.1:9/v1", "frames": "6", "concurrency": "3", "max_new_tokens": "4"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Item]]:
    """A benchmark of 4 videos with 3 questions each, and its items."""
    root = tmp_path_factory.mktemp("world")
    items = eyes.make_world(root / "data", 4)
    write_benchmark(root / "benchmark", [Entry(item) for item in items], [], {"name": "eyes"}, "# eyes\n")
    return root / "benchmark", items


def job(world: tuple[Path, list[Item]], output: Path, modes: tuple[Mode, ...] = ALL, **arguments: str) -> Job:
    return Job("http:m", None, world[0], modes, {**HTTP, **arguments}, output=output)


def test_counts_and_ranges_are_those_of_the_plans(world: tuple[Path, list[Item]], tmp_path: Path) -> None:
    characters = sum(len(build_prompt(item)) for item in world[1])
    rates = {"tokens_per_frame": "10-20", "seconds_per_request": "1-2", "price_input": "3", "price_output": "9"}
    found = estimate(job(world, tmp_path, **rates))
    assert found.modes == {
        Mode.TEXT: Share(12, 4, 0, characters, 0, 0),
        Mode.FRAME: Share(12, 4, 12, characters, 0, 0),
        Mode.VIDEO: Share(12, 4, 72, characters, 0, 0),
    }
    assert found.whole == Share(36, 4, 84, 3 * characters, 0, 0)
    assert found.prompt_tokens(found.whole) == pytest.approx((840 + 3 * characters / 5, 1680 + characters))
    assert found.completion_tokens(found.whole) == (36, 144)
    assert found.seconds(found.whole) == (12, 24)
    low, high = found.price(found.whole) or (0, 0)
    assert low == pytest.approx((3 * (840 + 3 * characters / 5) + 9 * 36) / 1e6)
    assert high == pytest.approx((3 * (1680 + characters) + 9 * 144) / 1e6)
    assert not list(tmp_path.iterdir())


def test_without_prices_there_is_none(world: tuple[Path, list[Item]], tmp_path: Path) -> None:
    found = estimate(job(world, tmp_path))
    assert found.price(found.whole) is None
    assert "no prices, give price_input and price_output" in estimate_markdown(found)


def test_what_cannot_be_asked_is_told_with_its_reason(world: tuple[Path, list[Item]], tmp_path: Path) -> None:
    found = estimate(job(world, tmp_path, (Mode.VIDEO, Mode.SHUFFLED), media="video_url"))
    assert (found.whole.requests, found.whole.refused) == (12, 12)
    assert found.reasons == ("http:m does not support shuffled mode",)
    assert "* http:m does not support shuffled mode" in estimate_markdown(found)


def test_shards_and_limits_narrow_it(world: tuple[Path, list[Item]], tmp_path: Path) -> None:
    whole = job(world, tmp_path)
    parts = [estimate(replace(whole, shard=(part, 2))).whole.requests for part in (0, 1)]
    assert sum(parts) == 36
    assert estimate(replace(whole, limit=2)).whole.requests == 6


def test_a_model_that_is_at_hand_is_estimated_from_its_configs_as_it_is_then_asked(
    world: tuple[Path, list[Item]], tmp_path: Path
) -> None:
    save_apollo(tiny.model(), tiny.tokenizer(), tmp_path / "weights")
    arguments = {"pretrained": str(tmp_path / "weights"), "max_new_tokens": "2"}
    wanted = Job("apollo-7b", None, world[0], ALL, arguments, output=tmp_path / "out")
    before = estimate(wanted)
    outcome = evaluate(replace(wanted, modes=(Mode.TEXT, Mode.VIDEO)))
    assert outcome.errors == 0
    assert before.whole.requests == 36
    after = estimate(wanted)
    assert (after.whole.requests, after.whole.stored) == (12, 24)
    assert after.modes[Mode.FRAME] == before.modes[Mode.FRAME]
    assert before.rates.tokens_per_frame is not None
    assert "seconds are not known" in estimate_markdown(before)


def test_the_table_has_a_row_for_each_mode_and_for_all(world: tuple[Path, list[Item]], tmp_path: Path) -> None:
    text = estimate_markdown(estimate(job(world, tmp_path / "out", price_input="1", price_output="1")))
    assert text.startswith("Nothing was sent. http:m would be asked 36 questions about 4 videos;")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert {"text", "frame", "video", "all"} <= rows.keys()
    assert "85 to 1200 tokens a frame" in text
    assert "0.5 to 10 s a request, 3 at a time" in text
