"""The scores of many models on the items of one mode: what selection, validation and item analysis work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Answers, Bools, Codes
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.types import Mode


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """One row per model, one column per item.

    scores: int8 [models, items], RIGHT, NOT_RIGHT or NO_VOTE. families [models]: what is not independent of
    each other (sizes, frame budgets, reruns of one) shares one. videos: the items' clusters. categories [items]: empty
    where not known. chance [items]: of a blind guess, nan where the number of options is not known.
    """

    scores: Codes
    models: tuple[str, ...]
    families: tuple[str, ...]
    ids: tuple[str, ...]
    videos: Partition
    categories: tuple[str, ...]
    chance: Floats

    def of(self, rows: Sequence[int] | NDArray[np.intp] | Bools) -> Matrix:
        """The scores of some models, given by mask or by position."""
        chosen = np.arange(len(self.models))[np.asarray(rows)]
        return Matrix(
            self.scores[chosen],
            tuple(self.models[i] for i in chosen),
            tuple(self.families[i] for i in chosen),
            self.ids,
            self.videos,
            self.categories,
            self.chance,
        )

    def at(self, columns: Sequence[int] | NDArray[np.intp] | Bools) -> Matrix:
        """The scores on some items, given by mask or by position."""
        chosen = np.arange(len(self.ids))[np.asarray(columns)]
        return Matrix(
            self.scores[:, chosen],
            self.models,
            self.families,
            tuple(self.ids[i] for i in chosen),
            partition([int(code) for code in self.videos.codes[chosen]]),
            tuple(self.categories[i] for i in chosen),
            self.chance[chosen],
        )


def matrix_of(answers: Answers, mode: Mode, families: Mapping[str, str]) -> Matrix:
    """The scores that `answers` give in `mode`. families: model -> family; a model without one is its own."""
    return Matrix(
        scores=answers.scores(mode),
        models=answers.models,
        families=tuple(families.get(model, model) for model in answers.models),
        ids=tuple(item.id for item in answers.items),
        videos=answers.videos,
        categories=tuple(item.category or "" for item in answers.items),
        chance=answers.chance,
    )
