"""What people decided about items: one JSON object a line, read, written and applied.

The last word of each reviewer on a matter counts. Three matters are decided apart: whether an item stays (`keep`,
`drop`; `discuss` says that it is still open, and is no vote), its key, and its category. Where two reviewers disagree,
whoever decides the matter after both of them, as a third, settles it; until then it is an error. A curation takes
`drop`, `key` and `category` over; `keep` answers a `drop`, and overrules no filter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.jsonfile import load_object
from apollobench.types import CATEGORIES, LETTERS, Item
from apollobench.yamlfile import read_text

REVIEW, REVIEW_VERSION = "review", 1  # what people drop is dropped by this rule
STAYS, KEY, CATEGORY, OPEN = "stays", "key", "category", "discuss"
MATTERS = {"keep": STAYS, "drop": STAYS, OPEN: STAYS, "key": KEY, "category": CATEGORY}
VALUES = {"key": tuple(LETTERS), "category": CATEGORIES}
REASONED = ("drop", "key")
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """One reviewer's word on one item.

    action: a key of `MATTERS`. value: the right option's letter for `key`, the category's name for `category`, else
    None. reason: in a few words, needed for `drop` and `key`. note: whatever else there is to say. time: ISO 8601 with
    its offset from UTC, which says who spoke last. Raises ValueError that says what is wrong.
    """

    item: str
    action: str
    value: str | None
    reason: str
    note: str
    reviewer: str
    time: str

    def __post_init__(self) -> None:
        for name in _FIELDS:
            found = getattr(self, name)
            if not isinstance(found, str) and not (name == "value" and found is None):
                raise ValueError(f"{name} is {found!r}, expected text{' or null' if name == 'value' else ''}")
        if self.action not in MATTERS:
            raise ValueError(f"action is {self.action!r}; valid: {', '.join(MATTERS)}")
        for name in ("item", "reviewer", *(["reason"] if self.action in REASONED else [])):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; {self.action} needs one")
        valid = VALUES.get(self.action)
        if self.value not in (valid or (None,)):
            raise ValueError(f"value is {self.value!r}; {self.action} takes {', '.join(valid) if valid else 'null'}")
        if self.moment.tzinfo is None:
            raise ValueError(f"time is {self.time!r}, without its offset from UTC; end it in Z or such as +01:00")

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.time)

    @property
    def matter(self) -> tuple[str, str]:
        """What is decided: the item, and what about it."""
        return self.item, MATTERS[self.action]

    def __str__(self) -> str:
        return f"{self.reviewer} {self.action}{f' {self.value}' if self.value else ''} ({self.time})"


_FIELDS = tuple(field.name for field in fields(Decision))


@dataclass(frozen=True, slots=True)
class Review:
    """Decisions applied to a pool. items: the pool, with the keys that were corrected.

    drops, keys, categories: by item, the decision that counts. given: all that were read, in their order.
    strange: items of decisions that the pool does not have. undecided: items that somebody wants to discuss.
    """

    items: tuple[Item, ...]
    drops: Mapping[str, Decision]
    keys: Mapping[str, Decision]
    categories: Mapping[str, Decision]
    given: tuple[Decision, ...]
    strange: tuple[str, ...]
    undecided: tuple[str, ...]


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """The decisions of a file, in its order. Raises InputError naming file and line of what is none."""
    return parse_decisions(read_text(path), str(path))


def parse_decisions(text: str, name: str) -> tuple[Decision, ...]:
    """The decisions of a text of one JSON object a line; `name` is what errors call it. Blank lines are skipped."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(_decision(line))
            except ValueError as error:
                raise InputError(f"{name}:{number}: {error}") from error
    return tuple(found)


def format_decisions(decisions: Sequence[Decision]) -> str:
    """The text that `parse_decisions` reads: a line for each, which can be appended to a file of others."""
    return "".join(json.dumps(asdict(decision), ensure_ascii=False) + "\n" for decision in decisions)


def settle(decisions: Sequence[Decision]) -> tuple[dict[tuple[str, str], Decision], list[list[Decision]]]:
    """By matter, the decision that counts; and where reviewers disagree, the votes that stand against each other.

    In the order of time, and of the lines where that is the same. A matter in which only `discuss` is said has none.
    """
    votes: dict[tuple[str, str], dict[str, Decision]] = {}
    for decision in sorted(decisions, key=lambda decision: decision.moment):
        held = votes.setdefault(decision.matter, {})
        others = [vote for reviewer, vote in held.items() if reviewer != decision.reviewer]
        if decision.action != OPEN and _differ(others):
            held.clear()
        held.pop(decision.reviewer, None)
        if decision.action != OPEN:
            held[decision.reviewer] = decision
    final = {matter: list(held.values())[-1] for matter, held in votes.items() if held}
    return final, [list(held.values()) for held in votes.values() if _differ(list(held.values()))]


def apply_decisions(items: Sequence[Item], decisions: Sequence[Decision]) -> Review:
    """What the decisions make of a pool.

    Raises InputError naming the reviewers and the item where two disagree, and for a key that is no option.
    """
    pool = {item.id: item for item in items}
    final, disputes = settle([decision for decision in decisions if decision.item in pool])
    if disputes:
        raise InputError(_disagreement(disputes))
    keys = {decision.item: decision for decision in final.values() if decision.action == "key"}
    for name, decision in keys.items():
        if LETTERS.index(decision.value or "") >= len(pool[name].options):
            raise InputError(f"{name}: {decision}, but the item has {len(pool[name].options)} options")
    return Review(
        items=tuple(_with_key(item, keys.get(item.id)) for item in items),
        drops={decision.item: decision for decision in final.values() if decision.action == "drop"},
        keys=keys,
        categories={decision.item: decision for decision in final.values() if decision.action == "category"},
        given=tuple(decisions),
        strange=tuple(dict.fromkeys(decision.item for decision in decisions if decision.item not in pool)),
        undecided=_undecided(decisions, pool),
    )


def _decision(line: str) -> Decision:
    found = load_object(line)
    unknown, missing = [k for k in found if k not in _FIELDS], [name for name in _FIELDS if name not in found]
    if unknown or missing:
        told = f"unknown key {unknown[0]!r}" if unknown else f"no key {missing[0]!r}"
        raise ValueError(f"{told}; a decision has {', '.join(_FIELDS)}")
    return Decision(**found)


def _differ(votes: Sequence[Decision]) -> bool:
    return len({(vote.action, vote.value) for vote in votes}) > 1


def _with_key(item: Item, decision: Decision | None) -> Item:
    return item if decision is None else replace(item, answer=LETTERS.index(decision.value or ""))


def _undecided(decisions: Sequence[Decision], pool: Mapping[str, Any]) -> tuple[str, ...]:
    """Items of which a reviewer's last word on whether they stay is `discuss`."""
    last = {}
    for decision in sorted(decisions, key=lambda decision: decision.moment):
        if MATTERS[decision.action] == STAYS and decision.item in pool:
            last[decision.item, decision.reviewer] = decision.action
    return tuple(dict.fromkeys(item for (item, _), action in last.items() if action == OPEN))


def _disagreement(disputes: Sequence[Sequence[Decision]]) -> str:
    told = [f"{votes[0].item}: {' against '.join(map(str, votes))}" for votes in disputes[:SHOWN]]
    more = [f"and {len(disputes) - SHOWN} more"] if len(disputes) > SHOWN else []
    return "\n".join(["reviewers disagree; let one of them revise, or a third decide after them:", *told, *more])
