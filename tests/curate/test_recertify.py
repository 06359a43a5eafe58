"""A benchmark judged again with new models: what fails, how blind it is, what moved, and odd input."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.curate.answers import Answers
from apollobench.curate.panel import Run
from apollobench.curate.pipeline import curate
from apollobench.curate.recertify import Recertification, judge_again
from apollobench.errors import InputError
from apollobench.evaluate.store import Store
from apollobench.recipe import Recipe, RecipeFile, load_recipe
from apollobench.report.recertified import recertification_json, recertification_markdown
from apollobench.types import CATEGORIES, Item, Mode, Response, Status, digest

PANEL = tuple(f"p{i}" for i in range(5))
NEW = ("n0", "n1", "n2")
SIZE = 60


def recipe(**filters: object) -> Recipe:
    changes = {"panel": list(PANEL), "held_out": [], "filter.min_votes": 3, "filter.modes": ["text"]}
    extra = {f"filter.{name}": value for name, value in filters.items()}
    return load_recipe("synthetic", {**changes, **extra, "validation.bootstrap": 100}).recipe


@pytest.fixture
def pool(make_item: Callable[..., Item]) -> list[Item]:
    return [replace(make_item(i, video=f"v{i // 2}"), category=CATEGORIES[i % 4]) for i in range(SIZE)]


def letters(rng: np.random.Generator, share: float) -> str:
    return "".join("1" if x < share else "0" for x in rng.random(SIZE))


def marks(new_blind: dict[str, str]) -> dict[str, dict[Mode, str]]:
    """Panel: blind on nothing, right on a third of the videos. New: blind as given, right on two thirds."""
    rng = np.random.default_rng(0)
    found = {m: {Mode.TEXT: "0" * SIZE, Mode.VIDEO: letters(rng, 0.33)} for m in PANEL}
    found |= {m: {Mode.TEXT: text, Mode.VIDEO: letters(rng, 0.67)} for m, text in new_blind.items()}
    return found


def judged(answers: Answers, new: Sequence[str] = NEW, max_failed: float = 0.1, **filters: object) -> Recertification:
    kept = {item.id for item in answers.items}
    return judge_again("toy", recipe(**filters), answers, PANEL, new, kept, max_failed)


def test_what_new_models_solve_blind_fails(make_answers: Callable[..., Answers], pool: list[Item]) -> None:
    """Three new models answer ten items blind: three of eight votes, more than 30 %, not more than 50 %."""
    blind = "1" * 10 + "0" * (SIZE - 10)
    answers = make_answers(marks(dict.fromkeys(NEW, blind)), pool)
    lax, strict = judged(answers), judged(answers, threshold=0.3)
    assert (len(lax.failures), lax.exit_code) == (0, 0)
    assert (len(strict.failures), strict.examined, strict.exit_code) == (10, SIZE, 1)
    assert [f.item.id for f in strict.failures] == [f"toy/{i}" for i in range(10)]
    assert strict.failures[0].verdict.reason == "3 of 8 models are right in text mode: more than 30%"
    assert not any(f.already for f in strict.failures)
    assert judged(answers, threshold=0.3, max_failed=0.2).exit_code == 0
    own = {(a.items, a.mode): a.accuracy for a in strict.blind}
    assert own["kept", Mode.TEXT].value == pytest.approx(10 / SIZE)
    assert own["still holding", Mode.TEXT].value == 0
    assert {items for items, _ in own} == {"kept", "still holding", *CATEGORIES[:4]}
    assert all(a.accuracy.value == 0 for a in strict.voters)


def test_drift_and_ranks(make_answers: Callable[..., Answers], pool: list[Item]) -> None:
    found = judged(make_answers(marks(dict.fromkeys(NEW, "10" * (SIZE // 2))), pool), threshold=0.3)
    video = next(d for d in found.drifts if d.mode is Mode.VIDEO)
    assert video.shift["all"].low < 0.34 < video.shift["all"].high
    assert video.shift["all"].low > 0
    assert set(video.shift) == {"all", *CATEGORIES[:4]}
    assert -1 <= video.difficulty.low <= video.difficulty.value <= video.difficulty.high <= 1
    assert [s.new for s in found.standings] == [True] * 3 + [False] * 5
    assert [s.all for s in found.standings] == sorted((s.all for s in found.standings), reverse=True)
    assert -1 <= found.ranks <= 1
    text = recertification_markdown(found)
    assert "# Recertification of toy: does not hold" in text
    assert "OCR" in text
    told = json.loads(json.dumps(recertification_json(found), allow_nan=False))
    assert told["failed"] == pytest.approx(0.5)
    assert told["failures"][0]["votes"] == {"text": [3, 8]}


def test_chance_aware_judges_on_the_whole_pool(make_answers: Callable[..., Answers], pool: list[Item]) -> None:
    rule = {
        "method": "chance_aware", "modes": ["text"], "margin": 0.0, "fdr": 0.1, "family_correlation": "estimate",
        "shifts": False, "min_votes": 3,
    }  # fmt: skip
    spec = Recipe.model_validate(recipe().model_dump(mode="json") | {"filter": rule})
    new = {f"n{i}": "1" * 10 + "0" * (SIZE - 10) for i in range(12)}
    new = {name: text[:-1] + str(i % 2) for i, (name, text) in enumerate(new.items())}
    answers = make_answers(marks(new), pool)
    kept = {item.id for item in pool[:30]}
    found = judge_again("toy", spec, answers, PANEL, list(new), kept, 0.1)
    assert len(found.failures) == 10
    assert found.examined == 30
    assert found.failures[0].verdict.q is not None


def test_a_copy_of_another_model_does_not_vote_twice(make_answers: Callable[..., Answers], pool: list[Item]) -> None:
    given = marks(dict.fromkeys(NEW, "1" * 10 + "0" * (SIZE - 10)))
    given["n1"] = given["n0"]
    found = judged(make_answers(given, pool), threshold=0.3)
    assert found.new == ("n0", "n2")
    assert not found.failures
    assert "n1 answers everything as n0 does, and was left out as a copy of it" in found.warnings
    given = {**marks({}), "n0": marks({})["p0"]}
    with pytest.raises(InputError, match=r"no new model .* n0 answers everything as p0 does"):
        judged(make_answers(given, pool), new=["n0"])
    with pytest.raises(InputError, match=r"no new model .* there is none beside the panel"):
        judged(make_answers(given, pool), new=[])


def test_gaps_constant_models_and_a_category_nobody_new_answered(
    make_answers: Callable[..., Answers], pool: list[Item]
) -> None:
    gaps = "".join("-" if item.category == "Spatial" else "0" for item in pool)
    given = marks({"n0": gaps, "n1": gaps[:-1] + "1"})
    found = judged(make_answers(given, pool), new=["n0", "n1"])
    assert found.examined == SIZE - 15
    text = "\n".join(found.warnings)
    assert "15 items were answered by no new model in the filter's modes, and were not examined" in text
    assert "n0 answered 45 of 60 items in text mode" in text
    assert "n0 has no answer right in text mode; its votes count" in text
    assert ("Spatial", Mode.TEXT) not in {(a.items, a.mode) for a in found.blind}
    drift = next(d for d in found.drifts if d.mode is Mode.TEXT)
    assert "Spatial" not in drift.shift
    assert recertification_markdown(found)


def test_new_models_without_the_filters_modes_cannot_tell(
    make_answers: Callable[..., Answers], pool: list[Item]
) -> None:
    given = marks(dict.fromkeys(NEW, "-" * SIZE))
    with pytest.raises(InputError, match="did not answer in text mode"):
        judged(make_answers(given, pool))


def by_number(name: str, mode: Mode, items: Sequence[Item], blind: int) -> list[Response]:
    """Answers of a model that is right without video on the first `blind` items, and on two in three with it."""
    salt = sum(map(ord, name))
    right = [i < blind if mode is not Mode.VIDEO else (i + salt) % 3 > 0 for i in range(len(items))]
    return [
        Response(digest([name, mode, item.id]), item.id, name, mode, Status.OK, "", choice, None, None)
        for item, yes in zip(items, right, strict=True)
        for choice in [item.answer if yes else (item.answer + 1) % len(item.options)]
    ]


@pytest.fixture
def curated(tmp_path: Path, pool: list[Item]) -> tuple[Path, list[Item]]:
    """A benchmark whose panel knew nothing blind, with its responses stored."""
    labels = [
        ("mvbench", {"task": "character_order"}),
        ("mvbench", {"task": "egocentric_navigation"}),
        ("nextqa", {"type": "DL"}),
        ("nextqa", {"type": "TN"}),
    ]
    items = []
    for number, item in enumerate(pool):
        source, native = labels[number % 4]
        path = tmp_path / "media" / item.video.path.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(item.video.id.encode())
        items.append(
            replace(item, id=f"{source}/{number}", category=None, native=native, video=replace(item.video, path=path))
        )

    def answers(models: Sequence[str], asked: Sequence[Item], modes: Sequence[Mode], directory: Path) -> list[Run]:
        runs = []
        with Store(directory) as store:
            for model in models:
                made = [r for mode in modes for r in by_number(model, mode, asked, 0)]
                store.append(made)
                runs.append(Run(model, "1", {}, {}, tuple(made)))
        return runs

    file = RecipeFile(recipe(), "small.yaml", json.dumps(recipe().model_dump(mode="json")))
    curate(file, items, tmp_path / "bench", run_models=answers)
    return tmp_path / "bench", items


def test_on_the_command_line(curated: tuple[Path, list[Item]], tmp_path: Path) -> None:
    bench, items = curated
    with Store(tmp_path / "new" / "responses") as store:
        for i in range(7):
            name = f"newcomer-{chr(97 + i)}"
            store.append([r for mode in (Mode.TEXT, Mode.VIDEO) for r in by_number(name, mode, items, 9 + i)])
    run = CliRunner().invoke(app, ["recertify", str(bench), "--responses", str(tmp_path / "new")])
    assert run.exit_code == 1, run.output
    assert "does not hold" in run.output
    assert (bench / "recertification" / "recertify.md").read_text() in run.output
    told = json.loads((bench / "recertification" / "recertify.json").read_text())
    assert told["examined"] == SIZE
    assert len(told["failures"]) == 9
    lax = ["--max-failed", "0.2", "--output_path", str(tmp_path / "report")]
    assert CliRunner().invoke(app, ["recertify", str(bench), "--responses", str(tmp_path / "new"), *lax]).exit_code == 0
    again = CliRunner().invoke(app, ["jackknife", str(bench)])
    assert again.exit_code == 0, again.output
    assert len((bench / "jackknife" / "stability.csv").read_text().splitlines()) == SIZE + 1


def test_folders_without_what_is_needed_are_named(curated: tuple[Path, list[Item]], tmp_path: Path) -> None:
    bench, items = curated
    (tmp_path / "empty").mkdir()
    run = CliRunner().invoke(app, ["recertify", str(bench), "--responses", str(tmp_path / "empty")])
    assert run.exit_code == 2
    assert "no responses in it" in run.output
    with Store(tmp_path / "new" / "responses") as store:
        store.append(by_number("n", Mode.TEXT, items, 1))
    (bench / "responses").rename(tmp_path / "gone")
    run = CliRunner().invoke(app, ["recertify", str(bench), "--responses", str(tmp_path / "new")])
    assert run.exit_code == 2
    assert "none of its panel's answers is stored" in run.output
