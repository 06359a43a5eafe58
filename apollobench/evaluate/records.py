"""One line of the store: a response, or the frame plan that responses refer to; to JSON and back, strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from apollobench.types import FramePlan, Mode, Response, Sampling, Status

_RESPONSE = tuple(field.name for field in fields(Response))
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def response_line(response: Response) -> str:
    """The response as one line of ASCII JSON, its fields in the order of `Response`, with the line's end."""
    return _ENCODE({name: getattr(response, name) for name in _RESPONSE}) + "\n"


def plan_line(fingerprint: str, plan: FramePlan) -> str:
    """The plan under its fingerprint as one line of ASCII JSON, with the line's end."""
    return _ENCODE({"plan": fingerprint, "frames": asdict(plan)}) + "\n"


def parse_line(line: bytes) -> Response | tuple[str, dict[str, Any]]:
    """A response, or a plan's fingerprint and the fields that `read_plan` takes (plans are many and seldom read).

    Raises ValueError that says what is wrong with the line.
    """
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise ValueError("not JSON") from error
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    if raw.keys() != {"plan", "frames"}:
        return _response(raw)
    if not isinstance(raw["plan"], str) or not isinstance(raw["frames"], dict):
        raise ValueError("not a frame plan")
    return raw["plan"], raw["frames"]


def _response(raw: dict[str, Any]) -> Response:
    missing, unknown = [name for name in _RESPONSE if name not in raw], sorted(raw.keys() - set(_RESPONSE))
    if missing or unknown:
        raise ValueError(f"not a response: lacks {missing}, has unknown {unknown}")
    for name in ("key", "item", "model"):
        if not isinstance(raw[name], str):
            raise ValueError(f"{name} is {raw[name]!r}, expected text")
    for name in ("text", "plan", "error"):
        if not isinstance(raw[name], str | None):
            raise ValueError(f"{name} is {raw[name]!r}, expected text or null")
    status, choice, logprobs = Status(raw["status"]), raw["choice"], raw["option_logprobs"]
    if not (type(choice) is int and choice >= 0) if status is Status.OK else choice is not None:
        raise ValueError(f"choice is {choice!r} in a response with status {status}")
    if logprobs is not None and not _all_numbers(logprobs):
        raise ValueError(f"option_logprobs is {logprobs!r}, expected numbers or null")
    raw["mode"], raw["status"] = Mode(raw["mode"]), status
    raw["option_logprobs"] = None if logprobs is None else tuple(map(float, logprobs))
    return Response(**raw)


def read_plan(fingerprint: str, frames: Mapping[str, Any]) -> FramePlan:
    """The frame plan of a stored line. Raises ValueError unless it is the one that `fingerprint` stands for."""
    try:
        plan = FramePlan(
            sampling=Sampling(**frames["sampling"]),
            indices=tuple(frames["indices"]),
            timestamps=tuple(frames["timestamps"]),
            clips=tuple((first, last) for first, last in frames["clips"]),
            duration=frames["duration"],
            size=None if frames["size"] is None else (frames["size"][0], frames["size"][1]),
        )
    except (TypeError, ValueError, LookupError) as error:
        raise ValueError(f"frame plan {fingerprint} cannot be read: {error!r}") from error
    if plan.fingerprint != fingerprint:
        raise ValueError(f"frame plan {fingerprint} does not match its fingerprint")
    return plan


def _all_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) in (int, float) for value in values)
