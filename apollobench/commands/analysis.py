"""Commands about benchmarks: what they ask, which ask the same, and what small models tell of large ones."""

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

    examined = examine(inputs, group, unit)
    forms = {"md": lambda: audit_markdown(examined), "csv": lambda: summary_csv(examined.audit)}
    typer.echo(pick(form, forms), nl=False)
    for path in write_audit(examined, output_path) if output_path else ():
        typer.echo(f"written: {path}", err=True)


@app.command()
def redundancy(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A table of scores (CSV, wide or long); or the items of a benchmark, or of a folder with correct.csv.",
        ),
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(help="Further folders of responses to the benchmark's items.")
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of report, tables (CSV) and figure.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="What to print: md or csv (one line per pair).")] = "md",
    group: Annotated[
        str, typer.Option("--group", help="Of items: category, source, options, or a label (column of items.csv).")
    ] = "category",
    mode: Annotated[str, typer.Option("--mode", help="The mode to take, where there are several.")] = "video",
    columns: Annotated[
        str, typer.Option("--columns", help="Of a table: the benchmarks to take, separated by commas. [default: all]")
    ] = "",
    coefficient: Annotated[
        str, typer.Option("--coefficient", help="What decides how alike two are: pearson, spearman or kendall.")
    ] = "pearson",
    threshold: Annotated[
        float, typer.Option("--threshold", help="From which coefficient on one could stand for another.")
    ] = 0.9,
    min_models: Annotated[
        int, typer.Option("--min_models", min=3, help="Fewer models in common, and a pair is not judged.")
    ] = 5,
) -> None:
    """Tell which benchmarks, or groups of items, rank models alike, and which could stand for each other.

    Correlations of all pairs over models, with bootstrap intervals; a tree of what is alike; BenchBench's z. Items that
    two groups share are removed first. A long table has columns model, benchmark and score (and mode); a wide one has
    a row per model, the models' names first. Cells may be empty.

    \b
    Examples:
      apollobench redundancy curation/paper/modes.csv --output_path out/redundancy
      apollobench redundancy out/synthetic --group category
    """
    from apollobench.arguments import parse_mode
    from apollobench.curate.overlap import compare
    from apollobench.report.redundancy import pairs_csv, redundancy_markdown, write_redundancy
    from apollobench.report.tables import pick
    from apollobench.stats.redundancy import Rule

    names = [name.strip() for name in columns.split(",") if name.strip()]
    rule = Rule(coefficient, threshold, min_models)
    compared = compare(source, more or [], parse_mode(mode), group, names, rule)
    forms = {"md": lambda: redundancy_markdown(compared), "csv": lambda: pairs_csv(compared.found)}
    typer.echo(pick(form, forms), nl=False)
    for path in write_redundancy(compared, output_path) if output_path else ():
        typer.echo(f"written: {path}", err=True)


@app.command()
def scaling(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A table (CSV) of llm, design_id, data_mixture and average.")
    ],
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="Folder of report, table (CSV) and figure.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="What to print: md or csv (one line per pair of sizes).")
    ] = "md",
    items: Annotated[
        int | None,
        typer.Option("--items", min=1, help="Items behind each score, for the noise ceiling. [default: low and high]"),
    ] = None,
    item_correlation: Annotated[
        float, typer.Option("--item_correlation", help="Of two variants' errors on the same items; 0: other items.")
    ] = 0.0,
    margin: Annotated[float, typer.Option("--margin", help="R2 that more training samples may still add.")] = 0.02,
) -> None:
    """Tell how far small models foretell which design is better for large ones: the paper's Scaling Consistency.

    R2, rank correlations and agreement of the same variants at two sizes, also within a data mixture and without each
    design; R2 over sizes; the ceiling that noise sets. Further columns may be low and high (interval of average),
    parameters, and samples (training samples, for the plateau). `apollobench study` writes such a table.

    \b
    Examples:
      apollobench scaling curation/paper/variants.csv --items 988 --output_path out/scaling
      apollobench scaling out/study/results.csv
    """
    from apollobench.imports.published import read_variants
    from apollobench.report.scaling import scaling_csv, scaling_markdown, write_scaling
    from apollobench.report.tables import pick
    from apollobench.stats.sizes import Noise
    from apollobench.stats.sizes import scaling as compare_sizes

    read = read_variants(source)
    found = compare_sizes(read.table, Noise(items, item_correlation), margin=margin, notes=read.notes)
    typer.echo(pick(form, {"md": lambda: scaling_markdown(found), "csv": lambda: scaling_csv(found)}), nl=False)
    for path in write_scaling(found, output_path) if output_path else ():
        typer.echo(f"written: {path}", err=True)
