"""What a reviewer can say about an item, as it is kept: one row for each word, none ever changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apollobench.curate.decisions import MATTERS, Decision

ANSWER, UNDO = "answer", "undo"
REVIEWER, ADJUDICATOR = "reviewer", "adjudicator"
ROLES = {
    REVIEWER: "looks at items alone; sees what others said of an item after deciding on it",
    ADJUDICATOR: "sees what everybody said, settles disagreements, and does not count in the agreement",
}
# Why an item is dropped: the reason as it is stored, and when it applies. The guide explains each.
REASONS = {
    "not answerable": "the video does not show what the question asks for",
    "ambiguous": "two options or more can be defended",
    "no right option": "what the video shows is not among the options",
    "needs no video": "general knowledge or the wording of the options gives it away",
    "broken video": "it does not play, is cut short, or is not the one that the question means",
    "bad wording": "it cannot be understood without guessing what is meant",
    "duplicate": "another item asks the same of the same video",
    "harmful": "it shows or says what should not be passed on",
    "other": "the note says what",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One word as it is kept.

    action: a key of `MATTERS`, else `answer` (value: the letter that the reviewer chose, None for cannot tell), else
    `undo` (undoes: number of the row taken back). old: what stood before, for the same reviewer and matter: the action,
    the letter or the category, at first that of the item; empty where nothing did.
    """

    number: int
    item: str
    reviewer: str
    action: str
    value: str | None
    old: str
    reason: str
    note: str
    time: str
    undoes: int | None = None

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.time)

    @property
    def matter(self) -> str:
        """What is decided; only of rows that decide something."""
        return MATTERS[self.action]

    @property
    def said(self) -> str:
        """In one word what it makes of the matter: an action, a letter, a category."""
        return self.value or self.action

    @property
    def decision(self) -> Decision:
        """As `curate --decisions` reads it. Raises ValueError as Decision does."""
        return Decision(self.item, self.action, self.value, self.reason, self.note, self.reviewer, self.time)


@dataclass(frozen=True, slots=True)
class Draft:
    """A word on its way to be kept. original: what the item itself says about the matter. time: empty for now."""

    item: str
    reviewer: str
    action: str
    value: str | None = None
    reason: str = ""
    note: str = ""
    original: str = ""
    undoes: int | None = None
    time: str = ""
