"""The common frame of pages in a real browser: what readers do with it, by hand and keyboard, on paper and a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PHONE, browser, opened, scrolls_sideways
from playwright.sync_api import Browser, Page

from trustconn.harness.page.page import ORDER, Section, render

HERE = Path(__file__).parent
THINGS = [
    {"name": "item 10", "status": "pass", "size": 3, "why": "<script>document.title = 'run'</script>"},
    {"name": "item 2", "status": "fail", "size": 5, "why": "<img src=x onerror=alert(1)>"},
    {"name": "item 1", "status": "pass", "size": 20, "why": "no_place_to_break_" * 12},
]
CONTRAST = 4.5
"""WCAG 2.2 success criterion 1.4.3, level AA."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "sample.html"
    sections = [Section("things", "Things", "3")]
    path.write_text(render(HERE, "sample.html", title="Sample", sections=sections, values={"things": THINGS}))
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def names(page: Page) -> list[str]:
    return page.locator("#list tbody tr:visible summary").all_inner_texts()


def test_it_sorts_by_words_by_numbers_and_by_status_both_ways(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        for head, order in (("name", "1 2 10"), ("size", "10 2 1"), ("status", "2 10 1")):
            page.get_by_role("button", name=head, exact=True).click()
            assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
            assert names(page) == [f"item {number}" for number in order.split()]
        page.get_by_role("button", name="status", exact=True).click()
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        assert names(page) == ["item 10", "item 1", "item 2"]


def test_it_filters_by_words_and_choice_and_says_how_many_are_left(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        page.get_by_label("Search").fill("ITEM 1 pass")
        assert names(page) == ["item 10", "item 1"]
        page.get_by_label("Status").select_option("fail")
        assert names(page) == []
        assert page.get_by_role("status").inner_text() == "0 of 3 things"
        page.get_by_role("link", name="the tenth").click()
        assert names(page) == ["item 10"]


def test_it_opens_all_and_what_a_link_leads_to(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        page.evaluate("location.hash = 'item-2'")
        page.wait_for_selector("#item-2[open]")
        button = page.get_by_role("button", name="Expand all")
        button.click()
        assert page.locator("details[open]").count() == 3
        page.get_by_role("button", name="Collapse all").click()
        assert page.locator("details[open]").count() == 0


def test_what_it_is_given_never_runs(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        assert page.title() == "Sample"
        assert page.locator("#list img, #list script").count() == 0


def test_what_is_not_seen_is_shown_as_that() -> None:
    """Directions of writing that are turned round, and the rest that drives a terminal or an editor."""
    thing = {"name": "a\u202eb", "status": "pass", "size": 1, "why": "\x1b[31m\x00"}
    text = render(HERE, "sample.html", title="Sample", sections=[], values={"things": [thing]})
    assert "a\ufffdb" in text and "\ufffd[31m\ufffd" in text
    assert not {"\u202e", "\x1b", "\x00"}.intersection(text)


def test_it_is_printed_opened(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.get_by_text("about item 2").is_visible()
        assert not page.get_by_label("Search").is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0
        assert page.pdf().startswith(b"%PDF")


def test_nothing_is_wider_than_a_phone(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample, PHONE) as page:
        page.get_by_role("button", name="Expand all").click()
        assert not scrolls_sideways(page)
        page.get_by_role("button", name="size", exact=True).click()
        assert names(page)[0] == "item 10"


def test_the_keyboard_comes_by_everything_in_the_order_of_reading(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        tops = []
        for _ in range(11):
            page.keyboard.press("Tab")
            tops.append(page.evaluate("document.activeElement.textContent.trim().split('\\n')[0].slice(0, 20)"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        assert tops[0] == "Skip to the content"
        assert [top for top in tops if top in ("name", "status", "size")] == ["name", "status", "size"]
        assert tops[-3:] == ["item 10", "item 2", "item 1"]
        page.keyboard.press("Enter")
        assert page.get_by_text("about item 1", exact=True).is_visible()


def test_a_screen_reader_finds_landmarks_headings_and_a_named_table(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        for landmark in (
            page.get_by_role("navigation", name="Contents"),
            page.get_by_role("main"),
            page.get_by_role("table", name="All of them"),
            page.get_by_role("heading", name="Things"),
        ):
            assert landmark.count() == 1
        assert page.get_by_role("rowheader").count() == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read(chromium: Browser, sample: Path, scheme: str) -> None:
    with opened(chromium, sample, color_scheme=scheme) as page:
        colours = page.evaluate(
            """names => names.map(name =>
                 getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim())""",
            ["paper", "raised", "ink", "muted", "accent", *(s for s in ORDER if " " not in s), "none"],
        )
    grounds = [luminance(colour) for colour in colours[:2]]
    for colour in colours[2:]:
        for ground in grounds:
            dark, light = sorted((luminance(colour), ground))
            assert (light + 0.05) / (dark + 0.05) >= CONTRAST, (scheme, colour)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG 2.2 defines it."""
    parts = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_statuses_differ_by_more_than_colour(chromium: Browser, sample: Path) -> None:
    with opened(chromium, sample) as page:
        assert set(page.locator("#list .badge").all_inner_texts()) == {"✓ pass", "✗ fail"}
