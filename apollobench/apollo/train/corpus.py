"""What the trainer knows about a scene: pictures at any time, labels for the encoders, captions for the connector.

Pictures come straight from the renderer (the same pixels as the video files before H.264 compression).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apollobench.sources.synthetic.render import camera, motion
from apollobench.sources.synthetic.world import COLORS, KINDS, MOVING, SPEEDS, TONES, WORDS, Scene, Segment, draw_scene

SIDE = 48
CLIP_FRAMES = 4
IGNORE = -100

IDENTITIES = (*COLORS, *WORDS)
STATICS = tuple(f"{kind} {value}" for kind, spec in KINDS.items() for value in spec.priors.values())
ACTIONS = tuple(f"{kind} {action}" for kind, spec in KINDS.items() for action in spec.actions)
LABELS = {
    "kind": tuple(KINDS),
    "identity": IDENTITIES,
    "static": STATICS,
    "tone": TONES,
    "action": ACTIONS,
    "speed": SPEEDS,
    "lamp": ("off", "on"),
    **{f"{axis} {end}": tuple("abcde") for axis in ("right", "below", "zoom") for end in ("first", "last")},
}


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of one tower input size. siglip, internvideo2: uint8 [N, T, S, S, 3]; labels: int64 [N, T] per name."""

    siglip: NDArray[np.uint8]
    internvideo2: NDArray[np.uint8]
    labels: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.siglip)


def resize(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The two encoders' inputs for one square picture, resized as the model's own preprocessing does."""
    bicubic = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return bicubic, cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def random_clips(seeds: Sequence[int], per_scene: int) -> Clips:
    """`per_scene` clips of each scene at random times and rates (also single frames repeated), with their labels."""
    made = [_scene_clips(seed, per_scene) for seed in seeds]
    return _stack(made)


def _stack(parts: Sequence[Clips]) -> Clips:
    return Clips(
        np.concatenate([part.siglip for part in parts]),
        np.concatenate([part.internvideo2 for part in parts]),
        {name: np.concatenate([part.labels[name] for part in parts]) for name in LABELS},
    )


def many_random_clips(seeds: range, per_scene: int, workers: int) -> Clips:
    """`random_clips` over many scenes in worker processes."""
    chunks = [seeds[start : start + 50] for start in range(0, len(seeds), 50)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return _stack(list(pool.map(random_clips, chunks, [per_scene] * len(chunks))))


def _scene_clips(seed: int, count: int) -> Clips:
    rng = np.random.default_rng([seed, 11])
    scene = draw_scene(seed)
    times = [_random_times(scene, rng) for _ in range(count)]
    siglip, internvideo2 = pictures(scene, [time for clip in times for time in clip])
    shape = (count, CLIP_FRAMES, SIDE, SIDE, 3)
    rows = [_labels(scene, clip) for clip in times]
    labels = {name: np.array([[frame[name] for frame in row] for row in rows], np.int64) for name in LABELS}
    return Clips(siglip.reshape(shape), internvideo2.reshape(shape), labels)


def _random_times(scene: Scene, rng: np.random.Generator) -> list[float]:
    luck = rng.random()
    step = 0.5 if luck < 0.7 else float(rng.uniform(0.3, 1.6)) if luck < 0.9 else 0.0
    span = min(step * (CLIP_FRAMES - 1), scene.duration - 0.05)
    start = float(rng.uniform(0, scene.duration - 0.05 - span))
    return [start + span * i / (CLIP_FRAMES - 1) for i in range(CLIP_FRAMES)]


def pictures(scene: Scene, times: Sequence[float]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both encoders' inputs at the given times (seconds), each uint8 [len(times), S, S, 3]; equal times cost once."""
    picture = camera(scene)
    numbers = [min(scene.frames - 1, max(0, round(time * float(scene.rate)))) for time in times]
    drawn = {number: resize(picture(number)) for number in set(numbers)}
    return np.stack([drawn[n][0] for n in numbers]), np.stack([drawn[n][1] for n in numbers])


def _labels(scene: Scene, times: Sequence[float]) -> list[dict[str, int]]:
    segments = [scene.segment_at(time) for time in times]
    lit = None if scene.trigger is None else scene.segments[scene.trigger].start
    rows = []
    for time, segment in zip(times, segments, strict=True):
        seen = len({t for t, other in zip(times, segments, strict=True) if other is segment}) > 1
        moving = scene.kind in MOVING
        known = bool(segment.action) and (seen or not moving)
        rows.append(
            {
                "kind": LABELS["kind"].index(scene.kind),
                "identity": IDENTITIES.index(segment.identity),
                "static": STATICS.index(f"{scene.kind} {scene.static}"),
                "tone": TONES.index(scene.tone),
                "action": ACTIONS.index(f"{scene.kind} {segment.action}") if known else IGNORE,
                "speed": SPEEDS.index(segment.speed) if segment.speed and seen else IGNORE,
                "lamp": IGNORE if lit is None else int(time >= lit),
                **_places(segment, [t for t, other in zip(times, segments, strict=True) if other is segment], moving),
            }
        )
    return rows


def _places(segment: Segment, times: Sequence[float], moving: bool) -> dict[str, int]:
    """Fifths of the way of the moving thing at the first and the last of `times`: what tells its direction."""
    places = {}
    for end, time in (("first", times[0]), ("last", times[-1])):
        right, below, zoom = motion(segment, time) if moving else (0.0, 0.0, 0.0)
        for axis, value in (("right", right / 60 + 0.5), ("below", below / 60 + 0.5), ("zoom", zoom - 0.65)):
            places[f"{axis} {end}"] = min(4, max(0, int(5 * value))) if moving else IGNORE
    return places


def caption(scene: Scene, times: Sequence[float], *, opening: bool) -> str:
    """One clip in words: the segments that its frames show, in order; the `opening` clip also tells what never changes.

    Motion is told only where at least two different frames show it.
    """
    segments = [scene.segment_at(time) for time in times]
    words = [scene.kind, scene.static, scene.tone] if opening else []
    if opening and scene.kind == "sign":
        words.append(scene.owner)
    for segment in dict.fromkeys(segments):
        shown = {time for time, other in zip(times, segments, strict=True) if other is segment}
        words.extend(_describe(scene, segment, several=len(shown) > 1))
        if scene.trigger is not None and max(shown) >= scene.segments[scene.trigger].start:
            words.append("lamp")
    return " ".join(words)


def _describe(scene: Scene, segment: Segment, *, several: bool) -> Iterator[str]:
    yield segment.identity
    if segment.action and (several or scene.kind not in MOVING):
        yield segment.action
    if segment.speed and several:
        yield segment.speed
