"""A real browser for the tests of pages: Debian's Chromium without a window, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from availability import not_available
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60_000
"""Milliseconds that something may take on a busy machine."""
WIDE, PHONE = (1280, 900), (360, 740)
"""Width and height in pixels; few phones are narrower."""


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser of this machine; where there is none the test is skipped, or fails in continuous integration."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        not_available("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--disable-gpu"])
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(started: Browser, path: Path, size: tuple[int, int] = WIDE, **options: Any) -> Iterator[Page]:
    """A file in a page of a certain size. Whatever the page says of errors, or asks the network for, fails the test."""
    context = started.new_context(viewport={"width": size[0], "height": size[1]}, offline=True, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
    try:
        page.goto(path.as_uri())
        yield page
    finally:
        context.close()
    assert not wrong, wrong


def scrolls_sideways(page: Page) -> bool:
    """Whether something is wider than the page."""
    found: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return found
