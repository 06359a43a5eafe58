"""What a curation would take, against counts made by hand and against what asking then takes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from apollobench.curate.forecast import PEAK, Ask, Load, Voter, forecast, load, total
from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.models.roster import RosterEntry
from apollobench.recipe import load_recipe
from apollobench.report.forecast import forecast_markdown
from apollobench.sources import load_items
from apollobench.sources.synthetic.make import make_world
from apollobench.types import Mode, Sampling
from apollobench.video.plan import frames_shown, plan
from apollobench.video.probe import probe

ALL = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)
ENTRY = {"backend": "transformers", "family": "f", "weights": "o/r", "licence": "MIT"}


def voter(sampling: Sampling, **known: object) -> Voter:
    return Voter("m", RosterEntry(**{**ENTRY, **known}), sampling, "yes")


def test_load_by_hand() -> None:
    asks = [Ask(10.0, 300), Ask(100.0, 600), Ask(None, 0)]
    found = load(
        voter(Sampling("fps", fps=1, frames=32, clip_frames=2), tokens_per_frame=(10, 20), parameters=10**9), asks, ALL
    )
    frames = 3 * 2 + 10 + 32 + 32
    assert (found.requests, found.frames) == (9, frames)
    assert found.tokens == pytest.approx((frames * 10 + 3 * 900 / 5, frames * 20 + 3 * 900 / 3))
    hours = [2e9 * tokens / PEAK / 3600 for tokens in found.tokens or ()]
    assert found.gpu_hours == pytest.approx((hours[0] / 0.4, hours[1] / 0.1))


def test_what_is_not_known_is_in_no_sum() -> None:
    asks = [Ask(10.0, 300)]
    unknown = load(voter(Sampling("uniform", frames=8)), asks, ALL)
    assert (unknown.requests, unknown.frames, unknown.tokens, unknown.gpu_hours) == (3, 12, None, None)
    known = Load(1, 2, (3.0, 4.0), (5.0, 6.0))
    assert total([known, unknown]) == Load(4, 14, (3.0, 4.0), (5.0, 6.0))
    assert total([unknown]).tokens is None


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling("uniform", frames=16),
        Sampling("fps", fps=2, frames=20),
        Sampling("clips", max_clips=5),
        Sampling("released"),
    ],
)
def test_frames_before_the_file_are_those_of_its_plan(sampling: Sampling, tmp_path: Path) -> None:
    make_world(tmp_path, 3, 1_000_000)
    for path in sorted(tmp_path.rglob("*.mp4")):
        found = probe(path)
        assert frames_shown(found.duration, sampling, found.fps) == len(plan(found, sampling).indices)


def test_published_sizes_stand_in_for_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    found = forecast(load_recipe("apollobench").recipe, tmp_path)
    assert {pool.name: len(pool.asks) for pool in found.pools} == {
        "videomme": 2700,
        "mlvu": 2175,
        "longvideobench": 1337,
        "tempcompass": 1580,
        "nextqa": 8564,
        "perceptiontest": 19140,
    }
    text = forecast_markdown(found)
    assert "the annotations of videomme; download them: hf download lmms-eval/Video-MME" in text
    assert "apollo-1.5b, apollo-3b, apollo-7b: weights not at hand" in text
    assert "| all            | 35,496 |" in text


def test_real_annotations(shared: Path, tmp_path: Path) -> None:
    items = place_annotations(shared, tmp_path)
    recipe = load_recipe("apollobench", SOURCES).recipe
    found = forecast(recipe, tmp_path)
    pools = {pool.name: pool for pool in found.pools}
    assert pools["mlvu"].lengths == {"annotated": pools["mlvu"].videos}
    assert pools["mlvu"].seconds / pools["mlvu"].videos == pytest.approx(760, abs=1)
    assert pools["nextqa"].lengths == {"published": 570}
    assert [ask.characters for ask in pools["nextqa"].asks] == [len(build_prompt(item)) for item in items]
    assert "videos of mlvu" in forecast_markdown(found)


def place_annotations(shared: Path, root: Path) -> Sequence[object]:
    for source in ("nextqa", "mlvu"):
        shutil.copytree(shared / "data" / "annotations" / source, root / source, copy_function=shutil.copyfile)
    return load_items("nextqa", {"split": "val", "skip_malformed": True}, root)


SOURCES = {
    "sources": [
        {"name": "nextqa", "options": {"split": "val", "skip_malformed": True}},
        {"name": "mlvu", "options": {"split": "dev", "skip_malformed": True}},
    ]
}


def test_a_table_of_one_s_own_must_be_there(tmp_path: Path) -> None:
    recipe = load_recipe("apollobench", {"sources": [{"name": "csv:none.csv", "options": {}}]}).recipe
    with pytest.raises(InputError, match=r"none\.csv"):
        forecast(recipe, tmp_path)
