"""What is reviewed: a benchmark's items, with all that is known of each; read once, when the review begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from apollobench.benchmark import ITEMS, Benchmark, load_benchmark, read_entries
from apollobench.curate.itemcards import ItemCard, analyse, read_subject
from apollobench.curate.recorded import response_stores
from apollobench.evaluate.store import load_plans, load_responses
from apollobench.types import FramePlan, Item, Mode, Response


@dataclass(frozen=True, slots=True)
class Seen:
    """The times in seconds of the frames that these models saw in video mode, all of them the same."""

    models: tuple[str, ...]
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """items: by id, in the benchmark's order. origins: where each category came from. cards: empty where no answers are
    recorded. seen: by item. folders: resolved; every file that is shown has to lie in one of them."""

    benchmark: Benchmark
    items: Mapping[str, Item]
    origins: Mapping[str, str]
    cards: Mapping[str, ItemCard]
    seen: Mapping[str, tuple[Seen, ...]]
    folders: tuple[Path, ...]


def load_subject(
    directory: Path, *, data_root: Path | None = None, responses: Sequence[Path] = (), folders: Sequence[Path] = ()
) -> Subject:
    """A benchmark with its recorded answers. responses: further folders of answers. folders: where, beside the media
    root, links in it may lead. Raises InputError as `load_benchmark` does."""
    benchmark = load_benchmark(directory, data_root)
    root = (data_root or directory / str(benchmark.manifest["media_root"])).resolve()
    stores = response_stores((directory, *responses))
    cards = analyse(read_subject(directory, responses), irt=None).cards if stores else ()
    return Subject(
        benchmark=benchmark,
        items={item.id: item for item in benchmark.items},
        origins={entry.item.id: entry.category_from for entry in read_entries(directory / ITEMS, root)},
        cards={card.id: card for card in cards},
        seen=_seen(stores),
        folders=(root, *(folder.resolve() for folder in folders)),
    )


def _seen(stores: Sequence[Path]) -> dict[str, tuple[Seen, ...]]:
    plans = load_plans(stores)
    found: dict[str, dict[tuple[float, ...], Seen]] = {}
    for response in load_responses(stores):
        times = _times(response, plans)
        if times:
            of_item = found.setdefault(response.item, {})
            held = of_item.get(times, Seen((), times))
            of_item[times] = replace(held, models=(*held.models, response.model))
    return {item: tuple(of_item.values()) for item, of_item in found.items()}


def _times(response: Response, plans: Mapping[str, FramePlan]) -> tuple[float, ...]:
    plan = plans.get(response.plan or "") if response.mode is Mode.VIDEO else None
    return tuple(sorted(set(plan.timestamps))) if plan else ()
