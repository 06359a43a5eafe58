"""Commands about questions and videos: sources, curation, check-ups, imports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.engines import Address, Engine, GpusEach, Replicas
from apollobench.commands.top import app, sources_app
from apollobench.errors import InputError


@sources_app.command("list")
def sources_list() -> None:
    """List the sources that recipes can name, with the options that each takes.

    \b
    Example:
      apollobench sources list
    """
    from apollobench.report.tables import markdown_table
    from apollobench.sources import sources

    rows = [[source.form, source.about, ", ".join(source.options)] for source in sources().values()]
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
        str | None, typer.Option("--sources", help="Sources, separated by commas; see `apollobench sources list`.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="A shipped recipe by name, or one of your own by path (.yaml).")
    ] = None,
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Give models the subtitles with the question, where sources have them.")
    ] = False,
    skip_malformed: Annotated[
        bool, typer.Option("--skip_malformed", help="Leave out malformed rows of the annotations, instead of stopping.")
    ] = False,
    at_hand: Annotated[
        bool, typer.Option("--at_hand", help="Leave out questions whose annotations or videos are not on this machine.")
    ] = False,
    panel: Annotated[
        str | None,
        typer.Option("--panel", help="A panel of models.yaml (paper, tiny), or models, in place of the recipe's."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="How many items to select, instead of what the recipe says.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option("--data_root", help="Folder of the sources' data. [default: OUTPUT_PATH/data]")
    ] = None,
    responses: Annotated[
        str | None,
        typer.Option(
            "--responses",
            help="Store of the answers: a folder, or s3://BUCKET/PATH or the like. [default: OUTPUT_PATH/responses]",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that run models. [default: one per core]")
    ] = None,
    model_args: Annotated[
        str, typer.Option("--model_args", help="name=value,... for every model of the panel, such as device=cuda.")
    ] = "",
    engine: Engine = "local",
    address: Address = None,
    num_gpus: GpusEach = None,
    replicas: Replicas = None,
    categorizer: Annotated[
        str | None,
        typer.Option(
            "--categorizer", help="native, text or http: how items get categories, instead of the recipe's way."
        ),
    ] = None,
    categorizer_args: Annotated[
        str, typer.Option("--categorizer_args", help="Its settings: base_url=http://localhost:8000/v1,model=ID")
    ] = "",
    decisions: Annotated[
        Path | None, typer.Option("--decisions", help="JSON lines of what people decided about items; overrides all.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Make the benchmark in OUTPUT_PATH anew with what `apollobench review` decided."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry_run", help="Only tell what it would take and what is missing here; ask nothing.")
    ] = False,
) -> None:
    """Make a benchmark: ask a panel of models, drop what needs no video, sort, select, and report.

    Everything that decides the result stands in the recipe. --sources takes the place of those that it names; without
    --recipe it is the one shipped for the source, else the full procedure, apollobench. A run that was stopped goes on
    where it stopped. After a review, --resume takes the benchmark's own recipe and the decisions that lie beside it.

    \b
    Examples:
      apollobench curate --sources synthetic --output_path out/synthetic
      apollobench curate --resume --output_path out/synthetic
      apollobench curate --sources videomme,mlvu --data_root data --output_path out/two
      apollobench curate --recipe apollobench --data_root data --output_path out/full --dry_run
      apollobench curate --recipe apollobench --data_root data --output_path out/full --engine ray --num_gpus 1 \\
          --model_args device=cuda
      apollobench curate --sources nextqa,csv:my.csv --categorizer text --decisions decisions.jsonl --output_path out/my
    """
    from functools import partial

    from apollobench.arguments import (
        categorizer_changes,
        choose_recipe,
        panel_overrides,
        parse_engine,
        parse_model_args,
    )
    from apollobench.curate.decisions import read_decisions
    from apollobench.curate.pipeline import REPORT, load_pool
    from apollobench.curate.pipeline import curate as make
    from apollobench.report.closing import closing
    from apollobench.review.resume import recorded

    decided = read_decisions(decisions) if decisions else ()
    flags = {"subtitles": subtitles, "skip_malformed": skip_malformed, "at_hand": at_hand}
    overrides = {**panel_overrides(panel), **({} if size is None else {"select.size": size})}
    if resume:
        if sources or recipe or overrides or categorizer or categorizer_args or any(flags.values()):
            raise InputError("--resume takes the recipe of the benchmark in OUTPUT_PATH: give no other, and no change")
        file, decided = recorded(output_path, decided)
    else:
        file = choose_recipe(sources, recipe, overrides, flags)
        if sorting := categorizer_changes(file, categorizer, categorizer_args):
            file = choose_recipe(sources, recipe, overrides | sorting, flags)
    cluster = parse_engine(engine, address, num_gpus, replicas)
    if cluster and workers:
        raise InputError("--workers are processes on this machine; on a cluster, --replicas says how many are at work")
    told = parse_model_args(model_args)
    data = data_root or output_path / "data"
    if dry_run:
        from apollobench.curate.forecast import forecast
        from apollobench.report.forecast import forecast_markdown

        typer.echo(forecast_markdown(forecast(file.recipe, data)))
        return
    items = load_pool(file.recipe, data)
    run_models = None
    if cluster:
        from apollobench.curate.cluster import run_panel_on_cluster

        run_models = partial(run_panel_on_cluster, options=cluster, model_args=told)
    _, made = make(
        file,
        items,
        output_path,
        decided=decided,
        workers=workers,
        model_args=told,
        run_models=run_models,
        responses=responses,
    )
    typer.echo(f"{closing(made)}\nbenchmark: {output_path}\nreport: {output_path / REPORT}")


@app.command()
def doctor(
    files: Annotated[list[Path] | None, typer.Argument(help="Video files, and folders of them.")] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", help="Examine the videos of these sources, separated by commas.")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option("--benchmark", help="Examine the videos of a benchmark that curate made.")
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option("--data_root", help="Folder of the sources' data [default: data], or of the benchmark's videos."),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output_path", help="Folder of media.jsonl. [default: DATA_ROOT, or the one that holds all]"),
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help="csv or md: print every file, not the summary.")] = None,
    time_limit: Annotated[
        float, typer.Option("--time_limit", min=0.1, help="Seconds for a file, and one more per 10 MB of it.")
    ] = 60.0,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Files to examine at a time. [default: one per core]")
    ] = None,
) -> None:
    """Examine every video before a run: probe it, decode its center frame, look for its end, in processes of their own.

    Faults (missing, empty, no video, unreadable, truncated, absurd, center undecodable, hung, crashed) cost the items
    on a file; rotation and a variable frame rate are only noted. media.jsonl keeps all: the next check-up examines what
    changed, and runs take the content hashes from it where it lies at or above the videos. Delete it to begin anew.
    Exits with 0 if no file has a fault, 1 if one has, 2 on a usage error.

    \b
    Examples:
      apollobench doctor --sources synthetic --data_root data
      apollobench doctor --benchmark out/synthetic
      apollobench doctor videos --format csv
    """
    from apollobench.doctor.checkup import check_up
    from apollobench.doctor.files import common_folder, files_in, files_of_benchmark, files_of_sources
    from apollobench.report.health import writer

    write = writer(form)
    items = files_in(files or [])
    if sources:
        items.update(files_of_sources(sources, data_root or Path("data")))
    if benchmark:
        items.update(files_of_benchmark(benchmark, data_root))
    if not items:
        raise InputError("examine what? Give files or folders, --sources NAMES or --benchmark FOLDER")
    checkup = check_up(items, output_path or data_root or common_folder(items), workers=workers, seconds=time_limit)
    typer.echo(write(checkup))
    raise typer.Exit(checkup.exit_code)


@app.command("import")
def import_results(
    files: Annotated[list[Path], typer.Argument(help="Result files of other tools.")],
    output_path: Annotated[Path, typer.Option("--output_path", help="Folder of the responses and results.")],
    benchmark: Annotated[
        Path | None, typer.Option("--benchmark", help="Folder of a benchmark that curate made, matched with its pool.")
    ] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", help="Sources, separated by commas, in place of a benchmark.")
    ] = None,
    data_root: Annotated[Path, typer.Option("--data_root", help="Folder of the sources' data.")] = Path("data"),
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="lmms-eval, vlmevalkit, inspect, csv, matrix or json. [default: as the content says]"
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Whose answers these are, where the files do not say.")
    ] = None,
    mode: Annotated[str, typer.Option("--mode", help="What the model saw, where the files do not say.")] = "video",
) -> None:
    """Take over what others ran: answers in other tools' result files, matched by id, question and options.

    Writes responses/, unmatched.csv, and a result for each model that gate and leaderboard read like one of eval.

    \b
    Example:
      apollobench import samples.jsonl --model llava-onevision-7b --benchmark out/mine --output_path out/imported
    """
    from apollobench.arguments import parse_mode
    from apollobench.imports.job import from_benchmark, from_sources, import_files
    from apollobench.report.imported import imported_markdown
    from apollobench.report.scorecard import card_markdown

    if (benchmark is None) == (sources is None):
        raise InputError("match with what? Give either --benchmark FOLDER or --sources NAMES")
    target = from_benchmark(benchmark) if benchmark is not None else from_sources(str(sources), data_root)
    outcome = import_files(files, target, output_path, form=form, model=model, mode=parse_mode(mode))
    typer.echo(imported_markdown(outcome.tallies))
    for folder, card in outcome.cards.items():
        typer.echo(f"\n{card_markdown(card)}\n\nresult: {folder}")
    for name in outcome.unscored:
        typer.echo(f"\n{name}: answers only to items that the benchmark left out; stored, no result")
