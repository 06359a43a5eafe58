"""A real server on loopback, and a real browser; without one the tests that look at pages skip, visibly."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from apollobench.pages.server import Address, application, listen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from starlette.routing import BaseRoute

Served = Callable[..., Address]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def serving(routes: list[BaseRoute], token: str = "") -> Iterator[Address]:
    """These routes behind the guard, on a free port of loopback."""
    listening = listen("127.0.0.1", 0)
    address = Address("127.0.0.1", listening.getsockname()[1], token)
    server = uvicorn.Server(
        uvicorn.Config(application(routes, address), log_level="warning", access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if find_spec("playwright") is None:
        pytest.skip("Playwright is not installed here; `make test-pages` sets up what this needs")
    from playwright.sync_api import sync_playwright

    own = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        except Exception as error:
            if "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("no Chromium is installed here; `make test-pages` sets one up")
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page. What its scripts print as errors, or fail with, fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert not faults


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Fails when axe-core finds something on a page that keeps people out."""

    def check(opened: Any) -> None:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(opened, options={"preload": False, "resultTypes": ["violations"]})
        assert not found.response["violations"], found.generate_report()

    return check
