"""Figures as SVG, the same bytes from the same data, with text as text, at the width of a paper's page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = 6.75  # inches: both columns of a conference paper
# Okabe and Ito's colours, which the colour-blind tell apart; these also differ in lightness, for print in grey.
ORANGE, SKY, GREEN, BLUE = "#e69f00", "#56b4e9", "#009e73", "#0072b2"
VERMILION, PURPLE, YELLOW, BLACK = "#d55e00", "#cc79a7", "#f0e442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, BLACK, YELLOW)
SETTINGS: Any = {
    "svg.hashsalt": "apollobench",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def drawing(path: Path, height: float, width: float = PAGE) -> Iterator[Figure]:
    """An empty figure to draw on, in inches; it is written to `path` at the end."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
