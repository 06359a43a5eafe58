"""What is about to be published: a benchmark, the terms of its sources, and what its cards and metadata say of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from apollobench.benchmark import DROPPED, ITEMS, OF_THE_PLACE, Entry, absolute, load_benchmark, read_entries
from apollobench.errors import InputError
from apollobench.hub import HUB_ID
from apollobench.publish.licences import Terms, terms_of
from apollobench.publish.origins import Origin, origins

SEMANTIC = re.compile(r"\d+\.\d+\.\d+")
MIXED = "other"  # the hub's word for a licence that it has no name for


@dataclass(frozen=True, slots=True)
class Edition:
    """repository: OWNER/NAME on the hub. day: of publication, if told. manifest: the benchmark's, but for its place.

    terms, origins: by source of items. root: what the videos' paths are relative to.
    """

    name: str
    repository: str | None
    version: str
    day: str | None
    manifest: Mapping[str, Any]
    card: str
    kept: tuple[Entry, ...]
    dropped: tuple[Entry, ...]
    terms: Mapping[str, Terms]
    origins: Mapping[str, list[Origin]]
    root: Path

    @property
    def counts(self) -> Counter[str]:
        """Items per source."""
        return Counter(entry.item.source for entry in self.kept)

    @property
    def withheld(self) -> int:
        """How many items are published as ids only."""
        return sum(self.terms[entry.item.source].withheld for entry in self.kept)

    @property
    def url(self) -> str | None:
        return f"https://huggingface.co/datasets/{self.repository}" if self.repository else None

    @property
    def licence(self) -> str:
        """The hub's name for the one licence of everything, else `other`."""
        names = {MIXED if terms.withheld else terms.hub for terms in self.terms.values()}
        return names.pop() if len(names) == 1 else MIXED

    @property
    def description(self) -> str:
        aside = f" {self.withheld:,} of them are ids only, for their licence." if self.withheld else ""
        return (
            f"{len(self.kept):,} multiple-choice questions about videos in five categories, selected from "
            f"{len(self.kept) + len(self.dropped):,} of {', '.join(self.terms[s].title for s in sorted(self.counts))}."
            f"{aside} Videos are not part of it."
        )


def prepare(directory: Path, repository: str | None, version: str, day: str | None) -> Edition:
    """Reads a benchmark and settles what of it is published.

    Raises InputError for a damaged benchmark, a malformed name, version or day, and where terms are not clear.
    """
    if repository is not None and not HUB_ID.fullmatch(repository):
        raise InputError(f"--name {repository}: expected OWNER/NAME")
    if not SEMANTIC.fullmatch(version):
        raise InputError(f"--version {version}: expected three numbers, such as 1.0.0")
    benchmark = load_benchmark(directory, needs_videos=False)
    root = absolute(directory / benchmark.manifest["media_root"])
    kept, dropped = read_entries(directory / ITEMS, root), read_entries(directory / DROPPED, root)
    terms = terms_of(entry.item for entry in (*kept, *dropped))
    known = origins(benchmark.manifest)
    lost = sorted(name for name, each in terms.items() if each.withheld and name not in known)
    if lost:
        raise InputError(
            f"{directory}: items of {lost[0]} can only be published as ids ({terms[lost[0]].why}), and the manifest's "
            f"recipe does not say how that source was read: nobody could rebuild them"
        )
    return Edition(
        name=benchmark.name,
        repository=repository,
        version=version,
        day=None if day is None else _day(day),
        manifest={key: value for key, value in benchmark.manifest.items() if key not in OF_THE_PLACE},
        card=(directory / "README.md").read_text(encoding="utf-8"),
        kept=tuple(kept),
        dropped=tuple(dropped),
        terms=terms,
        origins=known,
        root=root,
    )


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InputError(f"--date {text}: expected a day, such as 2026-11-26 ({error})") from error
