"""Which selection ranks held-out models best? `python perf/selection_study.py RESPONSES [--folds 16] [--write]`.

RESPONSES holds one folder per matrix (correct.csv and, where there is more to tell, models.csv and items.csv). Every
method selects on the answers of half of the model families and is judged on the other half, over many splits; all it
tunes it tunes on the first half. Beside the methods that ship, the study tries what the literature offers (ESTIMATORS).
--write puts the tables into docs/selection.md between its markers. One seed, one result.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from apollobench.curate.holdout import BASELINE, HeldOut, Judge, Summary, Trial, clean, held_out, summaries
from apollobench.curate.matrix import Matrix
from apollobench.curate.recorded import read_matrices
from apollobench.report.holdout import equivalent_size
from apollobench.report.tables import markdown_table
from apollobench.stats.agreement import kendall_taus
from apollobench.stats.clusters import Floats
from apollobench.stats.interval import t_quantile
from apollobench.stats.splits import family_halves
from apollobench.types import Mode

SIZES = (50, 100, 200, 400, 800)
SHIPPED = ("stratified", "entropy", "item_rest", "information", "apollo+")
SEED, DRAWS, REPEATS, MOST_ITEMS = 2026, 100, 2, 6_000
PAGE = Path(__file__).resolve().parent.parent / "docs" / "selection.md"

# What models.csv does not say: who is related, by the names of the models (first match; no match is its own family).
FAMILIES = {
    "blink_val": ("GPT", "llava", "Yi_VL", "instructblip"),
    "mmlu_pro": ("Llama-2", "Meta-Llama-3", "Mi[sx]tral|mathstral", "Qwen", "Yi", "gem"),
    "mathvision": ("ChatGPT|GPT4", "Gemini", "Qwen", "InternLM", "LLaVA|ShareGPT4V", "SPHINX"),
    "nextqa_vidagent": (
        "vidagent_gpt_all",
        "vidagent_gpt_vidqa",
        "vlm",
        "vidagent_gpt_v",
        "vidagent_gpt_(loc|tvp|cap)",
    ),
}
CATEGORY = {"blink_val": "task", "mathvision": "subject"}
MATRICES = (
    "videomme_short",
    "videomme_v2_medium",
    "nextqa_vidagent",
    "mathvision",
    "mmlu_pro",
    "blink_val",
    "psn_irt_12llm",
)


def load(folder: Path) -> Matrix:
    """A matrix with families and categories as stated above, of at most MOST_ITEMS items drawn by the seed."""
    matrix = read_matrices(folder)[Mode.VIDEO]
    rules = FAMILIES.get(folder.name, ())
    families = tuple(
        next((rule for rule in rules if re.match(rule, model)), family)
        for model, family in zip(matrix.models, matrix.families, strict=True)
    )
    matrix = replace(matrix, families=families)
    if folder.name in CATEGORY:
        items = pd.read_csv(folder / "items.csv", dtype=str, keep_default_na=False).set_index("item_id")
        matrix = replace(matrix, categories=tuple(items.loc[list(matrix.ids), CATEGORY[folder.name]]))
    if len(matrix.ids) > MOST_ITEMS:
        chosen = np.random.default_rng(SEED).choice(len(matrix.ids), MOST_ITEMS, replace=False)
        matrix = matrix.at(np.sort(chosen))
    return clean(matrix)[0]


Estimator = Callable[[Floats, int, np.random.Generator], tuple[np.ndarray, Floats, float]]
"""Training scores [models, items], size, rng -> positions, weights, intercept of the estimate of accuracy."""


def anchors(y: Floats, size: int, rng: np.random.Generator) -> tuple[np.ndarray, Floats, float]:
    """Anchor points (Vivek et al. 2023; Maia Polo et al. 2024): k-means over answer patterns, weighted by cluster."""
    from scipy.cluster.vq import kmeans2

    points = (y + 1e-3 * rng.standard_normal(y.shape)).T
    centres, labels = kmeans2(points, size, iter=8, minit="points", seed=rng)
    distance = np.square(points - centres[labels]).sum(axis=1)
    order = np.lexsort((distance, labels))
    _, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    return order[first], counts / counts.sum(), 0.0


def ridge(y: Floats, size: int, rng: np.random.Generator) -> tuple[np.ndarray, Floats, float]:
    """A random subset, and a ridge from its scores to accuracy; the penalty by leave-one-out on the training models."""
    positions = rng.choice(y.shape[1], size, replace=False)
    x, target = y[:, positions], y.mean(axis=1)
    centre, level = x.mean(axis=0), target.mean()
    u, s, vt = np.linalg.svd(x - centre, full_matrices=False)
    best, weights = np.inf, np.full(size, 1 / size)
    for penalty in np.geomspace(0.1, 1000, 9):
        hat = (u * (s**2 / (s**2 + penalty))) @ u.T + 1 / len(y)
        fitted = level + hat @ (target - level) - (target - level).mean()
        missed = float(np.square((target - fitted) / np.maximum(1 - np.diag(hat), 1e-6)).mean())
        if missed < best:
            best, weights = missed, vt.T @ ((s / (s**2 + penalty)) * (u.T @ (target - level)))
    return positions, weights, float(level - centre @ weights)


def factor(y: Floats, size: int, rng: np.random.Generator) -> tuple[np.ndarray, Floats, float]:
    """The best linear estimate under one shrunken factor: items by loading^2 / noise, weights loading / noise."""
    ability = y.mean(axis=1) - y.mean()
    ability /= max(float(ability.std()), 1e-9)
    p = (y.sum(axis=0) + 0.5) / (len(y) + 1)
    loading, error = ability @ (y - y.mean(axis=0)) / len(y), p * (1 - p) / len(y)
    between = max(float(loading.var() - error.mean()), 1e-6)
    loading = loading.mean() + (loading - loading.mean()) * between / (between + error)
    noise = np.maximum(p * (1 - p) - loading**2, 0.02)
    worth = np.where(loading > 0, loading**2 / noise, 0)
    positions = np.lexsort((rng.random(len(worth)), -worth))[:size]
    weights = loading[positions] / noise[positions]
    weights *= loading.mean() / (1 + loading[positions] @ weights)
    return positions, weights, float(y.mean() - weights @ y[:, positions].mean(axis=0))


def greedy(y: Floats, size: int, rng: np.random.Generator) -> tuple[np.ndarray, Floats, float]:
    """Forward selection: at every step the item that brings the training models' mean closest to their accuracy."""
    wanted, total = y.mean(axis=1), np.zeros(len(y))
    tie, open_ = 1e-9 * rng.random(y.shape[1]), np.ones(y.shape[1], dtype=bool)
    squares, chosen = np.square(y).sum(axis=0), []
    for step in range(1, size + 1):
        aim = wanted * step - total
        missed = squares - 2 * aim @ y + tie
        chosen.append(int(np.argmin(np.where(open_, missed, np.inf))))
        open_[chosen[-1]] = False
        total += y[:, chosen[-1]]
    return np.array(chosen), np.full(size, 1 / size), 0.0


ESTIMATORS: dict[str, Estimator] = {
    "anchor points, weighted": anchors,
    "random, ridge": ridge,
    "one factor, weighted": factor,
    "greedy on error": greedy,
}


def try_estimators(matrix: Matrix, sizes: Sequence[int], folds: int) -> list[Trial]:
    """The estimators on the very splits of `held_out`; the ranking is by their estimate."""
    trials = []
    for number, split in enumerate(family_halves(matrix.families, folds, 3, SEED)):
        judge = Judge(matrix, split)
        filled = np.where(judge.voted > 0, judge.right, judge.full[:, None]).astype(np.float64)
        for size in sizes:
            for name, estimator in ESTIMATORS.items():
                rng = np.random.default_rng([SEED, number, size])
                positions, weights, intercept = estimator(filled[judge.training], size, rng)
                estimate = intercept + filled[:, positions] @ weights
                tau, inside = (
                    float(kendall_taus(estimate[None, half], judge.full[half])[0])
                    for half in (judge.out, judge.training)
                )
                error = float(np.abs(estimate - judge.full)[judge.out].mean())
                trials.append(Trial(name, size, number, tau, inside, error))
    return trials


def study(matrix: Matrix, folds: int) -> HeldOut:
    """All methods and estimators on one matrix."""
    found = held_out(matrix, SHIPPED, SIZES, folds=folds, draws=DRAWS, repeats=REPEATS, seed=SEED)
    return replace(found, trials=(*found.trials, *try_estimators(matrix, sorted(found.single), folds)))


def gains(rows: Sequence[Summary]) -> list[list[str]]:
    """A line per method: gain in tau over random subsets at each size, with its interval."""
    by = {(row.method, row.size): row for row in rows}
    lines = [[BASELINE, *(f"tau {by[BASELINE, size].tau:.3f}" if (BASELINE, size) in by else "" for size in SIZES)]]
    for method in dict.fromkeys(row.method for row in rows if row.method != BASELINE):
        lines.append([method, *(_gain(by.get((method, size))) for size in SIZES)])
    return lines


def _gain(row: Summary | None) -> str:
    if row is None:
        return ""
    return "-" if row.gain is None else f"{row.gain.value:+.3f} ({row.gain.low:+.2f} to {row.gain.high:+.2f})"


def overview(all_rows: dict[str, list[Summary]]) -> str:
    """A line per method: mean gain over sizes on each matrix, over all matrices, the worst, and the score error."""
    methods = list(dict.fromkeys(row.method for rows in all_rows.values() for row in rows if row.method != BASELINE))
    lines = []
    for method in methods:
        means = [
            float(np.mean([row.gain.value for row in rows if row.method == method and row.gain]))
            for rows in all_rows.values()
        ]
        error = float(np.mean([row.error for rows in all_rows.values() for row in rows if row.method == method]))
        cells = [f"{value:+.3f}" for value in means]
        lines.append([method, *cells, _over_matrices(np.array(means)), f"{min(means):+.3f}", f"{100 * error:.1f}"])
    return markdown_table(["method", *all_rows, "mean (over matrices)", "worst", "error"], lines)


def by_size(all_rows: dict[str, list[Summary]]) -> str:
    """A line per method: mean gain over the matrices at each size, with the interval over matrices."""
    everything = [row for rows in all_rows.values() for row in rows]
    lines = []
    for method in dict.fromkeys(row.method for row in everything if row.method != BASELINE):
        found = [
            [row.gain.value for row in everything if (row.method, row.size) == (method, size) and row.gain]
            for size in SIZES
        ]
        lines.append([method, *(_over_matrices(np.array(values)) if values else "" for values in found)])
    counts = [sum(any(row.size == size for row in rows) for rows in all_rows.values()) for size in SIZES]
    head = [f"{size} items ({count} matrices)" for size, count in zip(SIZES, counts, strict=True)]
    return markdown_table(["method", *head], lines)


def _over_matrices(values: Floats) -> str:
    """Mean gain and its 95 % interval by Student's t, a matrix being one observation."""
    mean, n = float(values.mean()), len(values)
    half = t_quantile(0.95, n - 1) * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})"


def left_out_choice(all_rows: dict[str, list[Summary]]) -> str:
    """For each matrix the method that gains most on the others, and what it gains on this one."""
    lines = []
    for name, rows in all_rows.items():
        score: dict[str, list[float]] = {}
        for other, theirs in all_rows.items():
            for method in dict.fromkeys(row.method for row in theirs if row.method != BASELINE):
                values = [row.gain.value for row in theirs if row.method == method and row.gain]
                if other != name:
                    score.setdefault(method, []).append(float(np.mean(values)))
        best = max(score, key=lambda method: float(np.mean(score[method])))
        own = [row.gain.value for row in rows if row.method == best and row.gain]
        lines.append([name, best, f"{np.mean(own):+.3f}"])
    return markdown_table(["matrix", "best on the six others", "its gain here"], lines)


def equivalents(all_rows: dict[str, list[Summary]], method: str) -> str:
    """Random items that rank as well as those of `method`, per matrix and size."""
    lines = []
    for name, rows in all_rows.items():
        by = {row.size: row.tau for row in rows if row.method == method}
        cells = []
        for size in SIZES:
            found = equivalent_size(rows, by[size]) if size in by else np.nan
            cells.append("" if size not in by else "-" if np.isnan(found) else f"{found:,.0f} ({found / size:.1f}x)")
        lines.append([name, *cells])
    return markdown_table(["matrix", *(f"{size} items" for size in SIZES)], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("responses", type=Path)
    parser.add_argument("--folds", type=int, default=16)
    parser.add_argument("--matrices", nargs="+", default=list(MATRICES))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    all_rows: dict[str, list[Summary]] = {}
    parts = []
    for name in arguments.matrices:
        start = time.process_time()
        matrix = load(arguments.responses / name)
        found = study(matrix, arguments.folds)
        all_rows[name] = summaries(found)
        about = f"{found.items:,} items, {found.models} models in {found.families} families, {found.splits} splits"
        head = ["gain in tau", *(f"{size} items" for size in SIZES)]
        parts.append(f"### {name}\n\n{about}.\n\n{markdown_table(head, gains(all_rows[name]))}")
        print(f"{name}: {about}; {time.process_time() - start:.0f} s of CPU", file=sys.stderr, flush=True)
        print(parts[-1], flush=True)
    parts = [
        overview(all_rows),
        by_size(all_rows),
        f"Random items that rank held-out models as well as those of `apollo+`:\n\n{equivalents(all_rows, 'apollo+')}",
        f"Had the method been chosen on the other matrices:\n\n{left_out_choice(all_rows)}",
        *parts,
    ]
    text = "\n\n".join(parts)
    print(text)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split("<!-- study -->")[0], page.split("<!-- end of study -->")[1]
        PAGE.write_text(f"{before}<!-- study -->\n\n{text}\n\n<!-- end of study -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
