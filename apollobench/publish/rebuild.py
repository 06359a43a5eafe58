"""From a published directory back to a benchmark: what was withheld comes from the sources' own annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape
from itertools import chain, permutations
from pathlib import Path
from typing import Any

from apollobench.benchmark import (
    CARD,
    DROPPED,
    ITEMS,
    MANIFEST,
    Benchmark,
    Entry,
    absolute,
    from_row,
    items_fingerprint,
    write_benchmark,
)
from apollobench.errors import InputError
from apollobench.publish.publication import BENCHMARK_CARD, Publication, claim
from apollobench.publish.rows import Row, restored_row
from apollobench.sources import load_items
from apollobench.types import LETTERS, Item, Video

MOST_NAMED = 10
FEW_OPTIONS = 6  # of which all orders can be tried
WRITTEN = ("format", "items")  # what write_benchmark says itself


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """lost: dropped items that could not be restored, and why; they are not in the benchmark's dropped.parquet."""

    benchmark: Benchmark
    lost: tuple[str, ...]


def rebuild(publication: Publication, data_root: Path, output: Path) -> Rebuilt:
    """Writes the benchmark that was published, identical in its items and in what scores refer to.

    data_root: folder of the sources' data, and of the videos. Raises InputError naming every withheld item that is
    missing upstream or was changed there, and the sources whose answer keys were.
    """
    claim(output, (ITEMS, DROPPED, CARD, MANIFEST), publication.benchmark["name"], "a rebuilt benchmark")
    upstream = _upstream(publication, data_root)
    root = _media_root((*publication.items, *publication.dropped), upstream, absolute(data_root))
    kept, changed = _entries(publication.items, upstream, root)
    if changed:
        raise InputError(
            f"{publication.directory}: {len(changed):,} items are not what they were when it was published:\n"
            f"{_listed(changed)}\nGet the annotations that it was made from, or curate a new version"
        )
    _check_keys(publication, kept)
    dropped, lost = _entries(publication.dropped, upstream, root)
    about = {key: value for key, value in publication.benchmark.items() if key not in WRITTEN}
    card = (publication.directory / BENCHMARK_CARD).read_text(encoding="utf-8")
    return Rebuilt(write_benchmark(output, kept, dropped, about, card, needs_videos=False), tuple(lost))


def _upstream(publication: Publication, data_root: Path) -> dict[str, Item]:
    """The items of all withheld sources by id, as annotated now, with the keys that people corrected."""
    found: dict[str, Item] = {}
    for source in publication.manifest["sources"].values():
        for origin in source["read_as"]:
            found |= {item.id: item for item in load_items(origin["name"], origin["options"], data_root)}
    corrected = publication.benchmark.get("review", {}).get("keys", {})
    for name in corrected.keys() & found.keys():
        found[name] = replace(found[name], answer=LETTERS.index(corrected[name]["key"]))
    return found


def _media_root(rows: Sequence[Row], upstream: Mapping[str, Item], data_root: Path) -> Path:
    """The folder that the published videos' paths are relative to.

    Where a source's reader finds a video of a withheld item, else where the first one lies at or below the data root,
    else the data root.
    """
    found = ((row, upstream[row["id"]].video.path) for row in rows if row["id"] in upstream)
    below = ((rows[0], path) for path in sorted(data_root.rglob(escape(rows[0]["video"]))))
    for row, path in chain(found, below):
        tail = Path(row["video"]).parts
        if path.parts[-len(tail) :] == tail:
            return Path(*path.parts[: -len(tail)])
    return data_root


def _entries(rows: Sequence[Row], upstream: Mapping[str, Item], root: Path) -> tuple[list[Entry], list[str]]:
    """The entries of rows, and of those that cannot be restored id and reason."""
    entries, faults = [], []
    for row in rows:
        if not row["withheld"]:
            entries.append(from_row(row, root))
            continue
        item = upstream.get(row["id"])
        if item is None:
            faults.append(f"{row['id']}: is not among the items of its source")
        elif item.fingerprint != row["fingerprint"]:
            faults.append(f"{row['id']}: {_change(item, row)} changed")
        else:
            entry = from_row(restored_row(row, item), root)
            entries.append(replace(entry, item=replace(entry.item, video=item.video)))
    return entries, faults


def _change(item: Item, row: Mapping[str, Any]) -> str:
    """What differs between an item and the one that was published, as far as a hash can tell."""
    if item.video.id != row["video_id"]:
        moved = replace(item, video=Video(row["video_id"], item.video.path))
        only = "" if moved.fingerprint == row["fingerprint"] else ", and its question or options,"
        return f"its video (now {item.video.id}, was {row['video_id']}){only}"
    if item.context and replace(item, context="").fingerprint == row["fingerprint"]:
        return "only the text before the question (there was none, such as subtitles)"
    orders = permutations(item.options) if len(item.options) <= FEW_OPTIONS else ()
    if any(replace(item, options=order).fingerprint == row["fingerprint"] for order in orders):
        return "only the order of its options"
    return "its question, its options or the text before it"


def _check_keys(publication: Publication, kept: Sequence[Entry]) -> None:
    """The fingerprints of single items leave out the keys; those of whole sources do not."""
    for name, source in publication.manifest["sources"].items():
        own = [entry.item for entry in kept if entry.item.source == name]
        if items_fingerprint(own) != source["fingerprint"]:
            raise InputError(
                f"{publication.directory}: what is asked in {name} is as it was published, but the answer key of at "
                f"least one of its {len(own):,} items changed. Get the annotations that it was made from, or curate a "
                f"new version"
            )


def _listed(faults: Sequence[str]) -> str:
    rest = [f"  and {len(faults) - MOST_NAMED:,} more"] if len(faults) > MOST_NAMED else []
    return "\n".join([*(f"  {fault}" for fault in faults[:MOST_NAMED]), *rest])
