"""Times the selection on a large matrix: `python perf/selection.py [--models 1000] [--items 1000000] [--methods ...]`.

The matrix is drawn in chunks and held once, as int8. Timed is what a curation does with it: score the items, order them
by score and hash, and fill the quotas; and for entropy the same with a limit per video, where the selection is a pass
from best to worst with a bound. Peak memory is that of the process so far.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np

from apollobench.curate.candidates import Candidates
from apollobench.curate.holdout import spec_for
from apollobench.curate.select import select
from apollobench.report.tables import markdown_table
from apollobench.types import CATEGORIES

CHUNK = 8
METHODS = ("random", "entropy", "stratified", "item_rest", "apollo+")


def draw(models: int, items: int) -> Candidates:
    """Answers of models of mixed strength on items of mixed difficulty and sharpness, one in 32 of them no vote."""
    rng = np.random.default_rng(0)
    scores = np.empty((models, items), dtype=np.int8)
    difficulty = rng.integers(40, 216, size=items).astype(np.float32)
    sharpness = rng.integers(0, 80, size=items).astype(np.float32)
    for start in range(0, models, CHUNK):
        part = scores[start : start + CHUNK]
        luck = rng.integers(0, 256, size=part.shape, dtype=np.uint8)
        for row, model in enumerate(range(start, start + len(part))):
            np.less(luck[row], difficulty + (model / models - 0.5) * sharpness, out=part[row], casting="unsafe")
        part[luck < 8] = -1
    return Candidates(
        ids=tuple(f"pool/{i}" for i in range(items)),
        category=rng.integers(len(CATEGORIES), size=items),
        video=rng.integers(max(1, items // 6), size=items),
        scores=scores,
        families=tuple(f"family {i // 4}" for i in range(models)),
        categories=CATEGORIES,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    arguments = parser.parse_args()
    candidates = draw(arguments.models, arguments.items)
    rows = []
    for method, limit in [*((method, None) for method in arguments.methods), ("entropy", 1)]:
        spec = spec_for(method, 400, 0, item_rest_gate=False).model_copy(update={"max_per_video": limit})
        start, cpu = time.perf_counter(), time.process_time()
        found = select(candidates, spec)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**3 if sys.platform == "darwin" else 1024**2)
        numbers = [f"{len(found.chosen)}", f"{found.gap:.2%}", f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{peak:.2f}"]
        rows.append([f"{arguments.models:,} x {arguments.items:,}", method, str(limit or "none"), *numbers])
        print(rows[-1], file=sys.stderr, flush=True)
    head = ["models x items", "method", "limit per video", "selected", "gap", "seconds", "CPU seconds", "peak GiB"]
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
