"""lmms-eval's samples (`--log_samples`): JSON Lines of doc_id, input, target, resps, filtered_resps and metrics.

`doc_id` is a position and `doc_hash` is the same everywhere; neither is read. What names the item is `input`, the
prompt with question and options, and what a task's own metrics tell: ids and videos, and those of our task pack the
mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apollobench.imports.fields import IDS, VIDEOS, mode_named, truth
from apollobench.imports.rows import Fault, Row, Rows, line_of
from apollobench.imports.sniff import Head
from apollobench.jsonfile import lines, load, loads
from apollobench.models.lmms.failure import FAILURE
from apollobench.types import Mode

ABOUT = "samples JSONL of --log_samples"
OWN = {"doc_id", "doc", "target", "resps", "filtered_resps", "input", "input_media", "doc_hash", "token_counts"}
SCORES = ("exact_match", "acc", "score")
OURS = "apollobench_"  # the metrics of the task pack, which tell the mode as well


def fits(head: Head) -> bool:
    return isinstance(head.first, dict) and {"doc_id", "filtered_resps"} <= head.first.keys()


def read(path: Path) -> Rows:
    model = _model(path)
    for number, line in lines(path):
        place = line_of(path, number)
        try:
            yield _row(place, model, loads(line))
        except ValueError as error:
            yield Fault(place, str(error))


def _row(place: str, model: str, sample: Any) -> Row:
    if not isinstance(sample, dict) or not {"doc_id", "filtered_resps"} <= sample.keys():
        raise ValueError("not a sample of lmms-eval: it lacks doc_id or filtered_resps")
    reply = _reply(sample.get("resps", sample["filtered_resps"]))
    metrics = [value for name, value in sample.items() if name not in OWN and isinstance(value, Mapping)]
    target, asked = sample.get("target"), sample.get("input")
    failed = FAILURE.match(reply)
    return Row(
        place=place,
        model=model,
        mode=_mode(sample),
        ids=tuple(_told(metrics, IDS)),
        videos=tuple(_told(metrics, VIDEOS)),
        asked=asked if isinstance(asked, str) else "",
        key=target if isinstance(target, str | int) else None,
        answer=None if failed else reply,
        correct=_score(sample, metrics),
        error=reply if failed else None,
    )


def _reply(value: Any) -> str:
    """The text in whatever lists it comes in; of several replies to one question the first."""
    while isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        raise ValueError(f"the reply is {str(value)[:80]!r}, expected text (log-likelihood tasks have no answers)")
    return value


def _told(metrics: list[Mapping[str, Any]], names: tuple[str, ...]) -> list[str]:
    """Values of these fields in a task's metrics, each once."""
    values = [str(metric[name]) for metric in metrics for name in names if isinstance(metric.get(name), str | int)]
    return list(dict.fromkeys(values))


def _mode(sample: Mapping[str, Any]) -> Mode | None:
    """What our own tasks tell; another's `mode` may mean anything. Raises ValueError for one that there is not."""
    ours = [value for name, value in sample.items() if name.startswith(OURS) and isinstance(value, Mapping)]
    return next((mode_named(value.get("mode")) for value in ours), None)


def _score(sample: Mapping[str, Any], metrics: list[Mapping[str, Any]]) -> bool | None:
    scores = [truth(holder[name]) for holder in (sample, *metrics) for name in SCORES if name in holder]
    return next((score for score in scores if score is not None), None)


def _model(path: Path) -> str:
    """What the results file beside the samples calls the model; empty without one."""
    results = path.with_name(f"{path.name.split('_samples_', 1)[0]}_results.json")
    if "_samples_" not in path.name or not results.is_file():
        return ""
    told = load(results)
    return str(told.get("model_name") or "") if isinstance(told, dict) else ""
