"""The run viewer in a real browser: the server and the static report opened from the disk, the same in both."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apollobench.pages.server import Address
from apollobench.types import Mode
from apollobench.viewer.index import SHOWS, SORTS, Query, find, rows
from apollobench.viewer.report import write_report
from apollobench.viewer.server import routes
from apollobench.viewer.table import Table, read_table

from ..viewer.conftest import Place, make
from .conftest import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IDS = "ol.items li .mono"
# Every sheet that a page shows, as the browser has it: its natural width and height.
SIZES = """async () => {
  const sheets = [...document.querySelectorAll(".frame image")].map((image) => image.href.baseVal);
  return Promise.all([...new Set(sheets)].map(async (sheet) => {
    const image = new Image();
    image.src = sheet;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  }));
}"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where pages are, served or as files. mark: what begins the query of a list's address."""

    overview: str
    items: str
    mark: str

    def list(self, query: str) -> str:
        return f"{self.items}{self.mark}{query}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def table(place: Place) -> Table:
    return read_table([place.first, place.second, place.benchmark])


@pytest.fixture(scope="module")
def address(table: Table) -> Iterator[Address]:
    with serving(routes(table)) as found:
        yield found


@pytest.fixture(scope="module")
def report(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apollobench.viewer.report.ANSWERS", 30)  # two items to a page
        return write_report(table, tmp_path_factory.mktemp("report") / "out").path.parent


@pytest.fixture(params=["served", "files"])
def site(request: pytest.FixtureRequest) -> Site:
    if request.param == "served":
        url = request.getfixturevalue("address").url
        return Site(url, f"{url}items", "?")
    folder = request.getfixturevalue("report").as_uri()
    return Site(f"{folder}/index.html", f"{folder}/items.html", "#")


def ids(page: Page) -> list[str]:
    return page.locator(IDS).all_text_contents()


def has_count(page: Page, count: int) -> None:
    """Waits until the list shows so many items."""
    from playwright.sync_api import expect

    expect(page.locator("ol.items li")).to_have_count(count)


def expected(table: Table, query: Query) -> list[str]:
    return [row.id for row in find(rows(table), table.modes, query)]


def test_the_list_finds_what_was_asked_for(page: Page, site: Site, table: Table) -> None:
    queries = {f"show={show}": Query(show=show) for show in SHOWS}
    queries |= {f"sort={sort}": Query(sort=sort) for sort in SORTS}
    queries |= {
        "mode=video&show=wrong": Query(show="wrong", mode=Mode.VIDEO),
        "category=OCR": Query(category="OCR"),
        "part=out": Query(left_out=True),
        "q=WHICH": Query(text="WHICH"),
        "a=0&b=1&show=disagree&mode=text": Query(show="disagree", mode=Mode.TEXT, models=(0, 1)),
    }
    for words, query in queries.items():
        page.goto("about:blank")
        page.goto(site.list(words))
        wanted = expected(table, query)
        has_count(page, len(wanted))
        assert ids(page) == wanted, words
        assert page.locator("#count").text_content() == f"{len(wanted)} item{'s' if len(wanted) != 1 else ''}"


def test_filters_by_hand_and_the_way_back(page: Page, site: Site, table: Table) -> None:
    page.goto(site.items)
    page.get_by_label("Show", exact=True).select_option("error")
    page.wait_for_url("**show=error*")
    has_count(page, 1)
    assert ids(page) == expected(table, Query(show="error"))
    page.get_by_label("Text").fill("no such question")
    page.keyboard.press("Enter")
    has_count(page, 0)
    page.get_by_role("link", name="Reset").click()
    has_count(page, 12)
    page.go_back()
    has_count(page, 0)


def test_two_runs_side_by_side_on_what_differs(page: Page, site: Site, table: Table) -> None:
    page.goto(site.overview)
    page.get_by_role("link", name="Items on which apollo-one and apollo-two differ, video").click()
    page.locator("ol.items li").first.wait_for()
    differing = expected(table, Query(show="disagree", mode=Mode.VIDEO, models=(0, 1)))
    assert ids(page) == differing
    assert page.locator("#order").text_content() == "Answers in this order: apollo-one, apollo-two."
    with page.expect_navigation():
        page.locator("ol.items a").first.click()
    item = page.locator("article.item", has_text=differing[0])
    cards = item.locator(".answer:visible")
    names = {text.split("\n")[0] for text in cards.all_inner_texts()}
    assert names == {"apollo-one", "apollo-two"}
    first, second = (cards.nth(n).bounding_box() for n in (0, 1))
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert first["x"] < second["x"]


def test_frames_answers_and_chances_of_an_item(page: Page, site: Site, table: Table) -> None:
    number = 2
    page.goto(site.list("q=" + table.entries[number].item.id))
    has_count(page, 1)
    with page.expect_navigation():
        page.locator("ol.items a").first.click()
    item = page.locator(f"#i{number}")
    assert item.locator("h1, h2").first.text_content() == table.entries[number].item.question
    sizes = page.evaluate(SIZES)
    assert sizes
    assert all(width > 0 and height > 0 for width, height in sizes)
    strips = item.locator(".strip")
    assert strips.filter(has_text="8 frames (uniform), seen by apollo-one, one").locator(".frame").count() == 8
    box = strips.first.locator(".frame").first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 40
    card = item.locator(".answer").first
    assert "right, chose" in card.inner_text()
    assert "70.0" in card.locator(".chances .key").inner_text()
    item.get_by_text("Prompt", exact=True).click()
    assert "Answer with the option's letter" in item.locator("details pre").inner_text()
    item.get_by_text("About the item").click()
    assert "kind 2" in item.locator("dl").inner_text()


def test_markup_in_questions_and_answers_stays_text(page: Page, site: Site) -> None:
    page.goto(site.items)
    page.locator("ol.items li").first.wait_for()
    assert "<script>" in page.locator("ol.items a").first.inner_text()
    with page.expect_navigation():
        page.locator("ol.items a").first.click()
    for place in ("h1, h2", ".options .text", ".answer pre", "dl"):
        page.locator("#i0 summary").first.evaluate("summary => summary.parentElement.open = true")
        assert any("<script>" in text for text in page.locator(f"#i0 :is({place})").all_inner_texts()), place
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "ran"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_keeps_people_out(
    browser: Browser, site: Site, accessible: Callable[[Page], None], scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    for address in (site.overview, site.items, site.list("a=0&b=1&show=disagree")):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    with page.expect_navigation():
        page.locator("ol.items a").first.click()
    for summary in page.locator("article.item summary").all():
        summary.click()
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_charts_are_described_and_have_their_table(page: Page, site: Site) -> None:
    page.goto(site.overview)
    charts = page.locator("figure.chart")
    assert charts.count() > 8
    for chart in charts.all():
        drawing = chart.locator("svg[role=img]")
        title, desc = drawing.locator("title").first, drawing.locator("desc").first
        assert drawing.get_attribute("aria-labelledby") == f"{title.get_attribute('id')} {desc.get_attribute('id')}"
        assert chart.locator("tbody tr").count() == drawing.locator(".name").count() > 0


def test_the_next_item_is_the_next_of_the_filter(page: Page, address: Address, table: Table) -> None:
    wrong = find(rows(table), table.modes, Query(show="wrong"))
    page.goto(f"{address.url}item/{wrong[0].number}?show=wrong")
    page.get_by_role("link", name="Next").first.click()
    assert page.url == f"{address.url}item/{wrong[1].number}?show=wrong"
    page.get_by_role("link", name="Back to the list").first.click()
    assert ids(page) == [row.id for row in wrong]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/item/99999", 404),
        ("/frames/0-99.webp", 404),
        ("/frames/99-0.webp", 404),
        ("/frames/..%2f..%2fmanifest.json", 404),
        ("/items?mode=sound", 400),
        ("/items?show=worst", 400),
        ("/items?a=77", 400),
        ("/items?a=-1", 400),
        ("/items?page=x", 400),
        ("/items?page=99999", 200),
    ],
)
def test_addresses_that_lead_nowhere(address: Address, path: str, status: int) -> None:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request("GET", path)
    found = connection.getresponse()
    assert found.status == status
    if status != 200:
        assert "html" not in (found.getheader("content-type") or "")
