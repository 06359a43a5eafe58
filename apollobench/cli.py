"""The command line: each command is a few lines that call the package, and imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from apollobench import __version__
from apollobench.errors import InputError

if TYPE_CHECKING:
    from apollobench.recipe import RecipeFile


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


def choose_recipe(source: str | None, recipe: str | None, overrides: dict[str, Any]) -> RecipeFile:
    """The recipe that the two options mean. Raises InputError when neither is given, or when they disagree."""
    from apollobench.recipe import load_recipe
    from apollobench.sources import sources

    if source is not None and source not in sources():
        raise InputError(f"unknown source {source!r}; there are {', '.join(sources())}")
    if source is None and recipe is None:
        raise InputError("nothing to curate; name a source with --sources, or a recipe with --recipe")
    file = load_recipe(recipe or str(source), overrides)
    used = [part.name for part in file.recipe.sources]
    if source is not None and used != [source]:
        raise InputError(f"{file.name} takes its items from {', '.join(used)}, --sources says {source}; leave one out")
    return file


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
def curate(
    output_path: Annotated[Path, typer.Option("--output_path", help="Folder of the benchmark, made or taken up.")],
    sources: Annotated[
        str | None, typer.Option("--sources", help="A source; its shipped recipe is used unless --recipe names one.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="A shipped recipe by name, or one of your own by path (.yaml).")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="How many items to select, instead of what the recipe says.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option("--data_root", help="Folder of the sources' data. [default: OUTPUT_PATH/data]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that run models. [default: one per core]")
    ] = None,
) -> None:
    """Make a benchmark: ask a panel of models, drop what needs no video, sort, select, and report.

    Everything that decides the result stands in the recipe. A run that was stopped goes on where it stopped.

    \b
    Example:
      apollobench curate --sources synthetic --output_path out/synthetic
    """
    from apollobench.curate.pipeline import REPORT, load_pool
    from apollobench.curate.pipeline import curate as make
    from apollobench.report.closing import closing

    file = choose_recipe(sources, recipe, {} if size is None else {"select.size": size})
    items = load_pool(file.recipe, data_root or output_path / "data")
    _, decisions = make(file, items, output_path, workers=workers)
    typer.echo(f"{closing(decisions)}\nbenchmark: {output_path}\nreport: {output_path / REPORT}")


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


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A model of the tiny family, as `apollobench models` lists it.")],
    output_path: Annotated[
        Path, typer.Option("--output_path", help="Folder to which the checkpoint folder NAME is written.")
    ] = Path("out/weights"),
    work: Annotated[
        Path, typer.Option("--work", help="Folder of the parts that models share, and of finished stages.")
    ] = Path("out/train"),
    workers: Annotated[int, typer.Option("--workers", min=1, help="CPU cores to use.")] = 1,
) -> None:
    """Train a model of the tiny family from nothing; stop and start as you like, finished stages are kept.

    \b
    Example:
      apollobench train apollo-tiny --output_path out/weights --workers 2
    """
    import logging

    from apollobench.apollo.train.run import train as train_model

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    typer.echo(train_model(name, output_path, work, workers=workers))


def main() -> None:
    app(prog_name="apollobench")
