"""What each model class of lmms-eval can be shown, and in what form: read from `classes.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from apollobench.types import Mode
from apollobench.yamlfile import read_yaml

TABLE = Path(__file__).with_name("classes.yaml")
Kind = Literal["chat", "simple"]
Form = Literal["image", "png", "images", "frames", "file", "none"]


class Handling(BaseModel):
    """How one class is asked; the fields are explained in `classes.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: bool
    frame: Form
    video: Form

    @property
    def modes(self) -> frozenset[Mode]:
        """Those that the class can be asked in."""
        forms = {Mode.FRAME: self.frame, Mode.VIDEO: self.video, Mode.SHUFFLED: self.video}
        shown = {mode for mode, form in forms.items() if form != "none"}
        return frozenset(shown | {Mode.TEXT} if self.text else shown)

    def form(self, mode: Mode) -> Form:
        """The form of what is shown in `mode`."""
        if mode is Mode.TEXT:
            return "none"
        return self.frame if mode is Mode.FRAME else self.video


NOTHING = Handling(text=False, frame="none", video="none")


class Exceptional(BaseModel):
    """Where a class differs from the rule of its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: bool | None = None
    frame: Form | None = None
    video: Form | None = None


class Classes(BaseModel):
    """One kind of classes: the rule and what differs from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Handling
    never: tuple[str, ...]
    classes: dict[str, Exceptional]


class Table(BaseModel):
    """The whole of `classes.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chat: Classes
    simple: Classes


def find_handling(kind: Kind, name: str, modality: str | None = None) -> Handling:
    """How the class `name` is asked; modality: its argument of that name, where it is given."""
    known: Classes = getattr(table(), kind)
    if name in known.never:
        return NOTHING
    exception = known.classes.get(f"{name} modality={modality}") or known.classes.get(name, Exceptional())
    return known.rule.model_copy(update=exception.model_dump(exclude_none=True))


@cache
def table() -> Table:
    return read_yaml(TABLE, Table)
