"""Commands about stores of responses: what one holds, and making few files of many."""

from __future__ import annotations

from typing import Annotated

import typer

from apollobench.commands.top import store_app


@store_app.command("compact")
def store_compact(
    store: Annotated[str, typer.Argument(help="Folder or address of a store, such as out/synthetic/responses.")],
    output_path: Annotated[
        str | None, typer.Option("--output_path", help="Another store, which gets the snapshot; STORE stays as it is.")
    ] = None,
) -> None:
    """Turn the many files of a store into one Parquet file, which pandas and others read and which loads faster.

    The store stays a store: runs go on in it, and add new files beside the snapshot. A compaction that is killed loses
    nothing. Files that a run is still writing are left for the next time, and what is damaged is named and left out.

    \b
    Examples:
      apollobench store compact out/synthetic/responses
      apollobench store compact s3://bucket/answers --output_path out/full/responses
    """
    from apollobench.evaluate.compact import compact
    from apollobench.evaluate.segments import warn

    done = compact(store, output_path)
    warn(done.damage)
    busy = f"; {done.busy:,} files left, which are being written" if done.busy else ""
    told = f"{done.responses:,} responses of {done.files:,} files in one" if done.files else "nothing to do"
    typer.echo(f"{done.place}: {told}{busy}")


@store_app.command("check")
def store_check(
    store: Annotated[str, typer.Argument(help="Folder or address of a store, such as out/synthetic/responses.")],
) -> None:
    """Read all of a store: how many responses count, by status, and what is damaged.

    Exits with 0 if nothing is damaged, 1 if something is, 2 on a usage error.

    \b
    Example:
      apollobench store check out/synthetic/responses
    """
    from collections import Counter

    from apollobench.evaluate.store import survey
    from apollobench.redact import without_credentials

    responses, damage = survey(store)
    counts = Counter(response.status for response in responses)
    told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    typer.echo(f"{without_credentials(store)}: {told or 'no responses'}")
    for found in damage:
        typer.echo(f"damaged: {found.file}: {found.what}")
    raise typer.Exit(1 if damage else 0)
