"""Item analysis: everything that recorded answers tell of each single item, one card per item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apollobench.benchmark import is_benchmark
from apollobench.curate.answers import MISSING, NO_VOTE, RIGHT, STATUSES, Answers, Codes
from apollobench.curate.itemtypes import Solving, State, item_types, solving, units
from apollobench.curate.matrix import Matrix, matrix_of
from apollobench.curate.oddities import oddities
from apollobench.curate.recorded import families, read_matrices, recorded_answers
from apollobench.curate.suspicion import Evidence, Reason, reasons, suspicion
from apollobench.errors import InputError
from apollobench.stats.clusters import Floats, partition
from apollobench.stats.dif import Shift, Shifts, family_shifts
from apollobench.stats.interval import Estimate, clustered_proportion
from apollobench.stats.itemresponse import ItemResponse, Kind, fit_irt
from apollobench.stats.itemrest import ItemRest, item_rest
from apollobench.types import LETTERS, Mode, Status, Truth
from apollobench.video.register import noted_faults


@dataclass(frozen=True, slots=True)
class ModeCard:
    """One item in one mode.

    answers: model -> the letter it chose, else the status; `right` or `wrong` where only scores are known; `missing`.
    chosen: how many models chose each option; empty where choices are not known. accuracy: share right, its interval
    over independent models (families), None where nobody voted; difficulty is one minus that. state: see `itemtypes`.
    """

    answers: Mapping[str, str]
    chosen: tuple[int, ...]
    accuracy: Estimate | None
    state: State
    p_guess: float | None
    p_half: float | None


@dataclass(frozen=True, slots=True)
class ItemCard:
    """All that is known of an item. question, options, key: empty where the matrix does not have them.

    item_rest, item_rest_se: corrected item-rest correlation in video mode (else in the mode that there is), None where
    it is not defined. difficulty, discrimination: of the item response model, posterior mean and deviation, None where
    none was fitted; discrimination is None in a Rasch model. shifts: families that do better or worse here than their
    abilities say. suspicion: sum of the reasons' weights in bans.
    """

    id: str
    video: str
    category: str
    question: str
    options: tuple[str, ...]
    key: str
    chance: float | None
    modes: Mapping[Mode, ModeCard]
    type: str
    item_rest: float | None
    item_rest_se: float | None
    difficulty: float | None
    difficulty_se: float | None
    discrimination: float | None
    discrimination_se: float | None
    shifts: tuple[Shift, ...]
    suspicion: float
    reasons: tuple[Reason, ...]
    truth: Truth | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is analysed. answers: None where the data are a matrix of scores. faults: position -> fault of the file."""

    matrices: Mapping[Mode, Matrix]
    answers: Answers | None
    faults: Mapping[int, str]

    @property
    def mode(self) -> Mode:
        """The mode whose answers tell items and models apart: video, else the one that sees most of those there are."""
        return next(m for m in (Mode.VIDEO, Mode.SHUFFLED, Mode.FRAME, Mode.TEXT) if m in self.matrices)

    @property
    def matrix(self) -> Matrix:
        return self.matrices[self.mode]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The cards, in the order of the items, and what stands behind them. irt: None where it was not asked or cannot be
    fitted, for the reason that then stands in `notes`. by_family: whether families, and not models, have the votes."""

    subject: Subject
    cards: tuple[ItemCard, ...]
    level: float
    by_family: bool
    irt: ItemResponse | None
    shifts: Shifts | None
    notes: tuple[str, ...]


def read_subject(path: Path, more: Sequence[Path] = (), options: int | None = None) -> Subject:
    """A benchmark with all recorded answers to its pool, or a matrix of scores.

    options: how many options an item has where the matrix does not say. Raises InputError as `read_matrices` does, and
    for folders of responses beside a matrix.
    """
    if is_benchmark(path):
        answers = recorded_answers(path, more)
        known = families(answers.models)
        found = {n: noted_faults(item.video.path) for n, item in enumerate(answers.items)}
        faults = {n: "; ".join(f"{f.kind}: {f.text}" for f in held) for n, held in found.items() if held}
        return Subject({mode: matrix_of(answers, mode, known) for mode in answers.modes}, answers, faults)
    if more:
        raise InputError(f"{path}: a matrix of scores takes no further responses; they need a benchmark's items")
    matrices = read_matrices(path)
    if options is not None:
        matrices = {
            mode: replace(m, chance=np.where(np.isnan(m.chance), 1 / options, m.chance)) for mode, m in matrices.items()
        }
    return Subject(matrices, None, {})


def analyse(subject: Subject, *, level: float = 0.05, by_family: bool = True, irt: Kind | None = "rasch") -> Analysis:
    """Makes the card of every item. level: false discovery rate of the states that types rest on, and of shifts."""
    matrix = subject.matrix
    unit = units(matrix, by_family)
    voted = matrix.scores != NO_VOTE
    counts = np.array([voted[unit == name].any(axis=0) for name in np.unique(unit)]).sum(axis=0)
    rest = item_rest(matrix.scores, counts)
    solved = {mode: solving(m, level, by_family) for mode, m in subject.matrices.items()}
    types = item_types(solved)
    own = subject.mode is Mode.VIDEO
    found = reasons(Evidence(subject.answers if own else None, unit, tuple(types), solved, rest, subject.faults))
    fit, notes = _fit(matrix, irt)
    shifts = family_shifts(matrix.scores, fit.ability, matrix.families, level) if fit and fit.kind == "rasch" else None
    modes = {mode: _mode_cards(subject, mode, judged) for mode, judged in solved.items()}
    cards = tuple(
        _card(subject, n, {mode: told[n] for mode, told in modes.items()}, types[n], rest, fit, found.get(n, ()))
        for n in range(len(matrix.ids))
    )
    return Analysis(
        subject=subject,
        cards=_with_shifts(cards, shifts),
        level=level,
        by_family=len(set(unit.tolist())) < len(matrix.models),
        irt=fit,
        shifts=shifts,
        notes=(*_repeated(subject), *oddities(matrix), *notes),
    )


def _fit(matrix: Matrix, kind: Kind | None) -> tuple[ItemResponse | None, list[str]]:
    if kind is None:
        return None, []
    try:
        fit = fit_irt(matrix.scores, kind)
    except ValueError as error:
        return None, [f"no item response model: {error}"]
    return fit, [f"item response model: {fit.warning}"] if fit.warning else []


def _repeated(subject: Subject) -> list[str]:
    if subject.answers is None or not subject.answers.repeated:
        return []
    return [f"{subject.answers.repeated:,} responses were left aside: a later one answers the same question"]


def _card(
    subject: Subject,
    n: int,
    modes: Mapping[Mode, ModeCard],
    kind: str,
    rest: ItemRest,
    fit: ItemResponse | None,
    why: tuple[Reason, ...],
) -> ItemCard:
    matrix, item = subject.matrix, subject.answers.items[n] if subject.answers else None
    return ItemCard(
        id=matrix.ids[n],
        video=item.video.id if item else str(matrix.videos.codes[n]),
        category=matrix.categories[n],
        question=item.question if item else "",
        options=item.options if item else (),
        key=LETTERS[item.answer] if item else "",
        chance=_known(matrix.chance, n),
        modes=modes,
        type=kind,
        item_rest=_known(rest.r, n),
        item_rest_se=_known(rest.se, n),
        difficulty=_known(fit.difficulty, n) if fit else None,
        difficulty_se=_known(fit.difficulty_se, n) if fit else None,
        discrimination=_known(fit.discrimination, n) if fit and fit.kind == "2pl" else None,
        discrimination_se=_known(fit.discrimination_se, n) if fit and fit.kind == "2pl" else None,
        shifts=(),
        suspicion=suspicion(why),
        reasons=why,
        truth=item.truth if item else None,
    )


def _mode_cards(subject: Subject, mode: Mode, found: Solving) -> list[ModeCard]:
    """One mode of every item. Items with the same scores have the same accuracy, which is computed once."""
    matrix, answers = subject.matrices[mode], subject.answers
    unit = units(matrix, found.by_family)
    known: dict[bytes, Estimate | None] = {}
    cards = []
    for n, scores in enumerate(matrix.scores.T):
        pattern = scores.tobytes()
        if pattern not in known:
            known[pattern] = _accuracy(scores, unit)
        chosen: tuple[int, ...] = ()
        if answers is not None:
            choice = answers.choice[mode][:, n]
            chosen = tuple(np.bincount(choice[choice >= 0], minlength=len(answers.items[n].options)).tolist())
        cards.append(
            ModeCard(
                answers=_told(subject, mode, n),
                chosen=chosen,
                accuracy=known[pattern],
                state=found.state[n],
                p_guess=_known(found.p_guess, n),
                p_half=_known(found.p_half, n),
            )
        )
    return cards


def _accuracy(scores: Codes, unit: NDArray[np.int64]) -> Estimate | None:
    voted = scores != NO_VOTE
    if not voted.any():
        return None
    return clustered_proportion((scores[voted] == RIGHT).astype(np.float64), partition(unit[voted].tolist()))


def _told(subject: Subject, mode: Mode, n: int) -> dict[str, str]:
    """Model -> what it answered."""
    matrix, answers = subject.matrices[mode], subject.answers
    if answers is None:
        names = {RIGHT: "right", NO_VOTE: "missing"}
        return {m: names.get(int(s), "wrong") for m, s in zip(matrix.models, matrix.scores[:, n], strict=True)}
    status, choice = answers.status[mode][:, n], answers.choice[mode][:, n]
    return {
        model: "missing" if s == MISSING else LETTERS[c] if STATUSES[s] is Status.OK else str(STATUSES[s])
        for model, s, c in zip(matrix.models, status, choice, strict=True)
    }


def _with_shifts(cards: tuple[ItemCard, ...], shifts: Shifts | None) -> tuple[ItemCard, ...]:
    by_item: dict[int, list[Shift]] = {}
    for shift in shifts.found if shifts else ():
        by_item.setdefault(shift.item, []).append(shift)
    return tuple(replace(card, shifts=tuple(by_item[n])) if n in by_item else card for n, card in enumerate(cards))


def _known(values: Floats, n: int) -> float | None:
    return None if np.isnan(values[n]) else float(values[n])
