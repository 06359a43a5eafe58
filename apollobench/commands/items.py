"""Commands about single items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError

if TYPE_CHECKING:
    from apollobench.stats.itemresponse import Kind


@app.command("items")
def items_command(
    subject: Annotated[Path, typer.Argument(help="A benchmark that curate made, or a matrix of scores (CSV, folder).")],
    responses: Annotated[
        list[Path] | None, typer.Option("--responses", help="More answers to the benchmark: folders of eval or import.")
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder for report.md, items.csv and items.jsonl.")
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", help="Order of items.csv and items.jsonl: suspicion, item_rest, difficulty or id.")
    ] = "suspicion",
    level: Annotated[
        float, typer.Option("--level", help="False discovery rate over items, of types and of family findings.")
    ] = 0.05,
    votes: Annotated[
        str, typer.Option("--votes", help="Who has one vote: family (its models are not independent) or model.")
    ] = "family",
    irt: Annotated[str, typer.Option("--irt", help="Item response model: rasch, 2pl or none.")] = "rasch",
    options: Annotated[
        int | None, typer.Option("--options", min=1, help="Options per item, where a matrix does not say.")
    ] = None,
) -> None:
    """Look at every item: who solves it, what it needs, how well it separates models, and which to check by hand.

    Types (text-answerable, single-frame, order-invariant, temporal, unsolved) are tested and left undecided where the
    votes cannot tell. The review queue names each reason with its evidence. docs/items.md explains every figure.

    \b
    Examples:
      apollobench items out/synthetic --output_path out/items
      apollobench items scores.csv --options 4 --irt 2pl
    """
    from apollobench.arguments import parse_choice
    from apollobench.curate.itemcards import analyse, read_subject
    from apollobench.report.items import items_markdown, ordered, write_items

    if not 0 < level < 1:
        raise InputError(f"--level {level}: expected a share between 0 and 1")
    by_family = parse_choice("--votes", votes, {"family": True, "model": False})
    kinds: dict[str, Kind | None] = {"rasch": "rasch", "2pl": "2pl", "none": None}
    kind = parse_choice("--irt", irt, kinds)
    ordered((), sort)
    analysis = analyse(read_subject(subject, responses or [], options), level=level, by_family=by_family, irt=kind)
    name = subject.resolve().name
    typer.echo(items_markdown(analysis, name))
    if output_path is not None:
        typer.echo(f"\nreport: {write_items(analysis, name, output_path, sort)}")
