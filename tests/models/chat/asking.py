"""Requests as the runner makes them, from real video files."""

from __future__ import annotations

from collections.abc import Sequence

from apollobench.evaluate.prompt import build_prompt
from apollobench.types import FramePlan, Item, Mode, Request, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe


def request(item: Item, mode: Mode, sampling: Sampling) -> Request:
    (one,) = requests([item], [mode], sampling)
    return one


def requests(items: Sequence[Item], modes: Sequence[Mode], sampling: Sampling) -> list[Request]:
    """Video by video, then mode by mode; requests with one plan have one array of frames."""
    made = []
    for video in dict.fromkeys(item.video for item in items):
        probed, shown = probe(video.path), {}
        for mode in modes:
            for item in (item for item in items if item.video == video):
                plan: FramePlan | None = plan_for_mode(probed, mode, sampling, item.fingerprint)
                if plan is not None and plan not in shown:
                    shown[plan] = decode(probed, plan.indices)
                made.append(Request(item, mode, build_prompt(item), plan, None if plan is None else shown[plan]))
    return made
