"""The command line: each command is a few lines that call the package, and imports what it needs when it runs."""

from __future__ import annotations

import os
from pathlib import Path
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

    Everything that decides the result stands in the recipe. --sources takes the place of those that it names; without
    --recipe it is the one shipped for the source, else the full procedure, apollobench. A run that was stopped goes on
    where it stopped.

    \b
    Examples:
      apollobench curate --sources synthetic --output_path out/synthetic
      apollobench curate --sources videomme,mlvu --data_root data --output_path out/two
    """
    from apollobench.arguments import choose_recipe
    from apollobench.curate.pipeline import REPORT, load_pool
    from apollobench.curate.pipeline import curate as make
    from apollobench.report.closing import closing

    flags = {"subtitles": subtitles, "skip_malformed": skip_malformed}
    file = choose_recipe(sources, recipe, {} if size is None else {"select.size": size}, flags)
    items = load_pool(file.recipe, data_root or output_path / "data")
    _, decisions = make(file, items, output_path, workers=workers)
    typer.echo(f"{closing(decisions)}\nbenchmark: {output_path}\nreport: {output_path / REPORT}")


@app.command("eval")
def evaluate(
    model: Annotated[str, typer.Option("--model", help="A model of the roster; see `apollobench models`.")],
    benchmark: Annotated[
        Path | None, typer.Option("--benchmark", help="Folder of a benchmark that curate made. [required]")
    ] = None,
    model_args: Annotated[
        str, typer.Option("--model_args", help="name=value,...; pretrained=FOLDER (or a hub id) names a checkpoint.")
    ] = "",
    mode: Annotated[
        str, typer.Option("--mode", help="What the model sees, any of text,frame,video,shuffled.")
    ] = "text,frame,video",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first items; the result is marked as partial.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", help="Where it runs: transformers, vllm, http or lmms_eval.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base_url", help="A running server, such as http://localhost:8000/v1.")
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch_size", min=1, help="Questions to collect before the model is asked.")
    ] = 1,
    shard: Annotated[
        str, typer.Option("--shard", help="i/n: answer this part only; at last run without it, to score all.")
    ] = "0/1",
    data_root: Annotated[
        Path | None, typer.Option("--data_root", help="Folder of the videos. [default: as the manifest says]")
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of the result. [default: out/BENCHMARK/MODEL]")
    ] = None,
    allow_errors: Annotated[
        bool, typer.Option("--allow_errors", help="Exit with 0 even when questions ended with an error.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry_run", help="Only tell what would be asked, and what it would take; send nothing.")
    ] = False,
) -> None:
    """Score a model on a benchmark: accuracy per category, with what less than the video gives beside it.

    Writes results.json and samples.jsonl. Intervals are clustered by video. A run that was stopped goes on.

    \b
    Examples:
      apollobench eval --model apollo-tiny --benchmark out/synthetic
      apollobench eval --model apollo-7b --model_args pretrained=FOLDER --benchmark out/synthetic --limit 20
      apollobench eval --model http:MODEL_ID --base_url http://localhost:8000/v1 --benchmark out/synthetic --dry_run
    """
    from apollobench.arguments import parse_modes, parse_pairs
    from apollobench.evaluate.job import Job
    from apollobench.evaluate.job import evaluate as run_job
    from apollobench.evaluate.shard import parse_shard
    from apollobench.models.registry import check_model
    from apollobench.report.scorecard import card_markdown
    from apollobench.report.usage import usage_line

    arguments = parse_pairs(model_args)
    if base_url:
        arguments["base_url"] = base_url
    if not dry_run:
        check_model(model, arguments, backend)
    if benchmark is None:
        raise InputError("which benchmark? Give --benchmark FOLDER, one that `apollobench curate` made")
    job = Job(
        model=model,
        backend=backend,
        benchmark=benchmark,
        modes=parse_modes(mode),
        model_args=arguments,
        data_root=data_root,
        limit=limit,
        batch_size=batch_size,
        shard=parse_shard(shard),
        output=output_path,
    )
    if dry_run:
        from apollobench.evaluate.estimate import estimate
        from apollobench.report.estimate import estimate_markdown

        typer.echo(estimate_markdown(estimate(job)))
        return
    outcome = run_job(job)
    if outcome.card:
        typer.echo(f"{card_markdown(outcome.card)}\n")
    if outcome.usage:
        typer.echo(f"{usage_line(*outcome.usage)}\n")
    typer.echo(f"{outcome.line()}\nresult: {outcome.output}")
    if outcome.errors and not allow_errors:
        raise InputError(
            f"{outcome.errors} questions ended with an error; samples.jsonl has the reasons. "
            "The same command asks them again, --allow_errors accepts them"
        )


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


@app.command()
def serve(
    model: Annotated[str, typer.Option("--model", help="A model of the roster, or vllm:FOLDER_OR_HUB_ID.")],
    model_args: Annotated[
        str, typer.Option("--model_args", help="pretrained=..., and any option of vLLM's: max_model_len=4096,...")
    ] = "",
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; another than this machine needs a key.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 8000,
    media_root: Annotated[
        Path, typer.Option("--media_root", help="Requests may name video files in this folder.")
    ] = Path(),
) -> None:
    """Serve a model by vLLM, in a process of its own, over the OpenAI API; Ctrl-C ends both.

    `apollobench eval --model MODEL --base_url http://127.0.0.1:PORT/v1` then asks it, as often as you like.
    Apollo checkpoints are exported for it once. The environment variable VLLM_API_KEY sets a key that clients must
    send, APOLLOBENCH_VLLM_PYTHON names a Python that has vLLM if this one does not.

    \b
    Example:
      apollobench serve --model apollo-7b --port 8000 --media_root data
    """
    from apollobench.arguments import parse_pairs
    from apollobench.models.vllm.launch import serve as run_server

    run_server(model, parse_pairs(model_args), host=host, port=port, media_root=media_root, say=typer.echo)


@app.command()
def plan(
    duration: Annotated[float, typer.Option("--duration", help="Length of the video in seconds.")],
    fps: Annotated[float, typer.Option("--fps", help="Frames per second inside a clip.")] = 2.0,
    tokens_per_clip: Annotated[int, typer.Option("--tokens_per_clip", help="Tokens that a clip becomes.")] = 128,
    clip_frames: Annotated[int, typer.Option("--clip_frames", help="Frames of a clip.")] = 4,
    budget: Annotated[int, typer.Option("--budget", help="Tokens that the model can read.")] = 16384,
    ratio: Annotated[float, typer.Option("--ratio", help="Share of the budget for the video.")] = 0.65,
    max_clips: Annotated[int | None, typer.Option("--max_clips", min=1, help="At most so many clips.")] = None,
) -> None:
    """Show what a token budget buys of a video: clips, tokens, coverage, and which of them sets the limit.

    \b
    Example:
      apollobench plan --duration 3600 --fps 2 --tokens_per_clip 128 --budget 16384
    """
    from apollobench.report.budget import budget_markdown
    from apollobench.video.budget import Budget

    typer.echo(budget_markdown(Budget(duration, fps, tokens_per_clip, budget, clip_frames, ratio, max_clips)))


@app.command()
def gate(
    baseline: Annotated[Path, typer.Option("--baseline", help="Folder of a result of eval.")],
    candidate: Annotated[Path, typer.Option("--candidate", help="Folder of the result that must not be worse.")],
    margin: Annotated[float, typer.Option("--margin", help="Accuracy that may be lost: 0.02 allows two points.")] = 0.0,
    alpha: Annotated[float, typer.Option("--alpha", help="1 - level of the interval that decides.")] = 0.05,
    mode: Annotated[str, typer.Option("--mode", help="The mode to compare.")] = "video",
    allow_errors: Annotated[
        bool, typer.Option("--allow_errors", help="Leave out questions that ended with an error, instead of stopping.")
    ] = False,
) -> None:
    """Fail when a candidate is worse than a baseline, beyond a margin and beyond chance, on the items both answered.

    Prints the verdict as Markdown. Exits with 1 on a regression, 0 otherwise, 2 when the two cannot be compared.

    \b
    Example:
      apollobench gate --baseline out/synthetic/old --candidate out/synthetic/new --margin 0.01
    """
    from apollobench.arguments import parse_mode
    from apollobench.report.gate import gate as decide
    from apollobench.report.gate import verdict_markdown

    verdict = decide(baseline, candidate, margin=margin, alpha=alpha, mode=parse_mode(mode), allow_errors=allow_errors)
    typer.echo(verdict_markdown(verdict))
    raise typer.Exit(verdict.exit_code)


@leaderboard_app.command("export")
def leaderboard_export(
    results: Annotated[
        list[Path] | None, typer.Argument(help="Folders of results of eval, to stand beside the shipped rows.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="csv or md.")] = "md",
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="File to write. [default: standard output]")
    ] = None,
) -> None:
    """Write the leaderboard: rows copied from their sources, and rows measured here, each with its manifest.

    \b
    Example:
      apollobench leaderboard export --format md out/synthetic/apollo-tiny
    """
    from apollobench.report.leaderboard import export

    text = export(form, results or [])
    if output_path is None:
        typer.echo(text, nl=False)
    else:
        output_path.parent.mkdir(parents=True, exist_ok=True)
        output_path.write_text(text, encoding="utf-8")
        typer.echo(f"leaderboard: {output_path}")


@app.command()
def demo(
    output_path: Annotated[Path, typer.Option("--output_path", help="Folder for everything.")] = Path("demo"),
) -> None:
    """Do the main job on the generated world: curate a benchmark, score two models, rank them, gate one.

    \b
    Example:
      apollobench demo --output_path demo
    """
    from apollobench.demo import demo as run_demo

    run_demo(output_path)


@app.command()
def models() -> None:
    """List the roster: every model that recipes and --model can name, and whether it can run here and now.

    \b
    Example:
      apollobench models
    """
    from apollobench.models.registry import readiness
    from apollobench.models.roster import roster
    from apollobench.report.tables import markdown_table

    rows = [
        [name, entry.backend, entry.family, entry.size, entry.licence, entry.weights, readiness(name, entry)]
        for name, entry in roster().items()
    ]
    typer.echo(markdown_table(["model", "backend", "family", "size", "licence", "weights", "ready here"], rows))


@app.command()
def train(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="A model of the tiny family, made from nothing; repeatable, and all makes all."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="A shipped training recipe by name, or one by path (.yaml).")
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output_path", help="Folder for the result. [default: out/weights, or out/RECIPE]"),
    ] = None,
    work: Annotated[
        Path, typer.Option("--work", help="With --model: folder of shared parts and of finished stages.")
    ] = Path("out/train"),
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="With --model: CPU cores to use; as many models train at a time.")
    ] = 1,
    device: Annotated[
        str, typer.Option("--device", help="With --model: auto (a GPU if there is one), cpu, cuda or cuda:N.")
    ] = "auto",
) -> None:
    """Train a model by a recipe, or one of the tiny family; stop and start as you like, finished work is kept.

    A recipe names what a model starts from, its data and its stages; several GPUs take part under torchrun.

    \b
    Examples:
      apollobench train --recipe three-stage --output_path out/three-stage
      apollobench train --model all --output_path out/weights --workers 2
    """
    if bool(model) == bool(recipe):
        raise InputError("train what? Give either --recipe NAME or --model NAME")
    from apollobench.apollo.train.together import show_progress

    show_progress()
    if recipe is not None:
        from apollobench.training.loop import train as train_recipe
        from apollobench.training.recipe import load_training

        file = load_training(recipe)
        made = train_recipe(file, output_path or Path("out") / file.recipe.name)
        if os.environ.get("RANK", "0") == "0":
            typer.echo(made)
    elif model:
        from apollobench.apollo.train.device import find_device
        from apollobench.apollo.train.family import recipes
        from apollobench.apollo.train.run import train as train_models

        chosen, where = recipes(model), find_device(device)
        for folder in train_models(chosen, output_path or Path("out/weights"), work, workers=workers, device=where):
            typer.echo(folder)


@app.command()
def study(
    recipe: Annotated[Path, typer.Argument(help="A study file (.yaml); one is shipped in curation/studies.")],
    output_path: Annotated[Path, typer.Option("--output_path", help="Folder of table, figure, weights and results.")],
    work: Annotated[
        Path, typer.Option("--work", help="Folder of the parts that models share, and of finished stages.")
    ] = Path("out/train"),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Models to train at a time, one core each.")] = 1,
    device: Annotated[
        str, typer.Option("--device", help="auto (a GPU if there is one), cpu, cuda or cuda:N.")
    ] = "auto",
) -> None:
    """Train a grid of tiny models (designs, sizes, data mixtures), score each, and tell what small ones say of large.

    Encoders and language models that WORK lacks are trained first. A run that was stopped goes on where it stopped.

    \b
    Example:
      apollobench study curation/studies/tiny-designs/study.yaml --output_path out/study --workers 2
    """
    from apollobench.apollo.train.device import find_device
    from apollobench.apollo.train.study import curated, read_study, run_study
    from apollobench.apollo.train.together import show_progress
    from apollobench.report.study import write_study

    show_progress()
    grid, where = read_study(recipe), find_device(device)
    rows = run_study(grid, curated(grid, work, workers), output_path, work, workers=workers, device=where)
    typer.echo(write_study(grid.name, rows, output_path))


@app.command()
def export(
    model: Annotated[str, typer.Option("--model", help="An Apollo model of the roster; see `apollobench models`.")],
    output_path: Annotated[Path, typer.Option("--output_path", help="Folder to write.")],
    model_args: Annotated[
        str, typer.Option("--model_args", help="pretrained=FOLDER or pretrained=HUB_ID,revision=NAME, as in eval.")
    ] = "",
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="Of the stored weights. [default: as in the checkpoint]")
    ] = None,
    max_shard_size: Annotated[str, typer.Option("--max_shard_size", help="Largest weights file.")] = "5GB",
) -> None:
    """Write an Apollo checkpoint as one folder that transformers and vLLM load.

    After `import apollobench`, AutoModelForImageTextToText and AutoProcessor know it; `pretrained=` takes it, too.

    \b
    Example:
      apollobench export --model apollo-7b --output_path out/apollo-7b-hf --dtype bfloat16
    """
    from apollobench.arguments import parse_pairs
    from apollobench.models.roster import find_entry
    from apollobench.models.weights import find_weights

    arguments = parse_pairs(model_args)
    unknown = sorted(arguments.keys() - {"pretrained", "revision"})
    if unknown:
        raise InputError(f"unknown model argument {unknown[0]!r}; valid: pretrained, revision")
    entry = find_entry(model)
    if entry.backend != "apollo":
        raise InputError(f"{model} is no Apollo model; transformers and vLLM load its weights as they are")
    folder = find_weights(model, entry, **arguments)
    from apollobench.apollo.hf.export import export_apollo

    added = export_apollo(folder, output_path, dtype=dtype, max_shard_size=max_shard_size)
    typer.echo(f"special tokens added: {' '.join(added) or 'none'}\nmodel: {output_path}")


def main() -> None:
    app(prog_name="apollobench")
