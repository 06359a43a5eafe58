"""Commands about scores: evaluation, comparison, the leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.engines import Address, Engine, GpusEach, Replicas
from apollobench.commands.top import app, leaderboard_app
from apollobench.errors import InputError


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
    responses: Annotated[
        str | None,
        typer.Option(
            "--responses",
            help="Store of the answers: a folder, or s3://BUCKET/PATH or the like. [default: OUTPUT_PATH/responses]",
        ),
    ] = None,
    allow_errors: Annotated[
        bool, typer.Option("--allow_errors", help="Exit with 0 even when questions ended with an error.")
    ] = False,
    engine: Engine = "local",
    address: Address = None,
    num_gpus: GpusEach = None,
    replicas: Replicas = None,
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
      apollobench eval --model apollo-7b --model_args device=cuda --benchmark out/synthetic --engine ray --num_gpus 1
    """
    from functools import partial

    from apollobench.arguments import parse_engine, parse_model_args, parse_modes
    from apollobench.evaluate.job import Hire, Job, alone
    from apollobench.evaluate.job import evaluate as run_job
    from apollobench.evaluate.shard import parse_shard
    from apollobench.models.registry import check_model, choose
    from apollobench.report.scorecard import card_markdown
    from apollobench.report.usage import usage_line

    arguments = parse_model_args(model_args)
    if base_url:
        arguments["base_url"] = base_url
    cluster = parse_engine(engine, address, num_gpus, replicas)
    if not dry_run:
        (choose if cluster else check_model)(model, arguments, backend)
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
        responses=responses,
    )
    if dry_run:
        from apollobench.evaluate.estimate import estimate
        from apollobench.report.estimate import estimate_markdown

        typer.echo(estimate_markdown(estimate(job)))
        return
    hire: Hire = alone
    if cluster:
        from apollobench.evaluate.cluster.job import on_cluster

        hire = partial(on_cluster, options=cluster)
    outcome = run_job(job, hire)
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
def tasks() -> None:
    """Print the folder of the task pack, with which stock lmms-eval scores a benchmark that curate made.

    The environment names the benchmark: APOLLOBENCH_BENCHMARK is its folder, and APOLLOBENCH_DATA that of its videos
    where they are not where the manifest says. `apollobench import` reads the samples that lmms-eval logs.

    \b
    Examples:
      apollobench tasks
      export APOLLOBENCH_BENCHMARK=out/synthetic
      lmms-eval --include_path "$(apollobench tasks)" --tasks apollobench --model qwen2_5_vl \\
          --log_samples --output_path out/logs
    """
    from apollobench.content import content_path

    typer.echo(content_path("tasks"))


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
    history: Annotated[
        Path | None,
        typer.Option("--history", help="File of earlier nights: makes alpha hold over all nights, not for each one."),
    ] = None,
) -> None:
    """Fail when a candidate is worse than a baseline, beyond a margin and beyond chance, on the items both answered.

    Prints the verdict as Markdown. Exits with 1 on a regression, 0 otherwise, 2 when the two cannot be compared. A gate
    that runs every night raises false alarms every few weeks; with --history it does so at most once in 1/alpha
    baselines, however many nights there are. docs/compare.md says how.

    \b
    Examples:
      apollobench gate --baseline out/synthetic/old --candidate out/synthetic/new --margin 0.01
      apollobench gate --baseline out/release --candidate out/tonight --history gate.jsonl
    """
    from functools import partial

    from apollobench.arguments import parse_mode
    from apollobench.report.gate import gate as decide
    from apollobench.report.gate import verdict_markdown
    from apollobench.report.nightly import gate_tonight

    judge = decide if history is None else partial(gate_tonight, history=history)
    verdict = judge(baseline, candidate, margin=margin, alpha=alpha, mode=parse_mode(mode), allow_errors=allow_errors)
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


@leaderboard_app.command("build")
def leaderboard_build(
    out: Annotated[Path, typer.Option("--out", help="Folder of the page; one that was built before is replaced.")],
    results: Annotated[
        list[Path] | None, typer.Argument(help="Folders of results of eval, to stand beside the shipped rows.")
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option("--benchmark", help="Folder of a benchmark whose manifest the page links to; may be repeated."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", help="OWNER/NAME of the published benchmark: writes .eval_results entries for the hub."
        ),
    ] = None,
) -> None:
    """Write the leaderboard as a page that opens from disk: sortable, filterable, with intervals, ranks and ties.

    Beside it lie the rows as CSV, a record of each result for Every Eval Ever, and, with --dataset, the entries that
    models' repositories on the Hugging Face hub take under .eval_results.

    \b
    Example:
      apollobench leaderboard build --out site out/synthetic/apollo-tiny out/synthetic/apollo-tiny-s
    """
    from apollobench.board.site import build

    typer.echo(f"leaderboard: {build(out, results or [], benchmark or [], dataset)}")


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
