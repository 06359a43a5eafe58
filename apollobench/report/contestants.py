"""Whom to compare: results of `eval` or `import`, or all models of one benchmark or matrix, as one matrix of scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apollobench.curate.answers import NO_VOTE
from apollobench.curate.matrix import Matrix
from apollobench.curate.recorded import families, read_matrices
from apollobench.errors import InputError
from apollobench.evaluate.results import RESULTS, Result, Sample, read_results
from apollobench.stats.clusters import partition
from apollobench.types import Mode


def contestants(paths: Sequence[Path], mode: Mode) -> Matrix:
    """The scores to compare in `mode`. One path: a folder that holds results, a benchmark with recorded answers, or a
    matrix; several: results.

    Raises InputError for fewer than two models, other prompts, and one item under which two results understand
    different questions or keys.
    """
    results = _results(paths)
    matrix = _read_recorded(paths[0], mode) if results is None else _join(results, mode)
    if len(matrix.models) < 2:
        raise InputError(
            f"{', '.join(map(str, paths))}: one model ({', '.join(matrix.models)}) in {mode} mode; name at least two "
            "results, or a benchmark or matrix with several models"
        )
    return matrix


def _results(paths: Sequence[Path]) -> list[Result] | None:
    """None where the only path is none and holds none."""
    if len(paths) > 1:
        return [read_results(path) for path in paths]
    if (paths[0] / RESULTS).is_file():
        return [read_results(paths[0])]
    inside = sorted(path.parent for path in paths[0].glob(f"*/{RESULTS}")) if paths[0].is_dir() else []
    return [read_results(path) for path in inside] or None


def _read_recorded(path: Path, mode: Mode) -> Matrix:
    matrices = read_matrices(path)
    if mode not in matrices:
        raise InputError(f"{path}: no answer in {mode} mode; there are {', '.join(matrices)}")
    return matrices[mode]


def _join(results: Sequence[Result], mode: Mode) -> Matrix:
    """All items that any of the results has in `mode`, in the order in which they occur."""
    prompts = {str(result.ours["prompt_version"]): result.directory for result in results}
    if len(prompts) > 1:
        told = ", ".join(f"{version} in {place}" for version, place in prompts.items())
        raise InputError(f"made with different prompts ({told}); evaluate all with the same")
    items: dict[str, Sample] = {}
    columns: list[dict[str, Sample]] = []
    for result in results:
        found = {sample.item: sample for sample in result.samples if sample.mode is mode}
        if not found:
            raise InputError(f"{result.directory}: no {mode} mode in this result")
        for name, sample in found.items():
            if items.setdefault(name, sample).asked != sample.asked:
                raise InputError(
                    f"{result.directory}: {name} asks another question, or has another key, than in the results named "
                    "before it; compare results of one version of a benchmark"
                )
        columns.append(found)
    scores = np.full((len(results), len(items)), NO_VOTE, dtype=np.int8)
    place = {name: n for n, name in enumerate(items)}
    for row, found in zip(scores, columns, strict=True):
        for name, sample in found.items():
            row[place[name]] = NO_VOTE if sample.acc is None else int(sample.acc)
    names = [result.model for result in results]
    labels = tuple(
        name if names.count(name) == 1 else f"{name} ({result.directory})"
        for name, result in zip(names, results, strict=True)
    )
    known = families(names)
    return Matrix(
        scores=scores,
        models=labels,
        families=tuple(known.get(name, name) for name in names),
        ids=tuple(items),
        videos=partition([sample.video for sample in items.values()]),
        categories=tuple(sample.category or "" for sample in items.values()),
        chance=np.full(len(items), np.nan),
    )
