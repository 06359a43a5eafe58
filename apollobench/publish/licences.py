"""What may be passed on: `curation/sources.yaml`, and what it means for the sources of a benchmark."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.types import Item
from apollobench.yamlfile import read_yaml


class Part(BaseModel):
    """A part of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(Part):
    """hub: its name on the Hugging Face hub. text: what it wants to be repeated with every copy."""

    redistribute: bool
    hub: str
    url: str
    conditions: str
    text: str = ""


class Page(Part):
    """A page that was read, and when."""

    url: str
    date: datetime.date


class SourceLicence(Part):
    """licence: as the source's reader gives it to items. redistribute: whether annotations may be passed on, and why.

    verified: whether the pages say so. notice: the copyright line that goes with copies. citation: BibTeX.
    """

    title: str
    licence: str
    redistribute: bool
    verified: bool
    why: str
    notice: str = ""
    homepage: str | None
    language: str
    read: tuple[Page, ...]
    citation: str | None


class Licences(Part):
    """The content of `curation/sources.yaml`."""

    licences: dict[str, Licence]
    published: dict[str, SourceLicence]

    @model_validator(mode="after")
    def _only_what_is_known_is_passed_on(self) -> Self:
        for name, source in self.published.items():
            licence = self.licences.get(source.licence)
            if source.redistribute and not (source.verified and licence and licence.redistribute):
                raise ValueError(
                    f"published.{name}: redistribute needs verified: true, and a licence from `licences` that allows it"
                )
        return self


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a source's items are published. withheld: as ids only. hub, url: of its licence, if it is known.

    conditions, text, notice: of the licence. language: None where it is not known.
    """

    source: str
    title: str
    licence: str
    withheld: bool
    why: str
    homepage: str | None = None
    citation: str | None = None
    language: str | None = None
    hub: str = ""
    url: str = ""
    conditions: str = ""
    text: str = ""
    notice: str = ""


@cache
def read_licences() -> Licences:
    """The shipped file."""
    return read_yaml(content_path("curation", "sources.yaml"), Licences)


def terms_of(items: Iterable[Item]) -> dict[str, Terms]:
    """The terms of every source that the items come from, by name.

    Raises InputError when a source of one's own states no licence, or when items carry another than the file has.
    """
    found: dict[str, set[str]] = {}
    for item in items:
        found.setdefault(item.source, set()).add(item.licence)
    return {source: _terms(source, sorted(stated)) for source, stated in sorted(found.items())}


def _terms(source: str, stated: list[str]) -> Terms:
    known = read_licences()
    listed = known.published.get(source)
    if listed is not None and stated != [listed.licence]:
        raise InputError(
            f"items of {source} carry the licence {', '.join(map(repr, stated))}, but curation/sources.yaml has "
            f"{listed.licence!r}. Curate again with this version; a source of your own needs another name"
        )
    if len(stated) > 1 or not stated[0]:
        raise InputError(
            f"items of {source} state {'several licences' if len(stated) > 1 else 'no licence'}; say in the recipe, in "
            f"the source's option `licence`, under which they may be passed on, and curate again"
        )
    licence = known.licences.get(stated[0])
    allowed = listed.redistribute if listed else bool(licence and licence.redistribute)
    shown = licence.model_dump(include={"hub", "url", "conditions", "text"}) if licence else {}
    if listed is None:
        why = f"{stated[0]} as the recipe states" if licence else f"{stated[0]!r} is not among the known licences"
        return Terms(source, source, stated[0], not allowed, why, **shown)
    about = listed.model_dump(include={"homepage", "citation", "language", "notice"})
    return Terms(source, listed.title, listed.licence, not allowed, listed.why, **about, **shown)
