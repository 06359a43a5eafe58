"""What the pages show: values for the templates, made from the subject and the ledger for one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from apollobench.content import content_path
from apollobench.curate.categorize import read_categories
from apollobench.curate.itemcards import ItemCard
from apollobench.review import queue
from apollobench.review.agreement import report
from apollobench.review.history import History
from apollobench.review.ledger import Ledger
from apollobench.review.queue import NOTHING_SAID, ORDERS, PER_PAGE, STATES, Query
from apollobench.review.subject import Subject
from apollobench.review.words import ADJUDICATOR, REASONS, REVIEWER, ROLES, Row
from apollobench.types import CATEGORIES, LETTERS, Mode
from apollobench.yamlfile import read_text

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. fixed: named on the command line, so that there is nobody else to be."""

    name: str
    role: str
    fixed: bool

    def sees_words(self, history: History) -> bool:
        """Whether what others said of an item may be shown."""
        return self.role == ADJUDICATOR or self.name in history.seeing

    def sees_key(self, history: History) -> bool:
        return self.role == ADJUDICATOR or self.name in history.answers


def frame(subject: Subject, ledger: Ledger, viewer: Viewer | None, here: str) -> Values:
    """What every page needs."""
    waiting = len(_disputed(subject, ledger, viewer)) if viewer else 0
    return {"viewer": viewer, "here": here, "benchmark": subject.benchmark.name, "waiting": waiting}


def who_values(ledger: Ledger) -> Values:
    return {"people": ledger.people(), "roles": ROLES}


def queue_values(subject: Subject, ledger: Ledger, viewer: Viewer, query: Query) -> Values:
    """One page of the queue. Nothing in it depends on what others said, but for how many have decided."""
    histories = ledger.histories()
    names = queue.ordered(subject, query)
    chosen = queue.shown(names, query, histories, viewer.name)
    page = min(query.page, queue.pages(len(chosen)))
    rows = [
        {
            "item": subject.items[name],
            "card": subject.cards.get(name),
            "verdict": histories.get(name, NOTHING_SAID).verdict(viewer.name),
            "deciders": _deciders(histories.get(name, NOTHING_SAID)),
        }
        for name in chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
    ]
    decided = [bool(histories.get(name, NOTHING_SAID).verdict(viewer.name)) for name in subject.items]
    return {
        "query": query,
        "rows": rows,
        "page": page,
        "pages": queue.pages(len(chosen)),
        "found": len(chosen),
        "done": sum(decided),
        "total": len(decided),
        "next": queue.next_open(names, histories, viewer.name, queue.left_at(histories, viewer.name)),
        "orders": {name: text for name, (text, _) in ORDERS.items()},
        "states": {name: text for name, (text, _) in STATES.items()},
        "categories": CATEGORIES,
        "has_cards": bool(subject.cards),
    }


def item_values(subject: Subject, ledger: Ledger, viewer: Viewer, query: Query, name: str) -> Values:
    """One item. Key, evidence and the words of others are among the values only when the viewer may see them."""
    item, history, histories = subject.items[name], ledger.history(name), ledger.histories()
    names = queue.shown(queue.ordered(subject, query), query, histories, viewer.name)
    place = names.index(name) if name in names else None
    revealed = viewer.sees_key(history)
    own = {matter: row for (who, matter), row in history.standing.items() if who == viewer.name}
    others = [row for row in history.standing.values() if row.reviewer != viewer.name]
    return {
        "query": query,
        "item": item,
        "letters": LETTERS,
        "place": place,
        "count": len(names),
        "previous": names[place - 1] if place else None,
        "next": names[place + 1] if place is not None and place + 1 < len(names) else None,
        "revealed": revealed,
        "key": LETTERS[item.answer] if revealed else None,
        "answer": history.answers.get(viewer.name),
        "own": own,
        "others": others if viewer.sees_words(history) else [],
        "other_answers": _answers(history, viewer) if viewer.sees_words(history) else {},
        "open": viewer.sees_words(history) and history.is_open(ledger.adjudicators()),
        "undo": _undo(history, histories, viewer.name),
        "card": subject.cards.get(name) if revealed else None,
        "evidence": _evidence(subject.cards[name]) if revealed and name in subject.cards else {},
        "modes": [mode for mode in Mode if name in subject.cards and mode in subject.cards[name].modes],
        "origin": subject.origins.get(name, ""),
        "seen": subject.seen.get(name, ()),
        "definitions": definitions(),
        "reasons": REASONS,
    }


def dispute_values(subject: Subject, ledger: Ledger, viewer: Viewer) -> Values:
    """Items on which reviewers disagree or that somebody wants to discuss, of those whose words the viewer may see."""
    histories = ledger.histories()
    rows = [
        {
            "item": subject.items[name],
            "words": list(histories[name].standing.values()),
            "answers": histories[name].answers,
        }
        for name in _disputed(subject, ledger, viewer)
    ]
    return {"rows": rows, "query": queue.DEFAULT}


def agreement_values(subject: Subject, ledger: Ledger, viewer: Viewer) -> Values:
    """Figures from the items whose words the viewer may see: others' figures would tell of the rest."""
    reviewers = [name for name, role in ledger.people().items() if role == REVIEWER]
    histories = {name: history for name, history in ledger.histories().items() if viewer.sees_words(history)}
    return {"report": report(subject.items, histories, reviewers)}


@cache
def guide_values() -> Values:
    """The guide of `curation/review/guide.md` as HTML; markup in it is not taken over."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    rendered = MarkdownIt("commonmark", {"html": False}).render(
        read_text(content_path("curation", "review", "guide.md"))
    )
    return {"guide": Markup(rendered), "definitions": definitions(), "reasons": REASONS}


@cache
def definitions() -> Mapping[str, Any]:
    """Category -> its definition, in the order in which they are tried."""
    return read_categories().definitions


def _disputed(subject: Subject, ledger: Ledger, viewer: Viewer) -> list[str]:
    judges = ledger.adjudicators()
    return [
        name
        for name, history in ledger.histories().items()
        if name in subject.items and viewer.sees_words(history) and history.is_open(judges)
    ]


def _deciders(history: History) -> int:
    return len({who for who, matter in history.standing if history.verdict(who)})


def _answers(history: History, viewer: Viewer) -> dict[str, str | None]:
    return {who: row.value for who, row in history.answers.items() if who != viewer.name}


def _undo(history: History, histories: Mapping[str, History], who: str) -> Row | None:
    """The reviewer's last word on this item, else on any."""
    here = [row for row in history.told if row.reviewer == who]
    found = here or [row for other in histories.values() for row in other.told if row.reviewer == who]
    return max(found, key=lambda row: (row.moment, row.number), default=None)


def _evidence(card: ItemCard) -> dict[str, dict[Mode, tuple[str, bool]]]:
    """Model -> mode -> what it answered, and whether that is the key; those who are right most often first."""
    models = dict.fromkeys(model for told in card.modes.values() for model in told.answers)
    table = {
        model: {
            mode: (told.answers[model], told.answers[model] == card.key)
            for mode, told in card.modes.items()
            if model in told.answers
        }
        for model in models
    }
    return dict(sorted(table.items(), key=lambda row: (-sum(right for _, right in row[1].values()), row[0])))
