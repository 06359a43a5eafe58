"""The main job from beginning to end on the generated world, as the commands that anybody would type."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from apollobench.errors import InputError

# Two models that took no part in making the benchmark; the gate asks whether the second is worse than the first.
MODELS = ("apollo-tiny-m-siglip", "apollo-tiny")


def demo(output: Path) -> None:
    """Runs every step into `output`, showing each command and its time. Raises InputError when one fails."""
    start = time.monotonic()
    for arguments in steps(output):
        print(f"\n$ apollobench {' '.join(arguments)}", flush=True)
        began = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "apollobench", *arguments]).returncode
        print(f"[{time.monotonic() - began:.0f} s, exit code {code}]", flush=True)
        if code > (arguments[0] == "gate"):
            raise InputError(f"the demo stopped at: apollobench {' '.join(arguments)}")
    print(f"\n{places(output)}\nIn all {time.monotonic() - start:.0f} s.")


def steps(output: Path) -> Iterator[list[str]]:
    """The arguments of each command, in order."""
    benchmark = str(output / "benchmark")
    results = [str(output / model) for model in MODELS]
    yield ["curate", "--sources", "synthetic", "--output_path", benchmark]
    for model, result in zip(MODELS, results, strict=True):
        yield ["eval", "--model", model, "--benchmark", benchmark, "--output_path", result]
    yield ["leaderboard", "export", "--format", "md", "--output_path", str(output / "leaderboard.md"), *results]
    yield ["leaderboard", "build", "--out", str(output / "leaderboard"), "--benchmark", benchmark, *results]
    yield ["gate", "--baseline", results[0], "--candidate", results[1]]
    yield ["report", *results, "--html", str(output / "report")]


def places(output: Path) -> str:
    """Where everything lies."""
    benchmark = output / "benchmark"
    return "\n".join(
        [
            f"the benchmark        {benchmark} (its README.md says what it is)",
            f"how it came about    {benchmark / 'report.md'}",
            f"what was left out    {benchmark / 'dropped.parquet'}",
            f"videos and questions {benchmark / 'data'}",
            f"scores of each model {', '.join(str(output / model / 'results.json') for model in MODELS)}",
            f"the leaderboard      {output / 'leaderboard' / 'index.html'} (and {output / 'leaderboard.md'})",
            f"every answer to see  {output / 'report' / 'index.html'} (open it in a browser)",
        ]
    )
