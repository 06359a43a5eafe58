"""How the clips of a video stand in a prompt: the text before, between and after their visual places.

The Apollo paper (arXiv 2412.10360) compares clips without any text, between start and end tokens, after their times,
and both; the released models use a form of their own, with a header line. How the paper's forms join several clips is
not published: here plain clips and separators follow each other directly, and clips with times have a line each.
"""

from __future__ import annotations

from datetime import timedelta

from num2words import num2words

from apollobench.types import FramePlan

SEPARATORS = ("<vid_start>", "<vid_end>")


def pieces(integration: str, plan: FramePlan | None, clip_seconds: float) -> list[str]:
    """The text before each clip, and after the last one; for an image (None), which is one clip and has no times."""
    clips = plan.clips if plan else ((0.0, 0.0),)
    start, end = SEPARATORS if "separators" in integration else ("", "")
    if plan is None or integration in ("plain", "separators"):
        labels, between, title = ["" for _ in clips], "", ""
    elif integration == "released":
        labels, between = [clip_label(*clip) for clip in clips], ",\n"
        title = header(len(clips), clip_seconds, plan.duration)
    else:
        labels, between, title = [f"clip from {clock(first)}-{clock(last)}: " for first, last in clips], "\n", ""
    first, *rest = labels
    return [f"{title}{first}{start}", *(f"{end}{between}{label}{start}" for label in rest), end]


def header(clips: int, clip_seconds: float, duration: float) -> str:
    """The released line before the clips; it tells their number in words and the length of the video in seconds."""
    return (
        f"You are provided the following series of {num2words(clips)}, {clip_seconds:g} second clips "
        f"from a {timedelta(seconds=duration)} [H:MM:SS] video.\n"
    )


def clip_label(first: float, last: float) -> str:
    """What the released models read before a clip: the times of its first and last frame in seconds."""
    return f"{round(float(first), 1)}-{round(float(last), 1)} seconds: "


def clock(seconds: float) -> str:
    """Whole minutes and seconds, MM:SS; an hour and more counts on in minutes."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"
