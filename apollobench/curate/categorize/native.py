"""The method `native`: nothing but the source's own labels, and an error where they say nothing."""

from __future__ import annotations

from apollobench.curate.categorize.base import Job, Sorting, categorizer
from apollobench.errors import InputError
from apollobench.recipe.categorize import NativeCategories


@categorizer("native")
def native(job: Job, spec: NativeCategories) -> Sorting:
    """Raises InputError naming the first item without a usable label, and how many more there are."""
    if job.unknown:
        more = f" ({len(job.unknown) - 1:,} more items have no usable label)" if len(job.unknown) > 1 else ""
        raise InputError(f"{job.reasons[job.unknown[0]]}{more}, or use another categorizer, text or http")
    return Sorting(job.filled({}))
