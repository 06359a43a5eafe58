"""Commands that examine a benchmark itself: validation of selections on models that did not choose."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError


@app.command()
def validate(
    benchmark: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A benchmark that curate made, or a matrix: a CSV or its folder.")
    ],
    method: Annotated[
        str, typer.Option("--method", help="Ways to select, separated by commas; random is always there.")
    ] = "stratified,entropy,item_rest,information,apollo+",
    size: Annotated[str, typer.Option("--size", help="Numbers of items, separated by commas.")] = "50,100,200,400,800",
    mode: Annotated[str, typer.Option("--mode", help="What the models saw: text, frame, video or shuffled.")] = "video",
    split_by: Annotated[
        str, typer.Option("--split_by", help="family, or model: then relatives may stand on both sides of a split.")
    ] = "family",
    folds: Annotated[int, typer.Option("--folds", min=2, help="Splits of the model families into halves.")] = 20,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Random subsets of each size on each split.")] = 100,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Selections by each method on each split, with ties broken anew.")
    ] = 3,
    item_rest_gate: Annotated[
        bool, typer.Option("--item_rest_gate", help="Every method leaves out items that do not go along with the rest.")
    ] = False,
    responses: Annotated[
        list[Path] | None, typer.Option("--responses", help="More answers to a benchmark, from eval or import.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of splits, subsets and ties.")] = 0,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of validation.md, its tables and the figure.")
    ] = None,
) -> None:
    """Tell whether a selection ranks new models: half of the families choose the items, the other half is ranked.

    Beside every method stand random subsets of its size, on the same splits. Prints rank agreement, gain over random,
    optimism, score error, what the pool can resolve, and how many items a wanted resolution takes. Families of models
    are those of the roster, or of the matrix's models.csv. See docs/selection.md.

    \b
    Examples:
      apollobench validate out/synthetic --split_by model --size 50,100,200
      apollobench validate scores.csv --method apollo+,stratified --size 100 --output_path out/validation
    """
    from dataclasses import replace

    from apollobench.arguments import parse_choice, parse_counts, parse_mode
    from apollobench.curate.holdout import clean, held_out
    from apollobench.curate.recorded import read_matrices
    from apollobench.report.holdout import resolution_of, validation_markdown, write_validation

    seen, matrices = parse_mode(mode), read_matrices(benchmark, responses or [])
    if seen not in matrices:
        raise InputError(f"{benchmark}: no answers in {seen} mode; there are {', '.join(matrices)}")
    alone = parse_choice("--split_by", split_by, {"family": False, "model": True})
    matrix = replace(matrices[seen], families=matrices[seen].models) if alone else matrices[seen]
    found = held_out(
        matrix,
        [name.strip() for name in method.split(",")],
        parse_counts(size),
        folds=folds,
        draws=draws,
        repeats=repeats,
        seed=seed,
        item_rest_gate=item_rest_gate,
        progress=partial(typer.echo, err=True),
    )
    resolution = resolution_of(clean(matrix)[0], seed)
    typer.echo(validation_markdown(benchmark.name, found, resolution))
    if output_path is not None:
        typer.echo(f"report: {write_validation(benchmark.name, found, resolution, output_path)}")
