"""The cluster bootstrap: means of several score lists over the same resamples of whole clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apollobench.stats.clusters import Floats, Partition, as_scores

_CELLS = 4_000_000


def resampled_means(
    rows: Sequence[Sequence[float]] | Floats, clusters: Partition, *, draws: int = 2000, seed: int = 0
) -> Floats:
    """Means of every row of scores [rows, n] over `draws` resamples of clusters: [draws, rows].

    All rows are taken over the same resamples, so that their differences and ranks may be read off each draw. One
    seed, one result. Raises ValueError on empty, unequal or non-finite input.
    """
    sums = np.array([clusters.sums(as_scores(row, clusters)) for row in rows]).T
    if not sums.size:
        raise ValueError("no scores")
    sizes, count = clusters.sizes(), clusters.count
    rng = np.random.default_rng(seed)
    share = np.full(count, 1 / count)
    block = max(1, _CELLS // count)
    parts = []
    for start in range(0, draws, block):
        times = rng.multinomial(count, share, size=min(block, draws - start)).astype(np.float64)
        parts.append((times @ sums) / (times @ sizes)[:, None])
    return np.concatenate(parts)
