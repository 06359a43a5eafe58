"""All that is shown of one item: what was asked, and in each mode the frames and every model's answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apollobench.benchmark import Entry
from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.report.scorecard import NAMES
from apollobench.types import LETTERS, FramePlan, Item, Mode, Response, Status
from apollobench.viewer.frames import Film, Picture, film, plans_of
from apollobench.viewer.table import Table


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer in one mode. verdict: in words; grade: good, bad or warn. chances: (letter, probability)."""

    model: int
    name: str
    verdict: str
    grade: str
    choice: str
    text: str | None
    error: str | None
    chances: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """The frames of one plan, with the models that saw it. problem: why there are no pictures."""

    about: str
    models: tuple[str, ...]
    seconds: tuple[float, ...]
    film: Film | None
    pictures: tuple[Picture, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One mode: its strips and answers."""

    name: str
    strips: tuple[Strip, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """One item. video: number of its sheets. prompt: None where none of the models got ours."""

    number: int
    entry: Entry
    key: str
    letters: str
    prompt: str | None
    video: int
    modes: tuple[Asked, ...]


class Films:
    """The sheets of every video of a table, numbered. problems: why a sheet could not be made, by number."""

    def __init__(self, table: Table, *, shown: bool = True) -> None:
        self.shown = shown
        self.problems: dict[int, str] = {}
        self._plans: dict[Path, set[str]] = {}
        for entry in table.entries:
            names = self._plans.setdefault(entry.item.video.path, set())
            names.update(_plan_names(table, entry))
        self._numbers = {path: number for number, path in enumerate(self._plans)}
        self._paths = tuple(self._plans)
        self._known = table.plans

    def __len__(self) -> int:
        return len(self._paths)

    def number(self, entry: Entry) -> int:
        return self._numbers[entry.item.video.path]

    def film(self, number: int) -> Film:
        """The sheets of a video. Raises InputError where there are none, with the reason."""
        if not self.shown:
            raise InputError("pictures were left out of this report (--no_frames)")
        if number in self.problems:
            raise InputError(self.problems[number])
        path = self._paths[number]
        return film(path, plans_of(self._plans[path], self._known))


def detail(table: Table, films: Films, number: int, models: Sequence[int] = ()) -> Detail:
    """What is shown of item `number`. models: positions of those to show, all when empty."""
    entry = table.entries[number]
    item = entry.item
    chosen = models or range(len(table.subjects))
    ours = any(table.subjects[model].asked for model in chosen)
    modes = []
    for mode, columns in table.answers.items():
        given = {model: columns[model][item.id] for model in chosen if item.id in columns[model]}
        if given:
            modes.append(_asked(table, films, entry, mode, given))
    return Detail(
        number,
        entry,
        LETTERS[item.answer],
        LETTERS,
        _prompt(item) if ours else None,
        films.number(entry),
        tuple(modes),
    )


def _asked(table: Table, films: Films, entry: Entry, mode: Mode, given: Mapping[int, Response]) -> Asked:
    names = {model: table.subjects[model].name for model in given}
    plans: dict[str, list[str]] = {}
    for model, response in given.items():
        if response.plan is not None:
            plans.setdefault(response.plan, []).append(names[model])
    strips = [_strip(table.plans.get(plan), films, films.number(entry), shown) for plan, shown in plans.items()]
    answers = [_answer(entry.item, model, names[model], response) for model, response in given.items()]
    return Asked(NAMES[mode], tuple(strips), tuple(answers))


def _strip(plan: FramePlan | None, films: Films, number: int, models: Sequence[str]) -> Strip:
    if plan is None:
        return Strip("frames", tuple(models), (), None, (), "which frames these were is not stored here")
    about = f"{len(plan.indices)} frames ({plan.sampling.kind})"
    try:
        found = films.film(number)
        return Strip(about, tuple(models), plan.timestamps, found, tuple(found.pictures(plan)), "")
    except InputError as error:
        return Strip(about, tuple(models), plan.timestamps, None, (), str(error))


def _answer(item: Item, model: int, name: str, response: Response) -> Answer:
    verdict, grade = _verdict(item, response)
    chances = tuple(
        (letter, math.exp(value)) for letter, value in zip(LETTERS, response.option_logprobs or (), strict=False)
    )
    choice = "" if response.choice is None else LETTERS[response.choice]
    return Answer(model, name, verdict, grade, choice, response.text, response.error, chances)


def _verdict(item: Item, response: Response) -> tuple[str, str]:
    if response.status is not Status.OK:
        return response.status.value, "bad" if response.status is Status.WRONG else "warn"
    return ("right", "good") if response.choice == item.answer else ("wrong", "bad")


def _prompt(item: Item) -> str | None:
    try:
        return build_prompt(item)
    except InputError:
        return None


def _plan_names(table: Table, entry: Entry) -> Iterable[str]:
    for columns in table.answers.values():
        for column in columns:
            response = column.get(entry.item.id)
            if response is not None and response.plan is not None:
                yield response.plan
