"""The page of a review in a real browser: what stands in the way first, each threat on demand, on paper and a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PHONE, browser, opened, scrolls_sideways
from playwright.sync_api import Browser, Page
from threat_cases import decided, results, reviewed

from trustconn.harness.threats import sign_off
from trustconn.harness.threats.html import to_html
from trustconn.harness.verdict.verdict import Verdict

EMB3D = "https://emb3d.mitre.org/threats/TID-406.html"
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='run'</script>"


def some_fail(role: str, requirement: str) -> Verdict | None:
    """Fails, passes and gaps."""
    return {"EDH-21": Verdict.FAIL, "LBL-05": None}.get(requirement, Verdict.PASS) if role == "device" else Verdict.PASS


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    found = reviewed(folder, results(some_fail), edit=lambda text: text.replace("Garden camera", HOSTILE))
    (folder / "threats.html").write_text(to_html(found))
    return folder / "threats.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def rows(page: Page) -> list[str]:
    return page.locator("#overview tbody tr:visible th").all_inner_texts()


def test_what_stands_in_the_way_comes_first_and_leads_to_the_threat(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as page:
        assert page.get_by_text("not to be signed off").is_visible()
        link = page.locator(".blockers a").first
        link.click()
        page.wait_for_selector("#findings details[open]")
        assert page.locator("#findings details[open] summary h3").first.inner_text().startswith(link.inner_text())


def test_it_filters_and_sorts_by_state(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as page:
        everything = rows(page)
        form = page.locator("form[data-list=overview]")
        form.get_by_label("State").select_option("FAILED")
        failed = rows(page)
        assert failed and set(failed) < set(everything)
        form.get_by_label("State").select_option("")
        page.locator("#overview").get_by_role("button", name="threat").click()
        page.locator("#overview").get_by_role("button", name="threat").click()
        assert rows(page) == sorted(everything, reverse=True)


def test_a_threat_shows_its_claims_attack_tests_and_what_is_left(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as page:
        page.evaluate("location.hash = 'threat-a-2-4-2-reports'")
        page.wait_for_selector("#threat-a-2-4-2-reports[open]")
        threat = page.locator("#threat-a-2-4-2-reports")
        for heading in (
            "Decision",
            "What is left",
            "Tests",
            "The adversary",
            "Claims",
            "The attack without the control",
        ):
            assert threat.get_by_role("heading", name=heading, exact=True).is_visible()
        assert threat.get_by_role("link", name="TID-406").get_attribute("href") == EMB3D
        threat.get_by_text("How it goes").click()
        assert threat.get_by_role("img", name="Message sequence chart").is_visible()
        threat.get_by_text("The same in words").click()
        assert "the attacker, who is the network" in threat.locator("figure + details pre").inner_text()


def test_an_attack_that_a_run_succeeded_with_is_the_one_that_is_shown(chromium: Browser, tmp_path: Path) -> None:
    found = reviewed(tmp_path, results(lambda _, name: Verdict.FAIL if name == "LBL-10" else Verdict.PASS))
    path = tmp_path / "threats.html"
    path.write_text(to_html(found))
    with opened(chromium, path) as page:
        threat = page.locator("#threat-a-2-2-2-camera")
        page.evaluate("location.hash = 'threat-a-2-2-2-camera'")
        page.wait_for_selector("#threat-a-2-2-2-camera[open]")
        text = " ".join(threat.inner_text().split())
        assert "Without label_digest_is_content the verifier finds an attack on CLM-08" in text
        assert "Played against The cloud service: ✗ fail" in text


def test_what_the_description_says_never_runs(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file) as page:
        assert page.title() == f"Threat review: {HOSTILE}"
        assert page.locator("img").count() == 0


def test_all_of_it_fits_a_phone_and_paper(chromium: Browser, page_file: Path) -> None:
    with opened(chromium, page_file, PHONE) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert not scrolls_sideways(page)
    with opened(chromium, page_file) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.get_by_text("Claims", exact=True).first.is_visible()
        assert not page.locator("form.filter input").first.is_visible()
        assert page.pdf().startswith(b"%PDF")


def test_a_signed_review_says_who_signed(chromium: Browser, tmp_path: Path) -> None:
    found = reviewed(tmp_path, results(), edit=decided)
    path = tmp_path / "threats.html"
    path.write_text(to_html(found, sign_off.sign_off(found, "R. Example", "2026-11-03")))
    with opened(chromium, path) as page:
        assert "signed off by R. Example, 2026-11-03" in page.locator("header").inner_text()
