"""Commands about a benchmark as others get it: publishing, the way back, what changed between versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app


@app.command()
def publish(
    benchmark: Annotated[Path, typer.Argument(metavar="BENCHMARK", help="Folder of a benchmark that curate made.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write; an older edition in it is replaced.")],
    name: Annotated[str | None, typer.Option("--name", help="OWNER/NAME that it will have on the hub.")] = None,
    version: Annotated[str, typer.Option("--version", help="Its version, three numbers.")] = "1.0.0",
    date: Annotated[
        str | None, typer.Option("--date", help="Day of publication, YYYY-MM-DD; never taken from the clock.")
    ] = None,
) -> None:
    """Write a benchmark as a dataset directory for the Hugging Face hub: tables, card, metadata, checksums; no videos.

    Items of a source whose licence forbids passing its annotations on are published as ids with a fingerprint, from
    which `apollobench rebuild` restores them; curation/sources.yaml says which. Nothing is uploaded. The same input
    gives the same bytes; SHA256SUMS is written last.

    \b
    Example:
      apollobench publish out/synthetic --to out/published --name me/synthetic-world --date 2026-11-26
    """
    from apollobench.publish.edition import prepare
    from apollobench.publish.write import write
    from apollobench.report.publishing import published_text

    edition = prepare(benchmark, name, version, date)
    write(edition, to)
    typer.echo(f"{published_text(edition)}\npublished: {to}")


@app.command()
def rebuild(
    published: Annotated[Path, typer.Argument(metavar="PUBLISHED", help="Folder that publish wrote, or its download.")],
    to: Annotated[Path, typer.Option("--to", help="Folder of the benchmark to write.")],
    data_root: Annotated[
        Path, typer.Option("--data_root", help="Folder of the sources' data, annotations and videos.")
    ] = Path("data"),
) -> None:
    """Make a benchmark of a published dataset, with what its licences kept back read from the sources' own files.

    Every item is checked against its fingerprint; one that was changed upstream is named, and nothing is written. The
    benchmark is the one that was published: scores on either can be compared. Videos need not be at hand yet.

    \b
    Example:
      apollobench rebuild out/published --data_root data --to out/rebuilt
    """
    from apollobench.publish.publication import load_publication
    from apollobench.publish.rebuild import rebuild as restore
    from apollobench.report.publishing import rebuilt_text

    typer.echo(f"{rebuilt_text(restore(load_publication(published), data_root, to))}\nbenchmark: {to}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Folder of a benchmark, or of a published one.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder of the version to compare with it.")],
    form: Annotated[str, typer.Option("--format", help="md or json.")] = "md",
) -> None:
    """Say what changed between two versions of a benchmark and why, and whether scores on them can be compared.

    Items added, removed (with the rule and the reason) and changed, recipe, panel, counts per category. Exits with 0
    whatever it finds, 2 when one of them cannot be read.

    \b
    Example:
      apollobench diff out/v1 out/v2 --format md
    """
    from apollobench.publish.difference import compare, read_version
    from apollobench.report.difference import writer

    write = writer(form)
    typer.echo(write(compare(read_version(old), read_version(new))))
