"""One or more folders as one table: the items of all, and under each item what every model answered in every mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from apollobench.benchmark import MANIFEST, Entry
from apollobench.errors import InputError
from apollobench.types import CATEGORIES, FramePlan, Mode, Response
from apollobench.viewer.part import Part, Subject, read_part


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What pages are made of. subjects: the models, each with a name of its own. plans: by fingerprint.

    answers: per mode and model (in the order of `subjects`), item id -> response. parts: the folders.
    """

    parts: tuple[Part, ...]
    entries: tuple[Entry, ...]
    subjects: tuple[Subject, ...]
    answers: Mapping[Mode, tuple[Mapping[str, Response], ...]]
    plans: Mapping[str, FramePlan]

    @property
    def modes(self) -> tuple[Mode, ...]:
        return tuple(self.answers)

    @property
    def title(self) -> str:
        """The names of the benchmarks."""
        return ", ".join(dict.fromkeys(part.name for part in self.parts))

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that occur: the five in their usual order, then others by name; an empty one for items without."""
        found = {entry.item.category or "" for entry in self.entries}
        usual = [name for name in CATEGORIES if name in found]
        return (*usual, *sorted(found - set(usual)))


def read_table(runs: Sequence[Path], benchmark: Path | None = None, data_root: Path | None = None) -> Table:
    """Reads results and benchmarks together. benchmark: what the results are about, where it is not beside them.

    data_root: folder of the videos, if not where the manifest says. Raises InputError as `read_part` does, and for two
    folders that hold different questions, or different keys, under one id.
    """
    given = [benchmark] if benchmark else []
    benchmarks = [*given, *(run for run in runs if (run / MANIFEST).is_file())]
    parts = [read_part(run, benchmarks, data_root) for run in dict.fromkeys(runs)]
    subjects = [subject for part in parts for subject in _named(part, parts)]
    columns = [column for part in parts for column in _columns(part)]
    modes = [mode for mode in Mode if any(column.get(mode) for column in columns)]
    if not modes:
        raise InputError(f"{runs[0]}: no answer to its items is stored here; there is nothing to show")
    return Table(
        tuple(parts),
        _merged(parts),
        tuple(subjects),
        {mode: tuple(column.get(mode, {}) for column in columns) for mode in modes},
        {name: plan for part in parts for name, plan in part.plans.items()},
    )


def _columns(part: Part) -> list[dict[Mode, dict[str, Response]]]:
    """The responses of each model, by mode and item; of several to the same question the last counts."""
    asked = {entry.item.id for entry in part.entries}
    found: dict[str, dict[Mode, dict[str, Response]]] = {subject.name: {} for subject in part.subjects}
    for response in part.responses:
        if response.item in asked:
            found[response.model].setdefault(response.mode, {})[response.item] = response
    return list(found.values())


def _merged(parts: Sequence[Part]) -> tuple[Entry, ...]:
    """Every item once; of two that are the same, the one whose video is at hand."""
    entries: dict[str, Entry] = {}
    for part in parts:
        for entry in part.entries:
            item = entry.item
            held = entries.setdefault(item.id, entry).item
            if (held.fingerprint, held.answer) != (item.fingerprint, item.answer):
                what = "keys" if held.fingerprint == item.fingerprint else "questions"
                raise InputError(
                    f"{item.id}: {part.directory} and another folder have different {what} under this id; look at "
                    f"results of one benchmark together"
                )
            if held.video.path == Path():
                entries[item.id] = entry
    return tuple(entries.values())


def _named(part: Part, parts: Sequence[Part]) -> list[Subject]:
    """The models of a folder; a name that another folder has, too, gets the folder's beside it."""
    others = [subject.name for other in parts if other is not part for subject in other.subjects]
    folders = [other.directory.name for other in parts]
    folder = part.directory.name if folders.count(part.directory.name) == 1 else str(part.directory)
    return [
        replace(subject, name=f"{subject.name} ({folder})") if subject.name in others else subject
        for subject in part.subjects
    ]
