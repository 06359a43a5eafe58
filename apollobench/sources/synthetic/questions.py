"""Asks about a scene. Every question knows what it needs to be answered: nothing, one frame, a set of frames, or order.

`nothing`: the owner gives the static property away (a prior planted in this world), or only one option is of the kind
asked for. `frame`: a static property, visible in every frame. `set`: several frames in any order. `video`: order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from apollobench.sources.synthetic.world import (
    KINDS,
    PATTERN_PERIOD,
    SPEEDS,
    TONES,
    Kind,
    Scene,
    Segment,
    next_in_pattern,
)
from apollobench.types import Item, Truth, Video, digest

Needs = Literal["nothing", "frame", "set", "video"]
NOUN: dict[Kind, str] = {"sign": "word", "walk": "room", "post": "ball", "balls": "shape", "machine": "ball"}
SHOWS: dict[Kind, str] = {
    "sign": "a sign",
    "walk": "a walk",
    "post": "a post",
    "balls": "moving shapes",
    "machine": "a machine",
}
# The category that each kind of scene is made for, and what it is asked besides, which only has to be seen.
MADE_FOR = {"sign": "OCR", "walk": "Egocentric", "post": "Spatial", "balls": "Perception", "machine": "Reasoning"}
ONLY_SEEN = {
    "sign": ("prior", "static"),
    "post": ("set", "count", "order"),
    "machine": ("set", "count", "order", "prior", "static"),
}
NUMBERS = ("two", "three", "four", "five", "six", "seven")
ODD = ("Tuesday", "a spoon", "cheese", "Paris", "a poem", "summer", "a violin", "soup")
HARD_PER_VIDEO = 4
FLAW_SHARE = 0.04
LICENCE = "CC0-1.0"


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before its options are drawn: `wrong` lists wrong options, the most tempting first."""

    label: str
    needs: Needs
    question: str
    right: str
    wrong: tuple[str, ...]


def ask(scene: Scene, video: Video, *, everything: bool = False) -> list[Item]:
    """The items of a scene. `everything` asks every question there is; otherwise a seeded few, some of them flawed."""
    rng = np.random.default_rng([scene.seed, 3])
    hard = list(_hard(scene, rng, everything))
    if not everything:
        hard = [hard[i] for i in sorted(rng.permutation(len(hard))[:HARD_PER_VIDEO])]
    odd = [_only_one_fits(hard[i], rng) for i in rng.permutation(len(hard))[:2]]
    items = [_finish(draft, number, video, rng) for number, draft in enumerate([*hard, *odd, *_easy(scene, rng)])]
    return items if everything else [_flaw(item, scene, rng) for item in items]


def _finish(draft: Draft, number: int, video: Video, rng: np.random.Generator) -> Item:
    """Draw two to five options and order them by a hash of the item, so that answer letters are balanced."""
    hard = draft.needs in ("set", "video")
    count = int(rng.choice((2, 3, 4, 5), p=(0.05, 0.1, 0.4, 0.45) if hard else (0.1, 0.25, 0.4, 0.25)))
    options = [draft.right, *draft.wrong[: count - 1]]
    name = f"synthetic/{video.id}-{number:02d}"
    options.sort(key=lambda option: digest([name, draft.question, option]))
    return Item(
        id=name,
        question=draft.question,
        options=tuple(options),
        answer=options.index(draft.right),
        video=video,
        category=category_of(draft.label),
        native={"label": draft.label},
        licence=LICENCE,
        truth=Truth(draft.needs),
    )


def _flaw(item: Item, scene: Scene, rng: np.random.Generator) -> Item:
    """Spoil a known small share of the hard items: a wrong key, or a question about something that never happened."""
    assert item.truth is not None
    luck = rng.random()
    if item.truth.needs not in ("set", "video") or luck > 2 * FLAW_SHARE:
        return item
    if luck < FLAW_SHARE:
        wrong = (item.answer + 1 + int(rng.integers(len(item.options) - 1))) % len(item.options)
        return replace(item, answer=wrong, truth=Truth(item.truth.needs, "miskeyed"))
    shown = {s.identity for s in scene.segments}
    absent = [name for name in KINDS[scene.kind].identities if name not in shown]
    question = f"Which {NOUN[scene.kind]} came right after the {rng.choice(absent)} one?"
    options = tuple(sorted(shown, key=lambda name: digest([item.id, name])))[:5]
    return replace(
        item,
        question=question,
        options=options,
        answer=int(rng.integers(len(options))),
        category=category_of(f"{scene.kind}: order"),
        native={"label": f"{scene.kind}: order"},
        truth=Truth(item.truth.needs, "unanswerable"),
    )


def category_of(label: str) -> str:
    """The true category of a question, from the kind of scene and what it asks (`post: order`, `any: topic`)."""
    kind, asked = label.split(": ")
    return "Perception" if asked in ONLY_SEEN.get(kind, ()) else MADE_FOR.get(kind, "Perception")


def _only_one_fits(draft: Draft, rng: np.random.Generator) -> Draft:
    return replace(draft, needs="nothing", wrong=tuple(str(word) for word in rng.permutation(ODD)))


def _easy(scene: Scene, rng: np.random.Generator) -> Iterator[Draft]:
    kind, spec = scene.kind, KINDS[scene.kind]
    statics = _shuffled(rng, (value for value in spec.priors.values() if value != scene.static))
    prior, looks = {
        "sign": (f"The town is {scene.owner}. What color is its board?", "What color is the board?"),
        "walk": (f"I am the {scene.owner}. What do I carry?", "What do I carry?"),
        "post": (f"The post is {scene.owner}'s. Which way does its arrow point?", "Which way does the arrow point?"),
        "balls": (f"The team is the {scene.owner}. What shapes are they?", "What shapes are they?"),
        "machine": (f"The machine is {scene.owner}'s. Which end is heavier?", "Which end of the beam is heavier?"),
    }[kind]
    yield Draft(f"{kind}: prior", "nothing", prior, scene.static, statics)
    yield Draft(f"{kind}: static", "frame", looks, scene.static, statics)
    tones = _shuffled(rng, (tone for tone in TONES if tone != scene.tone))
    yield Draft("any: background", "frame", "What color is the ground?", scene.tone, tones)
    if kind == "sign":
        towns = _shuffled(rng, (town for town in spec.priors if town != scene.owner))
        yield Draft("sign: caption", "frame", "Which town is named along the bottom?", scene.owner, towns)
    else:
        others = _shuffled(rng, (what for other, what in SHOWS.items() if other != kind))
        yield Draft("any: topic", "frame", "What does the video show?", SHOWS[kind], others)


def _hard(scene: Scene, rng: np.random.Generator, everything: bool) -> Iterator[Draft]:
    yield from _sets(scene, rng)
    yield from _machine(scene, rng) if scene.kind == "machine" else _orders(scene, rng)
    if KINDS[scene.kind].actions:
        yield from _actions(scene, rng, everything)


def _some(rng: np.random.Generator, count: int, everything: bool) -> Iterator[int]:
    """All of `count` places, or one of them."""
    yield from range(count) if everything else (int(rng.integers(count)),)


def _shuffled(rng: np.random.Generator, names: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(str(name) for name in rng.permutation(list(names)))


def _tempting(scene: Scene, rng: np.random.Generator, *but: str) -> tuple[str, ...]:
    """Wrong identities, those that the video does show first."""
    shown = list(dict.fromkeys(s.identity for s in scene.segments))
    unseen = [name for name in KINDS[scene.kind].identities if name not in shown]
    ordered = [*_shuffled(rng, shown), *_shuffled(rng, unseen)]
    return tuple(name for name in ordered if name not in but)


def _sets(scene: Scene, rng: np.random.Generator) -> Iterator[Draft]:
    kind, noun = scene.kind, NOUN[scene.kind]
    shown = {s.identity for s in scene.segments}
    unseen = str(rng.choice([name for name in KINDS[kind].identities if name not in shown]))
    label = f"{kind}: set"
    yield Draft(label, "set", f"Which {noun} never appeared?", unseen, _shuffled(rng, sorted(shown)))
    if not scene.pattern:
        right = NUMBERS[len(shown) - 2]
        wrong = (*_shuffled(rng, (number for number in NUMBERS[1:5] if number != right)), NUMBERS[0])
        yield Draft(f"{kind}: count", "set", f"How many different {noun}s appeared?", right, wrong)


def _orders(scene: Scene, rng: np.random.Generator) -> Iterator[Draft]:
    noun, label = NOUN[scene.kind], f"{scene.kind}: order"
    for place, right in (("first", scene.segments[0].identity), ("last", scene.segments[-1].identity)):
        yield Draft(label, "video", f"Which {noun} came {place}?", right, _tempting(scene, rng, right))


def _machine(scene: Scene, rng: np.random.Generator) -> Iterator[Draft]:
    names = [s.identity for s in scene.segments]
    if scene.pattern:
        right = next_in_pattern(scene)
        wrong = _tempting(scene, rng, right)
        yield Draft("machine: prediction", "video", "Which color comes next?", right, wrong)
        at = int(rng.integers(PATTERN_PERIOD))
        given, right = names[at], names[(at + 1) % PATTERN_PERIOD]
        question = f"Which color always follows {given}?"
        yield Draft("machine: rule", "video", question, right, _tempting(scene, rng, right, given))
        return
    for question, right in (
        ("The tube lets go of the oldest ball. Which ball comes out?", names[0]),
        ("The cup lets go of the newest ball. Which ball comes out?", names[-1]),
    ):
        yield Draft("machine: occlusion", "video", question, right, _tempting(scene, rng, right))
    assert scene.trigger is not None
    right = names[scene.trigger]
    yield Draft("machine: cause", "video", "Which ball made the lamp light?", right, _tempting(scene, rng, right))


def _actions(scene: Scene, rng: np.random.Generator, everything: bool) -> Iterator[Draft]:
    kind, actions = scene.kind, KINDS[scene.kind].actions
    needs: Needs = "set" if kind == "post" else "video"
    label = {"walk": "walk: motion", "post": "post: position", "balls": "balls: direction"}[kind]

    def of_action(segment: Segment, question: str, needs: Needs) -> Draft:
        wrong = _shuffled(rng, (action for action in actions if action != segment.action))
        return Draft(label, needs, question, segment.action, wrong)

    for segment in [scene.segments[at] for at in _some(rng, len(scene.segments), everything)]:
        whose = {
            "walk": f"What did I do in the {segment.identity} room?",
            "post": f"Where was the {segment.identity} ball from the post?",
            "balls": f"Which way did the {segment.identity} shape move?",
        }[kind]
        yield of_action(segment, whose, needs)
        if kind == "balls":
            other = tuple(speed for speed in SPEEDS if speed != segment.speed)
            question = f"How fast did the {segment.identity} shape move?"
            yield Draft("balls: speed", "video", question, segment.speed, other)
    for place, chosen in (("first", scene.segments[0]), ("last", scene.segments[-1])):
        question = {
            "walk": f"What did I do {place}?",
            "post": f"Where was the {place} ball from the post?",
            "balls": f"Which way did the {place} shape move?",
        }[kind]
        yield of_action(chosen, question, "video")
    yield from _which_acted(scene, rng, label, needs, everything)


def _which_acted(scene: Scene, rng: np.random.Generator, label: str, needs: Needs, everything: bool) -> Iterator[Draft]:
    """Asks for the one segment with an action, where just one has it."""
    once: list[Segment] = [s for s in scene.segments if [t.action for t in scene.segments].count(s.action) == 1]
    for segment in [once[at] for at in _some(rng, len(once), everything)] if once else []:
        question = {
            "walk": f"In which room did I {segment.action}?",
            "post": f"Which ball was {segment.action} the post?",
            "balls": f"Which shape moved {segment.action}?",
        }[scene.kind]
        yield Draft(label, needs, question, segment.identity, _tempting(scene, rng, segment.identity))
