"""Rows as they are published: those of the benchmark, less what a source's licence keeps back, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from apollobench.benchmark import SCHEMA, Entry, to_row
from apollobench.publish.licences import Terms
from apollobench.types import Item, Mode

Row = dict[str, Any]
# What a source's annotations say. The rest of a row is an id, a file's name, or was found by the curation.
CONTENT = frozenset({"question", "context", "options", "answer", "native", "needs", "flaw"})
ADDED = pa.schema([("source", pa.string()), ("withheld", pa.bool_()), ("fingerprint", pa.string())])
PUBLISHED = pa.schema([SCHEMA.field("id"), *ADDED, *(field for field in SCHEMA if field.name != "id")])
BY_LABEL = "native:"
ABOUT = {
    "id": "source/native-id",
    "source": "where the question comes from",
    "withheld": "true where the source's licence keeps question, options and answer back",
    "fingerprint": "hash of what is asked, by which a rebuild knows the item again",
    "category": "one of five",
    "category_from": "where the category comes from",
    "question": "the question",
    "context": "text before the question, such as subtitles",
    "options": "the answers to choose from",
    "answer": "index of the right one, from 0",
    "video_id": "the cluster that clustered statistics use",
    "video": "the file, relative to a folder of videos",
    "media": "hash of the video file that the panel saw",
    "licence": "of the annotation",
    "native": "the source's own labels, as JSON",
    "needs": "what the question is known to need (generated worlds)",
    "flaw": "what is known to be wrong with it (generated worlds)",
    "score": "what the selection ranked by",
    **{f"{mode}_right": f"models of the panel that were right in {mode} mode" for mode in Mode},
    **{f"{mode}_votes": f"models of the panel that answered in {mode} mode" for mode in Mode},
    **{f"{mode}_p": f"p-value of the filter's test in {mode} mode, if it tests" for mode in Mode},
    **{f"{mode}_posterior": f"probability of being answered above chance in {mode} mode, if it tests" for mode in Mode},
    "q": "false discovery rate at which the filter drops the item, if it tests",
    "rule": "what left the item out",
    "version": "of that rule",
    "reason": "why it left the item out",
}


def published_row(entry: Entry, terms: Terms, root: Path) -> Row:
    """A row of PUBLISHED. fingerprint: of what is asked, by which a rebuild knows the item again."""
    item = entry.item
    row = to_row(entry, root)
    if terms.withheld:
        row |= dict.fromkeys(CONTENT)
        row["category_from"] = _without_value(entry.category_from)
    return {**row, "source": item.source, "withheld": terms.withheld, "fingerprint": item.fingerprint}


def table(rows: Sequence[Row]) -> pa.Table:
    """Rows of PUBLISHED as a table."""
    return pa.Table.from_pylist(rows, schema=PUBLISHED)


def restored_row(row: Mapping[str, Any], item: Item) -> Row:
    """A row that was withheld, with what the source's own item says; its category is the published one."""
    own = to_row(Entry(item), item.video.path.parent)
    label = row["category_from"].removeprefix(BY_LABEL)
    provenance = row["category_from"]
    if provenance.startswith(BY_LABEL) and label in item.native:
        provenance = f"{provenance}={item.native[label]}"
    return {**row, **{name: own[name] for name in CONTENT}, "category_from": provenance}


def _without_value(provenance: str) -> str:
    """The provenance of a category without the source's own label, which is part of what it withholds."""
    return provenance.partition("=")[0] if provenance.startswith(BY_LABEL) else provenance
