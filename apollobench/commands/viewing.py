"""Commands that show runs: pages on this machine, and a folder of pages to keep or pass on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app

Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", help="Folders that eval, import or curate wrote; several side by side."),
]
OfBenchmark = Annotated[
    Path | None,
    typer.Option("--benchmark", help="The benchmark of the results. [default: found above or beside them]"),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data_root", help="Folder of the videos. [default: as the manifest says]")
]


@app.command()
def view(
    runs: Runs,
    benchmark: OfBenchmark = None,
    data_root: DataRoot = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to serve on; any but this machine needs --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port, 0 for a free one.")] = 8321,
    token: Annotated[
        str, typer.Option("--token", envvar="APOLLOBENCH_TOKEN", help="What lets a browser in.", show_default=False)
    ] = "",
) -> None:
    """Show runs in the browser: every item with the frames the models saw, their answers, and what they scored.

    Filters for what went wrong and where models disagree, two models side by side, charts with intervals. Nothing is
    written. Needs the extra `review`.

    \b
    Examples:
      apollobench view out/synthetic/apollo-tiny
      apollobench view out/synthetic
      apollobench view out/synthetic/old out/synthetic/new --port 0
    """
    from apollobench.pages.server import serve
    from apollobench.viewer.server import routes
    from apollobench.viewer.table import read_table

    serve(routes(read_table(runs, benchmark, data_root)), host, port, token)


@app.command()
def report(
    runs: Runs,
    html: Annotated[Path, typer.Option("--html", help="Folder of the pages; an older report in it is replaced.")],
    benchmark: OfBenchmark = None,
    data_root: DataRoot = None,
    no_frames: Annotated[
        bool, typer.Option("--no_frames", help="Leave the pictures out: faster, and no video has to be at hand.")
    ] = False,
) -> None:
    """Write what `view` shows as a folder of files that opens from the disk, without a server.

    \b
    Example:
      apollobench report out/synthetic/old out/synthetic/new --html out/report
    """
    from apollobench.viewer.report import write_report
    from apollobench.viewer.table import read_table

    written = write_report(read_table(runs, benchmark, data_root), html, frames=not no_frames)
    if written.without:
        typer.echo(f"without pictures: {written.without:,} videos; the first: {written.reason}", err=True)
    typer.echo(
        f"{written.items:,} items, {written.models} models, {written.sheets:,} sheets of frames\nreport: {written.path}"
    )
