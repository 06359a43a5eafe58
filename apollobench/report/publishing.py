"""What publishing and rebuilding print when they are done."""

from __future__ import annotations

from apollobench.publish.croissant import missing
from apollobench.publish.edition import Edition
from apollobench.publish.origins import local_paths
from apollobench.publish.rebuild import MOST_NAMED, Rebuilt
from apollobench.report.tables import markdown_table


def published_text(edition: Edition) -> str:
    """A row per source, then what the metadata lacks."""
    items = edition.counts
    rows = [
        [terms.title, f"{items[source]:,}", "ids only" if terms.withheld else "in full", terms.licence]
        for source, terms in edition.terms.items()
    ]
    lines = [markdown_table(["source", "items", "published", "licence"], rows)]
    lines += [f"{each.title}, ids only: {each.why}" for each in edition.terms.values() if each.withheld]
    paths = local_paths(edition.manifest)
    if paths:
        lines.append(f"beware: the recipe in manifest.json names places of this machine: {', '.join(paths)}")
    lacking = missing(edition)
    if lacking:
        lines.append(f"croissant.json lacks what its specification requires: {', '.join(lacking)}")
    return "\n".join(lines)


def rebuilt_text(rebuilt: Rebuilt) -> str:
    """How many items there are, how many have their video, and which dropped ones could not be restored."""
    benchmark = rebuilt.benchmark
    there = sum(item.video.path.is_file() for item in benchmark.items)
    lines = [f"{len(benchmark.items):,} items as they were published; the videos of {there:,} are at hand"]
    if rebuilt.lost:
        lines.append(
            f"left out of dropped.parquet, which does not change the benchmark: {len(rebuilt.lost):,} dropped items"
        )
        lines += [f"  {line}" for line in rebuilt.lost[:MOST_NAMED]]
    return "\n".join(lines)
