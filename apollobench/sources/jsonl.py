"""A file of JSON lines of your own, `jsonl:PATH`."""

from __future__ import annotations

from apollobench.sources.base import Source
from apollobench.sources.reading.mapped import OPTIONS, read_mapped

SOURCE = Source("jsonl", "JSON lines of your own; options name their keys", OPTIONS, read_mapped, argument="path")
