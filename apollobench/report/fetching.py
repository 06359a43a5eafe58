"""What a fetch is going to take, before anything is taken, as Markdown."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from apollobench.fetching.archives import is_compressed
from apollobench.fetching.job import existing
from apollobench.fetching.plan import Plan
from apollobench.fetching.progress import size_text
from apollobench.report.tables import markdown_table

HEAD = ("source", "what", "files", "here", "in archives here", "to download", "download", "from")


def plans_markdown(plans: Sequence[Plan], left_out: Sequence[str] = ()) -> str:
    """A table with a row per supply, then the sums and what to know before saying yes.

    left_out: sources that are not on the hub.
    """
    table = markdown_table(HEAD, [_row(plan) for plan in plans])
    lines = [*_totals(plans), *(line for plan in plans for line in _notes(plan))]
    lines += [f"{name}: not on the hub, so nothing of it is fetched" for name in left_out]
    return "\n".join([table, "", *lines])


def _row(plan: Plan) -> list[str]:
    remote = [task for task in plan.tasks if task.store.remote]
    return [
        plan.source,
        plan.supply.what,
        f"{len(plan.supply.files):,}",
        f"{len(plan.here):,} ({size_text(sum(plan.here.values()))})",
        f"{len(plan.unpacked_here):,}",
        f"{len(remote):,}" + (f" and {len(plan.wholes):,} archives whole" if plan.wholes else ""),
        size_text(plan.download),
        plan.origin or "-",
    ]


def _totals(plans: Sequence[Plan]) -> list[str]:
    begun = sum(task.begun for plan in plans for task in plan.transfers)
    already = f", {size_text(begun)} of them are here from an earlier run" if begun else ""
    whole = sum(task.member.length for plan in plans for task in plan.transfers)
    lines = [f"to download: {size_text(sum(plan.download for plan in plans))} (of {size_text(whole)}{already})"]
    for folder in dict.fromkeys(existing(plan.supply.folder) for plan in plans):
        lines.append(f"free disk: {size_text(shutil.disk_usage(folder).free)} at {folder}")
    return lines


def _notes(plan: Plan) -> list[str]:
    name = f"{plan.source} {plan.supply.what}"
    lines = [f"{name}: into {plan.supply.folder}"] if plan.tasks or plan.wholes else []
    if plan.wholes:
        lines.append(
            f"{name}: {plan.wholes[0].member.name} is compressed and can only be read from its beginning, so the whole "
            f"archive has to come; it is kept in {plan.wholes[0].target.parent}"
        )
    if any(not task.member.checksum and not is_compressed(task.store) for task in plan.transfers):
        lines.append(f"{name}: a tar has no checksums of its members; what comes of it is checked by size only")
    if plan.absent:
        why = plan.trouble or f"{plan.origin} does not hold them"
        lines.append(f"{name}: {len(plan.absent):,} cannot be had, such as {', '.join(plan.absent[:3])}: {why}")
    return lines
