"""The one partition of items into clusters (videos) that every clustered statistic takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """codes: int [n], the cluster number of each item; count: how many clusters there are."""

    codes: NDArray[np.intp]
    count: int

    def sums(self, values: Floats) -> Floats:
        """Sum of `values` [n] in each cluster: [count]."""
        return np.bincount(self.codes, weights=values, minlength=self.count).astype(np.float64)

    def sizes(self) -> Floats:
        """Items in each cluster: [count]."""
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)

    def where(self, mask: NDArray[np.bool_]) -> Partition:
        """The partition of the items where `mask` [n] is true; clusters left empty disappear."""
        return _numbered(self.codes[mask])


def partition(labels: Sequence[str] | Sequence[int]) -> Partition:
    """Items with equal labels share a cluster."""
    return _numbered(np.asarray(labels))


def as_scores(values: Sequence[float] | Floats, clusters: Partition) -> Floats:
    """`values` as float64 [n], checked against the partition. Raises ValueError when empty, unequal or not finite."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.shape != clusters.codes.shape:
        raise ValueError(f"{scores.shape} scores for {clusters.codes.shape} cluster labels")
    if not scores.size:
        raise ValueError("no scores")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    return scores


def _numbered(labels: NDArray[np.generic]) -> Partition:
    names, codes = np.unique(labels, return_inverse=True)
    return Partition(codes.reshape(-1), len(names))
