"""Items per second of three ways to ask one Apollo model the same questions: plainly, by our backend, and by vLLM.

    python perf/serving.py                                             the shipped tiny model, on the CPU
    python perf/serving.py --size 7b --device cuda --dtype bfloat16    random weights of the 7B, on a GPU

`plain` is what a first script does: for each question decode the video, encode it, and let transformers generate.
`ours` is `--backend transformers`, `vllm` is `--backend vllm` with a server of its own; both read a video once for all
its questions. The ways take turns, each round on videos that no way has seen. Starting the server is not timed.
APOLLOBENCH_VLLM_PYTHON names a Python that has vLLM, if this one does not; without any the row is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import torch
from apollo import Machine, build

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_tokenizer
from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.hf.layout import IMAGE, VIDEO, nest
from apollobench.apollo.hf.processor import ApolloProcessor
from apollobench.apollo.processing import make_clips
from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.apollo import ApolloModel, Options
from apollobench.models.base import Model
from apollobench.models.registry import load_model
from apollobench.models.roster import SHIPPED
from apollobench.models.vllm.server import vllm_python
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item, Mode, Request
from apollobench.video.budget import fitted
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

FIRST_SEED = 2_500_000
Way = Callable[[Sequence[Item]], None]
Asked = TypeVar("Asked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("tiny", "1.5b", "3b", "7b"), default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--videos", type=int, default=12, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vllm_args", default="", help="more options of vLLM's server: name=value,...")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        place = Path(folder)
        model = make_model(given.size, given.device, given.dtype, place / "model")
        ways: dict[str, Way] = {"plain": lambda items: plainly(model, items), "ours": by(model, place)}
        server = served(place / "model", given.size, given.dtype, given.vllm_args)
        if server:
            ways["vllm"] = by(held.enter_context(closing(server)), place)
        made = [world(place / f"world-{n}", given.videos, n) for n in range(given.rounds + 1)]
        for way in ways.values():
            way(made[0])  # warms up
        times = {name: [timed(way, items) for items in made[1:]] for name, way in ways.items()}
        reading = [timed(read_all(model), items) for items in made[1:]]
        thinking = [timed(answer_all(model), with_frames(model, items)) for items in made[1:]]
        print(table(times, [len(items) for items in made[1:]], reading, thinking))


def world(folder: Path, videos: int, number: int) -> list[Item]:
    make_world(folder, videos, FIRST_SEED + number * videos, workers=1, progress=False)
    return read_world(folder)


def make_model(size: str, device: str, dtype: str, folder: Path) -> ApolloModel:
    """The model in this process; `folder` gets what a server needs of it: all, or for random weights the configs."""
    if size == "tiny":
        from apollobench.apollo.hf.export import export_apollo

        export_apollo(SHIPPED / "apollo-tiny", folder, dtype=dtype)
        return ApolloModel.load("apollo-tiny", folder, Options(dtype=dtype, device=device))
    model = build(size, Machine(torch.device(device), getattr(torch, dtype), 1), vision_only=False)
    tokenizer = load_tokenizer(SHIPPED / "apollo-tiny")
    tokenizer.add_tokens([VIDEO, IMAGE], special_tokens=True)
    config = HfApolloConfig(**nest(model.config), video_token_id=tokenizer.convert_tokens_to_ids(VIDEO))
    config.save_pretrained(folder)
    ApolloProcessor(tokenizer, nest(config.apollo)).save_pretrained(folder)
    chat = Chat(tokenizer, model.config.clip_duration, model.config.tokens_per_clip, model.config.integration)
    sampling = fitted(model.config.sampling, model.config.max_length, model.config.tokens_per_clip)
    return ApolloModel(f"random-{size}", "0", model, chat, sampling)


def served(folder: Path, size: str, dtype: str, more: str) -> Model | None:
    try:
        vllm_python()
    except InputError as error:
        print(f"without vLLM: {error}", file=sys.stderr)
        return None
    arguments = {"dtype": dtype} | ({} if size == "tiny" else {"load_format": "dummy"})
    arguments |= dict(pair.split("=", 1) for pair in more.split(",") if pair)
    return load_model(f"vllm:{folder}", arguments)


@torch.inference_mode()
def plainly(model: ApolloModel, items: Sequence[Item]) -> None:
    """One question at a time, nothing shared."""
    vision = model.model.config.vision
    assert vision is not None
    for item in items:
        probed = probe(item.video.path)
        chosen = plan(probed, model.sampling)
        clips = [c.to(model.model.dtype) for c in make_clips(decode(probed, chosen.indices), vision)]
        clips = [clip.to(model.model.device) for clip in clips]
        ids = torch.tensor([model.chat.prompt(build_prompt(item), chosen)], device=model.model.device)
        model.model.generate(ids, clips=clips, max_new_tokens=1)


def by(model: Model, place: Path, decode_workers: int | None = None) -> Way:
    """As `apollobench eval` asks it, answers stored."""

    def way(items: Sequence[Item]) -> None:
        with tempfile.TemporaryDirectory(dir=place) as folder, Store(Path(folder)) as store:
            counts = run(model, items, (Mode.VIDEO,), store, decode_workers=decode_workers, progress=False)
        failed = [response.error for response in counts.responses if response.error]
        if failed:
            raise SystemExit(f"{len(failed)} of {len(items)} questions failed: {failed[0]}")

    return way


def read_all(model: ApolloModel) -> Way:
    """Decoding alone: each video once, one after the other."""

    def way(items: Sequence[Item]) -> None:
        for path in dict.fromkeys(item.video.path for item in items):
            probed = probe(path)
            decode(probed, plan(probed, model.sampling).indices)

    return way


def with_frames(model: ApolloModel, items: Sequence[Item]) -> list[Request]:
    """Equal videos share one array."""
    shown = {}
    for path in dict.fromkeys(item.video.path for item in items):
        probed = probe(path)
        chosen = plan(probed, model.sampling)
        shown[path] = chosen, decode(probed, chosen.indices)
    return [Request(item, Mode.VIDEO, build_prompt(item), *shown[item.video.path]) for item in items]


def answer_all(model: ApolloModel) -> Callable[[Sequence[Request]], None]:
    """Our backend alone, with the frames at hand."""

    def way(requests: Sequence[Request]) -> None:
        for _ in model.answer(requests):
            pass

    return way


def timed(way: Callable[[Sequence[Asked]], None], items: Sequence[Asked]) -> float:
    start = time.perf_counter()
    way(items)
    return time.perf_counter() - start


def table(
    times: dict[str, list[float]], counts: Sequence[int], reading: Sequence[float], thinking: Sequence[float]
) -> str:
    """Medians over the rounds; the ratio is that of the medians to `plain`."""
    rates = {name: middle([n / t for n, t in zip(counts, took, strict=True)]) for name, took in times.items()}
    rows = [
        [name, f"{rate:.1f}", f"{rate / rates['plain']:.2f}", f"{middle(times[name]):.2f}"]
        for name, rate in rates.items()
    ]
    rows.append(["decoding alone, one thread", "", "", f"{middle(reading):.2f}"])
    rows.append(["answering alone (ours)", "", "", f"{middle(thinking):.2f}"])
    longer = max(middle(reading), middle(thinking))
    rows.append(["ours, to the longer of the two", "", "", f"{middle(times['ours']) / longer:.2f} times"])
    head = f"{middle(list(counts)):.0f} questions a round, {len(counts)} rounds\n\n"
    return head + markdown_table(["way", "items/s", "to plain", "seconds"], rows)


def middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
