"""Many tests at once: which discoveries stand when the false ones among them are to stay few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apollobench.stats.clusters import Floats


def benjamini_hochberg(p_values: Sequence[float] | Floats) -> Floats:
    """Step-up adjusted p-values [n], in the order given (Benjamini and Hochberg 1995); nan stays nan and is no test.

    Rejecting what is at most q keeps the expected share of false discoveries at q or below when the tests are
    independent or positively dependent (Benjamini and Yekutieli 2001), as those of items on one video are.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: int((~np.isnan(p)).sum())]
    if order.size:
        scaled = p[order] * order.size / np.arange(1, order.size + 1)
        adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted
