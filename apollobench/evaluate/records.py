"""One line of the store: a response, or the frame plan that responses refer to; to JSON and back, strictly.

A line is an object of ASCII JSON whose last member is `crc`, the CRC-32 of all before it: no change of up to 32 bits in
a row goes unseen. Lines without one, as older versions wrote them, are read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any
from zlib import crc32

from apollobench.types import FramePlan, Mode, Response, Sampling, Status

_RESPONSE = tuple(field.name for field in fields(Response))
_FIELDS = frozenset(_RESPONSE)
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_SEAL = len(',"crc":"00000000"}')
_PLAN = re.compile(rb'\{"plan":"([^"\\]*)","frames":\{')
# Inside a text every quote is escaped, so neither end can occur there.
_SEALED = re.compile(rb'\{"(?:key|plan)":(?:(?!\{"(?:key|plan)":).)*?,"crc":"[0-9a-f]{8}"\}', re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A frame plan as it is stored: plans are many and seldom read, so that `read_plan` takes the line apart later."""

    fingerprint: str
    line: bytes


Record = Response | PlanLine


def seal(text: str) -> bytes:
    """An object of JSON as one line: with its checksum, and the line's end."""
    body = text[:-1].encode()
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def response_line(response: Response) -> bytes:
    """The response as one line, its fields in the order of `Response`."""
    return seal(_ENCODE({name: getattr(response, name) for name in _RESPONSE}))


def plan_line(fingerprint: str, plan: FramePlan) -> bytes:
    """The plan under its fingerprint as one line."""
    return seal(_ENCODE({"plan": fingerprint, "frames": asdict(plan)}))


def parse_line(line: bytes, *, model: str | None = None) -> Record | None:
    """The record of a line, with or without its end; None for a response of another model than the one wanted.

    Raises ValueError that says what is wrong with the line.
    """
    body, sealed = unseal(line.removesuffix(b"\n"))
    if sealed and (found := _PLAN.match(body)):
        return PlanLine(found[1].decode(), body)
    if sealed and model is not None and _of(model) not in body:
        return None
    raw = _object(body)
    if raw.keys() != {"plan", "frames"}:
        return _response(raw)
    if not isinstance(raw["plan"], str) or not isinstance(raw["frames"], dict):
        raise ValueError("not a frame plan")
    return PlanLine(raw["plan"], body)


@lru_cache(maxsize=1)
def _of(model: str) -> bytes:
    """What only a response of the model holds: inside a text every quote is escaped."""
    return f'"model":{_ENCODE(model)},'.encode()


def unseal(line: bytes) -> tuple[bytes, bool]:
    """The object of a line, and whether it had a checksum. Raises ValueError where that does not match."""
    if line[-_SEAL : 8 - _SEAL] != b',"crc":"':
        return line, False
    if line[-10:] != b'%08x"}' % crc32(line[:-_SEAL]):
        raise ValueError("its checksum does not match")
    return line[:-_SEAL] + b"}", True


def salvage(line: bytes) -> Iterator[Record]:
    """The whole records in a damaged line: two lines become one when the end of the first is damaged."""
    for found in _SEALED.finditer(line):
        try:
            record = parse_line(found[0])
        except ValueError:
            continue
        if record is not None:
            yield record


def _object(body: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    return raw


def _response(raw: dict[str, Any]) -> Response:
    if raw.keys() != _FIELDS:
        missing, unknown = [name for name in _RESPONSE if name not in raw], sorted(raw.keys() - _FIELDS)
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


def read_plan(stored: PlanLine) -> FramePlan:
    """The frame plan of a stored line. Raises ValueError unless it is the one that its fingerprint stands for."""
    fingerprint, frames = stored.fingerprint, _object(stored.line)["frames"]
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
