"""Do two lists of scores rank the same models alike?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apollobench.stats.clusters import Floats


def kendall_tau(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> float:
    """Kendall's tau-b of two score lists [n], corrected for ties; nan when either list is all ties (no ranking in it).

    Raises ValueError on unequal lengths or fewer than two scores.
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or a.size < 2:
        raise ValueError(f"two lists of at least two scores each, got shapes {a.shape} and {b.shape}")
    return float(kendalltau(a, b, variant="b").statistic)
