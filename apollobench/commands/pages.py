"""Commands that serve pages to a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app


@app.command()
def review(
    benchmark: Annotated[
        Path, typer.Argument(metavar="BENCHMARK", help="Folder of a benchmark that curate made; decisions lie in it.")
    ],
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="Who reviews. [default: each browser says so]")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to serve on; others than loopback need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to serve on; 0 for a free one.")] = 0,
    token: Annotated[
        str, typer.Option("--token", envvar="APOLLOBENCH_TOKEN", help="What opens the pages, for whoever knows it.")
    ] = "",
    responses: Annotated[
        list[Path] | None, typer.Option("--responses", help="More answers to the benchmark: folders of eval or import.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option("--data_root", help="Where the videos are, if not where the benchmark says.")
    ] = None,
    linked_media: Annotated[
        list[Path] | None, typer.Option("--linked_media", help="Folder outside of that to which links in it may lead.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write all decisions as JSON lines for curate --decisions, and end.")
    ] = None,
    take_in: Annotated[Path | None, typer.Option("--import", help="Add the decisions of such a file, and end.")] = None,
    no_browser: Annotated[bool, typer.Option("--no_browser", help="Do not open a browser.")] = False,
) -> None:
    """Check items by eye, in the browser: watch, answer, then keep, drop, or fix key and category.

    The most suspicious come first. Several people decide blind to each other; agreement is reported, and disagreements
    are settled. Every decision is on the disk in BENCHMARK/review.sqlite before the page says so. Needs
    `pip install 'apollobench[review]'`.

    \b
    Examples:
      apollobench review out/synthetic --reviewer ada
      apollobench review out/synthetic --export decisions.jsonl
    """
    from apollobench.review.session import hand_over, serve_review

    if export is not None or take_in is not None:
        typer.echo(hand_over(benchmark, export, take_in))
        return
    serve_review(
        benchmark,
        reviewer,
        data_root=data_root,
        responses=responses or [],
        linked_media=linked_media or [],
        host=host,
        port=port,
        token=token,
        browser=not no_browser,
    )
