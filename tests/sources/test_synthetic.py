"""The generated world: the same for ever from a seed, honest about what each question needs, readable as real video."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.sources import load_items
from apollobench.sources.synthetic.make import SPLITS, make_world, read_world
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.render import SIZE, camera, render
from apollobench.sources.synthetic.world import KINDS, Scene, draw_scene, next_in_pattern
from apollobench.types import Item, Video


def items_of(seeds: range) -> list[tuple[Scene, Item]]:
    scenes = [draw_scene(seed) for seed in seeds]
    return [(scene, item) for scene in scenes for item in ask(scene, Video(f"{scene.seed:07d}", Path("v.mp4")))]


@given(st.integers(0, 2_999_999))
@settings(max_examples=60, deadline=None)
def test_a_scene_keeps_its_own_rules(seed: int) -> None:
    scene = draw_scene(seed)
    assert scene == draw_scene(seed)
    assert 4.0 <= scene.duration <= 24.0
    assert 3 <= len(scene.segments) <= 6
    assert scene.segments[0].start == 0.0
    assert scene.segments[-1].end == pytest.approx(scene.duration, abs=1e-6)
    assert all(a.end == b.start for a, b in zip(scene.segments, scene.segments[1:], strict=False))
    assert min(s.end - s.start for s in scene.segments) >= KINDS[scene.kind].shortest_segment - 1e-9
    assert scene.static == KINDS[scene.kind].priors[scene.owner]
    names = [s.identity for s in scene.segments]
    if scene.pattern:
        assert all(name == names[i % 3] for i, name in enumerate(names))
        assert scene.segment_at(scene.duration / 2).identity != next_in_pattern(scene)
    else:
        assert len(set(names)) == len(names)


def test_the_same_seed_gives_the_same_pixels_in_any_order() -> None:
    for seed in range(5):
        scene = draw_scene(seed)
        frames = list(render(scene))
        assert len(frames) == scene.frames
        assert frames[0].shape == (SIZE, SIZE, 3)
        picture = camera(draw_scene(seed))
        for number in (scene.frames - 1, 0, scene.frames // 2):
            np.testing.assert_array_equal(picture(number), frames[number])


def test_keys_are_right_and_letters_balanced() -> None:
    pairs = items_of(range(1_000_000, 1_000_400))
    for scene, item in pairs:
        assert 2 <= len(item.options) <= 5
        assert len(set(item.options)) == len(item.options)
        assert item.truth is not None
        if item.truth.flaw:
            continue
        names = [s.identity for s in scene.segments]
        right = item.options[item.answer]
        if item.question.endswith("came first?"):
            assert right == names[0]
        if item.question.endswith("came last?"):
            assert right == names[-1]
        if "right after the" in item.question:
            assert names[names.index(right) - 1] in item.question
        if item.question.endswith("never appeared?"):
            assert right not in names
            if item.truth.needs == "set":
                assert set(item.options) - {right} <= set(names)
        if item.native["label"].endswith(": static"):
            assert right == scene.static
    for options in (2, 3, 4, 5):
        of_size = [item for _, item in pairs if len(item.options) == options]
        counts = Counter(item.answer for item in of_size)
        spread = 4 * (len(of_size) * (1 / options) * (1 - 1 / options)) ** 0.5
        assert all(abs(counts[letter] - len(of_size) / options) < spread for letter in range(options))


def test_every_need_every_kind_and_every_flaw_occurs_in_known_shares() -> None:
    items = [item for _, item in items_of(range(1_000_000, 1_000_400))]
    needs = Counter(item.truth.needs for item in items if item.truth)
    flaws = Counter(item.truth.flaw for item in items if item.truth)
    assert set(needs) == {"nothing", "frame", "set", "video"}
    assert 0.25 < needs["nothing"] / len(items) < 0.35
    assert 0.25 < needs["frame"] / len(items) < 0.35
    for flaw in ("miskeyed", "unanswerable"):
        assert 0.005 < flaws[flaw] / len(items) < 0.03
    labels = {item.native["label"] for item in items}
    assert {label.split(":")[0] for label in labels} == {*KINDS, "any"}


def test_hard_questions_cannot_be_told_from_text() -> None:
    """The best constant guess per question wording does no better than chance on hard items."""
    train, held = items_of(range(600)), items_of(range(1_000_000, 1_000_600))
    votes: dict[str, Counter[str]] = {}
    for _, item in train:
        votes.setdefault(item.question, Counter())[item.options[item.answer]] += 1
    hits, expected, variance = 0, 0.0, 0.0
    for _, item in held:
        assert item.truth is not None
        if item.truth.needs not in ("set", "video"):
            continue
        counts = votes.get(item.question, Counter())
        guess = max(item.options, key=lambda option: counts[option])
        hits += guess == item.options[item.answer]
        expected += 1 / len(item.options)
        variance += (1 / len(item.options)) * (1 - 1 / len(item.options))
    assert abs(hits - expected) < 4 * variance**0.5


def test_a_world_on_disk_is_real_video_and_reads_back(tmp_path: Path) -> None:
    make_world(tmp_path / "w", 6, 1_000_000, workers=1, progress=False)
    items = read_world(tmp_path / "w")
    assert len(items) >= 50
    rates = set()
    for path in {item.video.path for item in items}:
        scene = draw_scene(int(path.stem))
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert stream.average_rate == scene.rate
            rates.add(stream.average_rate)
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert len(frames) == scene.frames
        middle = scene.frames // 2
        drawn = camera(scene)(middle).astype(int)
        assert np.abs(frames[middle].astype(int) - drawn).mean() < 8
    assert len(rates) > 1


def test_a_finished_world_is_left_alone_and_another_is_refused(tmp_path: Path) -> None:
    world = tmp_path / "w"
    make_world(world, 2, 5, workers=1, progress=False)
    before = {path: path.stat().st_mtime_ns for path in sorted(world.rglob("*"))}
    make_world(world, 2, 5, workers=1, progress=False)
    assert before == {path: path.stat().st_mtime_ns for path in sorted(world.rglob("*"))}
    with pytest.raises(InputError, match="another synthetic world"):
        make_world(world, 3, 5, workers=1, progress=False)


def test_an_unfinished_world_is_completed(tmp_path: Path) -> None:
    make_world(tmp_path / "a", 3, 5, workers=1, progress=False)
    make_world(tmp_path / "b", 3, 5, workers=1, progress=False)
    (tmp_path / "b" / "world.json").unlink()
    (tmp_path / "b" / "items.jsonl").unlink()
    next((tmp_path / "b" / "videos").glob("*.mp4")).unlink()
    with pytest.raises(InputError, match="not a finished synthetic world"):
        read_world(tmp_path / "b")
    make_world(tmp_path / "b", 3, 5, workers=1, progress=False)
    assert (tmp_path / "a" / "items.jsonl").read_text() == (tmp_path / "b" / "items.jsonl").read_text()


def test_bad_worlds_are_named(tmp_path: Path) -> None:
    make_world(tmp_path / "w", 1, 5, workers=1, progress=False)
    lines = (tmp_path / "w" / "items.jsonl").read_text().splitlines()
    row = json.loads(lines[1])
    del row["options"]
    (tmp_path / "w" / "items.jsonl").write_text("\n".join([lines[0], json.dumps(row), *lines[2:]]))
    with pytest.raises(InputError, match=r"items.jsonl line 2"):
        read_world(tmp_path / "w")
    with pytest.raises(InputError, match="within one split"):
        make_world(tmp_path / "x", 10, SPLITS["pool"].stop - 5, workers=1, progress=False)


def test_sources_name_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown source 'videomme2'; there are .*synthetic"):
        load_items("videomme2", {}, tmp_path)
    with pytest.raises(InputError, match="no option 'sed'"):
        load_items("synthetic", {"videos": 1, "sed": 1}, tmp_path)
    with pytest.raises(InputError, match="needs the option 'seed'"):
        load_items("synthetic", {"videos": 1}, tmp_path)
    assert load_items("synthetic", {"videos": 1, "seed": 7}, tmp_path)
