"""How often intervals hold the truth, and how often the nightly gate errs: `python perf/coverage.py [--trials 20000]`.

Wilson's coverage is exact, summed over all outcomes and averaged over shares from .05 to .95. Clustered scores are
drawn as videos of 1 to 6 items whose own rates are beta distributed; differences as videos whose own rates of gain and
loss are Dirichlet distributed. The bar is 95 +- 1 %.
"""

from __future__ import annotations

import argparse

import numpy as np

from apollobench.report.tables import markdown_table
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.stats.interval import clustered_mean, clustered_proportion, wilson
from apollobench.stats.paired import clustered_paired_difference
from apollobench.stats.sequential import nightly_alpha

BAR = (0.94, 0.96)
NIGHTS = 100


def wilson_coverage(n: int, p: float) -> float:
    """Probability that Wilson's 95 % interval of a Binomial(n, p) share holds p."""
    from scipy.special import bdtr

    inside = [k for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1]]
    return float(bdtr(inside[-1], n, p) - (bdtr(inside[0] - 1, n, p) if inside[0] else 0.0)) if inside else 0.0


def draw_scores(rng: np.random.Generator, share: float, clusters: int, correlation: float) -> tuple[Floats, Partition]:
    """0/1 scores of videos of 1 to 6 items; two items of one video correlate by `correlation`."""
    sizes = rng.integers(1, 7, clusters)
    strength = 1 / correlation - 1
    rates = rng.beta(strength * share, strength * (1 - share), clusters)
    scores = (rng.random(sizes.sum()) < np.repeat(rates, sizes)).astype(np.float64)
    return scores, partition(np.repeat(np.arange(clusters), sizes).tolist())


def draw_changes(rng: np.random.Generator, gain: float, loss: float, clusters: int) -> tuple[Floats, Floats, Partition]:
    """Scores of two models, of which the second gains and loses at these rates; a video's own rates vary."""
    sizes = rng.integers(1, 7, clusters)
    rates = rng.dirichlet([4 * gain, 4 * loss, 4 * (1 - gain - loss)], clusters)
    luck = rng.random(sizes.sum())
    up, down = luck < np.repeat(rates[:, 0], sizes), luck > 1 - np.repeat(rates[:, 1], sizes)
    return down.astype(np.float64), up.astype(np.float64), partition(np.repeat(np.arange(clusters), sizes).tolist())


def mark(share: float) -> str:
    return "within" if BAR[0] <= share <= BAR[1] else ("below" if share < BAR[0] else "above")


def proportions(trials: int) -> str:
    rows = []
    for n in (20, 50, 100, 200, 400, 1000, 2000):
        covers = [wilson_coverage(n, p) for p in np.linspace(0.05, 0.95, 91)]
        rows.append(
            [str(n), f"{np.mean(covers):.2%}", f"{min(covers):.2%}", f"{max(covers):.2%}", mark(np.mean(covers))]
        )
    return markdown_table(["items", "mean coverage", "least over shares", "most", ""], rows)


def clustered(trials: int) -> str:
    rows = []
    for clusters in (10, 20, 50, 100, 200, 400):
        for share in (0.5, 0.8, 0.95):
            for correlation in (0.05, 0.3):
                rng = np.random.default_rng([clusters, int(100 * share), int(100 * correlation)])
                ours = mean = naive = 0
                for _ in range(trials):
                    scores, videos = draw_scores(rng, share, clusters, correlation)
                    found, plain = clustered_proportion(scores, videos), clustered_mean(scores, videos)
                    low, high = wilson(scores.sum(), len(scores))
                    ours += found.low <= share <= found.high
                    mean += plain.low <= share <= plain.high
                    naive += low <= share <= high
                shares = [ours / trials, mean / trials, naive / trials]
                rows.append(
                    [
                        str(clusters),
                        f"{share:.2f}",
                        f"{correlation:.2f}",
                        *(f"{s:.1%}" for s in shares),
                        mark(shares[0]),
                    ]
                )
    head = ["videos", "share", "correlation", "clustered Wilson", "mean -+ t SE", "Wilson, no clusters", ""]
    return markdown_table(head, rows)


def differences(trials: int) -> str:
    rows = []
    for clusters in (10, 20, 50, 100, 200, 400):
        for gain, loss in ((0.02, 0.02), (0.1, 0.05), (0.2, 0.1)):
            rng = np.random.default_rng([clusters, int(100 * gain)])
            hits = 0
            for _ in range(trials):
                found = clustered_paired_difference(*draw_changes(rng, gain, loss, clusters))
                hits += found.low <= gain - loss <= found.high
            rows.append([str(clusters), f"{gain:.2f}", f"{loss:.2f}", f"{hits / trials:.1%}", mark(hits / trials)])
    return markdown_table(["videos", "gained", "lost", "coverage", ""], rows)


def nights(trials: int) -> str:
    """Candidates that are no worse than the baseline, a new one every night: how often any of the nights fails one."""
    rows = []
    for clusters in (50, 200):
        rng = np.random.default_rng(clusters)
        fixed = spent = 0
        for _ in range(trials):
            alarm = [False, False]
            for night in range(1, NIGHTS + 1):
                before, after, videos = draw_changes(rng, 0.05, 0.05, clusters)
                if clustered_paired_difference(before, after, videos, 0.95).high < 0:
                    level = 1 - nightly_alpha(0.05, night)
                    alarm[0] = True
                    alarm[1] |= clustered_paired_difference(before, after, videos, level).high < 0
            fixed, spent = fixed + alarm[0], spent + alarm[1]
        low, high = wilson(spent, trials)
        rows.append([str(clusters), f"{fixed / trials:.1%}", f"{spent / trials:.2%} ({low:.2%} to {high:.2%})"])
    return markdown_table(["videos", "alpha 0.05 every night", "with --history"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    arguments = parser.parse_args()
    for name, table in (("Shares", proportions), ("Clustered shares", clustered), ("Differences", differences)):
        print(f"{name}\n\n{table(arguments.trials)}\n", flush=True)
    print(f"A false alarm in {NIGHTS} nights\n\n{nights(max(1, arguments.trials // 20))}")


if __name__ == "__main__":
    main()
