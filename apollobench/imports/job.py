"""An import from names to files: responses into a store, a result for each model, and a list of what was lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.arguments import items_of_sources
from apollobench.atomic import replace_file
from apollobench.benchmark import DROPPED, items_fingerprint, load_benchmark, read_entries
from apollobench.errors import InputError
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.evaluate.score import Scorecard
from apollobench.evaluate.store import Store
from apollobench.imports.collect import Tally, collect, same_answer
from apollobench.imports.match import Matcher
from apollobench.models.registry import folder_name
from apollobench.types import Item, Mode, Response, Sampling, digest

RESPONSES, UNMATCHED = "responses", "unmatched.csv"


@dataclass(frozen=True, slots=True)
class Target:
    """What rows are matched with. items: what results are about. pool: those, and what a curation left out.

    name, fingerprint: of the benchmark; the hash of its manifest, or of the items where there is no manifest.
    """

    name: str
    fingerprint: str
    items: tuple[Item, ...]
    pool: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """Who answered, as far as an imported result can tell. revision: digest of the keys of its responses."""

    name: str
    revision: str
    settings: Mapping[str, str | int | float | bool] = field(default_factory=lambda: {"imported": True})
    sampling: Sampling | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """tallies: of every file. cards: by the folder of the result. unscored: models without answers to `items`."""

    tallies: tuple[Tally, ...]
    cards: Mapping[Path, Scorecard]
    unscored: tuple[str, ...]


def from_benchmark(directory: Path) -> Target:
    """A benchmark, with all that its curation left out. Its videos need not be at hand."""
    benchmark = load_benchmark(directory, needs_videos=False)
    root = directory / str(benchmark.manifest["media_root"])
    dropped = [entry.item for entry in read_entries(directory / DROPPED, root)]
    return Target(benchmark.name, benchmark.manifest_hash, benchmark.items, (*benchmark.items, *dropped))


def from_sources(names: str, root: Path) -> Target:
    """All items of these sources (separated by commas); `root` is the folder of their data."""
    items = tuple(items_of_sources(names, root))
    if not items:
        raise InputError(f"{names} gave no item; there is nothing to match with")
    return Target(names.replace(",", "+"), items_fingerprint(items), items, items)


def import_files(
    files: Sequence[Path], target: Target, output: Path, *, form: str | None, model: str | None, mode: Mode
) -> Outcome:
    """Imports `files` into `output`: `responses/`, `unmatched.csv`, and a folder with the result of each model.

    form, model, mode: as `collect` takes them. The same files may be imported again. Raises InputError as `collect`
    does, when no row matches, and when the store holds another answer to the same question.
    """
    responses, tallies = collect(files, Matcher(target.pool), form=form, model=model, mode=mode)
    if not responses:
        raise InputError(_nothing(tallies))
    folders = _folders(output, responses)
    with Store(output / RESPONSES) as store:
        new = _new(output, responses, list(store.responses.values()))
        store.append(new)
        held = list(store.responses.values())
    _write_unmatched(output / UNMATCHED, tallies)
    cards, unscored = {}, []
    asked = {item.id for item in target.items}
    for folder, name in folders.items():
        own = [response for response in held if response.model == name and response.item in asked]
        if own:
            cards[folder] = write_results(folder, _subject(name, own), target.items, own, _about(target, name, tallies))
        else:
            unscored.append(name)
    return Outcome(tuple(tallies), cards, tuple(unscored))


def _folders(output: Path, responses: Sequence[Response]) -> dict[Path, str]:
    """Every model by the folder of its result. Raises InputError for two names that make one folder."""
    folders: dict[Path, str] = {}
    for name in dict.fromkeys(response.model for response in responses):
        other = folders.setdefault(output / folder_name(name), name)
        if other != name:
            raise InputError(f"{other!r} and {name!r} would share the folder {folder_name(name)}; import them apart")
    return folders


def _new(output: Path, responses: Sequence[Response], held: Sequence[Response]) -> list[Response]:
    """Those that the store lacks. Raises InputError when it holds another answer to one of the questions."""
    known = {(response.model, response.item, response.mode): response for response in held}
    new = []
    for response in responses:
        before = known.get((response.model, response.item, response.mode))
        if before is None:
            new.append(response)
        elif not same_answer(before, response):
            raise InputError(
                f"{output}: holds another answer of {response.model} to {response.item} in {response.mode} mode, of an "
                "earlier import; give a new folder, or another --model name"
            )
    return new


def _subject(name: str, responses: Sequence[Response]) -> Imported:
    return Imported(name, digest(sorted(response.key for response in responses)))


def _about(target: Target, model: str, tallies: Sequence[Tally]) -> About:
    files = [
        {"name": tally.origin.path.name, "format": tally.origin.tool, "sha256": tally.origin.sha256}
        for tally in tallies
        if tally.models[model]
    ]
    prompt = f"unknown, of {model.rsplit('@', 1)[-1]}"
    return About(target.name, target.fingerprint, len(target.items), prompt=prompt, imported={"files": files})


def _write_unmatched(path: Path, tallies: Sequence[Tally]) -> None:
    """Every row that counts for nothing, with its reason; written atomically."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["place", "reason"])
    for tally in tallies:
        table.writerows((place, reason) for reason, places in tally.unmatched.items() for place in places)
    replace_file(path, text.getvalue().encode(errors="backslashreplace"))


def _nothing(tallies: Sequence[Tally]) -> str:
    parts = []
    for tally in tallies:
        told = [f"{len(places):,} rows: {reason} (first: {places[0]})" for reason, places in tally.unmatched.items()]
        blank = [f"{tally.blank:,} rows are blank"] if tally.blank else []
        parts.append(f"{tally.origin.path}, read as {tally.origin.tool}: {'; '.join([*told, *blank]) or 'no rows'}")
    return "no row matches an item. " + ". ".join(parts) + ". Check --benchmark or --sources, and --format"
