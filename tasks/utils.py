"""What the YAML files look up by name: our prompt, our frames and our extractor, on a benchmark that curate wrote.

The environment says which: APOLLOBENCH_BENCHMARK is its folder. Its videos are under the media root of its manifest or
under APOLLOBENCH_DATA, whichever has more of them. A document is a row of items.parquet with the path of its video and
the mode that it is asked in. lmms-eval executes this file once for every name that it looks up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollobench.benchmark import ITEMS as ITEMS_FILE
from apollobench.benchmark import Benchmark, from_row, load_benchmark
from apollobench.errors import InputError
from apollobench.evaluate.extract import extract
from apollobench.evaluate.layout import NO_OPTION
from apollobench.evaluate.prompt import build_prompt
from apollobench.models.lmms.failure import FAILURE
from apollobench.types import LETTERS, Item, Mode, Sampling

if TYPE_CHECKING:
    from datasets import Dataset

BENCHMARK_VARIABLE, DATA_VARIABLE = "APOLLOBENCH_BENCHMARK", "APOLLOBENCH_DATA"
CENTER = Sampling(kind="center", clip_frames=1)
Doc = Mapping[str, Any]
Metrics = dict[str, dict[str, Any]]


def __getattr__(name: str) -> str:
    """The names that stand for values; each is made when it is looked up, so that only a task that is run needs it."""
    if name not in VALUES:
        raise AttributeError(name)
    return VALUES[name](_benchmark())


def _items(benchmark: Benchmark) -> str:
    return str(benchmark.directory / ITEMS_FILE)


def _items_with_videos(benchmark: Benchmark) -> str:
    """As `_items`. Raises InputError when a video is absent: lmms-eval would lose the run where it comes to it."""
    absent = [item for item in benchmark.items if not item.video.path.is_file()]
    if absent:
        raise InputError(
            f"{benchmark.directory}: {len(absent)} of {len(benchmark.items)} items are without their video; the first, "
            f"{absent[0].id}, needs {absent[0].video.path}. Set {DATA_VARIABLE} to the folder of the videos, or run "
            "--tasks apollobench_text, which needs none"
        )
    return _items(benchmark)


def _name(benchmark: Benchmark) -> str:
    """Its name and the hash of its manifest, which the results of a run record."""
    return f"{benchmark.name}@{benchmark.manifest_hash}"


VALUES: Mapping[str, Callable[[Benchmark], str]] = {
    "ITEMS": _items,
    "ITEMS_WITH_VIDEOS": _items_with_videos,
    "BENCHMARK": _name,
}


def _benchmark() -> Benchmark:
    """Raises InputError that says what to do where it is not named, half-written or damaged."""
    place = os.environ.get(BENCHMARK_VARIABLE)
    if not place:
        raise InputError(
            f"which benchmark? Set {BENCHMARK_VARIABLE} to the folder of one that `apollobench curate` made, such as "
            f"`export {BENCHMARK_VARIABLE}=out/synthetic`"
        )
    folder, data = Path(place).absolute(), os.environ.get(DATA_VARIABLE)
    roots = [None, Path(data)] if data else [None]
    found = [load_benchmark(folder, root, needs_videos=False) for root in roots]
    return max(found, key=lambda benchmark: sum(item.video.path.is_file() for item in benchmark.items))


def text_docs(dataset: Dataset) -> Dataset:
    return _docs(dataset, Mode.TEXT)


def frame_docs(dataset: Dataset) -> Dataset:
    return _docs(dataset, Mode.FRAME)


def video_docs(dataset: Dataset) -> Dataset:
    return _docs(dataset, Mode.VIDEO)


def _docs(dataset: Dataset, mode: Mode) -> Dataset:
    paths = {item.id: str(item.video.path) for item in _benchmark().items}
    dataset = dataset.remove_columns("video").add_column("video", [paths[name] for name in dataset["id"]])
    return dataset.add_column("mode", [mode.value] * len(dataset))


def doc_to_text(doc: Doc) -> str:
    return build_prompt(_item(doc))


def doc_to_target(doc: Doc) -> str:
    return LETTERS[doc["answer"]]


def doc_to_visual(doc: Doc) -> list[Any]:
    """Nothing, the center frame as a picture, or the path of the video; InputError names the item that has a bad one.

    The path comes after a look at the file, since many classes only log that they cannot read it, and then answer.
    """
    item = _item(doc)
    try:
        return VISUALS[Mode(doc["mode"])](item.video.path)
    except InputError as error:
        raise InputError(f"{item.id}: {error}") from error


def doc_to_messages(doc: Doc) -> list[dict[str, Any]]:
    """The same for chat classes; lmms-eval's own way would take `.webm` for sound and `.gif` for a picture."""
    kind = "image" if doc["mode"] == Mode.FRAME else "video"
    shown = [{"type": kind, "url": visual} for visual in doc_to_visual(doc)]
    return [{"role": "user", "content": [*shown, {"type": "text", "text": doc_to_text(doc)}]}]


def process_results(doc: Doc, results: Sequence[str]) -> Metrics:
    """The score of the reply, once among all and once in its category; a failed request has none, as in our eval."""
    item, reply = _item(doc), results[0]
    told = {"item": item.id, "video_id": item.video.id, "category": item.category, "mode": doc["mode"]}
    if FAILURE.match(reply):
        return {"apollobench_answered": {**told, "score": 0.0}}
    choice = extract(reply, item.options)
    named = NO_OPTION if choice is None else LETTERS[choice]
    scored = {**told, "pred_answer": named, "answer": LETTERS[item.answer], "score": float(choice == item.answer)}
    return {
        "apollobench_score": scored,
        f"apollobench_{str(item.category).lower()}_score": scored,
        "apollobench_answered": {**told, "score": 1.0},
    }


def mean_score(scored: Sequence[Mapping[str, Any]]) -> float:
    return sum(float(one["score"]) for one in scored) / len(scored)


def _item(doc: Doc) -> Item:
    return from_row(doc, Path()).item


def _no_visual(video: Path) -> list[Any]:
    return []


def _center_frame(video: Path) -> list[Any]:
    from PIL import Image

    from apollobench.video.decode import decode
    from apollobench.video.plan import plan
    from apollobench.video.probe import probe

    probed = probe(video)
    return [Image.fromarray(frame) for frame in decode(probed, plan(probed, CENTER).indices)]


def _file(video: Path) -> list[Any]:
    from apollobench.video.probe import probe

    return [str(probe(video).path)]


VISUALS: Mapping[Mode, Callable[[Path], list[Any]]] = {
    Mode.TEXT: _no_visual,
    Mode.FRAME: _center_frame,
    Mode.VIDEO: _file,
}
