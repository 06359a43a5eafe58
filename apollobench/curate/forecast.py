"""What a curation would take, before any model is loaded: questions, frames, tokens, GPU hours, and what is missing.

Nothing is asked, decoded or downloaded beyond annotations. Where those are not at hand either, the benchmark's
published size stands in for them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from apollobench.evaluate.estimate import CHARACTERS_PER_TOKEN, Range
from apollobench.evaluate.prompt import build_prompt
from apollobench.models.registry import expected_sampling, readiness
from apollobench.models.roster import RosterEntry, find_entry
from apollobench.recipe import Recipe
from apollobench.sources import find_source, load_items
from apollobench.sources.base import NotAtHandError
from apollobench.types import Item, Mode, Sampling

CHARACTERS = 400  # of a prompt, where no annotation is at hand to tell
PEAK = 312e12  # operations a second of one A100 in bfloat16, without sparsity
REACHED = (0.1, 0.4)  # of it, by whole evaluations


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. seconds: of its video, None where nothing tells. characters: of its prompt."""

    seconds: float | None
    characters: int


@dataclass(frozen=True, slots=True)
class Pool:
    """One source of a pool. at_hand: videos on this machine. seconds: of all videos, one after another.

    lengths: how many videos are known by probing, by annotation, by the published mean, and not at all.
    missing: why there are no annotations; then the counts are the published ones.
    """

    name: str
    asks: tuple[Ask, ...]
    videos: int
    at_hand: int
    seconds: float
    lengths: Mapping[str, int]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of one model about one source, over all modes. tokens: None where a frame's are not known."""

    requests: int
    frames: int
    tokens: Range | None
    gpu_hours: Range | None


@dataclass(frozen=True, slots=True)
class Voter:
    """One model of the panel, or held out. ready: `yes`, or why it cannot run here and now."""

    name: str
    entry: RosterEntry
    sampling: Sampling
    ready: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """loads: by names of model and source."""

    recipe: Recipe
    pools: tuple[Pool, ...]
    voters: tuple[Voter, ...]
    loads: Mapping[tuple[str, str], Load]


def forecast(recipe: Recipe, data_root: Path) -> Forecast:
    """What a curation by `recipe` would take. Probes the videos that are at hand.

    Raises InputError as reading the sources does, but for annotations that are not at hand, which it tells of.
    """
    pools = tuple(_pool(source.name, source.options, data_root) for source in recipe.sources)
    voters = tuple(map(_voter, (*recipe.panel, *recipe.held_out)))
    loads = {(voter.name, pool.name): load(voter, pool.asks, recipe.modes) for voter in voters for pool in pools}
    return Forecast(recipe, pools, voters, loads)


def load(voter: Voter, asks: Sequence[Ask], modes: Sequence[Mode]) -> Load:
    """What asking a model takes. A video of unknown length counts as long as the sampling can make use of.

    Tokens are those of frames and prompts; GPU hours follow from 2 x parameters x tokens operations at `REACHED` of one
    A100's peak, the language model alone: encoders and replies come on top.
    """
    lengths = Counter(ask.seconds for ask in asks)
    frames = sum(count * _frames(mode, seconds, voter.sampling) for mode in modes for seconds, count in lengths.items())
    characters = len(modes) * sum(ask.characters for ask in asks)
    tokens = _tokens(voter, frames, characters)
    return Load(len(modes) * len(asks), frames, tokens, _gpu_hours(voter.entry.parameters, tokens))


def total(loads: Sequence[Load]) -> Load:
    """The sum of what is known."""
    return Load(
        sum(each.requests for each in loads),
        sum(each.frames for each in loads),
        _sum([each.tokens for each in loads]),
        _sum([each.gpu_hours for each in loads]),
    )


def _voter(name: str) -> Voter:
    entry = find_entry(name)
    return Voter(name, entry, expected_sampling(name), readiness(name, entry))


def _pool(name: str, options: Mapping[str, int | float | bool | str], root: Path) -> Pool:
    from apollobench.video.lengths import video_lengths

    size = find_source(name)[0].size(options)
    try:
        items = load_items(name, options, root)
    except NotAtHandError as error:
        if size is None:
            raise
        asks = (Ask(size.seconds, CHARACTERS),) * size.items
        return Pool(name, asks, size.videos, 0, size.seconds * size.videos, {"published": size.videos}, str(error))
    videos = {item.video.id: item for item in items}
    there = video_lengths(item.video.path for item in videos.values() if item.video.path.is_file())
    probed = {video: there[item.video.path] for video, item in videos.items() if item.video.path in there}
    stated = {video: _stated(item) for video, item in videos.items()}
    typical = size.seconds if size else None
    ways = {video: "probed" if video in probed else "annotated" if stated[video] else "" for video in videos}
    seconds = {video: probed.get(video) or stated[video] or typical for video in videos}
    lengths = {"probed": 0, "annotated": 0, "published" if typical else "unknown": 0}
    for way in ways.values():
        lengths[way or ("published" if typical else "unknown")] += 1
    return Pool(
        name=name,
        asks=tuple(Ask(seconds[item.video.id], len(build_prompt(item))) for item in items),
        videos=len(videos),
        at_hand=sum(item.video.path.is_file() for item in videos.values()),
        seconds=sum(value or 0.0 for value in seconds.values()),
        lengths={way: count for way, count in lengths.items() if count},
    )


def _stated(item: Item) -> float | None:
    """Seconds that the annotation states in a label `duration`, where that is a number."""
    try:
        value = float(item.native.get("duration", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _frames(mode: Mode, seconds: float | None, sampling: Sampling) -> int:
    if mode is Mode.TEXT:
        return 0
    if mode is Mode.FRAME:
        return sampling.clip_frames
    return _shown(math.ceil(seconds) if seconds else 24 * 3600, sampling)


@cache
def _shown(seconds: int, sampling: Sampling) -> int:
    from apollobench.video.plan import frames_shown

    return frames_shown(seconds, sampling)


def _tokens(voter: Voter, frames: int, characters: int) -> Range | None:
    of_apollo = voter.sampling.tokens_per_clip / voter.sampling.clip_frames
    per_frame = voter.entry.tokens_per_frame or ((of_apollo,) * 2 if voter.entry.backend == "apollo" else None)
    if per_frame is None:
        return None
    few, many = CHARACTERS_PER_TOKEN
    return frames * per_frame[0] + characters / few, frames * per_frame[1] + characters / many


def _gpu_hours(parameters: int | None, tokens: Range | None) -> Range | None:
    if parameters is None or tokens is None:
        return None
    least, most = (2 * parameters * count / PEAK / 3600 for count in tokens)
    return least / REACHED[1], most / REACHED[0]


def _sum(ranges: Sequence[Range | None]) -> Range | None:
    known = [each for each in ranges if each is not None]
    return (sum(low for low, _ in known), sum(high for _, high in known)) if known else None
