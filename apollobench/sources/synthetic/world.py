"""The generated world: what can happen in a scene, and how one scene is drawn from a seed.

A scene is a few seconds long and of one kind. It has a sequence of `segments` (what happens, in order), and a `static`
property that never changes and that the scene's `owner` determines everywhere in this world: the planted prior, known
to whoever has read enough about it and visible to whoever looks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

import numpy as np

Kind = Literal["sign", "walk", "post", "balls", "machine"]

COLORS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "orange")
WORDS = ("SUN", "MAP", "KEY", "BOX", "CAR", "DOG", "FISH", "TREE")
TONES = ("gray", "brown", "navy", "olive")
PATTERN_PERIOD = 3
MOVING: tuple[Kind, ...] = ("walk", "balls")
SPEEDS = ("slowly", "quickly")
RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(15))
SHORTEST, LONGEST = 4.0, 24.0


@dataclass(frozen=True, slots=True)
class KindSpec:
    """What one kind of scene is made of: what identifies a segment, what it does, and owner -> static property."""

    identities: tuple[str, ...]
    actions: tuple[str, ...]
    priors: MappingProxyType[str, str]
    shortest_segment: float


def _priors(**owners: str) -> MappingProxyType[str, str]:
    return MappingProxyType(owners)


KINDS: dict[Kind, KindSpec] = {
    "sign": KindSpec(
        WORDS, (), _priors(LIMA="white", OSLO="yellow", ROME="cyan", BERN="green", CORK="orange"), shortest_segment=1.3
    ),
    "walk": KindSpec(
        COLORS,
        ("turn left", "turn right", "go forward", "back up"),
        _priors(guide="lantern", porter="crate", guard="flag", baker="ring"),
        shortest_segment=2.2,
    ),
    "post": KindSpec(
        COLORS,
        ("left of", "right of", "above", "below"),
        _priors(Anna="left", Boris="right", Clara="up", David="down"),
        shortest_segment=1.3,
    ),
    "balls": KindSpec(
        COLORS,
        ("left", "right", "up", "down"),
        _priors(Hawks="circles", Bears="squares", Foxes="triangles", Owls="crosses"),
        shortest_segment=2.2,
    ),
    "machine": KindSpec(COLORS, (), _priors(Smith="left", Jones="right", Brown="neither"), shortest_segment=1.3),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """What happens from `start` to `end` (seconds). `action` is empty where the kind has none."""

    start: float
    end: float
    identity: str
    action: str = ""
    speed: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One video's whole truth. `pattern`: identities repeat with period 3. `trigger`: segment that lights the lamp."""

    seed: int
    kind: Kind
    duration: float
    rate: Fraction
    segments: tuple[Segment, ...]
    owner: str
    static: str
    tone: str
    pattern: bool = False
    trigger: int | None = None

    @property
    def frames(self) -> int:
        return round(self.duration * self.rate)

    def segment_at(self, time: float) -> Segment:
        """The segment on screen at `time` seconds."""
        return next((s for s in self.segments if time < s.end), self.segments[-1])


def draw_scene(seed: int) -> Scene:
    """The scene of a seed: kind by rotation, everything else at random; the same seed gives the same scene for ever."""
    for attempt in itertools.count():
        scene = _draw(seed, np.random.default_rng([seed, attempt]))
        if not (scene.pattern and scene.segment_at(scene.duration / 2).identity == next_in_pattern(scene)):
            return scene
    raise AssertionError("unreachable")


def _draw(seed: int, rng: np.random.Generator) -> Scene:
    kind: Kind = tuple(KINDS)[seed % len(KINDS)]
    spec = KINDS[kind]
    pattern = kind == "machine" and bool(rng.random() < 0.4)
    count = int(rng.integers(4, 7) if pattern else rng.integers(3, 7))
    minimum = spec.shortest_segment
    shortest = max(SHORTEST, count * minimum)
    longest = min(LONGEST, 4.0 * count) if kind in MOVING else LONGEST
    duration = round(float(shortest + (longest - shortest) * rng.beta(1.0, 2.6)), 2)
    rate = RATES[int(rng.integers(len(RATES)))]
    owner = str(rng.choice(list(spec.priors)))
    weights = rng.dirichlet(np.full(count, 30.0 if kind in MOVING else 4.0))
    lengths = minimum + weights * (duration - count * minimum)
    ends = np.cumsum(lengths)
    segments = _segments(rng, kind, count, ends, pattern)
    trigger = int(rng.integers(1, count)) if kind == "machine" and not pattern else None
    tone = str(rng.choice(TONES))
    return Scene(seed, kind, duration, rate, segments, owner, spec.priors[owner], tone, pattern, trigger)


def _segments(rng: np.random.Generator, kind: Kind, count: int, ends: np.ndarray, pattern: bool) -> tuple[Segment, ...]:
    spec = KINDS[kind]
    distinct = [str(name) for name in rng.permutation(spec.identities)]
    names = [distinct[i % PATTERN_PERIOD] if pattern else distinct[i] for i in range(count)]
    actions = [str(rng.choice(spec.actions)) if spec.actions else "" for _ in range(count)]
    speeds = [str(rng.choice(SPEEDS)) if kind == "balls" else "" for _ in range(count)]
    starts = [0.0, *(float(end) for end in ends[:-1])]
    return tuple(
        Segment(start, float(end), name, action, speed)
        for start, end, name, action, speed in zip(starts, ends, names, actions, speeds, strict=True)
    )


def next_in_pattern(scene: Scene) -> str:
    """The identity that continues a repeating scene."""
    return scene.segments[len(scene.segments) % PATTERN_PERIOD].identity
