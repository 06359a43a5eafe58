"""What a table of variants at several model sizes says: each size against each larger one, and all against the largest.

Section 3 and Tables 14 and 15 of the Apollo paper (arXiv 2412.10360).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from apollobench.errors import InputError
from apollobench.stats.clusters import Floats
from apollobench.stats.interval import t_quantile
from apollobench.stats.scaling import (
    Ceiling,
    Consistency,
    Plateau,
    SizeFit,
    consistency,
    noise_ceiling,
    plateau,
    size_fit,
)

if TYPE_CHECKING:
    import pandas as pd

VARIANT = ["design_id", "data_mixture"]
_BILLIONS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?([bBmM])(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Noise:
    """Where the error of a score comes from. items: how many each score rests on; None takes the table's intervals.

    item_correlation: of two variants' errors on the same items, see `noise_ceiling`.
    """

    items: int | None = None
    item_correlation: float = 0.0


NO_ITEMS = Noise()


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """The variants that two sizes have in common: x, y [variants] in the table's units, and how consistent they are.

    x_bounds, y_bounds [variants, 2]: the ends of the scores' intervals, nan where not known.
    """

    small: str
    large: str
    designs: tuple[str, ...]
    mixtures: tuple[str, ...]
    x: Floats
    y: Floats
    x_bounds: Floats
    y_bounds: Floats
    found: Consistency
    ceiling: Ceiling | None


@dataclass(frozen=True, slots=True)
class Scaling:
    """sizes: from the smallest; billions of parameters by size, where known. notes: what was left out, and why."""

    sizes: tuple[str, ...]
    billions: Mapping[str, float]
    pairings: tuple[Pairing, ...]
    fit: SizeFit | None
    plateaus: Mapping[str, Plateau]
    notes: tuple[str, ...]

    @property
    def to_largest(self) -> tuple[Pairing, ...]:
        """Each size against the largest."""
        return tuple(pairing for pairing in self.pairings if pairing.large == self.sizes[-1])


def scaling(
    table: pd.DataFrame, noise: Noise = NO_ITEMS, *, margin: float = 0.02, notes: Sequence[str] = (), seed: int = 0
) -> Scaling:
    """Compares sizes over a table of llm, design_id, data_mixture and average in percent, a row per variant and size.

    Further columns, nan where not known: low and high (95 % interval of average), parameters, samples (training
    samples: sizes are compared after the most, and a plateau over them is looked for; `margin`: of R2).
    notes: of reading the table, to go on with.
    Raises InputError when no two sizes have three variants in common.
    """
    told = list(notes)
    billions = _sizes_in_billions(table)
    names = list(dict.fromkeys(table["llm"]))
    sizes = sorted(names, key=billions.__getitem__) if len(billions) == len(names) else names
    if len(sizes) < 2:
        raise InputError(f"one size ({', '.join(sizes)}); scaling compares the same variants at two or more")
    last = {
        llm: rows[rows["samples"].isna() | (rows["samples"] == rows["samples"].max())] for llm, rows in _by_llm(table)
    }
    pairings = []
    for small, large in combinations(sizes, 2):
        try:
            pairings.append(_pairing(small, large, last[small], last[large], noise, told, seed))
        except ValueError as error:
            why = str(error).replace("the first", small).replace("the second", large).replace("model", "variant")
            told.append(f"{small} against {large} left out: {why}")
    if not pairings:
        raise InputError("; ".join(told))
    found = Scaling(tuple(sizes), billions, tuple(pairings), None, {}, ())
    fit = _fit(found, last, told, seed)
    plateaus = _plateaus(table, sizes[-1], last[sizes[-1]], sizes[:-1], margin, told, seed)
    return Scaling(found.sizes, billions, found.pairings, fit, plateaus, tuple(told))


def _by_llm(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(llm), rows) for llm, rows in table.groupby("llm", sort=False)]


def _pairing(
    small: str,
    large: str,
    first: pd.DataFrame,
    second: pd.DataFrame,
    noise: Noise,
    notes: list[str],
    seed: int,
) -> Pairing:
    both = first.merge(second, on=VARIANT, suffixes=("_x", "_y"))
    alone = len(first) + len(second) - 2 * len(both)
    if alone:
        notes.append(f"{small} against {large}: {alone} variants are there at one of the sizes only")
    designs, mixtures = (tuple(both[name].astype(str)) for name in VARIANT)
    x, y = (both[f"average_{side}"].to_numpy(np.float64) for side in "xy")
    strata = mixtures if 1 < len(set(mixtures)) < len(both) else None
    x_bounds, y_bounds = (both[[f"low_{side}", f"high_{side}"]].to_numpy(np.float64) for side in "xy")
    found = consistency(x, y, designs, strata, seed=seed)
    se_x, se_y = _errors(x, x_bounds, noise), _errors(y, y_bounds, noise)
    known = np.isfinite(se_x).all() and np.isfinite(se_y).all()
    ceiling = noise_ceiling(x, y, se_x, se_y, noise.item_correlation) if known else None
    return Pairing(small, large, designs, mixtures, x, y, x_bounds, y_bounds, found, ceiling)


def _errors(scores: Floats, bounds: Floats, noise: Noise) -> Floats:
    """Standard errors [variants] in percent: binomial for a number of items, else half the interval over 1.96."""
    if noise.items is not None:
        share = np.clip(scores / 100, 0, 1)
        return np.asarray(100 * np.sqrt(share * (1 - share) / noise.items))
    return np.asarray((bounds[:, 1] - bounds[:, 0]) / (2 * t_quantile(0.95, 10**6)))


def _fit(found: Scaling, last: Mapping[str, pd.DataFrame], notes: list[str], seed: int) -> SizeFit | None:
    """Over the variants that all sizes have."""
    if len(found.billions) < len(found.sizes):
        unknown = [size for size in found.sizes if size not in found.billions]
        notes.append(f"no fit over sizes: how large is {unknown[0]}? Add a column parameters, or name it as in 7B")
        return None
    common = last[found.sizes[0]][VARIANT]
    for size in found.sizes[1:]:
        common = common.merge(last[size][VARIANT], on=VARIANT)
    scores = [common.merge(last[size], on=VARIANT)["average"].to_numpy(np.float64) for size in found.sizes]
    billions = [found.billions[size] for size in found.sizes[:-1]]
    try:
        return size_fit(billions, scores[:-1], scores[-1], common["design_id"], seed=seed)
    except ValueError as error:
        notes.append(f"no fit over sizes: {error}")
        return None


def _plateaus(
    table: pd.DataFrame,
    largest: str,
    target: pd.DataFrame,
    others: Sequence[str],
    margin: float,
    notes: list[str],
    seed: int,
) -> dict[str, Plateau]:
    found = {}
    for llm, rows in _by_llm(table[table["samples"].notna()]):
        amounts = sorted(rows["samples"].unique())
        if llm not in others or len(amounts) < 2:
            continue
        wide = rows.pivot(index=VARIANT, columns="samples", values="average").dropna()
        both = target.set_index(VARIANT)["average"].reindex(wide.index).dropna()
        small = [wide.loc[both.index, amount].to_numpy(np.float64) for amount in amounts]
        try:
            found[llm] = plateau(amounts, small, both, both.index.get_level_values(0), margin, seed=seed)
        except ValueError as error:
            notes.append(f"no plateau of {llm} against {largest}: {error}")
    return found


def _sizes_in_billions(table: pd.DataFrame) -> dict[str, float]:
    """By the mean of the column parameters, else by the name: 7 for Qwen2-7B-Instruct. Sizes not known are left out."""
    found = {}
    for llm, rows in _by_llm(table):
        parameters = float(rows["parameters"].mean())
        named = _BILLIONS.search(llm)
        if not np.isnan(parameters):
            found[llm] = parameters / 1e9
        elif named:
            found[llm] = float(named[1]) / (1 if named[2] in "bB" else 1000)
    return found
