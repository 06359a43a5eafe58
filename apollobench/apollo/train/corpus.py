"""What the trainer knows about a scene: pictures at any time, and labels of what they show.

Pictures come straight from the renderer (the same pixels as the video files before H.264 compression).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apollobench.sources.synthetic.render import camera, motion
from apollobench.sources.synthetic.world import COLORS, KINDS, MOVING, SPEEDS, TONES, WORDS, Scene, draw_scene

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
}
ATTRIBUTES = tuple((name, value) for name, values in LABELS.items() for value in range(len(values)))
# What a moving thing's place and velocity are divided by, so that both lie between about -1 and 1.
PLACE_UNITS, VELOCITY_UNITS = (30.0, 30.0, 0.5), (20.0, 20.0, 0.4)


PLAIN = ("siglip", "internvideo2", "motion")


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of one tower input size. siglip, internvideo2: uint8 [N, T, S, S, 3]; labels: int64 [N, T] per name.

    motion: float32 [N, T, 6], place (right, below, zoom) and velocity of what moves, NaN where nothing does or where
    the clip shows too little of it.
    """

    siglip: NDArray[np.uint8]
    internvideo2: NDArray[np.uint8]
    labels: dict[str, NDArray[np.int64]]
    motion: NDArray[np.float32]

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
        np.concatenate([part.motion for part in parts]),
    )


def many_random_clips(folder: Path, seeds: range, per_scene: int, workers: int) -> Clips:
    """`random_clips` over many scenes, drawn in worker processes unless an earlier call left them in `folder`."""
    place = folder / f"clips-{seeds.start}-{seeds.stop}-{per_scene}"
    if not place.exists():
        chunks = [seeds[start : start + 50] for start in range(0, len(seeds), 50)]
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            clips = _stack(list(pool.map(random_clips, chunks, [per_scene] * len(chunks))))
        part = place.with_suffix(".part")
        part.mkdir(exist_ok=True)
        for name in PLAIN:
            np.save(part / f"{name}.npy", getattr(clips, name))
        for name, labels in clips.labels.items():
            np.save(part / f"{name}.npy", labels)
        part.rename(place)
    arrays = {name: np.load(place / f"{name}.npy", mmap_mode="c") for name in (*PLAIN, *LABELS)}
    return Clips(labels={name: arrays[name] for name in LABELS}, **{name: arrays[name] for name in PLAIN})


def _scene_clips(seed: int, count: int) -> Clips:
    rng = np.random.default_rng([seed, 11])
    scene = draw_scene(seed)
    times = [_random_times(scene, rng) for _ in range(count)]
    siglip, internvideo2 = pictures(scene, [time for clip in times for time in clip])
    shape = (count, CLIP_FRAMES, SIDE, SIDE, 3)
    rows = [_labels(scene, clip) for clip in times]
    labels = {name: np.array([[frame[name] for frame in row] for row in rows], np.int64) for name in LABELS}
    moved = np.array([_motion(scene, clip) for clip in times], np.float32)
    return Clips(siglip.reshape(shape), internvideo2.reshape(shape), labels, moved)


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
            }
        )
    return rows


def _motion(scene: Scene, times: Sequence[float]) -> list[tuple[float, ...]]:
    """Place and velocity of what moves at each time, in `PLACE_UNITS` and `VELOCITY_UNITS`; NaN where unknown."""
    if scene.kind not in MOVING:
        return [(np.nan,) * 6 for _ in times]
    segments = [scene.segment_at(time) for time in times]
    rows: list[tuple[float, ...]] = []
    for time, segment in zip(times, segments, strict=True):
        place = (np.array(motion(segment, time)) - (0.0, 0.0, 1.15)) / PLACE_UNITS
        way = np.array(motion(segment, segment.end)) - motion(segment, segment.start)
        seen = len({t for t, other in zip(times, segments, strict=True) if other is segment}) > 1
        velocity = way / (segment.end - segment.start) / VELOCITY_UNITS if seen else [np.nan] * 3
        rows.append((*place, *velocity))
    return rows


def see(scene: Scene, times: Sequence[float]) -> list[tuple[int, ...]]:
    """What each frame of a clip shows: indices into `ATTRIBUTES`; motion only where two different frames show it."""
    return [
        tuple(ATTRIBUTES.index((name, value)) for name, value in row.items() if value != IGNORE)
        for row in _labels(scene, times)
    ]
