"""Subtitles as text before a question: one line for each cue, with the time at which it begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.sources.reading.check import Question
from apollobench.sources.reading.places import media_folder
from apollobench.sources.reading.tables import read_json
from apollobench.types import Item
from apollobench.yamlfile import read_text

HEADER = "Subtitles of the video, each with the time at which it begins:"
TIME = re.compile(r"(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,6}(?:[.,][0-9]{1,9})?)")
TAG = re.compile(r"<[^>]*>")
Cue = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Subtitles:
    """folder: under a data root. read: the cues of a file as (seconds, text). each: whether every video has some.

    media: patterns of the names that hold them on the hub.
    """

    folder: str
    read: Callable[[Path], Iterable[Cue]]
    each: bool
    media: tuple[str, ...] = ()


def with_subtitles(
    source: str, items: Sequence[Item], questions: Sequence[Question], subtitles: Subtitles, root: Path
) -> list[Item]:
    """Items with their subtitles as context, times counted from where the video begins.

    Raises InputError naming the files that are not at hand: any if each video has some, else when there is none at all.
    """
    folder = media_folder(subtitles.folder, root)
    wanted = {each.subtitles for each in questions}
    missing = sorted(name for name in wanted if not (folder / name).is_file())
    if missing and (subtitles.each or len(missing) == len(wanted)):
        raise InputError(
            f"source {source}: {len(missing):,} of {len(wanted):,} files of subtitles are not in {folder}, such as "
            f"{', '.join(missing[:3])}; unpack them there, or leave out the option subtitles"
        )
    cues = {name: list(subtitles.read(folder / name)) for name in wanted - set(missing)}
    return [
        replace(item, context=context(cues.get(each.subtitles, []), each.span))
        for item, each in zip(items, questions, strict=True)
    ]


def context(cues: Sequence[Cue], span: tuple[float, float]) -> str:
    """What stands before the question; empty when nothing is said in the span (first and last second)."""
    first, last = span
    said = [(start - first, " ".join(TAG.sub("", text).split())) for start, text in cues if first <= start < last]
    lines = [f"[{int(start) // 60}:{int(start) % 60:02d}] {text}" for start, text in said if text]
    return "\n".join([HEADER, *lines]) if lines else ""


def read_srt(path: Path) -> Iterable[Cue]:
    """Cues of a SubRip file, without formatting. Raises InputError naming the block that is none."""
    text = read_text(path).removeprefix("\ufeff")
    blocks = re.split(r"\n[^\S\n]*\n\s*", text.replace("\r\n", "\n").strip())
    for number, block in enumerate(filter(None, blocks), 1):
        lines = block.strip().split("\n")
        times = next((i for i, line in enumerate(lines[:2]) if "-->" in line), None)
        if times is None:
            raise InputError(f"{path}, block {number}: found {lines[0][:60]!r}, expected times and text")
        yield _seconds(path, lines[times].split("-->")[0]), " ".join(lines[times + 1 :])


def read_cues(path: Path) -> Iterable[Cue]:
    """Cues of a JSON list with `start` and `line`, or `timestamp` and `text`. Raises InputError naming a bad one."""
    for number, cue in enumerate(read_json(path, list)):
        try:
            yield _cue(path, cue)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}, cue {number}: found {cue!r:.200}, expected start and line") from error


def _cue(path: Path, cue: Mapping[str, Any]) -> Cue:
    if "timestamp" in cue:
        return float(cue["timestamp"][0]), str(cue["text"])
    return _seconds(path, cue["start"]), str(cue["line"])


def _seconds(path: Path, text: str) -> float:
    found = TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise InputError(f"{path}: found the time {text!r:.200}, expected such as 00:01:02,500")
    hours, minutes, seconds = found.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes) + float(seconds.replace(",", "."))
