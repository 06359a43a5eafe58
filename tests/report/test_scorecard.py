"""A scorecard as a person reads it."""

from __future__ import annotations

from pathlib import Path

from apollobench.evaluate.score import score
from apollobench.report.scorecard import card_markdown
from apollobench.types import Item, Mode, Response, Status, Video


def _items() -> list[Item]:
    names = ["OCR", "Spatial"]
    return [Item(f"w/{n}", "?", ("a", "b"), 0, Video(str(n), Path("/v")), names[n % 2]) for n in range(20)]


def _responses(mode: Mode, right: int, failed: int = 0) -> list[Response]:
    made = []
    for n in range(20):
        status = Status.ERROR if n < failed else Status.OK
        choice = None if n < failed else int(n - failed >= right)
        logprobs = None if choice is None else (-0.1, -2.0)
        made.append(Response(f"{mode}{n}", f"w/{n}", "m", mode, status, None, choice, logprobs, None))
    return made


def test_every_part_is_there() -> None:
    card = score(_items(), _responses(Mode.TEXT, 5) + _responses(Mode.VIDEO, 16, failed=2))
    text = card_markdown(card)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == ["category", "chance", "video", "text only", "video - text only"]
    assert [line[0] for line in lines[2:7]] == ["OCR", "Spatial", "macro", "overall", "by log-probabilities"]
    overall = lines[5]
    assert overall[1] == "50.0"
    assert overall[2].startswith("88.9 (")
    assert overall[3].startswith("25.0 (")
    assert overall[4].startswith("+")
    assert ["video", "18", "0", "2", "0", "0"] in lines
    assert "m in percent on 20 items" in text


def test_one_mode_has_no_differences_and_a_set_without_categories_no_macro() -> None:
    items = [Item(item.id, "?", item.options, 0, item.video) for item in _items()]
    text = card_markdown(score(items, _responses(Mode.TEXT, 5)))
    assert "| overall" in text
    assert "macro" not in text
    assert "video" not in text.splitlines()[2]
