"""Examines one media file as a run would use it: probes it, decodes its center frame, and looks for its end."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from apollobench.errors import InputError
from apollobench.types import Sampling
from apollobench.video.decode import decode
from apollobench.video.health import Facts, Finding, Health, Kind, missing, stamp
from apollobench.video.media import read_digest
from apollobench.video.plan import plan
from apollobench.video.probe import REPLACE, CutShortError, NoVideoError, Probe, open_video, probe

CENTER = Sampling(kind="center", clip_frames=1)
LONGEST = 24 * 3600.0
SLOWEST, FASTEST = 1 / 60, 1000.0
# Of the frames that a file's header promises, the share that may stay away: some writers count dropped frames.
TOLERATED_LOSS = 0.1


def examine(path: Path) -> Health:
    """The condition of `path`, whatever it is. Nothing is raised: what goes wrong is a finding.

    A decoder may still hang or end the process, so files that nobody vouches for are examined in another one.
    """
    size, modified = stamp(path)
    if size < 0:
        return missing(path)
    if size == 0:
        text = f"the file is empty (0 bytes). {REPLACE}"
        return Health(path, size, modified, read_digest(path), (Finding(Kind.EMPTY, text),))
    digest = ""
    try:
        digest = read_digest(path)
        shape = probe(path)
        findings = [*_notes(shape), *_absurdities(shape), *_losses(shape)]
    except Exception as error:
        return Health(path, size, modified, digest, (_refusal(path, error),))
    return Health(path, size, modified, digest, tuple(findings), _facts(shape))


def _refusal(path: Path, error: Exception) -> Finding:
    kind = Kind.UNREADABLE
    if isinstance(error, NoVideoError):
        kind = Kind.NO_VIDEO
    if isinstance(error, CutShortError):
        kind = Kind.TRUNCATED
    return Finding(kind, _sentence(path, error))


def _sentence(path: Path, error: Exception) -> str:
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return text.removeprefix(f"{path}: ")


def _facts(shape: Probe) -> Facts:
    return Facts(**{fact.name: getattr(shape, fact.name) for fact in fields(Facts)})


def _notes(shape: Probe) -> list[Finding]:
    notes = []
    if shape.rotation:
        text = f"stored pictures are turned by {shape.rotation} degrees counterclockwise when shown."
        notes.append(Finding(Kind.ROTATED, text))
    gaps = np.diff(shape.times)
    drift = np.abs(shape.times - np.linspace(shape.times[0], shape.times[-1], shape.frames)).max()
    if len(gaps) and (drift > gaps.mean() or gaps.max() > 1.5 * gaps.mean()):
        text = (
            f"frames are {gaps.min():.3f} to {gaps.max():.3f} s apart, and up to {drift:.3f} s away from where an even "
            f"rate would have them."
        )
        notes.append(Finding(Kind.VARIABLE_RATE, text))
    return notes


def _absurdities(shape: Probe) -> list[Finding]:
    found = []
    if not 0 < shape.duration <= LONGEST:
        text = f"it says to be {shape.duration:,.3f} s long, which no video of a question is. {REPLACE}"
        found.append(Finding(Kind.ABSURD, text))
    if not SLOWEST <= shape.fps <= FASTEST:
        text = f"it says to show {shape.fps:,.5g} frames per second, which no video of a question does. {REPLACE}"
        found.append(Finding(Kind.ABSURD, text))
    return found


def _losses(shape: Probe) -> list[Finding]:
    """What of the frames that the file lists is not there: its end, its center."""
    losses = []
    came, promised = _frames_that_come(shape)
    if came < promised:
        text = f"it promises {promised} frames and gives {came}. {REPLACE}"
        losses.append(Finding(Kind.TRUNCATED, text))
    try:
        decode(shape, plan(shape, CENTER).indices)
    except InputError as error:
        losses.append(Finding(Kind.NO_CENTER, _sentence(shape.path, error)))
    return losses


def _frames_that_come(shape: Probe) -> tuple[int, int]:
    """(frames whose data are there, frames that the file's own tables list); alike unless the file's end is missing.

    Where the header makes no promise in bytes, this is what tells a cut-off file: its last packet stays away.
    """
    with open_video(shape.path) as (container, stream):
        if shape.table.counted:
            short = shape.frames < stream.frames * (1 - TOLERATED_LOSS)
            return shape.frames, stream.frames if short else shape.frames
        container.seek(int(shape.table.seeks[-1]), stream=stream)
        last = shape.table.pts[-1]
        if any(packet.pts == last and not packet.is_corrupt for packet in container.demux(stream) if packet.size):
            return shape.frames, shape.frames
        container.seek(int(shape.table.seeks[0]), stream=stream)
        whole = {packet.pts for packet in container.demux(stream) if packet.size and not packet.is_corrupt}
    return int(np.isin(shape.table.pts, [pts for pts in whole if pts is not None]).sum()), shape.frames
