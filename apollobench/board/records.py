"""Results as other sites take them: `.eval_results` files of the Hugging Face hub, and records of Every Eval Ever.

The first are shown on a model's page there (https://huggingface.co/docs/hub/eval-results); they need the id under which
the benchmark is published. The second follow version 0.2.1 of https://github.com/evaleval/every_eval_ever.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from apollobench.errors import InputError
from apollobench.evaluate.results import SAMPLES, Result, read_results
from apollobench.hub import HUB_ID
from apollobench.models.registry import folder_name
from apollobench.models.roster import BUILTIN, roster
from apollobench.types import Mode

SCHEMA = "0.2.1"
HUB, EVER = "eval_results", "every_eval_ever"
LIBRARY = "apollobench"


class Records:
    """The records of `results`, folders that `eval` wrote. dataset: the benchmark's id on the hub, None if it has none.

    told: what was written, by folder, for the page.
    """

    def __init__(self, results: Sequence[Path], dataset: str | None) -> None:
        if dataset is not None and not HUB_ID.fullmatch(dataset):
            raise InputError(f"--dataset {dataset}: expected OWNER/NAME, the benchmark's id on the hub")
        self._results, self._dataset = [read_results(directory) for directory in results], dataset
        folders = [EVER, *([HUB] if dataset else [])]
        self.told = folders if self._results else []

    def write(self, site: Path) -> None:
        """One file for each result in each of the folders."""
        for result in self._results:
            record = ever_record(result)
            owner, name = _model_id(result).split("/", 1)
            place = site / EVER / "data" / folder_name(str(result.ours["task"])) / owner / folder_name(name)
            _write(place / f"{_identity(record)}.json", json.dumps(record, indent=2) + "\n")
            if self._dataset:
                text = yaml.safe_dump(hub_entries(result, self._dataset), sort_keys=False)
                _write(site / HUB / folder_name(result.model) / f"{self._dataset.split('/')[1]}.yaml", text)


def hub_entries(result: Result, dataset: str) -> list[dict[str, Any]]:
    """The entries of one file under `.eval_results/` of the model's repository: overall in video mode, in percent."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    macro = result.ours["modes"][Mode.VIDEO]["macro"]
    notes = f"95% interval {100 * macro['low']:.1f} to {100 * macro['high']:.1f}, clustered by video; apollobench"
    value = round(100 * macro["value"], 2)
    entry = EvalResultEntry(dataset, str(result.ours["task"]), value, notes=f"{notes} {result.ours['version']}")
    return eval_result_entries_to_yaml([entry])


def ever_record(result: Result) -> dict[str, Any]:
    """The record of one result: a score for every mode and category, with its interval."""
    ours = result.ours
    moment = f"{result.date:.0f}"
    identity, name = _model_id(result), str(ours["task"])
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{name}/{identity}/{moment}",
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": LIBRARY,
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": LIBRARY, "version": str(ours["version"])},
        "model_info": {"name": result.model, "id": identity},
        "evaluation_results": list(_scores(result)),
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": SAMPLES,
            "hash_algorithm": "sha256",
            "checksum": str(ours["samples_sha256"]),
            "total_rows": len(result.samples),
        },
    }


def _scores(result: Result) -> Iterator[dict[str, Any]]:
    for mode, scored in result.ours["modes"].items():
        parts = {"overall": scored["macro"], **scored["categories"]}
        for part, estimate in parts.items():
            if estimate is not None:
                yield _score(result, mode, part, estimate)


def _score(result: Result, mode: str, part: str, estimate: Mapping[str, Any]) -> dict[str, Any]:
    uncertainty: dict[str, Any] = {
        "confidence_interval": {
            "lower": estimate["low"],
            "upper": estimate["high"],
            "confidence_level": estimate["level"],
            "method": "cluster-robust by video",
        },
        "num_samples": estimate["n"],
    }
    if estimate["se"] is not None:
        uncertainty["standard_error"] = {"value": estimate["se"], "method": "cluster-robust by video"}
    manifest = {"manifest": str(result.ours["benchmark"]), "mode": mode}
    source = {"dataset_name": str(result.ours["task"]), "source_type": "other", "additional_details": manifest}
    what = "mean of the categories' accuracies" if part == "overall" else "accuracy"
    return {
        "evaluation_name": f"{result.ours['task']} {part} ({mode} mode)",
        "source_data": source,
        "metric_config": {
            "evaluation_description": what,
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
        },
        "score_details": {"score": estimate["value"], "uncertainty": uncertainty},
    }


def _model_id(result: Result) -> str:
    """OWNER/NAME of the weights on the hub where the roster knows it, else `unknown/` and the model's name."""
    entry = roster().get(result.model)
    if entry is None or entry.weights.startswith(BUILTIN) or not HUB_ID.fullmatch(entry.weights):
        return f"unknown/{result.model}"
    return entry.weights


def _identity(record: Mapping[str, Any]) -> uuid.UUID:
    """One for one content, so that writing the same result again replaces its file."""
    return uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(record, sort_keys=True))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
