"""Results: the event log outlives its writer, the files keep to their schemas, and reports say what happened."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from trustconn.harness.verdict import schema
from trustconn.harness.verdict.events import EventLog, EventLogError, read_events
from trustconn.harness.verdict.junit import write_junit
from trustconn.harness.verdict.records import Header, IutRecord, RequirementRecord, TestCase, TestResult
from trustconn.harness.verdict.results import Results, rebuild
from trustconn.harness.verdict.schema import EVENTS, RESULTS, SchemaError, validate_event, validate_results
from trustconn.harness.verdict.summary import print_summary, rows, write_markdown
from trustconn.harness.verdict.verdict import (
    Grade,
    Judgement,
    NotExercised,
    NotYetImplemented,
    UnwitnessedPass,
    Verdict,
    Witness,
    judged,
)

IUT = IutRecord(
    "reference device", "device", "2026.1.0", "sha256:" + "ab" * 32, {"clock": True, "suites": (3, 2), "level": 3}
)
HEADER = Header("2026-11-21T10:00:00Z", {"trustconn": "2026.1.0"}, (IUT,), seed=7, without=("eat_is_recent",))
WHOLE = Witness("control", "sent", "alert 25", "alive")


def case(name: str, *requirements: str, negative: bool = True) -> TestCase:
    return TestCase(name, requirements, "device", "alter", "eat_nonce", negative, f"trustconn run --rerun {name}")


STALE, OPEN, CLOCK = case("stale", "ATT-05"), case("open", "SES-03", negative=False), case("clock", "SES-15")
PLAN = (STALE, OPEN, CLOCK)
REQUIREMENTS = (
    RequirementRecord("ATT-05", NotExercised("not selected")),
    RequirementRecord("SES-03", NotExercised("not selected")),
    RequirementRecord("SES-15", NotExercised("not selected")),
    RequirementRecord("TLS-01", NotYetImplemented("no TLS binding yet")),
)
PASSED = TestResult(STALE, judged(Verdict.PASS, Grade.SPECIFIED, WHOLE), 7, "cd" * 32, 0.25)
FAILED = TestResult(OPEN, Judgement(Verdict.FAIL, False, reason="no answer to <HELLO>\x00 | 3 s"), 7, None, 3.0)
SKIPPED = TestResult(CLOCK, NotExercised("needs the control verb clock"))


def write(path: Path, *results: TestResult, finished: bool = True) -> Path:
    with EventLog(path / "events.jsonl") as log:
        log.run_started(HEADER, REQUIREMENTS, PLAN, 0.0)
        for result in results:
            log.test_started(result.case.id, 1.0)
            log.test_finished(result, 2.0)
        if finished:
            log.run_finished(False, 3.0)
    return path


def test_results_are_computed_from_events_and_read_back(tmp_path: Path) -> None:
    results = rebuild(write(tmp_path, PASSED, FAILED, SKIPPED))
    assert results.tests == (PASSED, FAILED, SKIPPED)
    assert (results.complete, results.verdict) == (True, Verdict.FAIL)
    assert Results.from_json(json.loads((tmp_path / "results.json").read_text())) == results


def test_requirements_have_the_status_of_their_worst_test_or_a_reason(tmp_path: Path) -> None:
    data = rebuild(write(tmp_path, PASSED, FAILED, SKIPPED)).to_json()
    assert {r["id"]: (r["status"], r["status_reason"]) for r in data["requirements"]} == {
        "ATT-05": ("pass", ""),
        "SES-03": ("fail", ""),
        "SES-15": ("not exercised", "needs the control verb clock"),
        "TLS-01": ("not implemented", "no TLS binding yet"),
    }
    assert data["counts"] | {} == {
        "pass": 1, "inconc": 0, "fail": 1, "error": 0, "not exercised": 1, "not applicable": 0
    }  # fmt: skip


def test_a_run_cut_off_keeps_what_happened_and_claims_no_more(tmp_path: Path) -> None:
    results = rebuild(write(tmp_path, PASSED, finished=False))
    assert not results.complete
    assert results.tests[0].status is Verdict.PASS
    assert all(isinstance(test.status, NotExercised) for test in results.tests[1:])


def test_a_finished_run_that_skipped_a_planned_test_is_our_own_error(tmp_path: Path) -> None:
    results = rebuild(write(tmp_path, PASSED, SKIPPED))
    assert (results.complete, results.verdict) == (True, Verdict.ERROR)
    assert results.tests[1].status is Verdict.ERROR


def test_a_torn_last_line_is_dropped_and_any_other_damage_is_not(tmp_path: Path) -> None:
    log = write(tmp_path, PASSED, FAILED) / "events.jsonl"
    whole = log.read_bytes()
    events = list(read_events(log))
    for cut in range(1, len(whole.splitlines(keepends=True)[-1]) + 1):
        log.write_bytes(whole[:-cut])
        assert list(read_events(log)) == events[:-1]
    lines = whole.splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0], lines[1][:9] + b"\n", *lines[2:]]))
    with pytest.raises(EventLogError, match="line 2"):
        list(read_events(log))


def test_the_log_outlives_a_killed_writer(tmp_path: Path) -> None:
    writer = (
        "import sys, pathlib, test_results as t; path = pathlib.Path(sys.argv[1]);"
        "log = t.EventLog(path / 'events.jsonl'); log.run_started(t.HEADER, t.REQUIREMENTS, t.PLAN, 0.0);"
        "log.test_finished(t.PASSED, 1.0); print('written', flush=True); sys.stdin.read()"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert rebuild(tmp_path).tests[0] == PASSED


def test_a_second_result_for_a_test_never_improves_the_first(tmp_path: Path) -> None:
    worse = TestResult(STALE, judged(Verdict.FAIL, Grade.ACCEPTED, Witness(), "accepted"))
    for order in ([PASSED, worse], [worse, PASSED]):
        assert rebuild(write(tmp_path, *order)).tests[0] == worse


def test_a_plan_that_would_lose_a_verdict_is_refused(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events.jsonl") as log:
        with pytest.raises(ValueError, match="ATT-99"):
            log.run_started(HEADER, REQUIREMENTS, [case("new", "ATT-99")], 0.0)
        with pytest.raises(ValueError, match="stale stands twice"):
            log.run_started(HEADER, REQUIREMENTS, [STALE, STALE], 0.0)
    with pytest.raises(EventLogError, match="does not begin"):
        Results.of([])


def test_a_result_cannot_deny_its_fault() -> None:
    with pytest.raises(ValueError, match="disagree"):
        TestResult(STALE, Judgement(Verdict.PASS, False))


def test_a_file_cannot_claim_what_a_judgement_cannot(tmp_path: Path) -> None:
    data = rebuild(write(tmp_path, PASSED)).to_json()
    for change in (
        {"witness": None},
        {"grade": "accepted"},
        {"witness": data["tests"][0]["witness"] | {"alive_afterwards": None}},
    ):
        broken = data | {"tests": [data["tests"][0] | change]}
        with pytest.raises(SchemaError, match=r"tests\[0\]"):
            validate_results(broken)
        with pytest.raises(UnwitnessedPass):
            TestResult.from_json(broken["tests"][0])


def objects(node: Any) -> Any:
    if isinstance(node, dict):
        if "object" in node.get("type", ()) and "if" not in node:
            yield node
        node = [value for key, value in node.items() if key not in ("if", "then")]
    if isinstance(node, list):
        for value in node:
            yield from objects(value)


@pytest.mark.parametrize("name", [EVENTS, RESULTS])
def test_every_object_of_the_schemas_is_closed(name: str) -> None:
    found = list(objects(schema.load(name)))
    assert len(found) >= 4
    assert all(node.get("additionalProperties") is False for node in found)


def test_an_event_with_an_unknown_field_is_refused() -> None:
    event = {"event": "test started", "time": 0.0, "id": "stale"}
    validate_event(event)
    for broken in (event | {"more": 1}, event | {"event": "lunch"}, {"event": "test started", "time": 0.0}):
        with pytest.raises(SchemaError):
            validate_event(broken)


def test_junit_shows_failures_and_the_way_to_repeat_them(tmp_path: Path) -> None:
    inconclusive = replace(PASSED, judgement=judged(Verdict.PASS, Grade.SPECIFIED, Witness()))
    write_junit(rebuild(write(tmp_path, inconclusive, FAILED, SKIPPED)), tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "device", "tests": "3", "failures": "1", "errors": "1", "skipped": "1"
    }  # fmt: skip
    assert [case[-1].tag for case in suite] == ["error", "failure", "skipped"]
    assert suite.find(".//error[@type='inconc']") is not None
    assert suite.find(".//property[@value='trustconn run --rerun open']") is not None


def test_the_summary_names_each_requirement_and_each_complaint(tmp_path: Path) -> None:
    results = rebuild(write(tmp_path, PASSED, FAILED, SKIPPED))
    assert [(row.id, row.status, row.tests) for row in rows(results)] == [
        ("ATT-05", "PASS", "1/1"),
        ("SES-03", "FAIL", "1/1"),
        ("SES-15", "NOT EXERCISED", "0/1"),
        ("TLS-01", "NOT IMPLEMENTED", ""),
    ]
    text = StringIO()
    print_summary(results, text)
    assert "again: trustconn run --rerun open" in text.getvalue()
    assert text.getvalue().endswith("verdict fail: 1 pass, 1 fail, 1 not exercised\n")
    assert "\x00" not in text.getvalue()
    write_markdown(results, tmp_path / "summary.md")
    table = [line for line in (tmp_path / "summary.md").read_text().splitlines() if re.match(r"\| [A-Z]{3}-", line)]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in table] == [5] * 4


def test_a_name_adds_nothing_to_the_document(tmp_path: Path) -> None:
    named = replace(IUT, name="x\n# Conformance: pass ![all](https://a.example/b) <img src=c>", version="`1`\x1b[31m")
    said = TestResult(OPEN, replace(FAILED.judgement, reason="![passed](https://a.example/b)"))
    results = rebuild(write(tmp_path, said))
    write_markdown(replace(results, header=replace(HEADER, iuts=(named,))), tmp_path / "summary.md")
    text = (tmp_path / "summary.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# Conformance run"]
    assert "\\!\\[all\\](https://a.example/b) &lt;img src=c&gt; \\`1\\` \\[31m" in text
    assert "](https" not in text.replace("\\](", "")


def test_a_terminal_gets_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    print_summary(rebuild(write(tmp_path, PASSED, finished=False)), screen)
    assert "requirement" in screen.getvalue()
    assert screen.getvalue().endswith("2 not exercised, INTERRUPTED\n")
    told = [line for line in screen.getvalue().splitlines() if line.startswith(("NOT ", "  "))]
    assert max(map(len, told)) <= 60
