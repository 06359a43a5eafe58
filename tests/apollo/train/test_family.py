"""The shipped weights: there for every model of the family, small, described, and able to do what their cards say."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from apollobench.apollo.train.card import MODES, chance, tabulate
from apollobench.apollo.train.family import FAMILY
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import load_model
from apollobench.models.roster import roster
from apollobench.models.weights import find_weights
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item, Mode

UNSEEN, VIDEOS = 2_600_000, 80


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    world = tmp_path_factory.mktemp("world") / "heldout"
    make_world(world, VIDEOS, UNSEEN, workers=1, progress=False)
    return [item for item in read_world(world) if item.truth and not item.truth.flaw]


@pytest.mark.parametrize("name", FAMILY)
def test_weights_and_card_ship_and_load(name: str) -> None:
    folder = find_weights(name, roster()[name])
    model = load_model(name)
    assert set(model.modes) >= set(MODES)
    assert model.sampling == FAMILY[name].sampling or FAMILY[name].blind
    card = (folder / "README.md").read_text()
    for fact in ("parameters", "wall time", "machine", "steps", "seeds", "Accuracy on"):
        assert fact in card


def test_the_whole_family_stays_under_25_megabytes() -> None:
    folders = [find_weights(name, roster()[name]) for name in FAMILY]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25_000_000


@pytest.mark.parametrize("name", ["apollo-tiny", "apollo-tiny-l"])
def test_the_best_answer_what_they_are_shown_and_guess_what_they_are_not(
    name: str, items: list[Item], tmp_path: Path
) -> None:
    with Store(tmp_path / "store") as store:
        responses = run(load_model(name), items, MODES, store, progress=False).responses
    scores = tabulate(items, responses)
    assert scores["nothing", Mode.TEXT] >= 0.85
    assert scores["frame", Mode.FRAME] >= 0.85
    counts = {needs: sum(1 for item in items if item.truth and item.truth.needs == needs) for needs in ("set", "video")}
    several = sum(counts.values())

    def mean(of: Callable[[str], float]) -> float:
        return sum(of(needs) * count for needs, count in counts.items()) / several

    by_luck = mean(lambda needs: chance(items, needs))
    noise = 3 * math.sqrt(by_luck * (1 - by_luck) / several)
    assert mean(lambda needs: scores[needs, Mode.VIDEO]) >= 0.85
    assert mean(lambda needs: scores[needs, Mode.FRAME]) <= by_luck + 0.15
    assert abs(mean(lambda needs: scores[needs, Mode.TEXT]) - by_luck) < noise
