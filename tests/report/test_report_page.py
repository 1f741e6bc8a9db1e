"""The report of a run in a real browser: what failed is found, sorted, filtered, opened, printed, on a phone too."""

import dataclasses
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from browser import PHONE, browser, opened, scrolls_sideways
from playwright.sync_api import Browser, Page
from report_runs import FAULTS

from trustconn import spec
from trustconn.conformance.report.html import page
from trustconn.conformance.report.run import Run, read_run

SECTIONS = ["summary", "findings", "requirements", "clauses", "threats", "machine", "faults", "removals", "tests"]
MANY = 3_400
LARGEST = 6 << 20
"""Octets of a page with so many tests."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def report(faulty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(read_run(faulty)), encoding="utf-8")
    return path


@pytest.fixture
def shown(chromium: Browser, report: Path) -> Iterator[Page]:
    with opened(chromium, report) as tab:
        yield tab


def test_it_says_the_verdict_and_has_all_sections(shown: Page) -> None:
    assert "fail" in shown.locator("h1").inner_text()
    found = [section.get_attribute("id") for section in shown.locator("main > section").all()]
    assert found == [*SECTIONS, "circumstances"]
    links = [link.get_attribute("href") for link in shown.locator("nav a").all()]
    assert links == [f"#{name}" for name in found]


def test_every_fault_is_named_and_leads_to_its_tests(shown: Page) -> None:
    for fault in FAULTS:
        assert shown.locator("#summary li", has_text=fault).locator("a").count() == 1


def test_a_failure_has_sentence_deed_answer_command_and_chart(shown: Page) -> None:
    article = shown.locator("#req-LBL-09")
    assert spec.requirements()["LBL-09"].sentence in article.locator("blockquote").inner_text()
    article.locator("details.gain summary").click()
    assert "the attacker, who is the network" in article.locator("details.gain pre").inner_text()
    finding = article.locator("details.finding", has_text="test_label_out_of_order").first
    finding.locator("> summary").click()
    text = finding.inner_text()
    assert "seen accepted, specified receipt:30 label invalid" in text
    assert "RECEIPT count 2, 0 accepted" in text
    command = finding.locator("pre.command").inner_text()
    assert command.startswith(f"trustconn run --fault {','.join(sorted(FAULTS))} --seed 1 --rerun 'test_delivery::")
    lines = finding.locator("ol.chart > li").all_inner_texts()
    fault = next(at for at, line in enumerate(lines) if "the tester's fault" in line)
    later, earlier = (re.findall(r"DATA sequence number (\d+)", line) for line in lines[fault + 1 : fault + 3])
    assert int(later[0]) == int(earlier[0]) + 1
    message = finding.locator("ol.chart details").nth(1)
    message.locator("summary").click()
    assert "LABEL_SEQ" in message.inner_text() and "0000  " in message.locator("pre.octets").inner_text()


def test_requirements_are_sorted_and_lead_to_their_tests(shown: Page) -> None:
    shown.locator("#list-of-requirements").get_by_role("button", name="status").click()
    first = shown.locator("#list-of-requirements tbody tr").first
    assert first.get_attribute("data-status") == "fail"
    name = first.locator("th").inner_text()
    first.locator("a").click()
    rows = shown.locator("#list-of-tests tbody tr:visible")
    assert rows.count() > 0 and all(name in row for row in rows.all_inner_texts())


def test_findings_are_filtered_with_their_headings(shown: Page) -> None:
    shown.locator("#findings").get_by_label("Search").fill("test_label_out_of_order")
    assert shown.locator("#findings details.finding:visible").count() == 1
    assert shown.locator("#findings article:visible").count() == 1


def test_it_is_printed_whole(shown: Page) -> None:
    closed = shown.locator("details:not([open])").count()
    shown.emulate_media(media="print")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed > 0 and shown.locator("details:not([open], [data-quiet])").count() == 0
    assert shown.locator("pre.octets").first.is_visible()
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.locator("details:not([open])").count() == closed
    assert shown.pdf().startswith(b"%PDF")


def test_it_fits_a_phone_also_when_all_is_open(chromium: Browser, report: Path) -> None:
    with opened(chromium, report, PHONE) as tab:
        assert not scrolls_sideways(tab)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert not scrolls_sideways(tab)


def test_the_keyboard_comes_by_links_filters_and_findings(shown: Page) -> None:
    seen = []
    for _ in range(40):
        shown.keyboard.press("Tab")
        seen.append(shown.evaluate("(one => [one.tagName, one.closest('section')?.id])(document.activeElement)"))
    order = [place for at, (_, place) in enumerate(seen) if place and (at == 0 or seen[at - 1][1] != place)]
    assert order[:2] == ["summary", "findings"]
    assert ["SUMMARY", "findings"] in seen and ["INPUT", "findings"] in seen


def test_headings_go_down_one_level_at_a_time(shown: Page) -> None:
    levels = shown.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(later - earlier <= 1 for earlier, later in pairwise(levels))
    ids = shown.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    assert shown.locator("table:not(:has(caption))").count() == 0


def test_a_large_report_is_small_enough_and_opens(chromium: Browser, faulty: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(page(_many(read_run(faulty))), encoding="utf-8")
    assert path.stat().st_size < LARGEST
    with opened(chromium, path) as tab:
        assert tab.locator("#list-of-tests tbody tr").count() >= MANY


def _many(run: Run) -> Run:
    """The same run with as many tests as a whole one has."""
    tests = run.results.tests
    copies = [
        dataclasses.replace(test, case=dataclasses.replace(test.case, id=f"{test.case.id[:-1]}-{number}]"))
        for number in range(MANY // len(tests) + 1)
        for test in tests
    ]
    return dataclasses.replace(run, results=dataclasses.replace(run.results, tests=tuple(copies)))
