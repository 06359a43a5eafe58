"""Commands about data: getting the videos."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError


@app.command()
def fetch(
    sources: Annotated[
        str | None, typer.Option("--sources", help="Sources, separated by commas; see `apollobench sources list`.")
    ] = None,
    only: Annotated[
        Path | None, typer.Option("--only", help="Folder of a benchmark: fetch what its items need, and no more.")
    ] = None,
    data_root: Annotated[Path, typer.Option("--data_root", help="Folder of the sources' data.")] = Path("data"),
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Fetch subtitles, too, where sources have them.")
    ] = False,
    max_size: Annotated[
        str | None, typer.Option("--max_size", help="Refuse to download more than this, such as 20GB.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Files to transfer at a time.")] = 4,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
) -> None:
    """Download videos from the Hugging Face hub: just those that are needed and not here yet, after telling the size.

    Of zip and tar archives only the wanted members are transferred; archives that are here already are unpacked
    without a network. A fetch that was stopped goes on where it stopped, and checksums are compared. Exits with 1 if
    files could not be had, or arrived damaged.

    \b
    Examples:
      apollobench fetch --sources tempcompass --data_root data
      apollobench fetch --only out/two --data_root data --max_size 50GB --yes
    """
    from apollobench.arguments import parse_size
    from apollobench.fetching.job import check_room, make_plans
    from apollobench.fetching.job import fetch as carry_out
    from apollobench.fetching.selection import select_items, select_sources, videos_root
    from apollobench.report.fetching import plans_markdown

    limit = parse_size(max_size) if max_size is not None else None
    if only is not None:
        selection = select_items(only, sources, data_root, subtitles=subtitles)
    elif sources is not None:
        selection = select_sources(sources, data_root, subtitles=subtitles)
    else:
        raise InputError("fetch what? Give --sources NAMES, or --only FOLDER of a benchmark")
    plans = make_plans(selection, data_root, say)
    typer.echo(plans_markdown(plans, selection.left_out))
    check_room(plans, limit)
    if sum(plan.download for plan in plans) and not yes:
        confirm()
    outcome = carry_out(plans, data_root, say, workers)
    typer.echo(outcome.line())
    if only is not None and (place := videos_root(only, selection.supplies)):
        typer.echo(f"videos: apollobench eval --benchmark {only} --data_root {place}")
    raise typer.Exit(outcome.exit_code)


def say(line: str) -> None:
    typer.echo(line, err=True)


def confirm() -> None:
    """Asks on a terminal. Raises InputError when the answer is no, and with the command to go on where none can be."""
    if not sys.stdin.isatty():
        raise InputError(f"nothing was downloaded; to go on: {shlex.join(['apollobench', *sys.argv[1:], '--yes'])}")
    if not typer.confirm("Download?", err=True):
        raise InputError("nothing was downloaded")
