"""Rotated blind questions: the rule on known answers, and a real tiny model from the question to the filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apollobench.benchmark import DROPPED, ITEMS, read_entries
from apollobench.curate.answers import Answers, gather
from apollobench.curate.jackknife import of_benchmark
from apollobench.curate.panel import Run
from apollobench.curate.pipeline import RESPONSES, curate, load_pool
from apollobench.curate.shifts import rotated, rotations, under_all_rotations
from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, load_responses
from apollobench.models.registry import load_model
from apollobench.recipe import RecipeFile, load_recipe
from apollobench.types import Item, Mode, Response, Status

PANEL = ("apollo-tiny", "apollo-tiny-s")


def test_rotation_moves_the_key_with_its_option(make_item: Callable[..., Item]) -> None:
    item = replace(make_item(1), options=("a", "b", "c"), answer=1)
    turned = rotations([item])
    assert [(t.id, t.options, t.answer) for t in turned] == [
        ("toy/1~1", ("b", "c", "a"), 0),
        ("toy/1~2", ("c", "a", "b"), 2),
    ]
    assert all(t.options[t.answer] == "b" for t in turned)
    assert len({t.fingerprint for t in (item, *turned)}) == 3
    assert rotated(item, 0).options == item.options


def answered(
    item: Item, model: str, chooses: Callable[[Item], int | None], status: Status = Status.OK
) -> list[Response]:
    """Responses of a model that is asked every rotation and chooses by a rule."""
    made = []
    for asked in (item, *rotations([item])):
        choice = chooses(asked)
        kind = status if choice is None else Status.OK
        made.append(Response(f"{model} {asked.id}", asked.id, model, Mode.TEXT, kind, "", choice, None, None))
    return made


def test_right_under_all_is_right_and_a_preferred_letter_never_is(make_item: Callable[..., Item]) -> None:
    item = replace(make_item(1), answer=2)
    rules: dict[str, Callable[[Item], int | None]] = {
        "knows": lambda asked: asked.answer,
        "always_c": lambda asked: 2,
        "likes_wording": lambda asked: asked.options.index("option 3"),
        "unread_once": lambda asked: None if asked.id.endswith("~2") else asked.answer,
    }
    responses = [r for model, rule in rules.items() for r in answered(item, model, rule, Status.UNPARSED)]
    plain = gather([item], responses, list(rules), [Mode.TEXT])
    assert plain.scores(Mode.TEXT)[:, 0].tolist() == [1, 1, 0, 1]
    found = under_all_rotations(plain, responses)
    assert found.scores(Mode.TEXT)[:, 0].tolist() == [1, 0, 0, 0]
    assert found.choice[Mode.TEXT][:, 0].tolist() == [2, 3, 3, -1]
    status = [list(Status)[code] for code in found.status[Mode.TEXT][:, 0]]
    assert status == [Status.OK, Status.OK, Status.OK, Status.UNPARSED]


@pytest.mark.parametrize("lost", ["error", "missing"])
def test_what_was_not_answered_once_is_no_vote(make_item: Callable[..., Item], lost: str) -> None:
    item = make_item(1)
    responses = answered(item, "m", lambda asked: asked.answer)
    broken = [replace(responses[2], status=Status.ERROR, choice=None)] if lost == "error" else []
    responses = [*responses[:2], *broken, *responses[3:]]
    found = under_all_rotations(gather([item], responses, ["m"], [Mode.TEXT]), responses)
    assert found.scores(Mode.TEXT).tolist() == [[-1]]


def test_guessing_by_wording_is_right_by_chance(make_item: Callable[..., Item]) -> None:
    """Why chance stays 1 / options under rotations: 600 guessers of one wording each, four options."""
    rng = np.random.default_rng(0)
    items = [make_item(i) for i in range(600)]
    responses = []
    for item in items:
        liked = item.options[rng.integers(4)]
        responses += answered(item, "m", lambda asked, liked=liked: asked.options.index(liked))  # type: ignore[misc]
    found = under_all_rotations(gather(items, responses, ["m"], [Mode.TEXT]), responses)
    share = found.scores(Mode.TEXT).mean()
    assert abs(share - 0.25) < 3 * (0.25 * 0.75 / 600) ** 0.5


@pytest.fixture(scope="module")
def file() -> RecipeFile:
    rule = {
        "method": "chance_aware", "modes": ["text"], "margin": 0.0, "fdr": 0.2, "family_correlation": 0.0,
        "shifts": True, "min_votes": 2,
    }  # fmt: skip
    return load_recipe(
        "synthetic",
        {
            "sources": [{"name": "synthetic", "options": {"videos": 3, "seed": 1_000_000}}],
            "modes": ["text"],
            "filter": rule,
            "select": {
                "method": "random", "size": 10, "quotas": "balanced", "max_per_video": None, "when_short": "take_all",
                "tie_break": "hash", "seed": 0,
                "max_budget": None, "source_mix": None, "item_rest_gate": False,
            },
            "panel": list(PANEL),
            "held_out": [],
        },
    )  # fmt: skip


def here(models: Sequence[str], items: Sequence[Item], modes: Sequence[Mode], directory: Path) -> list[Run]:
    """The panel in this process: shipped weights, the real runner and store."""
    runs = []
    for name in models:
        with closing(load_model(name)) as model, Store(directory) as store:
            counts = run(model, items, modes, store, progress=False)
        runs.append(Run(name, model.revision, {}, {}, counts.responses, counts.stored, counts.asked))
    return runs


def test_a_real_model_is_asked_every_rotation_once(tmp_path: Path, file: RecipeFile) -> None:
    pool = load_pool(file.recipe, tmp_path / "data")
    output = tmp_path / "out"
    _, decisions = curate(file, pool, output, run_models=here)
    stored = load_responses([output / RESPONSES])
    questions = sum(len(item.options) for item in pool)
    assert len(stored) == len({response.key for response in stored}) == len(PANEL) * questions
    answers = {(r.model, r.item): r for r in stored}
    evidence = {
        entry.item.id: entry.evidence[Mode.TEXT]
        for name in (ITEMS, DROPPED)
        for entry in read_entries(output / name, tmp_path)
    }
    for item in pool:
        asked = [item, *rotations([item])]
        right = sum(all(answers[model, a.id].choice == a.answer for a in asked) for model in PANEL)
        assert evidence[item.id][0] == right
    assert any(right for right, _ in evidence.values())
    again = here(PANEL, rotations(pool), [Mode.TEXT], output / RESPONSES)
    assert {(r.asked, r.stored) for r in again} == {(0, questions - len(pool))}
    assert of_benchmark(output).whole.kept.sum() == len(decisions.survivors)


def test_shifts_need_text_mode() -> None:
    with pytest.raises(InputError, match="shifts: true rotates the options in text mode"):
        load_recipe(
            "synthetic",
            {
                "filter": {
                    "method": "chance_aware", "modes": ["frame"], "margin": 0.0, "fdr": 0.1,
                    "family_correlation": "estimate", "shifts": True, "min_votes": 4,
                }
            },
        )  # fmt: skip


def test_answers_keep_their_other_modes(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    plain = make_answers({"m": {Mode.TEXT: "1", Mode.FRAME: "0"}}, [make_item(0)])
    found = under_all_rotations(plain, [])
    assert found.scores(Mode.FRAME).tolist() == [[0]]
    assert found.scores(Mode.TEXT).tolist() == [[-1]]
