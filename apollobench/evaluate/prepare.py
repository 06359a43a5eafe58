"""Everything that one video needs before the model is asked: keys, frame plans, what is stored, the missing frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from apollobench.errors import InputError
from apollobench.evaluate.judge import failed, reread
from apollobench.evaluate.prompt import PROMPT_VERSION, build_prompt
from apollobench.evaluate.store import ANSWERED, response_key
from apollobench.models.base import Preprocessor, Subject
from apollobench.types import FramePlan, Item, Mode, Request, Response, Status, Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apollobench.video.probe import Probe


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for the model, with the key of its response and the fingerprint of its plan."""

    request: Request
    key: str
    plan: str | None


@dataclass(slots=True)
class Work:
    """All that is asked about one video: answers at hand, failures that need no model, and what to ask it.

    plans: of all that is shown, by fingerprint.
    """

    stored: list[Response] = field(default_factory=list)
    failed: list[Response] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    plans: dict[str, FramePlan] = field(default_factory=dict)


def prepare(
    video: Video, items: Sequence[Item], modes: Sequence[Mode], model: Subject, responses: Mapping[str, Response]
) -> Work:
    """The work on `video`, mode by mode, so that questions which show the same frames stand next to each other.

    responses: what the store holds, by key. Frames of all missing questions come from one pass over the file.
    Nothing is raised: whatever cannot be prepared fails with its reason.
    """
    desk = _Desk(model, responses)
    for mode in modes:
        if mode not in model.modes:
            desk.refuse(items, mode)
        elif mode is Mode.TEXT:
            for item in items:
                desk.place(item, mode, None, None, None)
    shown = [mode for mode in modes if mode in model.modes and mode is not Mode.TEXT]
    if shown:
        desk.show(video, items, shown)
    return desk.work


def preprocessed(work: Work, model: Subject) -> Work:
    """The work with what the model makes of frames before it is asked, once for all questions that show them.

    Where that fails the frames stay as they are: the model meets the same error when it is asked, and tells it.
    """
    if not isinstance(model, Preprocessor):
        return work
    frames = {ask.plan: ask.request.frames for ask in work.asks if ask.request.frames is not None}
    try:
        inputs = {plan: model.preprocess(pictures) for plan, pictures in frames.items()}
    except Exception:
        return work
    asks = [replace(ask, request=replace(ask.request, inputs=inputs.get(ask.plan))) for ask in work.asks]
    return replace(work, asks=asks)


def refused(items: Sequence[Item], mode: Mode, model: Subject, reason: str) -> list[Response]:
    """The responses to questions that cannot be put to the model: `unsupported` in such a mode, else errors."""
    status = Status.ERROR
    if mode not in model.modes:
        reason, status = f"{model.name} does not support {mode} mode", Status.UNSUPPORTED
    keys = (response_key(item, mode, None, None, model, PROMPT_VERSION) for item in items)
    return [failed(item, mode, model.name, key, None, reason, status) for item, key in zip(items, keys, strict=True)]


def describe(error: BaseException) -> str:
    """An error as a response tells it: the text alone if it was written for the user, else with its kind."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


class _Desk:
    """Where the work on one video is laid out."""

    def __init__(self, model: Subject, responses: Mapping[str, Response]) -> None:
        self.model, self.responses = model, responses
        self.work = Work()

    def refuse(self, items: Sequence[Item], mode: Mode, reason: str = "") -> None:
        self.work.failed += refused(items, mode, self.model, reason)

    def place(self, item: Item, mode: Mode, plan: FramePlan | None, fingerprint: str | None, media: str | None) -> None:
        """Finds the answer in the store, or lays the question out for the model."""
        key = response_key(item, mode, fingerprint, media, self.model, PROMPT_VERSION)
        if plan is not None and fingerprint is not None:
            self.work.plans[fingerprint] = plan
        held = self.responses.get(key)
        if held is not None and held.status in ANSWERED:
            self.work.stored.append(reread(item, held))
            return
        try:
            prompt = build_prompt(item)
        except InputError as error:
            self.work.failed.append(failed(item, mode, self.model.name, key, fingerprint, str(error)))
            return
        self.work.asks.append(Ask(Request(item, mode, prompt, plan), key, fingerprint))

    def show(self, video: Video, items: Sequence[Item], modes: Sequence[Mode]) -> None:
        """Plans `modes` for every item, then reads the frames that unanswered questions need."""
        from apollobench.video.health import stamp
        from apollobench.video.media import media_digest
        from apollobench.video.probe import probe

        try:
            before = stamp(video.path)
            probed, media = probe(video.path), media_digest(video.path)
            for mode in modes:
                self._plan(probed, media, items, mode)
        except Exception as error:
            self._withdraw(describe(error))
            known = {(response.item, response.mode) for response in (*self.work.stored, *self.work.failed)}
            for mode in modes:
                self.refuse([item for item in items if (item.id, mode) not in known], mode, describe(error))
            return
        if not self.model.wants_frames:
            return
        try:
            self._read_frames(probed)
            if self.work.asks and stamp(video.path) != before:
                raise InputError(f"{video.path}: it changed while it was read; leave it alone, and run again")
        except Exception as error:
            self._withdraw(describe(error))

    def _plan(self, probed: Probe, media: str, items: Sequence[Item], mode: Mode) -> None:
        from apollobench.video.plan import plan_for_mode

        plan: FramePlan | None = None
        fingerprint: str | None = None
        for item in items:
            if plan is None or mode is Mode.SHUFFLED:
                plan = plan_for_mode(probed, mode, self.model.sampling, item.fingerprint)
                fingerprint = None if plan is None else plan.fingerprint
            self.place(item, mode, plan, fingerprint, media)

    def _read_frames(self, probed: Probe) -> None:
        """Gives every request its frames: those of equal size are decoded together, equal plans share one array."""
        from apollobench.video.decode import decode

        frames: dict[str | None, NDArray[np.uint8]] = {}
        asked = {ask.plan: ask.request.plan for ask in self.work.asks}
        plans = {name: plan for name, plan in asked.items() if plan is not None}
        for size in {plan.size for plan in plans.values()}:
            alike = {name: plan.indices for name, plan in plans.items() if plan.size == size}
            union = sorted({index for indices in alike.values() for index in indices})
            rows = {index: row for row, index in enumerate(union)}
            pictures = decode(probed, union, size)
            frames |= {name: pictures[[rows[index] for index in indices]] for name, indices in alike.items()}
        self.work.asks = [
            replace(ask, request=replace(ask.request, frames=frames.get(ask.plan))) for ask in self.work.asks
        ]

    def _withdraw(self, reason: str) -> None:
        """Takes back the questions that needed the video; they fail for `reason`."""
        shown = [ask for ask in self.work.asks if ask.request.mode is not Mode.TEXT]
        self.work.asks = [ask for ask in self.work.asks if ask.request.mode is Mode.TEXT]
        for ask in shown:
            item, mode = ask.request.item, ask.request.mode
            self.work.failed.append(failed(item, mode, self.model.name, ask.key, ask.plan, reason))
