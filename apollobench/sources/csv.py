"""A CSV file of your own, `csv:PATH`."""

from __future__ import annotations

from apollobench.sources.base import Source
from apollobench.sources.reading.mapped import OPTIONS, read_mapped

SOURCE = Source("csv", "a CSV file of your own; options name its columns", OPTIONS, read_mapped, argument="path")
