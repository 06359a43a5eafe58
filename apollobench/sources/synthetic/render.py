"""Draws a scene frame by frame: 96 x 96 RGB, a moving textured background, and the scene's kind in front of it.

Drawing uses OpenCV primitives on one seeded texture, so the pictures of a seed are the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from apollobench.sources.synthetic.world import Kind, Scene, Segment

SIZE = 96
Frame = NDArray[np.uint8]
RGB = tuple[int, int, int]

PAINT: dict[str, RGB] = {
    "red": (225, 35, 35),
    "green": (40, 200, 70),
    "blue": (50, 90, 250),
    "yellow": (245, 230, 40),
    "purple": (165, 50, 215),
    "cyan": (60, 225, 225),
    "white": (245, 245, 245),
    "orange": (250, 135, 20),
}
GROUND: dict[str, RGB] = {"gray": (84, 84, 84), "brown": (96, 62, 34), "navy": (26, 32, 88), "olive": (72, 88, 30)}
BLACK: RGB = (0, 0, 0)
STEEL: RGB = (150, 160, 170)
PIXELS_PER_SECOND = {"slowly": 9.0, "quickly": 20.0}
FONT = cv2.FONT_HERSHEY_SIMPLEX


def render(scene: Scene) -> Iterator[Frame]:
    """Frames of the scene in order, each uint8 [96, 96, 3] RGB."""
    picture = camera(scene)
    return (picture(number) for number in range(scene.frames))


def camera(scene: Scene) -> Callable[[int], Frame]:
    """A function from a frame number of the scene to its picture, uint8 [96, 96, 3] RGB."""
    rng = np.random.default_rng([scene.seed, 7])
    texture = _texture(rng, GROUND[scene.tone])
    drift = rng.uniform(-6, 6, size=2)
    draw = PAINTERS[scene.kind](scene, rng)

    def picture(number: int) -> Frame:
        time = number / float(scene.rate)
        offset = (drift * time + SIZE).astype(int) % SIZE
        canvas = texture[offset[0] : offset[0] + SIZE, offset[1] : offset[1] + SIZE].copy()
        return draw(canvas, time, scene.segment_at(time))

    return picture


def _texture(rng: np.random.Generator, color: RGB) -> Frame:
    """A seamless cloudy texture [192, 192, 3] around `color`, tiled twice so that any offset is a plain crop."""
    noise = rng.normal(size=(SIZE, SIZE)).astype(np.float32)
    cloud = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), 5)[SIZE : 2 * SIZE, SIZE : 2 * SIZE]
    shade = 1.0 + 0.12 * cloud / cloud.std()
    tile = np.clip(np.asarray(color, np.float32) * shade[..., None], 0, 255).astype(np.uint8)
    return np.tile(tile, (2, 2, 1))


def _ease(time: float, segment: Segment) -> float:
    """How far through its segment `time` is, 0 to 1."""
    return float(np.clip((time - segment.start) / (segment.end - segment.start), 0.0, 1.0))


Painter = Callable[[Frame, float, Segment], Frame]


def _sign(scene: Scene, rng: np.random.Generator) -> Painter:
    left, top = int(rng.integers(4, 13)), int(rng.integers(12, 25))

    def draw(canvas: Frame, time: float, segment: Segment) -> Frame:
        cv2.rectangle(canvas, (left, top), (left + 78, top + 34), PAINT[scene.static], -1)
        cv2.rectangle(canvas, (left, top), (left + 78, top + 34), BLACK, 1)
        _write(canvas, segment.identity, left + 39, top + 18, 0.92, BLACK)
        _write(canvas, scene.owner, 48, 82, 0.8, (255, 255, 255))
        return canvas

    return draw


def _write(canvas: Frame, text: str, x: int, y: int, scale: float, color: RGB) -> None:
    (width, height), _ = cv2.getTextSize(text, FONT, scale, 2)
    cv2.putText(canvas, text, (x - width // 2, y + height // 2), FONT, scale, color, 2, cv2.LINE_AA)


def motion(segment: Segment, time: float) -> tuple[float, float, float]:
    """Where the moving thing of a walk or of balls is: pixels right of and below its middle place, and its zoom."""
    progress = _ease(time, segment)
    along = PIXELS_PER_SECOND.get(segment.speed, 0.0) * (time - (segment.start + segment.end) / 2)
    return {
        "turn left": (-26 + 52 * progress, 0.0, 1.0),
        "turn right": (26 - 52 * progress, 0.0, 1.0),
        "go forward": (0.0, 0.0, 0.65 + progress),
        "back up": (0.0, 0.0, 1.65 - progress),
        "left": (-along, 0.0, 1.0),
        "right": (along, 0.0, 1.0),
        "up": (0.0, -along, 1.0),
        "down": (0.0, along, 1.0),
    }[segment.action]


def _walk(scene: Scene, rng: np.random.Generator) -> Painter:
    anchors = {s.start: rng.uniform(-7, 7) for s in scene.segments}

    def draw(canvas: Frame, time: float, segment: Segment) -> Frame:
        shift, _, zoom = motion(segment, time)
        middle = 48 + anchors[segment.start] + shift
        wall = np.asarray(PAINT[segment.identity], np.float32)
        bright = canvas[:, :, 1:2].astype(np.float32) / max(1, GROUND[scene.tone][1])
        canvas[:68] = np.clip(wall * (0.35 + 0.45 * bright[:68]), 0, 255).astype(np.uint8)
        half, tall = 9 * zoom, 17 * zoom
        corners = (round(middle - half), round(40 - tall)), (round(middle + half), round(40 + tall))
        cv2.rectangle(canvas, *corners, (235, 225, 205), -1)
        cv2.rectangle(canvas, *corners, BLACK, 2)
        cv2.circle(canvas, (round(middle + half * 0.55), round(40 + 2 * zoom)), max(1, round(2 * zoom)), BLACK, -1)
        canvas[68:70] = 10
        _held(canvas, scene.static)
        return canvas

    return draw


def _held(canvas: Frame, tool: str) -> None:
    if tool == "lantern":
        cv2.circle(canvas, (48, 82), 10, (255, 250, 190), -1)
    elif tool == "crate":
        cv2.rectangle(canvas, (34, 73), (62, 94), (230, 190, 130), -1)
        cv2.line(canvas, (34, 73), (62, 94), BLACK, 2)
    elif tool == "flag":
        cv2.fillPoly(canvas, [np.array([[42, 72], [64, 79], [42, 86]], np.int32)], (255, 80, 160))
        cv2.line(canvas, (42, 72), (42, 95), (255, 255, 255), 2)
    else:
        cv2.circle(canvas, (48, 83), 10, (120, 255, 160), 4)


def _post(scene: Scene, rng: np.random.Generator) -> Painter:
    x, y = int(rng.integers(42, 55)), int(rng.integers(42, 55))
    reach = {s.start: int(rng.integers(27, 32)) for s in scene.segments}
    toward = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
    point = {"left": (-11, 0), "right": (11, 0), "up": (0, -11), "down": (0, 11)}[scene.static]

    def draw(canvas: Frame, time: float, segment: Segment) -> Frame:
        cv2.rectangle(canvas, (x - 14, y - 14), (x + 14, y + 14), STEEL, -1)
        cv2.arrowedLine(canvas, (x - point[0], y - point[1]), (x + point[0], y + point[1]), BLACK, 3, tipLength=0.55)
        step = toward[segment.action]
        wobble = round(2 * np.sin(5 * time))
        center = (x + step[0] * reach[segment.start] + wobble, y + step[1] * reach[segment.start])
        cv2.circle(canvas, center, 9, PAINT[segment.identity], -1)
        cv2.circle(canvas, center, 9, BLACK, 1)
        return canvas

    return draw


def _balls(scene: Scene, rng: np.random.Generator) -> Painter:
    lanes = {s.start: int(rng.integers(26, 71)) for s in scene.segments}

    def draw(canvas: Frame, time: float, segment: Segment) -> Frame:
        right, below, _ = motion(segment, time)
        lane = lanes[segment.start]
        sideways = segment.action in ("left", "right")
        center = (round(48 + right), lane) if sideways else (lane, round(48 + below))
        _shape(canvas, scene.static, center, PAINT[segment.identity])
        return canvas

    return draw


def _shape(canvas: Frame, shape: str, center: tuple[int, int], color: RGB) -> None:
    x, y = center
    if shape == "circles":
        cv2.circle(canvas, center, 12, color, -1)
    elif shape == "squares":
        cv2.rectangle(canvas, (x - 11, y - 11), (x + 11, y + 11), color, -1)
    elif shape == "triangles":
        cv2.fillPoly(canvas, [np.array([[x, y - 13], [x + 13, y + 11], [x - 13, y + 11]], np.int32)], color)
    else:
        cv2.rectangle(canvas, (x - 13, y - 4), (x + 13, y + 4), color, -1)
        cv2.rectangle(canvas, (x - 4, y - 13), (x + 4, y + 13), color, -1)


def _machine(scene: Scene, rng: np.random.Generator) -> Painter:
    tilt = {"left": 9, "right": -9, "neither": 0}[scene.static]
    lit_from = None if scene.trigger is None else scene.segments[scene.trigger].start
    x = int(rng.integers(40, 57))

    def draw(canvas: Frame, time: float, segment: Segment) -> Frame:
        cv2.line(canvas, (18, 14 + tilt), (78, 14 - tilt), STEEL, 5)
        cv2.circle(canvas, (48, 14), 4, BLACK, -1)
        if scene.pattern:
            cv2.rectangle(canvas, (x - 22, 36), (x + 22, 80), STEEL, -1)
            cv2.circle(canvas, (x, 58), 18, PAINT[segment.identity], -1)
            return canvas
        cv2.rectangle(canvas, (x - 16, 66), (x + 16, 95), STEEL, -1)
        cv2.rectangle(canvas, (x - 10, 66), (x + 10, 90), (30, 30, 30), -1)
        fall = _ease(time, segment) ** 2
        cv2.circle(canvas, (x, round(42 + 16 * fall)), 10, PAINT[segment.identity], -1)
        lamp = (255, 255, 170) if lit_from is not None and time >= lit_from else (25, 25, 25)
        cv2.circle(canvas, (84, 74), 9, lamp, -1)
        cv2.circle(canvas, (84, 74), 9, STEEL, 2)
        return canvas

    return draw


PAINTERS: dict[Kind, Callable[[Scene, np.random.Generator], Painter]] = {
    "sign": _sign,
    "walk": _walk,
    "post": _post,
    "balls": _balls,
    "machine": _machine,
}
