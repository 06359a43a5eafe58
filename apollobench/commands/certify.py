"""Commands about a finished benchmark: does it hold for new models, and how much hangs on each of the old?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app

Benchmark = Annotated[Path, typer.Argument(help="Folder of a benchmark that curate made, with its responses.")]


@app.command()
def recertify(
    benchmark: Benchmark,
    responses: Annotated[
        list[Path], typer.Option("--responses", help="Folder that import or eval wrote; may be given again.")
    ],
    max_failed: Annotated[
        float, typer.Option("--max_failed", min=0.0, max=1.0, help="Share of items that may fail: 0.1 is one in ten.")
    ] = 0.1,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of the report. [default: BENCHMARK/recertification]")
    ] = None,
) -> None:
    """Judge a benchmark again with the answers of new models: would its items still be kept?

    New models vote beside the old panel, by the recipe's own filter; evaluate them first, in its modes. Also told: how
    blind the items are for the new models alone, per category, and how difficulty and ranks have moved. Writes
    recertify.md and recertify.json. Exits with 0 if the benchmark holds, 1 if a larger share than --max_failed would
    be dropped, 2 on a usage error.

    \b
    Example:
      apollobench recertify out/mine --responses out/new
    """
    from apollobench.curate.recertify import recertify as judge_again
    from apollobench.report.recertified import write_recertification

    found = judge_again(benchmark, responses, max_failed)
    folder = output_path or benchmark / "recertification"
    typer.echo(f"{write_recertification(found, folder)}\nreport: {folder}")
    raise typer.Exit(found.exit_code)


@app.command()
def jackknife(
    benchmark: Benchmark,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of the report. [default: BENCHMARK/jackknife]")
    ] = None,
) -> None:
    """Show how much of a benchmark hangs on each family of its panel: filter and select again without it.

    Writes jackknife.md and stability.csv: per item of the pool, in which share of the replicates it is kept, and kept
    and selected.

    \b
    Example:
      apollobench jackknife out/mine
    """
    from apollobench.curate.jackknife import of_benchmark
    from apollobench.report.stability import write_jackknife

    folder = output_path or benchmark / "jackknife"
    typer.echo(f"{write_jackknife(of_benchmark(benchmark), folder)}\nreport: {folder}")
