"""The recipes of docs/cluster.md: the Slurm scripts run here as processes, and the others are well formed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from apollobench.benchmark import Entry, write_benchmark
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES

TASKS = 2


@pytest.fixture(scope="module")
def guide(root: Path) -> str:
    return (root / "docs" / "cluster.md").read_text(encoding="utf-8")


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)


def test_slurm_scripts_answer_in_shards_and_score(guide: str, tmp_path: Path) -> None:
    answer, score = (block for block in blocks(guide, "bash") if "#SBATCH" in block)
    assert f"#SBATCH --array=0-{TASKS - 1}" in answer
    make_world(tmp_path / "data", 3, 2_000_000, workers=1, progress=False)
    items = read_world(tmp_path / "data")[::6]
    entries = [Entry(replace(item, category=CATEGORIES[n % 5])) for n, item in enumerate(items)]
    write_benchmark(tmp_path / "out" / "synthetic", entries, [], {"name": "toy"}, "# toy\n")
    program = tmp_path / "bin" / "apollobench"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m apollobench "$@"\n')
    program.chmod(0o755)

    def sbatch(script: str, **slurm: str) -> str:
        around = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", **slurm}
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=around, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answers(task: int) -> str:
        return sbatch(answer, SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT=str(TASKS))

    with ThreadPoolExecutor(TASKS) as at_once:
        told = list(at_once.map(answers, range(TASKS)))
    asked = [int(found[1].replace(",", "")) for text in told if (found := re.search(r"([\d,]+) asked now", text))]
    assert len(asked) == TASKS
    assert sum(asked) == 3 * len(items)
    assert all(asked)
    assert not (tmp_path / "out" / "result" / "results.json").exists()
    assert f"0 asked now, {3 * len(items)} stored before" in sbatch(score)
    assert (tmp_path / "out" / "result" / "results.json").exists()


def test_kubernetes_objects_are_well_formed(guide: str) -> None:
    job, ray_job = map(yaml.safe_load, blocks(guide, "yaml"))
    assert (job["kind"], ray_job["kind"]) == ("Job", "RayJob")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert f'--shard "$JOB_COMPLETION_INDEX/{job["spec"]["completions"]}"' in container["args"][0]
    assert ray_job["spec"]["entrypoint"].startswith("apollobench curate ")


def test_options_of_the_guide_exist(guide: str, root: Path) -> None:
    reference = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = re.findall(r"apollobench (?:eval|curate)(?:.*\\\n)*.*", guide)
    options = {option for command in commands for option in re.findall(r"--[a-z_]+", command)}
    assert {"--engine", "--num_gpus", "--shard"} <= options
    assert all(option in reference for option in options)
