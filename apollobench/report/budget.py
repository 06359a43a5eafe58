"""A token budget as a table, and in words what limits it and what would lift the limit."""

from __future__ import annotations

import math

from apollobench.report.tables import markdown_table
from apollobench.video.budget import Budget


def budget_markdown(budget: Budget) -> str:
    """The table, and one sentence."""
    rows = [
        ["clips", f"{budget.clips:,} of {budget.wanted:,}"],
        ["tokens", f"{budget.tokens:,} of {budget.budget:,} ({budget.tokens / budget.budget:.0%})"],
        ["coverage", f"{budget.coverage:.1%} of {budget.duration:g} s"],
        ["a clip", f"{budget.clip_frames} frames in {budget.clip_seconds:g} s, {budget.tokens_per_clip} tokens"],
        ["a clip every", f"{budget.spacing:.4g} s"],
        ["tokens per second (tps)", f"{budget.tokens_per_second:.4g}"],
        ["tokens per frame (tpf)", f"{budget.tokens_per_frame:.4g}"],
        ["frames per second (fps)", f"{budget.fps:g}"],
        ["saturated", budget.saturated.replace("_", " ")],
    ]
    return f"{markdown_table(['', 'value'], rows)}\n\n{_advice(budget)}"


def _advice(budget: Budget) -> str:
    if budget.saturated == "duration":
        left = budget.fitting - budget.clips
        return f"The whole video is seen, and {left:,} more clips would fit the budget."
    if budget.saturated == "max_clips":
        return f"max_clips decides: {budget.fitting:,} clips would fit the budget."
    share = budget.budget * budget.ratio
    enough = math.ceil(budget.wanted * budget.tokens_per_clip / budget.ratio)
    fewest = int(share / budget.wanted)
    slower = _rounded_down(budget.fitting * budget.clip_frames / budget.duration)
    tokens = f", --tokens_per_clip {fewest}" if fewest else ""
    return f"The budget decides. All of the video needs --budget {enough}{tokens} or --fps {slower:g}."


def _rounded_down(value: float) -> float:
    """To three significant digits."""
    places = 2 - math.floor(math.log10(value))
    return float(math.floor(value * 10.0**places) / 10.0**places)
