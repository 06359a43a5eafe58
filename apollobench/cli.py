"""The command line: each command is a few lines that call the package, and imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from apollobench import __version__
from apollobench.errors import InputError


class Commands(TyperGroup):
    """Turns the two ways in which a run ends early into a short message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            typer.echo("\nstopped; finished work is kept, and the same command goes on from here", err=True)
            raise typer.Exit(130) from stop


def group(text: str) -> typer.Typer:
    """A group of commands with the given help. Dashes and underscores in names are alike; help is plain text."""
    return typer.Typer(
        cls=Commands,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "token_normalize_func": lambda token: token.replace("-", "_"),
        },
    )


app = group(
    """Curate a video benchmark from public ones, and score any model on it with honest error bars.

    \b
    Everything at once, on a small generated world (minutes on two cores):
      apollobench demo --output_path demo

    Each command's own --help has an example. Dashes and underscores in option names are alike.
    Exit codes: 0 done, 1 a gate failed, 2 a usage or data error.
    """
)
sources_app = group("""The sources of items: what there is, and making the generated one.""")
app.add_typer(sources_app, name="sources")


def print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"apollobench {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None: ...


@sources_app.command("list")
def sources_list() -> None:
    """List the sources that recipes can name, with the options that each takes.

    \b
    Example:
      apollobench sources list
    """
    from apollobench.report.tables import markdown_table
    from apollobench.sources import sources

    rows = [[source.name, source.about, ", ".join(source.options)] for source in sources().values()]
    typer.echo(markdown_table(["source", "what", "options"], rows))


@sources_app.command("synthetic")
def sources_synthetic(
    make: Annotated[Path, typer.Option("--make", help="Folder to write; a finished one is left alone.")],
    videos: Annotated[int, typer.Option("--videos", min=1, help="How many videos to render.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the first video; its range decides the split.")] = 0,
) -> None:
    """Render the generated world: real H.264 files and questions whose needs are known.

    \b
    Example:
      apollobench sources synthetic --make world --videos 40 --seed 1000000
    """
    from apollobench.sources.synthetic.make import make_world

    make_world(make, videos, seed)


@app.command()
def models() -> None:
    """List the roster: every model that recipes and --model can name, and whether it can run here and now.

    \b
    Example:
      apollobench models
    """
    from apollobench.models.registry import readiness, roster
    from apollobench.report.tables import markdown_table

    rows = [[name, entry.family, entry.weights, readiness(name, entry)] for name, entry in roster().items()]
    typer.echo(markdown_table(["model", "family", "weights", "ready"], rows))


def main() -> None:
    app(prog_name="apollobench")
