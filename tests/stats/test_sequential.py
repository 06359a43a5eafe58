"""A gate that runs every night errs no more often, in all nights, than it says."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.clusters import partition
from apollobench.stats.paired import clustered_paired_difference
from apollobench.stats.sequential import nightly_alpha

NIGHTS, TRIALS = 100, 60


def test_all_nights_spend_alpha() -> None:
    assert sum(nightly_alpha(0.05, night) for night in range(1, 100_001)) == pytest.approx(0.05, rel=2e-5)
    assert nightly_alpha(0.05, 1) == 0.025
    with pytest.raises(ValueError, match="night 0"):
        nightly_alpha(0.05, 0)


@pytest.mark.parametrize("kept", [0.0, 0.9], ids=["a new candidate every night", "candidates that descend"])
def test_false_alarms_in_a_hundred_nights(kept: float) -> None:
    """Candidates as good as the baseline. At a fixed level a good part of the sequences has a false alarm."""
    rng, videos = np.random.default_rng(1), partition(np.repeat(range(60), 3).tolist())
    fixed = spent = 0
    for _ in range(TRIALS):
        luck, alarms = rng.random(180), [False, False]
        for night in range(1, NIGHTS + 1):
            luck = np.where(rng.random(180) < kept, luck, rng.random(180))
            before, after = (luck > 0.9).astype(float), (luck < 0.1).astype(float)
            if clustered_paired_difference(before, after, videos, 0.95).high < 0:
                level = 1 - nightly_alpha(0.05, night)
                alarms[0] = True
                alarms[1] |= clustered_paired_difference(before, after, videos, level).high < 0
        fixed, spent = fixed + alarms[0], spent + alarms[1]
    assert fixed / TRIALS > 0.15
    assert spent / TRIALS <= 0.05
