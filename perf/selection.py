"""Times the selection on a large matrix: `python perf/selection.py [--models 1000] [--items 1000000]`.

The matrix is drawn in chunks and held once, as int8. Timed is what a curation does with it: count votes, take the
entropy, order by entropy and hash, and fill the quotas, without and with a limit per video.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np

from apollobench.curate.select import Candidates, select
from apollobench.recipe import EntropySelection
from apollobench.report.tables import markdown_table
from apollobench.types import CATEGORIES, Mode

CHUNK = 8


def draw(models: int, items: int) -> Candidates:
    """Answers of models of mixed strength on items of mixed difficulty, one in 32 of them no vote."""
    rng = np.random.default_rng(0)
    scores = np.empty((models, items), dtype=np.int8)
    difficulty = rng.integers(40, 216, size=items, dtype=np.uint8)
    for start in range(0, models, CHUNK):
        part = scores[start : start + CHUNK]
        luck = rng.integers(0, 256, size=part.shape, dtype=np.uint8)
        np.less(luck, difficulty, out=part, casting="unsafe")
        part[luck < 8] = -1
    return Candidates(
        ids=[f"pool/{i}" for i in range(items)],
        category=rng.integers(len(CATEGORIES), size=items),
        video=rng.integers(max(1, items // 6), size=items),
        scores=scores,
    )


def spec(max_per_video: int | None) -> EntropySelection:
    return EntropySelection(
        method="entropy",
        mode=Mode.VIDEO,
        size=400,
        quotas="balanced",
        max_per_video=max_per_video,
        when_short="stop",
        tie_break="hash",
        seed=0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--items", type=int, default=1_000_000)
    arguments = parser.parse_args()
    candidates = draw(arguments.models, arguments.items)
    rows = []
    for limit in (None, 1):
        start, cpu = time.perf_counter(), time.process_time()
        chosen = select(candidates, spec(limit)).chosen
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**3 if sys.platform == "darwin" else 1024**2)
        rows.append(
            [
                f"{arguments.models:,} x {arguments.items:,}",
                str(limit or "none"),
                str(len(chosen)),
                f"{seconds:.1f}",
                f"{cpu_seconds:.1f}",
                f"{peak:.2f}",
            ]
        )
    head = ["models x items", "limit per video", "selected", "seconds", "CPU seconds", "peak memory, GiB"]
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
