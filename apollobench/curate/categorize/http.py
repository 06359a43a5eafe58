"""The method `http`: a language model behind any server that speaks the OpenAI API is asked for the category.

It is asked only for what has no category yet, and about a sample of what has one where the recipe wants to see how far
it agrees. Every answer is stored when it comes, under a key made of the prompt, the model and the item.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from apollobench.curate.candidates import tie_keys
from apollobench.curate.categorize.base import Categorized, Job, Quality, Sorting, agreement, categorizer
from apollobench.curate.categorize.labels import Definition, read_categories
from apollobench.errors import InputError
from apollobench.evaluate.store import ANSWERED, Store
from apollobench.models.http.address import find_address
from apollobench.models.http.chat import COMPLETIONS
from apollobench.models.http.connect import told_revision
from apollobench.models.http.replies import read_text
from apollobench.models.http.server import RequestError, Server
from apollobench.recipe.categorize import HttpCategories
from apollobench.types import CATEGORIES, LETTERS, Answer, Item, Mode, Response, Status, digest

AGAIN = "\n\nOnly one of these names, nothing before it and nothing after it."
SHOWN = 5


@categorizer("http")
def http(job: Job, spec: HttpCategories) -> Sorting:
    """Raises InputError naming the items that got no category: the server failed, or said none of the five twice."""
    sample = _sample(job, spec)
    asked = [job.items[i] for i in (*job.unknown, *sample)]
    if job.folder is not None:
        answers = _ask(asked, spec, job.folder)
    else:
        with TemporaryDirectory() as folder:
            answers = _ask(asked, spec, Path(folder))
    _stop_where_none(job, answers)
    told = {i: _categorized(job.items[i], answers[job.items[i].id], spec) for i in job.unknown}
    return Sorting(job.filled(told), _agreement(job, sample, answers, spec) if sample else None)


def build_prompt(item: Item, definitions: Mapping[str, Definition]) -> str:
    """What the model is asked: the definitions in their order, then the question with its options."""
    parts = [
        f"Sort a question about a video into one of {len(definitions)} categories: the first of these whose definition "
        "fits."
    ]
    for name, entry in definitions.items():
        examples = " ".join(f'"{example}"' for example in entry.examples)
        parts.append(f"{name}: {entry.definition.strip()}\nNot: {entry.excludes.strip()}\nSuch as: {examples}")
    options = [f"{letter}. {option}" for letter, option in zip(LETTERS, item.options, strict=False)]
    parts.append("\n".join([f"Question: {item.question}", *options]))
    parts.append(f"Answer with the name of the category alone: {', '.join(definitions)}.")
    return "\n\n".join(parts)


def read_category(text: str) -> str | None:
    """The category that a reply names, but for capitals, quotes, stars and a full stop; None for anything else."""
    name = text.strip().strip("*\"'`.").casefold()
    return next((category for category in CATEGORIES if category.casefold() == name), None)


def _sample(job: Job, spec: HttpCategories) -> list[int]:
    """Positions of the labelled items to ask about too: those whose seeded hashes are least."""
    labelled = [i for i, entry in enumerate(job.known) if entry is not None and entry.origin == "native"]
    order = np.argsort(tie_keys(tuple(job.items[i].id for i in labelled), spec.seed), kind="stable")
    return sorted(labelled[j] for j in order[: spec.sample])


def _ask(items: Sequence[Item], spec: HttpCategories, folder: Path) -> dict[str, Response]:
    """The answers by item; what `folder` holds is not asked again, unless it was an error."""
    definitions = read_categories().definitions
    prompts = {item.id: build_prompt(item, definitions) for item in items}
    how = [AGAIN, spec.model, spec.max_new_tokens, spec.body]
    keys = {name: digest([name, prompt, *how]) for name, prompt in prompts.items()}
    with Store(folder) as store:
        held = store.responses
        missing = [name for name, key in keys.items() if key not in held or held[key].status not in ANSWERED]
        if missing:
            with closing(Server(find_address(spec.base_url, spec.api_key_env))) as server:
                told_revision(server, spec.model)
                server.run(_all(server, store, spec, {name: (keys[name], prompts[name]) for name in missing}))
        told = f"{len(missing):,} asked now, {len(keys) - len(missing):,} stored"
        print(f"categories by {spec.model}: {told}", file=sys.stderr, flush=True)
        return {name: store.responses[key] for name, key in keys.items()}


async def _all(server: Server, store: Store, spec: HttpCategories, work: Mapping[str, tuple[str, str]]) -> None:
    async def one(name: str, key: str, prompt: str) -> None:
        answer, category = await _answer(server, prompt, spec)
        status = Status.ERROR if answer.error else Status.UNPARSED if category is None else Status.OK
        choice = None if category is None else CATEGORIES.index(category)
        store.append(
            [Response(key, name, spec.model, Mode.TEXT, status, answer.text, choice, None, None, answer.error)]
        )

    await asyncio.gather(*(one(name, key, prompt) for name, (key, prompt) in work.items()))


async def _answer(server: Server, prompt: str, spec: HttpCategories) -> tuple[Answer, str | None]:
    """The reply and the category in it; one that names none is asked for once more."""
    answer, category = Answer(None), None
    for text in (prompt, prompt + AGAIN):
        body = {
            "model": spec.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": spec.max_new_tokens,
            "temperature": 0,
            **spec.body,
        }
        try:
            reply = await server.post(COMPLETIONS, {name: value for name, value in body.items() if value is not None})
        except RequestError as error:
            return Answer(None, error=str(error)), None
        answer = read_text(reply)
        category = None if answer.text is None else read_category(answer.text)
        if category is not None or answer.error:
            break
    return answer, category


def _stop_where_none(job: Job, answers: Mapping[str, Response]) -> None:
    failed = [response for response in answers.values() if response.status is Status.ERROR]
    if failed:
        raise InputError(
            f"{len(failed):,} of {len(answers):,} questions for a category were not answered, the first about "
            f"{failed[0].item}: {failed[0].error}. What was answered is kept; run the same command again"
        )
    names = [job.items[i].id for i in job.unknown]
    silent = [answers[name] for name in names if answers[name].status is not Status.OK]
    if silent:
        told = ", ".join(f"{response.item} ({_short(response.text)})" for response in silent[:SHOWN])
        more = f" and {len(silent) - SHOWN:,} more" if len(silent) > SHOWN else ""
        raise InputError(
            f"{silent[0].model} named no category, twice, for {told}{more}. Decide those by hand and give the "
            "decisions with --decisions, or ask another model"
        )


def _short(text: str | None) -> str:
    said = " ".join((text or "").split())
    return repr(said if len(said) <= 40 else said[:40] + "...")


def _categorized(item: Item, response: Response, spec: HttpCategories) -> Categorized:
    assert response.choice is not None
    return Categorized(replace(item, category=CATEGORIES[response.choice]), f"http:{spec.model}")


def _agreement(job: Job, sample: Sequence[int], answers: Mapping[str, Response], spec: HttpCategories) -> Quality:
    """The model's categories of the sample against the labels'; a reply that names none agrees with nothing."""
    items = [job.items[i] for i in sample]
    truth = [entry.item.category or "" for entry in map(job.known.__getitem__, sample) if entry is not None]
    choices = [answers[item.id].choice for item in items]
    told = ["" if choice is None else CATEGORIES[choice] for choice in choices]
    most, _ = Counter(entry.item.category or "" for entry in job.known if entry is not None).most_common(1)[0]
    how = f"{spec.model} against the sources' labels, on {len(items):,} items drawn with seed {spec.seed}"
    return agreement(how, items, truth, told, [most] * len(items), job.level)
