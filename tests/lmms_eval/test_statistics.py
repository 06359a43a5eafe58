"""Standard errors and paired tests against lmms-eval's own."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_mean


@pytest.mark.parametrize("videos", [3, 40])
def test_clustered_standard_error(videos: int) -> None:
    """Theirs estimates the variance of single scores with n - 1, and adds the terms between scores of one video."""
    from lmms_eval.api.metrics import clustered_stderr

    rng = np.random.default_rng(videos)
    labels = np.repeat(range(videos), rng.integers(1, 6, videos)).tolist()
    scores = (rng.random(len(labels)) < 0.7).astype(float)
    n, centred = len(scores), scores - scores.mean()
    ours = clustered_mean(scores, partition(labels)).se
    assert ours is not None
    correction = float(np.square(centred).sum()) * (1 / (n - 1) - 1 / n) / n
    assert clustered_stderr(scores.tolist(), labels) == pytest.approx(np.sqrt(ours**2 + correction))


def test_paired_difference_of_items_that_share_no_video() -> None:
    from lmms_eval.api.metrics import paired_ttest

    rng = np.random.default_rng(0)
    before, after = (rng.random(150) < 0.6).astype(float), (rng.random(150) < 0.7).astype(float)
    theirs = paired_ttest(after.tolist(), before.tolist())
    ours = clustered_mean(after - before, partition(range(150)))
    assert ours.value == pytest.approx(theirs["mean_diff"])
    assert (ours.low, ours.high) == pytest.approx((theirs["ci_lower"], theirs["ci_upper"]))
