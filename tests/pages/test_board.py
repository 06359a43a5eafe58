"""The leaderboard in a browser, opened from disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from apollobench.board.site import build

from ..made import answered

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MARKUP = "<script>alert(1)</script>-7B"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("board")
    results = [
        answered(root, "apollo-7b", lambda n: n % 4 != 0),
        answered(root, "apollo-3b", lambda n: n % 5 > 1),
        answered(root, MARKUP, lambda n: n % 3 == 1),
    ]
    return build(root / "site", results).as_uri()


def models(table: Locator) -> list[str]:
    return [text.split("\n")[0] for text in table.locator("tbody tr:visible th").all_inner_texts()]


def test_sorting(page: Page, site: str) -> None:
    page.goto(site)
    table = page.locator("table.board").first
    assert models(table)[0].startswith("Gemini-1.5-Pro")
    page.locator("th button", has_text="OCR").first.click()
    assert models(table)[0].startswith("GPT-4o")
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("OCR")
    page.locator("th button", has_text="OCR").first.click()
    assert not models(table)[0].startswith("GPT-4o")
    table.locator("th button", has_text="Model").press("Enter")
    assert models(table) == sorted(models(table), key=str.lower)
    assert table.locator("th[aria-sort]").count() == 1


def test_filters(page: Page, site: str) -> None:
    page.goto(site)
    assert page.locator("#shown").inner_text() == "162 of 162 rows"
    page.get_by_label("Kind").select_option("measured")
    assert page.locator("#shown").inner_text() == "3 of 162 rows"
    page.get_by_label("Size").select_option("4-10")
    assert page.locator("tbody tr:visible").count() == 2
    page.get_by_role("searchbox").fill("APOLLO")
    assert page.locator("tbody tr:visible").count() == 1
    page.get_by_role("button", name="Show all").click()
    page.get_by_text("162 of 162 rows", exact=True).wait_for()


def test_measured_rows_show_how_sure_they_are(page: Page, site: str) -> None:
    page.goto(site)
    row = page.locator("table.board").last.locator("tbody tr", has_text="apollo-7b")
    told = row.locator("svg[role=img]").get_attribute("aria-label") or ""
    assert told.startswith("75.0, 95 % interval ")
    assert told.endswith(", text only 25.0, one frame 50.0")
    assert row.locator("path.whisker").count() == 1
    assert "1 (1 to 1)" in row.inner_text()


def test_markup_stays_text(page: Page, site: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(site)
    assert page.locator("tbody th", has_text=MARKUP).count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_anyone_can_read_it(page: Page, site: str, accessible: Callable[[Page], None], scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_reached_by_keyboard(page: Page, site: str) -> None:
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.type("gpt")
    assert page.locator("tbody tr:visible").count() < 20
