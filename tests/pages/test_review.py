"""Reviewing in a real browser: real videos, mouse and keys, two people who disagree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apollobench.benchmark import load_benchmark
from apollobench.pages.server import Address
from apollobench.review.app import Review
from apollobench.review.ledger import NAME, Ledger
from apollobench.review.subject import Subject, load_subject
from apollobench.types import LETTERS

from ..review.made import SCRIPT, make_benchmark
from .conftest import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

READY = "document.querySelector('video').readyState >= 2 && document.querySelector('#marks svg')"


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return load_subject(make_benchmark(tmp_path_factory.mktemp("pages")))


@pytest.fixture
def address(subject: Subject, tmp_path: Path) -> Iterator[Address]:
    with closing(Ledger(tmp_path / NAME)) as ledger, serving(Review(subject, ledger).routes()) as served:
        yield served


def enter(page: Page, address: Address, name: str, role: str = "reviewer") -> None:
    page.goto(f"{address.url}who")
    page.get_by_label("Name").fill(name)
    page.get_by_role("radio", name=role).check()
    page.get_by_role("button", name="Begin").click()


def until(page: Page, expression: str, seconds: float = 20) -> None:
    """Waits until an expression is true; while a page is loading it may fail.

    Playwright's own way evaluates text in the page, which its policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(f"(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


def item_of(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def time_of(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def press(page: Page, key: str) -> None:
    """Presses a key that leads to another page, and waits for it."""
    until(page, "document.querySelector('dialog')")  # the keys are there
    with page.expect_navigation():
        page.keyboard.press(key)


def test_from_the_queue_to_the_last_frame_and_a_decision(page: Page, address: Address, subject: Subject) -> None:
    enter(page, address, "ada")
    page.get_by_role("link", name="Begin").click()
    until(page, READY)
    item = subject.items[item_of(page)]
    frames = page.evaluate("fetch(document.querySelector('video').dataset.timeline).then((a) => a.json())")["frames"]
    for button, expected in (("frameOn", 1), ("frameOn", 2), ("frameBack", 1)):
        page.locator(f"[data-do={button}]").click()
        until(page, f"document.getElementById('at').textContent.includes('frame {expected + 1} of')")
        assert frames[expected] < time_of(page) < frames[expected + 1]
    page.evaluate("document.querySelector('video').currentTime = document.querySelector('video').duration - 0.5")
    until(page, "!document.querySelector('video').seeking")
    assert time_of(page) > 2
    page.get_by_role("button", name="Center").click()
    until(page, "!document.querySelector('video').seeking")
    assert abs(time_of(page) - frames[len(frames) // 2]) < 0.2
    start = time_of(page)
    page.get_by_role("button", name="Play").click()
    until(page, f"document.querySelector('video').currentTime > {start} + 0.3")
    page.get_by_role("button", name=item.options[item.answer]).click()
    page.get_by_text("your answer").wait_for()
    assert time_of(page) > start  # the video is where it was
    page.locator("summary", has_text="Drop").click()
    page.get_by_role("radio", name="ambiguous").check()
    page.get_by_role("textbox", name="Note").fill("two words, “quoted”")
    page.get_by_role("button", name="Drop", exact=True).click()
    until(page, f"!document.querySelector('h1').textContent.includes('{item.id}')")
    following = item_of(page)
    page.goto(address.url)
    assert page.get_by_text("1 of 12 decided by you").is_visible()
    page.get_by_role("link", name="Continue").click()
    assert item_of(page) == following


def test_seen_frames_are_marks(page: Page, address: Address, subject: Subject) -> None:
    enter(page, address, "ada")
    name = next(iter(subject.items))
    page.goto(f"{address.url}item?id={name}")
    until(page, READY)
    times = sorted({second for plan in subject.seen[name] for second in plan.times})
    assert page.locator("#marks .seen").count() == len(times)
    for seen in times[:3]:
        page.keyboard.press("s")
        until(page, "!document.querySelector('video').seeking")
        assert seen <= time_of(page) < seen + 0.05
    page.keyboard.press("Shift+S")
    until(page, "!document.querySelector('video').seeking")
    assert times[1] <= time_of(page) < times[1] + 0.05


def test_keys_alone(page: Page, address: Address, subject: Subject) -> None:
    page.goto(address.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Tab")
    page.keyboard.type("ada")
    press(page, "Enter")
    press(page, "c")
    first = item_of(page)
    until(page, READY)
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("one frame on").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    assert page.get_by_role("button", name="Loop").get_attribute("aria-pressed") == "true"
    for key in ("]", "]", "["):
        page.keyboard.press(key)
    assert page.evaluate("document.querySelector('video').playbackRate") == 1.5
    press(page, "2")
    page.keyboard.press("f")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    press(page, "Enter")
    assert page.locator("li", has_text="your key").locator("b").inner_text() == "C"
    page.keyboard.press("g")
    page.keyboard.press("ArrowDown")
    press(page, "Enter")
    assert page.get_by_text("(you; it was").is_visible()
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("keep? no")
    press(page, "Enter")
    assert item_of(page) != first
    press(page, "u")
    assert item_of(page) == first
    assert page.locator(".words .drop").count() == 0
    press(page, "k")
    second = item_of(page)
    press(page, "0")
    page.keyboard.press("d")
    page.keyboard.type("what is this?")
    press(page, "Enter")
    assert item_of(page) not in (first, second)
    press(page, "q")
    assert page.locator("td .keep").count() == page.locator("td .discuss").count() == 1


def test_keys_can_be_switched_off(page: Page, address: Address) -> None:
    enter(page, address, "ada")
    press(page, "c")
    page.keyboard.press("?")
    page.get_by_label("single keys act").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("1")
    page.wait_for_timeout(200)
    assert page.get_by_text("your answer").count() == 0


def test_two_disagree_and_a_third_settles(
    browser: Browser, page: Page, address: Address, subject: Subject, tmp_path: Path
) -> None:
    name = next(iter(subject.items))
    others = [browser.new_context().new_page() for _ in range(2)]
    ben, jo = others
    for opened, who, role in ((page, "ada", "reviewer"), (ben, "ben", "reviewer"), (jo, "jo", "adjudicator")):
        enter(opened, address, who, role)
    page.goto(f"{address.url}item?id={name}")
    press(page, "1")
    press(page, "k")
    ben.goto(f"{address.url}item?id={name}")
    press(ben, "2")
    assert ben.get_by_text("ada").count() == 0
    ben.keyboard.press("x")
    ben.keyboard.press("Space")
    press(ben, "Enter")
    ben.goto(f"{address.url}item?id={name}")
    assert ben.get_by_text("to settle", exact=True).is_visible()
    assert ben.get_by_text("ada", exact=True).first.is_visible()
    jo.goto(address.url)
    jo.get_by_role("link", name="To settle (1)").click()
    jo.wait_for_url("**/disputes")
    press(jo, "c")
    press(jo, "k")
    assert jo.get_by_text("Nothing to settle").is_visible()
    page.goto(f"{address.url}agreement")
    assert "0.0 (0.0 to 100.0)" in page.get_by_role("row", name="all").inner_text()
    with closing(Ledger(tmp_path / NAME)) as ledger:
        assert [row.reviewer for row in ledger.history(name).told] == ["ada", "ben", "jo"]
        assert not ledger.history(name).is_open({"jo"})
    for opened in others:
        opened.context.close()


def test_markup_runs_nothing(page: Page, address: Address, subject: Subject) -> None:
    enter(page, address, "ada")
    name = next(item.id for item in subject.items.values() if item.question == SCRIPT)
    page.goto(f"{address.url}item?id={name}")
    until(page, READY)
    assert page.get_by_role("heading", level=2).first.inner_text() == SCRIPT
    assert page.get_by_role("button", name=f"{SCRIPT} 0").is_visible()
    page.keyboard.press("?")
    assert page.title() == f"{name} · apollobench"
    assert page.locator("main img, main script").count() == 0


def test_reads_and_decides_without_scripts(browser: Browser, address: Address, subject: Subject) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, address, "ada")
    page.get_by_role("link", name="Begin").click()
    item = subject.items[item_of(page)]
    page.get_by_role("button", name=item.options[0]).click()
    assert page.locator("li.key b").inner_text() == LETTERS[item.answer]
    page.locator("summary", has_text="Frames that models saw").click()
    assert page.get_by_text("apollo-3b").first.is_visible()
    page.get_by_role("button", name="Keep").click()
    assert item_of(page) != item.id
    context.close()


def test_a_file_that_does_not_play_is_told(page: Page, subject: Subject, tmp_path: Path) -> None:
    benchmark = make_copy(subject, tmp_path)
    item = load_benchmark(benchmark).items[0]
    item.video.path.write_bytes(b"no video" * 1000)
    broken = load_subject(benchmark)
    with closing(Ledger(tmp_path / NAME)) as ledger, serving(Review(broken, ledger, "ada").routes()) as address:
        page.goto(f"{address.url}item?id={item.id}")
        for told in ("not a readable video file", "cannot play the file"):
            page.get_by_text(told).wait_for()


def make_copy(subject: Subject, tmp_path: Path) -> Path:
    from shutil import copytree

    directory = subject.benchmark.directory
    copytree(directory.parent, tmp_path / "copy")
    return tmp_path / "copy" / directory.name


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_everybody_can_use_it(
    page: Page, address: Address, accessible: Callable[[Any], None], scheme: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address.url}who")
    accessible(page)
    enter(page, address, "ada")
    press(page, "c")
    until(page, READY)
    look(page, accessible)
    press(page, "1")
    until(page, READY)
    for key in ("g", "x"):
        page.keyboard.press(key)
    look(page, accessible)
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    look(page, accessible)
    for path in ("", "agreement", "guide"):
        page.goto(f"{address.url}{path}")
        look(page, accessible)


def look(page: Page, accessible: Callable[[Any], None]) -> None:
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
