"""The group of all commands, and how a run that ends early is told."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from apollobench import __version__
from apollobench.errors import InputError


class Commands(TyperGroup):
    """Turns the ways in which a run ends early, other than by a bug, into a short message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from error
        except OSError as error:
            if error.filename is None:
                raise
            typer.echo(f"error: {error.filename}: {error.strerror}", err=True)
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
    Exit codes: 0 done, 1 a gate failed or a file is faulty, 2 a usage or data error.
    """
)
sources_app = group("""The sources of items: what there is, and making the generated one.""")
app.add_typer(sources_app, name="sources")
leaderboard_app = group("""The table of models: rows reported elsewhere, and rows measured here.""")
app.add_typer(leaderboard_app, name="leaderboard")
store_app = group("""Stores of responses: what one holds, and making few files of many.""")
app.add_typer(store_app, name="store")


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
