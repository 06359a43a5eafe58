"""A level for every night, so that a test repeated for ever raises a false alarm no more often than one test would."""

from __future__ import annotations


def nightly_alpha(alpha: float, night: int) -> float:
    """What night 1, 2, ... may spend of `alpha`: alpha / (night (night + 1)), which sums to alpha over all nights.

    By Bonferroni's inequality, whatever the nights have in common (the same items, the same baseline, candidates that
    descend from each other), the probability of any false alarm, ever, is at most alpha. Spending a level over looks is
    Lan and DeMets' (1983) idea; looks without an end are those of Foster and Stine (2008). Raises ValueError for a
    night below 1.
    """
    if night < 1:
        raise ValueError(f"night {night}; nights are counted from 1")
    return alpha / (night * (night + 1))
