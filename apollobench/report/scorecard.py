"""A scorecard as Markdown: accuracy per category, macro and overall, with what less than the video gives beside it."""

from __future__ import annotations

from apollobench.evaluate.score import Scorecard
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.interval import Estimate
from apollobench.types import Mode, Status

NAMES = {Mode.VIDEO: "video", Mode.FRAME: "center frame", Mode.TEXT: "text only", Mode.SHUFFLED: "shuffled frames"}
ORDER = tuple(NAMES)


def card_markdown(card: Scorecard) -> str:
    """The table of accuracies, then the counts of what was not answered. Intervals are 95 %, clustered by video."""
    modes = [mode for mode in ORDER if mode in card.modes]
    head = ["category", "chance", *(NAMES[mode] for mode in modes)]
    head += [f"video - {NAMES[mode]}" for mode in modes if mode in card.gains]
    any_mode = card.modes[modes[0]]
    rows = [_row(card, modes, category) for category in any_mode.categories]
    if any_mode.categories:
        rows.append(
            ["macro", "", *(with_interval(card.modes[mode].macro) for mode in modes), *([""] * len(card.gains))]
        )
    rows.append(_row(card, modes, None))
    if any(card.modes[mode].by_logprobs for mode in modes):
        likely = [with_interval(card.modes[mode].by_logprobs) for mode in modes]
        rows.append(["by log-probabilities", "", *likely, *([""] * len(card.gains))])
    note = f"Accuracy of {card.model} in percent on {card.items} items, 95 % intervals clustered by video."
    return "\n\n".join([note, markdown_table(head, rows), _counts(card, modes)])


def _row(card: Scorecard, modes: list[Mode], category: str | None) -> list[str]:
    """One category's accuracies, or those over all items."""
    scores = [card.modes[mode] for mode in modes]
    gains = [card.gains[mode] for mode in modes if mode in card.gains]
    if category is None:
        own: list[Estimate | None] = [scored.overall for scored in scores]
        differences = [gain.overall for gain in gains]
        chance = scores[0].chance
    else:
        own = [scored.categories[category] for scored in scores]
        differences = [gain.categories[category] for gain in gains]
        chance = scores[0].category_chance[category]
    return [
        category or "overall",
        percent(chance),
        *map(with_interval, own),
        *(with_interval(difference, signed=True) for difference in differences),
    ]


def _counts(card: Scorecard, modes: list[Mode]) -> str:
    shown = [status for status in Status if status is not Status.WRONG or card.count(status)]
    head = ["mode", *(status.value for status in shown), "missing"]
    rows = [
        [NAMES[mode], *(str(card.modes[mode].statuses[status]) for status in shown), str(card.modes[mode].missing)]
        for mode in modes
    ]
    note = "An unparsed answer is wrong; error, unsupported and missing are left out of every accuracy."
    return f"{markdown_table(head, rows)}\n\n{note}"
