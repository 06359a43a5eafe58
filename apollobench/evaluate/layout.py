"""What results.json and samples.jsonl say: lm-eval's field names, and ours beside them.

lm-eval's tasks are our modes and categories: `video` mode has the task's own name, other modes add theirs (`_text`),
categories theirs (`_ocr`). All that lm-eval has no field for lies under `apollobench` (results.json) or beside its
fields (samples.jsonl). Standard errors are clustered by video.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apollobench import __version__
from apollobench.errors import InputError
from apollobench.evaluate.prompt import PROMPT_VERSION, build_prompt
from apollobench.evaluate.score import ModeScore, Scorecard, accuracy, accuracy_by_logprobs
from apollobench.models.base import Respondent
from apollobench.stats.interval import Estimate
from apollobench.types import LETTERS, Item, Mode, Response, Status, digest

FORMAT = 1
NO_OPTION, UNKNOWN = "[invalid]", "[unknown]"


@dataclass(frozen=True, slots=True)
class About:
    """What was scored. task: name of the benchmark. benchmark: hash of its manifest. size: how many items it has.

    config: the command's options as given, for the reader of the file. usage: what answering has cost; None where the
    model does not tell. prompt: version of the prompt that was asked, or what is known of another's. imported: where
    the answers come from, if not from a run of ours.
    """

    task: str
    benchmark: str
    size: int
    config: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    prompt: str = PROMPT_VERSION
    imported: Mapping[str, Any] | None = None


def task_name(task: str, mode: Mode, category: str | None = None) -> str:
    """lm-eval's name for a mode of the benchmark, or for a category in a mode."""
    parts = [task, "" if mode is Mode.VIDEO else mode.value, (category or "").lower()]
    return "_".join(part for part in parts if part)


def results_document(
    card: Scorecard, model: Respondent, items: Sequence[Item], about: About, samples_hash: str
) -> dict[str, Any]:
    """All of results.json. samples_hash: SHA-256 of samples.jsonl."""
    names = {mode: task_name(about.task, mode) for mode in card.modes}
    return {
        "results": _rows(card, about.task),
        "group_subtasks": {
            names[mode]: [task_name(about.task, mode, category) for category in scored.categories]
            for mode, scored in card.modes.items()
        },
        "configs": {name: _config(name, mode, about.prompt) for mode, name in names.items()},
        "versions": dict.fromkeys(names.values(), about.prompt),
        "n-shot": dict.fromkeys(names.values(), 0),
        "higher_is_better": {name: {"acc": True, "acc_macro": True} for name in names.values()},
        "n-samples": {
            names[mode]: {"original": about.size, "effective": scored.overall.n if scored.overall else 0}
            for mode, scored in card.modes.items()
        },
        "config": {"model": card.model, "gen_kwargs": dict(model.settings), **about.config},
        "date": time.time(),
        "model_name": card.model,
        "apollobench": _ours(card, model, items, about, samples_hash),
    }


def sample_lines(
    model: Respondent, items: Sequence[Item], responses: Sequence[Response], about: About
) -> Iterator[dict[str, Any]]:
    """The lines of samples.jsonl, one per response: by mode, then in the order of the items."""
    made = {(response.mode, response.item): response for response in responses}
    settings = dict(model.settings)
    asked = about.prompt == PROMPT_VERSION
    for mode in Mode:
        for number, item in enumerate(items):
            response = made.get((mode, item.id))
            if response is not None:
                prompt = _prompt(item) if asked else None
                yield _sample_line(number, item, response, task_name(about.task, mode), prompt, settings)


def _rows(card: Scorecard, task: str) -> dict[str, dict[str, Any]]:
    """lm-eval's table of results: each mode, and below it each category."""
    rows: dict[str, dict[str, Any]] = {}
    for mode, scored in card.modes.items():
        name = task_name(task, mode)
        rows[name] = {"alias": name, **_metrics("acc", scored.overall), **_metrics("acc_macro", scored.macro)}
        if scored.by_logprobs is not None:
            rows[name] |= _metrics("acc_logprob", scored.by_logprobs)
        for category, estimate in scored.categories.items():
            rows[task_name(task, mode, category)] = {"alias": f" - {category}", **_metrics("acc", estimate)}
    return rows


def _ours(card: Scorecard, model: Respondent, items: Sequence[Item], about: About, samples_hash: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": __version__,
        "task": about.task,
        "benchmark": about.benchmark,
        "items_digest": digest(sorted([item.fingerprint, item.answer] for item in items)),
        "samples_sha256": samples_hash,
        "prompt_version": about.prompt,
        "model": {
            "name": card.model,
            "revision": model.revision,
            "settings": dict(model.settings),
            "sampling": asdict(model.sampling) if model.sampling else None,
        },
        "usage": about.usage,
        "imported": about.imported,
        "partial": card.items < about.size or card.missing > 0,
        "size": about.size,
        "items": card.items,
        "missing": card.missing,
        "statuses": {status.value: card.count(status) for status in Status},
        "modes": {mode.value: _mode(scored) for mode, scored in card.modes.items()},
        "video_minus": {mode.value: asdict(gain) for mode, gain in card.gains.items()},
    }


def _metrics(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """lm-eval's pair of a metric and its standard error."""
    return {
        f"{name},none": None if estimate is None else estimate.value,
        f"{name}_stderr,none": None if estimate is None else estimate.se,
    }


def _config(name: str, mode: Mode, prompt: str) -> dict[str, Any]:
    return {
        "task": name,
        "output_type": "generate_until",
        "num_fewshot": 0,
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": prompt, "mode": mode.value, "cluster_key": "video"},
    }


def _mode(scored: ModeScore) -> dict[str, Any]:
    row = asdict(scored)
    row["statuses"] = {status.value: count for status, count in scored.statuses.items()}
    return row


def _sample_line(
    number: int, item: Item, response: Response, task: str, prompt: str | None, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """One line. prompt: None where there was none, or not ours."""
    target = _letter(item.answer)
    return {
        "doc_id": number,
        "doc": {
            "id": item.id,
            "question": item.question,
            "options": list(item.options),
            "answer": item.answer,
            "category": item.category,
            "video": item.video.id,
        },
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": settings}},
        "input": prompt,
        "resps": [[response.text]],
        "filtered_resps": [_filtered(response)],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": item.fingerprint,
        "prompt_hash": digest(prompt),
        "target_hash": digest(target),
        "acc": accuracy(item, response),
        "acc_logprob": accuracy_by_logprobs(item, response),
        "task": task,
        "item": item.id,
        "video": item.video.id,
        "category": item.category,
        "mode": response.mode.value,
        "status": response.status.value,
        "choice": response.choice,
        "option_logprobs": response.option_logprobs,
        "error": response.error,
        "plan": response.plan,
        "key": response.key,
    }


def _filtered(response: Response) -> str:
    if response.status is Status.WRONG:
        return UNKNOWN
    return NO_OPTION if response.choice is None else _letter(response.choice)


def _letter(index: int) -> str:
    return LETTERS[index] if index < len(LETTERS) else str(index)


def _prompt(item: Item) -> str | None:
    """The prompt that was asked; None for an item that has none, whose responses are errors."""
    try:
        return build_prompt(item)
    except InputError:
        return None
