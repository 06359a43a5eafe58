"""Publishing: a benchmark as a dataset directory for the Hugging Face hub, the same bytes for the same input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from apollobench.atomic import replace_file
from apollobench.benchmark import MANIFEST, file_sha256, items_fingerprint
from apollobench.publish.card import card, citation, evaluation, licences
from apollobench.publish.croissant import croissant
from apollobench.publish.edition import Edition
from apollobench.publish.publication import (
    BENCHMARK_CARD,
    CARD,
    CROISSANT,
    DROPPED,
    EVALUATION,
    FILES,
    FORMAT,
    ITEMS,
    LICENCES,
    SUMS,
    claim,
)
from apollobench.publish.rows import published_row, table

TEXTS: dict[str, Callable[[Edition], str]] = {
    CARD: card,
    BENCHMARK_CARD: lambda edition: edition.card,
    LICENCES: licences,
    EVALUATION: evaluation,
}


def write(edition: Edition, output: Path) -> None:
    """Writes a published directory, SHA256SUMS last. An older edition of the same benchmark is replaced.

    Raises InputError when `output` holds anything else.
    """
    claim(output, FILES, edition.name, "a published dataset")
    for name in reversed(FILES):
        (output / name).unlink(missing_ok=True)
    (output / "data").mkdir(parents=True, exist_ok=True)
    tables = {ITEMS: edition.kept, **({DROPPED: edition.dropped} if edition.dropped else {})}
    for name, entries in tables.items():
        rows = [published_row(entry, edition.terms[entry.item.source], edition.root) for entry in entries]
        pq.write_table(table(rows), output / name)
    for name, text in TEXTS.items():
        replace_file(output / name, text(edition))
    files = {name: ((output / name).stat().st_size, file_sha256(output / name)) for name in tables}
    replace_file(output / CROISSANT, _json(croissant(edition, files, citation(edition))))
    replace_file(output / MANIFEST, _json(_manifest(edition)))
    written = sorted(name for name in FILES if name != SUMS and (output / name).exists())
    replace_file(output / SUMS, "".join(f"{file_sha256(output / name)}  {name}\n" for name in written))


def _manifest(edition: Edition) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": edition.name,
        "version": edition.version,
        "repository": edition.repository,
        "date": edition.day,
        "sources": {source: _source(edition, source) for source in edition.terms},
        "benchmark": dict(edition.manifest),
    }


def _source(edition: Edition, source: str) -> dict[str, Any]:
    """What the manifest says of a source; read_as: how to read what is withheld."""
    terms = edition.terms[source]
    own = [entry.item for entry in edition.kept if entry.item.source == source]
    dropped = sum(entry.item.source == source for entry in edition.dropped)
    known = edition.origins[source] if terms.withheld else ()
    return {
        "title": terms.title,
        "licence": terms.licence,
        "homepage": terms.homepage,
        "withheld": terms.withheld,
        "why": terms.why,
        "items": len(own),
        "dropped": dropped,
        "fingerprint": items_fingerprint(own),
        "read_as": [{"name": origin.name, "options": dict(origin.options)} for origin in known],
    }


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
