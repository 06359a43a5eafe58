"""eval and curate with --engine ray as typed by a person: the result is that of one machine, and errors are told."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.benchmark import Entry, write_benchmark
from apollobench.curate.cluster import run_panel_on_cluster
from apollobench.curate.panel import run_panel
from apollobench.errors import InputError
from apollobench.evaluate.cluster.connection import Node, places_for
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, Item, Mode

from .conftest import Cluster

MODEL = "apollo-tiny"
WITHOUT_RAY = "import sys; sys.modules['ray'] = None; from apollobench.cli import main; main()"


def apollobench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "apollobench", *map(str, words)], capture_output=True, text=True)


def without_ray(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command where Ray is not installed, which one machine does not need."""
    return subprocess.run([sys.executable, "-c", WITHOUT_RAY, *map(str, words)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rendered videos, and a benchmark of a few questions on each."""
    root = tmp_path_factory.mktemp("world")
    make_world(root / "data", 3, 2_000_000, workers=1, progress=False)
    entries = [Entry(replace(item, category=CATEGORIES[n % 5])) for n, item in enumerate(some(root))]
    write_benchmark(root / "benchmark", entries, [], {"name": "toy"}, "# toy\n")
    return root


def some(root: Path) -> list[Item]:
    return read_world(root / "data")[::4]


def test_eval_on_a_cluster_writes_what_one_machine_writes(world: Path, cluster: Cluster, tmp_path: Path) -> None:
    words = ("eval", "--model", MODEL, "--benchmark", world / "benchmark", "--output_path")
    here = without_ray(*words, tmp_path / "here")
    assert here.returncode == 0, here.stderr
    there = apollobench(*words, tmp_path / "there", "--engine", "ray", "--address", cluster.address, "--replicas", "1")
    assert there.returncode == 0, there.stderr
    assert there.stdout.replace("/there", "/here") == here.stdout
    for file in ("samples.jsonl", "model.json"):
        assert (tmp_path / "there" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()
    count = 3 * len(some(world))
    assert f"{MODEL}: {count}/{count} (100 %)" in there.stderr


def test_a_panel_on_a_cluster_answers_as_processes_do(world: Path, cluster: Cluster, tmp_path: Path) -> None:
    models, items, modes = [MODEL, "apollo-tiny-s-image"], some(world)[:6], [Mode.TEXT, Mode.VIDEO]
    options = ClusterOptions(cluster.address, replicas=1)
    there = run_panel_on_cluster(models, items, modes, tmp_path / "there", options=options)
    here = run_panel(models, items, modes, tmp_path / "here", workers=1)
    assert [replace(run, seconds=0.0) for run in there] == [replace(run, seconds=0.0) for run in here]
    assert len(list((tmp_path / "there").glob("responses-*"))) == 1


def test_a_model_that_no_node_can_load_is_told(world: Path, cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"apollo-7b: a replica could not be loaded: .* are not at hand"):
        run_panel_on_cluster(["apollo-7b"], some(world), [Mode.TEXT], tmp_path, options=ClusterOptions(cluster.address))


def test_without_ray_the_command_says_how_to_get_it(world: Path) -> None:
    done = without_ray("eval", "--model", MODEL, "--benchmark", world / "benchmark", "--engine", "ray")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --engine ray needs Ray, which is not installed: pip install 'apollobench[ray]'\n"


def test_without_a_cluster_the_command_says_how_to_start_one(world: Path, tmp_path: Path) -> None:
    words = ("eval", "--model", MODEL, "--benchmark", world / "benchmark", "--output_path", tmp_path / "out")
    done = apollobench(*words, "--engine", "ray", "--address", "127.0.0.1:1")
    assert done.returncode == 2
    assert "no Ray cluster at --address 127.0.0.1:1" in done.stderr
    assert "ray start --head" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_replicas_fit_by_node() -> None:
    found = [Node("a", 8.0, 4.0), Node("b", 8.0, 3.0), Node("c", 64.0, 0.0)]
    assert places_for(found, ClusterOptions()) == 3
    assert places_for(found, ClusterOptions(gpus=1)) == 7
    assert places_for(found, ClusterOptions(gpus=2)) == 3
    assert places_for(found, ClusterOptions(gpus=0.5)) == 14
    assert places_for(found, ClusterOptions(gpus=1, replicas=5)) == 5
    with pytest.raises(InputError, match="needs 8 GPUs, and the nodes of the cluster have 4, 3, 0; lower --num_gpus"):
        places_for(found, ClusterOptions(gpus=8))
    with pytest.raises(InputError, match="no node of the cluster offers a CPU"):
        places_for([], ClusterOptions())
