"""What the words about one item amount to, as a pure function: what stands, and who was still independent of whom.

A reviewer is blind until they and another reviewer have both decided whether the item stays. What they had said up to
that moment is their independent word, whatever they say or take back afterwards; what was seen cannot be unseen.
Adjudicators see everything, are nobody's other reviewer, and have no independent word.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apollobench.curate.decisions import MATTERS, OPEN, STAYS, Decision, settle
from apollobench.errors import InputError
from apollobench.review.words import ANSWER, UNDO, Draft, Row

Place = tuple[str, str]  # reviewer, matter


@dataclass(frozen=True, slots=True)
class History:
    """answers: reviewer -> first answer. told: decisions that were not taken back, in the order of time.

    standing: (reviewer, matter) -> the last of them. independent: the same at the moment when the reviewer's blindness
    ended, for the reviewers in `seeing`, whose blindness has.
    """

    answers: Mapping[str, Row]
    told: tuple[Row, ...]
    standing: Mapping[Place, Row]
    independent: Mapping[Place, Row]
    seeing: frozenset[str]

    def verdict(self, reviewer: str) -> str:
        """keep, drop, discuss, or empty while undecided."""
        row = self.standing.get((reviewer, STAYS))
        return row.action if row else ""

    def disputes(self) -> list[list[Decision]]:
        """By matter, the votes that stand against each other (`decisions.settle`)."""
        return settle([row.decision for row in self.told])[1]

    def is_open(self, adjudicators: Collection[str]) -> bool:
        """Whether reviewers disagree, or one asked to discuss and no adjudicator has decided since."""
        verdicts = [row for row in self.told if row.matter == STAYS]
        closed = max(
            (n for n, row in enumerate(verdicts) if row.reviewer in adjudicators and row.action != OPEN), default=-1
        )
        asked = any(row.action == OPEN and row in self.standing.values() for row in verdicts[closed + 1 :])
        return asked or bool(self.disputes())


def replay(rows: Sequence[Row], adjudicators: Collection[str] = ()) -> History:
    """The history that these rows of one item make."""
    answers: dict[str, Row] = {}
    told: dict[int, Row] = {}
    stacks: dict[Place, list[Row]] = {}
    independent: dict[Place, Row] = {}
    seeing: set[str] = set()
    for row in sorted(rows, key=lambda row: (row.moment, row.number)):
        if row.action == ANSWER:
            answers.setdefault(row.reviewer, row)
        elif row.action == UNDO:
            taken = told.pop(row.undoes or 0, None)
            if taken is not None:
                stacks[taken.reviewer, taken.matter].remove(taken)
        else:
            told[row.number] = row
            stacks.setdefault((row.reviewer, row.matter), []).append(row)
        decided = {who for (who, matter), held in stacks.items() if held and matter == STAYS} - set(adjudicators)
        if len(decided) > 1:
            new = decided - seeing
            independent.update((place, held[-1]) for place, held in stacks.items() if held and place[0] in new)
            seeing |= new
    standing = {place: held[-1] for place, held in stacks.items() if held}
    return History(answers, tuple(told.values()), standing, independent, frozenset(seeing))


def complete(draft: Draft, number: int, rows: Sequence[Row], now: datetime) -> Row:
    """The row that a draft becomes after `rows`, its item's so far. Raises InputError for what cannot be said.

    Its time is never before that of the rows, however the clock was set, so that the last word stays the last.
    """
    history = replay(rows)
    time = draft.time or max([now, *(row.moment for row in rows)]).astimezone(UTC).isoformat(timespec="microseconds")
    value, old = draft.value, ""
    if draft.action == ANSWER:
        if draft.reviewer in history.answers:
            raise InputError(f"{draft.item}: {draft.reviewer} has answered it already")
    elif draft.action == UNDO:
        taken = next((row for row in history.told if row.number == draft.undoes), None)
        if taken is None or taken.reviewer != draft.reviewer:
            raise InputError(f"{draft.item}: {draft.reviewer} has no word {draft.undoes} to take back")
        value, old = taken.old or None, taken.said
    else:
        standing = history.standing.get((draft.reviewer, MATTERS.get(draft.action, "")))
        old = standing.said if standing else draft.original
    row = Row(
        number, draft.item, draft.reviewer, draft.action, value, old, draft.reason, draft.note, time, draft.undoes
    )
    if draft.action not in (ANSWER, UNDO):
        try:
            _ = row.decision
        except ValueError as error:
            raise InputError(f"{draft.item}: {error}") from error
    return row
