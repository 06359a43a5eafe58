"""Commands about benchmarks: what they measure, which of them measure the same, what small models tell of large ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app


@app.command()
def audit(
    inputs: Annotated[
        list[Path],
        typer.Argument(help="A benchmark that curate made, and folders of responses to it; or a table of accuracies."),
    ],
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of report, tables (CSV) and figure.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="What to print: md or csv (one line per group).")] = "md",
    group: Annotated[
        str, typer.Option("--group", help="Of a benchmark: by source, category, options, or a source's own label.")
    ] = "category",
    unit: Annotated[
        str | None, typer.Option("--unit", help="Of a table: percent or share. [default: as its figures show]")
    ] = None,
) -> None:
    """Tell how far items can be answered without the video, and which runs to look at before believing them.

    Boxes of the models' accuracies in text, frame and video mode, V-T and V-F with intervals, text mode against chance,
    and patterns that honest runs rarely show. A table is CSV with columns model, benchmark, mode and accuracy; n and
    chance may be added.

    \b
    Examples:
      apollobench audit curation/paper/modes.csv --output_path out/audit
      apollobench audit out/synthetic out/imported --group category
    """
    from apollobench.curate.examine import examine
    from apollobench.report.audit import audit_markdown, summary_csv, write_audit
    from apollobench.report.tables import pick

    found, findings, notes, what = examine(inputs, group, unit)
    shown = pick(form, {"md": lambda: audit_markdown(found, findings, notes, what), "csv": lambda: summary_csv(found)})
    typer.echo(shown, nl=False)
    for path in write_audit(found, findings, notes, what, output_path) if output_path else ():
        typer.echo(f"written: {path}", err=True)
