"""The command that compares models with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError


@app.command()
def compare(
    results: Annotated[
        list[Path],
        typer.Argument(help="Folders of results of eval or import; or one benchmark or matrix, all models of it."),
    ],
    mode: Annotated[str, typer.Option("--mode", help="The mode to compare.")] = "video",
    level: Annotated[float, typer.Option("--level", help="Confidence level of intervals and decisions.")] = 0.95,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of videos, for ranks.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the resamples.")] = 0,
    output_path: Annotated[
        Path | None,
        typer.Option("--output_path", help="Folder for report.md, standings.csv, pairs.csv and comparison.json."),
    ] = None,
) -> None:
    """Rank models and say which of them differ: paired differences, tie groups, rank intervals, what could be seen.

    Everything is paired on shared items and clustered by video. docs/compare.md explains every figure.

    \b
    Examples:
      apollobench compare out/synthetic/apollo-tiny out/synthetic/apollo-tiny-l out/synthetic/apollo-tiny-s
      apollobench compare out/synthetic --output_path out/comparison
    """
    from apollobench.arguments import parse_mode
    from apollobench.report.compare import compare_matrix, compared_markdown, write_comparison
    from apollobench.report.contestants import contestants

    if not 0 < level < 1:
        raise InputError(f"--level {level}: expected a share between 0 and 1")
    seen = parse_mode(mode)
    compared = compare_matrix(contestants(results, seen), seen, level=level, draws=draws, seed=seed)
    typer.echo(compared_markdown(compared))
    if output_path is not None:
        typer.echo(f"\nreport: {write_comparison(compared, output_path)}")
