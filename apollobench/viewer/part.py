"""One folder of answers: a result of `eval` or `import`, or a benchmark with the answers of its panel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apollobench.benchmark import DROPPED, ITEMS, MANIFEST, Benchmark, Entry, load_benchmark, read_entries
from apollobench.errors import InputError
from apollobench.evaluate.prompt import PROMPT_VERSION, build_prompt
from apollobench.evaluate.results import RESULTS, read_samples
from apollobench.evaluate.store import load_plans, load_store
from apollobench.types import FramePlan, Item, Mode, Response, Status, Video

RESPONSES = "responses"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model as its run tells it. role: in a curation. asked: whether it got our prompt."""

    name: str
    revision: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] | None = None
    role: str = ""
    asked: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one folder holds. manifest: of a curation, None for a result. plans: by fingerprint."""

    directory: Path
    name: str
    entries: tuple[Entry, ...]
    subjects: tuple[Subject, ...]
    responses: Sequence[Response]
    plans: Mapping[str, FramePlan]
    manifest: Mapping[str, Any] | None = None


def read_part(directory: Path, benchmarks: Sequence[Path], data_root: Path | None) -> Part:
    """Reads a folder. benchmarks: those that a result may be about, besides what lies near it.

    Raises InputError for any other folder, for a damaged one, and for a benchmark without answers.
    """
    if (directory / RESULTS).is_file():
        return _result(directory, [*benchmarks, *_near(directory)], data_root)
    if (directory / MANIFEST).is_file() or (directory / ITEMS).is_file():
        return _curation(directory, data_root)
    inside = sorted(path.parent.name for path in directory.glob(f"*/{RESULTS}"))
    hint = f"; it holds results in {', '.join(inside[:3])}: name one of them" if inside else ""
    raise InputError(
        f"{directory}: neither a result (no {RESULTS}) nor a benchmark (no {MANIFEST}){hint}. Expected a folder that "
        f"`apollobench eval`, `import` or `curate` wrote"
    )


def _curation(directory: Path, data_root: Path | None) -> Part:
    benchmark = load_benchmark(directory, data_root, needs_videos=False)
    if not (directory / RESPONSES).is_dir():
        raise InputError(
            f"{directory}: no answers are stored here (no folder {RESPONSES}); name results of `apollobench eval` on "
            f"it, or the folder in which it was curated"
        )
    responses, plans = load_store(directory / RESPONSES)
    known = [
        Subject(told["model"], told["revision"], told["settings"], told["sampling"], role)
        for key, role in (("panel", "panel"), ("held_out", "held out"))
        for told in benchmark.manifest.get(key, ())
    ]
    names = {subject.name for subject in known}
    others = sorted({response.model for response in responses} - names)
    return Part(
        directory,
        benchmark.name,
        tuple(_entries(benchmark, data_root)),
        (*known, *map(Subject, others)),
        responses,
        plans,
        benchmark.manifest,
    )


def _result(directory: Path, benchmarks: Iterable[Path], data_root: Path | None) -> Part:
    document, lines = read_samples(directory)
    ours = document["apollobench"]
    model = ours["model"]
    asked = ours["prompt_version"] == PROMPT_VERSION and not ours["imported"]
    subject = Subject(
        model["name"], model["revision"], model["settings"], model["sampling"], "imported" if ours["imported"] else "",
        asked,
    )  # fmt: skip
    try:
        told = {line["item"]: line for line in lines}
        benchmark = _benchmark_of(ours["benchmark"], benchmarks, data_root)
        known = {entry.item.id: entry for entry in _entries(benchmark, data_root)} if benchmark else {}
        entries = tuple(known.get(name) or Entry(_item(line)) for name, line in told.items())
        responses = [_response(line, subject.name) for line in lines]
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{directory}: its samples cannot be read ({error!r}); evaluate again") from error
    plans = load_plans(directory / RESPONSES) if (directory / RESPONSES).is_dir() else {}
    return Part(directory, ours["task"], entries, (subject,), responses, plans)


def _benchmark_of(identity: str, candidates: Iterable[Path], data_root: Path | None) -> Benchmark | None:
    """The benchmark with this identity, if it is among the candidates."""
    for directory in candidates:
        try:
            benchmark = load_benchmark(directory, data_root, needs_videos=False)
        except InputError:
            continue
        if benchmark.manifest_hash == identity:
            return benchmark
    return None


def _near(directory: Path) -> Iterator[Path]:
    """Benchmarks above and beside a result, where `eval` puts it and where people do."""
    above = directory.resolve().parent
    yield from (path.parent for path in [above / MANIFEST, *sorted(above.glob(f"*/{MANIFEST}"))] if path.is_file())


def _entries(benchmark: Benchmark, data_root: Path | None) -> list[Entry]:
    """The benchmark's items, then what its curation left out."""
    root = data_root or benchmark.directory / benchmark.manifest["media_root"]
    return [entry for name in (ITEMS, DROPPED) for entry in read_entries(benchmark.directory / name, root.absolute())]


def _item(line: Mapping[str, Any]) -> Item:
    """The item of a line of samples.jsonl. Text before the question is told from the prompt, where that was ours."""
    doc = line["doc"]
    video = Video(doc["video"], Path())
    item = Item(doc["id"], doc["question"], tuple(doc["options"]), doc["answer"], video, doc["category"])
    prompt = line["input"]
    if prompt is None or item.fingerprint == line["doc_hash"]:
        return item
    context = prompt.removesuffix(f"\n\n{build_prompt(item)}")
    return Item(item.id, item.question, item.options, item.answer, video, item.category, context=context)


def _response(line: Mapping[str, Any], model: str) -> Response:
    logprobs = line["option_logprobs"]
    return Response(
        line["key"],
        line["item"],
        model,
        Mode(line["mode"]),
        Status(line["status"]),
        line["resps"][0][0],
        line["choice"],
        None if logprobs is None else tuple(logprobs),
        line["plan"],
        line["error"],
    )
