"""A review from the command line: serving it, and decisions in and out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from apollobench.benchmark import load_benchmark
from apollobench.errors import InputError
from apollobench.review.exchange import export_decisions, import_decisions
from apollobench.review.ledger import NAME, Ledger


def serve_review(
    directory: Path,
    reviewer: str | None,
    *,
    data_root: Path | None,
    responses: Sequence[Path],
    linked_media: Sequence[Path],
    host: str,
    port: int,
    token: str,
    browser: bool,
) -> None:
    """Serves the pages until interrupted. Raises InputError as `load_subject` and `pages.server.serve` do."""
    try:
        from apollobench.pages.server import serve
        from apollobench.review.app import Review
    except ImportError as error:
        raise InputError(f"the pages need {error.name}; pip install 'apollobench[review]'") from error
    from apollobench.review.subject import load_subject

    subject = load_subject(directory, data_root=data_root, responses=responses, folders=linked_media)
    with closing(Ledger(directory / NAME)) as ledger:
        serve(Review(subject, ledger, reviewer).routes(), host, port, token, browser=browser)


def hand_over(directory: Path, export: Path | None, take_in: Path | None) -> str:
    """Imports first, then exports; says what was done. Raises InputError as these do."""
    items = {item.id: item for item in load_benchmark(directory, needs_videos=False).items}
    told = []
    with closing(Ledger(directory / NAME)) as ledger:
        if take_in is not None:
            found = import_decisions(ledger, take_in, items)
            told.append(f"{take_in}: {found.added} decisions added, {found.known} were there already")
            if found.strange:
                told.append(f"{found.strange} of them are about items that the benchmark does not have; they are kept")
        if export is not None:
            told.append(f"{export}: {export_decisions(ledger, export)} decisions")
    return "\n".join(told)
