"""What differs between two versions of a benchmark, each a benchmark's folder or a published one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apollobench.benchmark import DROPPED, ITEMS, MANIFEST, Entry, from_row, identity, load_benchmark, read_entries
from apollobench.jsonfile import load_object
from apollobench.publish.origins import effective_recipe
from apollobench.publish.publication import load_publication
from apollobench.publish.rows import Row
from apollobench.types import CATEGORIES, Item

NEW, GONE = "new in the pool", "no longer in the pool"
MADE_WITH = ("prompt", "categories", "rules", "tools")  # parts of a manifest that are compared as they are
UNSEEN = "what is asked"  # changed in an item of which one side has only the fingerprint


@dataclass(frozen=True, slots=True)
class Facts:
    """What a version says of an item. asked: fingerprint. seen: question, options and so on, None where withheld."""

    category: str
    video: str
    asked: str
    media: str
    seen: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Version:
    """identity: what scores refer to. fingerprint: of items, keys and categories. dropped: id -> `rule: reason`."""

    place: str
    name: str
    identity: str
    manifest: Mapping[str, Any]
    items: Mapping[str, Facts]
    dropped: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        return str(self.manifest["items"]["fingerprint"])


@dataclass(frozen=True, slots=True)
class Difference:
    """added, removed: id -> why. changed: id -> part -> (old, new), None where it is withheld or there is none.

    recipe, made_with: place -> (old, new), None where it was not. panel, held_out: model -> what became of it.
    categories: name -> (old count, new count). comparable: whether scores are; verdict: the same in a sentence.
    """

    old: str
    new: str
    added: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    recipe: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    made_with: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    panel: Mapping[str, str] = field(default_factory=dict)
    held_out: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unchanged: int = 0
    comparable: bool = False
    verdict: str = ""


def read_version(directory: Path) -> Version:
    """Reads a benchmark or a published directory. Raises InputError as their readers do."""
    if _is_published(directory):
        found = load_publication(directory)
        return Version(
            place=f"{directory} (published, version {found.manifest['version']})",
            name=str(found.manifest["name"]),
            identity=identity(found.benchmark),
            manifest=found.benchmark,
            items={row["id"]: _facts_of_row(row) for row in found.items},
            dropped={row["id"]: f"{row['rule']}: {row['reason']}" for row in found.dropped},
        )
    benchmark = load_benchmark(directory, needs_videos=False)
    entries = read_entries(directory / ITEMS, directory)
    return Version(
        place=str(directory),
        name=benchmark.name,
        identity=benchmark.manifest_hash,
        manifest=benchmark.manifest,
        items={entry.item.id: _facts(entry) for entry in entries},
        dropped={e.item.id: f"{e.rule}: {e.reason}" for e in read_entries(directory / DROPPED, directory)},
    )


def compare(old: Version, new: Version) -> Difference:
    """Everything that differs, from the old version to the new one."""
    both = [name for name in old.items if name in new.items]
    changed = {name: parts for name in both if (parts := _changes(old.items[name], new.items[name]))}
    counts = [Counter(facts.category for facts in version.items.values()) for version in (old, new)]
    first, second = (dict(_leaves(effective_recipe(version.manifest))) for version in (old, new))
    made = [{key: version.manifest.get(key) for key in MADE_WITH} for version in (old, new)]
    comparable, verdict = _verdict(old, new, changed, len(both) - len(changed))
    return Difference(
        old=old.place,
        new=new.place,
        added={name: old.dropped.get(name, NEW) for name in new.items if name not in old.items},
        removed={name: new.dropped.get(name, GONE) for name in old.items if name not in new.items},
        changed=changed,
        recipe=_pairs(first, second),
        made_with=_pairs(dict(_leaves(made[0])), dict(_leaves(made[1]))),
        panel=_models(old.manifest, new.manifest, "panel"),
        held_out=_models(old.manifest, new.manifest, "held_out"),
        categories={name: (counts[0][name], counts[1][name]) for name in CATEGORIES},
        unchanged=len(both) - len(changed),
        comparable=comparable,
        verdict=verdict,
    )


def _verdict(old: Version, new: Version, changed: Mapping[str, Mapping[str, Any]], unchanged: int) -> tuple[bool, str]:
    """Whether scores on the two can be compared, and what can be said if not."""
    prompts = [version.manifest.get("prompt") for version in (old, new)]
    if prompts[0] != prompts[1]:
        return (
            False,
            f"no: the prompt is another ({prompts[0]} and {prompts[1]}), so answers are to different questions",
        )
    refilmed = sum("media" in parts for parts in changed.values())
    if old.fingerprint == new.fingerprint and refilmed:
        return False, f"no: the questions are the same, but the videos of {refilmed:,} items have other content"
    if old.fingerprint == new.fingerprint:
        if old.identity == new.identity:
            return True, "yes: it is the same benchmark"
        return (
            True,
            "yes: the same items, answer keys, categories and prompt, made another way; `gate` wants one of them",
        )
    if set(old.items) == set(new.items) and all(set(parts) == {"category"} for parts in changed.values()):
        return False, "overall accuracy yes, since items and answer keys are the same; per category and macro means no"
    return (
        False,
        f"no: items differ. Evaluate again; on the {unchanged:,} unchanged items, answers are to the same questions",
    )


def _facts(entry: Entry) -> Facts:
    item = entry.item
    return Facts(item.category or "", item.video.id, item.fingerprint, entry.media, _seen(item))


def _seen(item: Item) -> dict[str, Any]:
    return {
        "question": item.question,
        "options": list(item.options),
        "key": item.options[item.answer],
        "context": item.context,
    }


def _facts_of_row(row: Row) -> Facts:
    seen = None if row["withheld"] else _seen(from_row(row, Path()).item)
    return Facts(row["category"] or "", row["video_id"], row["fingerprint"], row["media"], seen)


def _changes(old: Facts, new: Facts) -> dict[str, tuple[Any, Any]]:
    parts: list[tuple[str, Any, Any]] = [("category", old.category, new.category), ("video", old.video, new.video)]
    if old.media and new.media:
        parts.append(("media", old.media, new.media))
    if old.seen is not None and new.seen is not None:
        parts += [(part, old.seen[part], new.seen[part]) for part in old.seen]
    elif old.asked != new.asked and old.video == new.video:
        parts.append((UNSEEN, old.asked, new.asked))
    return {part: (first, second) for part, first, second in parts if first != second}


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted places of plain data, and what stands there; lists of plain values are values."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            named = inner.get("name", number) if isinstance(inner, Mapping) else number
            yield from _leaves(inner, f"{place}[{named}]")
    else:
        yield place, value


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    places = [*old, *(place for place in new if place not in old)]
    return {place: (old.get(place), new.get(place)) for place in places if old.get(place) != new.get(place)}


def _models(old: Mapping[str, Any], new: Mapping[str, Any], part: str) -> dict[str, str]:
    first, second = ({entry["model"]: entry for entry in manifest.get(part, ())} for manifest in (old, new))
    told = {name: "left" for name in first if name not in second}
    told |= {name: "joined" for name in second if name not in first}
    for name in first.keys() & second.keys():
        differing = [key for key in second[name] if first[name].get(key) != second[name][key]]
        if differing:
            told[name] = f"other {', '.join(differing)}"
    return dict(sorted(told.items()))


def _is_published(directory: Path) -> bool:
    try:
        return "benchmark" in load_object((directory / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
