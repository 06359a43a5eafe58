"""How much of what items seem to say about models can be believed: shrunk correlations, covariance with accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats

Scores = NDArray[np.int8]
_CELLS = 4_000_000


def shrunk(r: Floats, votes: NDArray[np.int64]) -> tuple[Floats, float]:
    """Correlations [items] drawn to their mean by their sampling error, and the share of variance that is no error.

    Empirical Bayes: r_i estimates a truth of mean mu and variance t2 with error s2_i = (1 - mu^2)^2 / (votes_i - 1);
    mu + (r_i - mu) t2 / (t2 + s2_i), where t2 = max(0, var(r) - mean(s2)). An item without a correlation gets 0: it
    says nothing of the models. The share is t2 / var(r): near 0 the items differ by no more than chance.
    """
    known = ~np.isnan(r)
    if not known.any():
        return np.zeros_like(r), 0.0
    mean = float(r[known].mean())
    error = (1 - mean**2) ** 2 / np.maximum(votes - 1, 1)
    between = max(0.0, float(r[known].var() - error[known].mean()))
    share = between / float(r[known].var()) if between else 0.0
    return np.where(known, mean + (r - mean) * between / (between + error), 0.0), share


def accuracy_covariance(scores: Scores) -> Floats:
    """How sharply an item [items] tells good models from bad: covariance of its scores with the models' accuracy.

    scores: int8 [models, items], 1 right, 0 not, negative no answer; taken in blocks, so that a matrix of a billion
    answers needs no second one beside it. sum_j (y_ij - p_i) (A_j - mean A) / M over the M models, A_j being model j's
    accuracy over what it answered; models without an answer to an item are left out of its sum. The mean over items is
    the variance of accuracy over models, so this is the item's part in telling them apart: its item-total correlation
    times its standard deviation. nan without a vote.
    """
    right, voted = _totals(scores)
    accuracy = np.divide(right, voted, out=np.zeros(len(scores)), where=voted > 0)
    centred = ((accuracy - accuracy.mean()) / max(1, len(scores))).astype(np.float32)
    found = np.empty(scores.shape[1])
    for block in _blocks(scores):
        part = scores[:, block]
        mask = (part >= 0).astype(np.float32)
        y = (part > 0).astype(np.float32)
        with np.errstate(invalid="ignore"):
            found[block] = centred @ y - (centred @ mask) * (y.sum(axis=0) / mask.sum(axis=0))
    return found


def _totals(scores: Scores) -> tuple[Floats, Floats]:
    """Right answers and answers of each model [models]."""
    right = np.array([np.count_nonzero(row > 0) for row in scores], dtype=np.float64)
    return right, np.array([np.count_nonzero(row >= 0) for row in scores], dtype=np.float64)


def _blocks(scores: Scores) -> Iterator[slice]:
    width = max(1, _CELLS // max(1, len(scores)))
    return (slice(start, start + width) for start in range(0, scores.shape[1], width))
