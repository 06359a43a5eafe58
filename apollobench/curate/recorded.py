"""Answers that were recorded before, as arrays: of a curation, of imports, or of a matrix of scores in CSV.

A matrix is a file with a column of item ids and one column of 0, 1 or nothing for each model; or a folder with such a
`correct.csv` and, where there is more to tell, `models.csv` (model, family, text_only, clone_of) and `items.csv`
(item_id, video or video_id, category, n_options: 0 where the answer is free, so that nothing is right by chance).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apollobench.benchmark import DROPPED, ITEMS, MANIFEST, load_benchmark, read_entries
from apollobench.curate.answers import NO_VOTE, NOT_RIGHT, RIGHT, Answers, Codes, gather
from apollobench.curate.groups import NO_LABEL, item_labels
from apollobench.curate.matrix import Matrix, matrix_of
from apollobench.errors import InputError
from apollobench.evaluate.store import is_store, stream_responses
from apollobench.models.roster import roster
from apollobench.schema import SHOWN
from apollobench.stats.clusters import Floats, partition
from apollobench.types import Mode

if TYPE_CHECKING:
    import pandas as pd

RESPONSES = "responses"
CORRECT, MODELS, ABOUT_ITEMS = "correct.csv", "models.csv", "items.csv"


def recorded_answers(directory: Path, more: Sequence[Path] = (), *, pool: bool = True) -> Answers:
    """All that is stored of a benchmark that `curate` made: every model in every mode, on the pool or the items kept.

    more: further folders with responses to its items, such as those of `import` and `eval`. Items without an answer
    stay in. Raises InputError where there is no answer at all.
    """
    benchmark = load_benchmark(directory, needs_videos=False)
    root = directory / str(benchmark.manifest["media_root"])
    left_out = [entry.item for entry in read_entries(directory / DROPPED, root)] if pool else []
    items = [*benchmark.items, *left_out]
    stores = response_stores((directory, *more))
    asked = {item.id for item in items}
    found = {(response.model, response.mode) for response in stream_responses(stores) if response.item in asked}
    if not found:
        raise InputError(
            f"{directory}: no answer to its items is stored under {directory / RESPONSES} or in what else was given; "
            f"name a folder of responses, such as one that `apollobench import` wrote"
        )
    models = sorted({model for model, _ in found})
    modes = [mode for mode in Mode if any(mode is other for _, other in found)]
    return gather(items, stream_responses(stores, tell=False), models, modes)


def read_matrices(path: Path, more: Sequence[Path] = ()) -> dict[Mode, Matrix]:
    """Every mode's scores, from a benchmark's folder, a folder with `correct.csv`, or one CSV file.

    Of a matrix, columns that `models.csv` calls clones of another are left out, and those with text_only count as text
    mode. Raises InputError for anything else, naming what is wrong with it.
    """
    if (path / MANIFEST).is_file() or (path / ITEMS).is_file():
        return matrices(recorded_answers(path, more))
    correct = path / CORRECT if path.is_dir() else path
    if not correct.is_file():
        raise InputError(f"{path}: neither a benchmark (no {MANIFEST}) nor a matrix of scores (no {CORRECT})")
    return _read_csv(correct, path if path.is_dir() else None)


def read_labelled(path: Path, more: Sequence[Path], mode: Mode, by: str) -> tuple[Matrix, list[str]]:
    """One mode's scores and a label per item: of a benchmark as `item_labels` has it, else a column of `items.csv`.

    Raises InputError where nothing was recorded in the mode, and for a label that is not there.
    """
    if (path / MANIFEST).is_file() or (path / ITEMS).is_file():
        answers = recorded_answers(path, more)
        return _in_mode(path, matrices(answers), mode), item_labels(answers.items, by)
    matrix = _in_mode(path, read_matrices(path), mode)
    about = _optional(path, ABOUT_ITEMS, "item_id", matrix.ids)
    if about is None or by not in about.columns:
        there = f"its columns: {', '.join(about.columns)}" if about is not None else "it is not there"
        raise InputError(f"{path / ABOUT_ITEMS}: no column {by!r} to group the items by; {there}")
    return matrix, [value or NO_LABEL for value in about[by]]


def matrices(answers: Answers) -> dict[Mode, Matrix]:
    """Every mode's scores."""
    return {mode: matrix_of(answers, mode, families(answers.models)) for mode in answers.modes}


def _in_mode(path: Path, found: dict[Mode, Matrix], mode: Mode) -> Matrix:
    if mode not in found:
        raise InputError(f"{path}: no scores in {mode} mode; there are {', '.join(found)}")
    return found[mode]


def families(models: Iterable[str]) -> dict[str, str]:
    """Model -> family by the roster, which tells a model by the name before its first `@` too."""
    known = roster()
    return {model: known[name].family for model in models if (name := model.split("@")[0]) in known}


def response_stores(directories: Iterable[Path]) -> list[Path]:
    """The folders of responses in, or at, these; of those that have one."""
    stores = []
    for directory in directories:
        inner = directory / RESPONSES
        stores += [inner] if inner.is_dir() else [directory] if is_store(directory) else []
    return stores


def _read_csv(correct: Path, folder: Path | None) -> dict[Mode, Matrix]:
    table = _table(correct)
    ids = [str(name) for name in table.index]
    scores = _scores(correct, table)
    about = _optional(folder, MODELS, "model", list(table.columns))
    items = _optional(folder, ABOUT_ITEMS, "item_id", ids)
    family = _column(about, ["family"], list(table.columns))
    text = np.array([value.lower() == "true" for value in _column(about, ["text_only"], [""] * len(table.columns))])
    clone = np.array([bool(value) for value in _column(about, ["clone_of"], [""] * len(table.columns))])
    options = _options(correct.with_name(ABOUT_ITEMS), items, ids)
    whole = Matrix(
        scores,
        tuple(table.columns),
        tuple(family),
        tuple(ids),
        partition(_column(items, ["video", "video_id"], ids)),
        tuple(_column(items, ["category"], [""] * len(ids))),
        np.divide(1, options, out=np.zeros(len(ids)), where=options != 0),
    )
    modes = {Mode.TEXT: text & ~clone, Mode.VIDEO: ~text & ~clone}
    return {mode: whole.of(rows) for mode, rows in modes.items() if rows.any()}


def _options(path: Path, items: pd.DataFrame | None, ids: Sequence[str]) -> Floats:
    """How many options each item has; NaN where nothing says it. Raises InputError for what is no such number."""
    counts = _column(items, ["n_options"], [""] * len(ids))
    for item, count in zip(ids, counts, strict=True):
        if count and not re.fullmatch(r"\d{1,4}(\.0+)?", count, re.ASCII):
            raise InputError(f"{path}: item {item!r}: found n_options {count!r:.{SHOWN}}, expected a number or nothing")
    return np.array([float(count or "nan") for count in counts])


def _table(path: Path) -> pd.DataFrame:
    """A CSV of text, by its first column. Raises InputError for what is no table, and for an id that occurs twice."""
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=0)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table in CSV ({error})") from error
    if table.empty:
        raise InputError(f"{path}: holds no score; expected a column of item ids and one column for each model")
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise InputError(f"{path}: {twice[0]!r} has two rows; every item needs its own")
    return table


def _scores(path: Path, table: pd.DataFrame) -> Codes:
    codes = {"1": RIGHT, "1.0": RIGHT, "0": NOT_RIGHT, "0.0": NOT_RIGHT, "": NO_VOTE}
    cells = table.to_numpy(dtype=object)
    strange = [(row, column) for row, column in np.ndindex(cells.shape) if cells[row, column] not in codes]
    if strange:
        row, column = strange[0]
        raise InputError(
            f"{path}: item {table.index[row]!r}, model {table.columns[column]!r}: found {cells[row, column]!r}, "
            f"expected 0, 1 or nothing"
        )
    scores: Codes = np.vectorize(codes.__getitem__, otypes=[np.int8])(cells).T
    return scores


def _optional(folder: Path | None, name: str, key: str, expected: Sequence[str]) -> pd.DataFrame | None:
    if folder is None or not (folder / name).is_file():
        return None
    table = _table(folder / name)
    absent = [value for value in expected if value not in table.index]
    if table.index.name != key or absent:
        found = f"first column {table.index.name!r}" if table.index.name != key else f"no row for {absent[0]!r}"
        raise InputError(f"{folder / name}: {found}; expected {key} and a row for everything in {CORRECT}")
    return table.loc[list(expected)]


def _column(table: pd.DataFrame | None, names: Sequence[str], otherwise: Sequence[str]) -> list[str]:
    """The first of these columns, an empty cell replaced by its place in `otherwise`; all of that without a table."""
    name = next((name for name in names if table is not None and name in table.columns), None)
    if table is None or name is None:
        return list(otherwise)
    return [str(value) or default for value, default in zip(table[name], otherwise, strict=True)]
