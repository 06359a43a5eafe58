"""Scores on disk: results.json, and samples.jsonl with every single response; written as a pair, read back as one.

results.json is written last and holds the hash of samples.jsonl.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.evaluate import shape
from apollobench.evaluate.layout import FORMAT, About, results_document, sample_lines
from apollobench.evaluate.score import Scorecard, score
from apollobench.jsonfile import load, load_object
from apollobench.models.base import Respondent
from apollobench.schema import check
from apollobench.types import Item, Mode, Response, Status

RESULTS, SAMPLES = "results.json", "samples.jsonl"
NOT_OURS = "this is not a result of `apollobench eval`; evaluate again"


@dataclass(frozen=True, slots=True)
class Sample:
    """One question of a result that was read back. acc: 1, 0, or None without an answer.

    asked: tells one question with its options and key from another.
    """

    item: str
    video: str
    category: str | None
    mode: Mode
    status: Status
    acc: float | None
    asked: str


@dataclass(frozen=True, slots=True)
class Result:
    """A result read back. ours: the `apollobench` part of results.json. date: seconds since 1970, of its writing."""

    directory: Path
    ours: Mapping[str, Any]
    samples: tuple[Sample, ...]
    date: float

    @property
    def model(self) -> str:
        return str(self.ours["model"]["name"])


def write_results(
    directory: Path, model: Respondent, items: Sequence[Item], responses: Sequence[Response], about: About
) -> Scorecard:
    """Scores `responses` to `items` and writes both files into `directory`, each atomically.

    The result is partial when `items` are fewer than the benchmark has, or when responses are missing. Raises
    InputError as `score` does, and when the files cannot be written.
    """
    card = score(items, responses)
    lines = "".join(json.dumps(line, allow_nan=False) + "\n" for line in sample_lines(model, items, responses, about))
    samples = lines.encode("ascii")
    results = results_document(card, model, items, about, hashlib.sha256(samples).hexdigest())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(directory / SAMPLES, samples)
        replace_file(directory / RESULTS, json.dumps(results, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"{directory}: cannot write results there: {error.strerror}; give another folder") from error
    return card


def read_results(directory: Path) -> Result:
    """A result as `write_results` left it. Raises InputError as `read_samples` does."""
    document, lines = read_samples(directory)
    return Result(directory, document["apollobench"], tuple(map(_sample, lines)), float(document["date"]))


def read_samples(directory: Path) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """The content of results.json, and of every line of samples.jsonl.

    Raises InputError for a result that is absent, half-written or damaged.
    """
    path, answers = directory / RESULTS, directory / SAMPLES
    try:
        document = load(path, f"the scores of a model; {NOT_OURS}")
        samples = answers.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{error.filename}: no such file; expected a folder that `apollobench eval` wrote") from error
    found = check(document, str(path), shape.Results, advice=NOT_OURS).apollobench
    if found.format != FORMAT:
        raise InputError(f"{path}: format {found.format}, expected {FORMAT}; evaluate again with this version")
    if found.samples_sha256 != hashlib.sha256(samples).hexdigest():
        raise InputError(f"{directory}: {SAMPLES} is not the one that {RESULTS} was made from; evaluate again")
    return document, [_line(line, f"{answers}:{number}") for number, line in enumerate(samples.splitlines(), 1)]


def _line(line: bytes, place: str) -> dict[str, Any]:
    try:
        found = load_object(line)
    except ValueError as error:
        raise InputError(f"{place}: {error}; evaluate again") from error
    check(found, place, shape.Line, advice=NOT_OURS)
    return found


def _sample(raw: Mapping[str, Any]) -> Sample:
    if raw["acc"] not in (0, 1, None):
        raise InputError(f"{raw['item']}: acc is {raw['acc']}, expected 0, 1 or nothing")
    return Sample(
        raw["item"],
        raw["video"],
        raw["category"],
        Mode(raw["mode"]),
        Status(raw["status"]),
        None if raw["acc"] is None else float(raw["acc"]),
        f"{raw['doc_hash']} {raw['target']}",
    )
