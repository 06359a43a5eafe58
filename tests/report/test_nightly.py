"""The gate with a history: nights are counted, spend their share, and cannot be bargained with."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.report.gate import gate, verdict_markdown
from apollobench.report.nightly import gate_tonight, read_history
from apollobench.stats.sequential import nightly_alpha

from .conftest import Write


def guesses(write: Write, name: str, share: float = 0.7) -> Path:
    draw = random.Random(name)
    right = [draw.random() < share for _ in range(200)]
    return write(name, right.__getitem__)


def test_every_night_spends_its_share(write: Write, tmp_path: Path) -> None:
    baseline, history = guesses(write, "release"), tmp_path / "ci" / "gate.jsonl"
    for night in (1, 2, 3):
        candidate = guesses(write, f"night {night}")
        verdict = gate_tonight(baseline, candidate, history)
        assert (verdict.night, verdict.alpha) == (night, 0.05)
        alone = gate(baseline, candidate, alpha=nightly_alpha(0.05, night))
        assert verdict.overall == alone.overall
        assert f"Night {night} of this baseline" in verdict_markdown(verdict)
    kept = read_history(history)
    assert [n.night for n in kept] == [1, 2, 3]
    assert [n.spent for n in kept] == [nightly_alpha(0.05, n) for n in (1, 2, 3)]


def test_the_same_candidate_is_the_same_night(write: Write, tmp_path: Path) -> None:
    baseline, candidate, history = guesses(write, "release"), guesses(write, "tonight"), tmp_path / "gate.jsonl"
    first = gate_tonight(baseline, candidate, history)
    gate_tonight(baseline, guesses(write, "tomorrow"), history)
    assert gate_tonight(baseline, candidate, history) == first
    assert len(read_history(history)) == 2


def test_another_baseline_or_mode_begins_anew(write: Write, tmp_path: Path) -> None:
    history = tmp_path / "gate.jsonl"
    gate_tonight(guesses(write, "old"), guesses(write, "a"), history)
    assert gate_tonight(guesses(write, "new"), guesses(write, "b"), history).night == 1


def test_a_clear_loss_still_fails_after_a_year(write: Write, tmp_path: Path) -> None:
    baseline, history = write("release", lambda n: n % 10 != 0), tmp_path / "gate.jsonl"
    gate_tonight(baseline, guesses(write, "first"), history)
    line = json.loads(history.read_text())
    lines = [json.dumps(line | {"night": night, "candidate": str(night)}) for night in range(1, 366)]
    history.write_text("\n".join(lines) + "\n")
    verdict = gate_tonight(baseline, write("broken", lambda n: n % 10 not in (0, 3, 6, 8)), history)
    assert verdict.night == 366
    assert verdict.exit_code == 1


@pytest.mark.parametrize("changed", [{"alpha": 0.1}, {"margin": 0.01}])
def test_the_promise_cannot_be_changed_on_the_way(write: Write, tmp_path: Path, changed: dict[str, float]) -> None:
    baseline, history = guesses(write, "release"), tmp_path / "gate.jsonl"
    gate_tonight(baseline, guesses(write, "a"), history)
    with pytest.raises(InputError, match=r"night 1 of this baseline had alpha 0.05 and margin 0.0"):
        gate_tonight(baseline, guesses(write, "b"), history, **changed)


@pytest.mark.parametrize("line", ["{", '{"night": 1}', "[]"])
def test_a_damaged_history_is_refused(write: Write, tmp_path: Path, line: str) -> None:
    history = tmp_path / "gate.jsonl"
    history.write_text(line + "\n")
    with pytest.raises(InputError, match="line 1: not a line of a gate's history"):
        gate_tonight(guesses(write, "release"), guesses(write, "a"), history)
