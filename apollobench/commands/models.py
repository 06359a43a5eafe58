"""Commands about models: which there are, serving, training, export."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError


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
    from apollobench.arguments import parse_model_args
    from apollobench.models.vllm.launch import serve as run_server

    run_server(model, parse_model_args(model_args), host=host, port=port, media_root=media_root, say=typer.echo)


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
        from apollobench.apollo.train.device import training_device
        from apollobench.apollo.train.family import recipes
        from apollobench.apollo.train.run import train as train_models

        chosen, where = recipes(model), training_device(device)
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
    from apollobench.apollo.train.device import training_device
    from apollobench.apollo.train.study import curated, read_study, run_study
    from apollobench.apollo.train.together import show_progress
    from apollobench.report.study import write_study

    show_progress()
    grid, where = read_study(recipe), training_device(device)
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
    from apollobench.arguments import parse_model_args
    from apollobench.models.roster import find_entry
    from apollobench.models.weights import find_weights

    arguments = parse_model_args(model_args)
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
