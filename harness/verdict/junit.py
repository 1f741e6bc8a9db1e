"""Results as JUnit XML, for the continuous integration of others.

JUnit knows no `inconc`: it stands as an error of type `inconc`, so that nobody takes it for green. What failed as
expected stands as skipped, and what was expected to fail and passed as a failure.
"""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from .expected import NOTHING, Expectations
from .records import TestResult, status_label
from .results import Results
from .verdict import Judgement, Verdict

_ELEMENT = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.INCONC: "error"}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Results, path: Path, expected: Expectations = NOTHING) -> None:
    """Writes one test suite for each role of the implementation under test."""
    root = Element("testsuites", name="trustconn")
    for role in sorted({test.case.role for test in results.tests}):
        _suite(root, role, [test for test in results.tests if test.case.role == role], results, expected)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: Element, role: str, tests: list[TestResult], results: Results, expected: Expectations) -> None:
    shown = [_shown(test, expected) for test in tests]
    kinds = [kind for kind, _ in shown]
    suite = SubElement(
        root,
        "testsuite",
        name=role,
        tests=str(len(tests)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{sum(test.duration for test in tests):.3f}",
        timestamp=results.header.started,
    )
    for test, (kind, message) in zip(tests, shown, strict=True):
        _case(suite, test, kind, message)


def _shown(test: TestResult, expected: Expectations) -> tuple[str, str]:
    """The element that tells a test's fate, empty for a pass, and its message."""
    if why := expected.met(test):
        return "skipped", f"failed as expected: {why}: {test.judgement.reason}"
    if test.status is Verdict.PASS and test.case.id in expected.tests:
        return "failure", f"expected to fail, and passed: {expected.tests[test.case.id]}"
    if not isinstance(test.status, Verdict):
        return "skipped", test.judgement.reason
    return _ELEMENT.get(test.status, ""), test.judgement.reason


def _case(suite: Element, test: TestResult, kind: str, message: str) -> None:
    cited = " ".join(test.case.requirements)
    case = SubElement(suite, "testcase", classname=cited, name=_text(test.case.id), time=f"{test.duration:.3f}")
    properties = SubElement(case, "properties")
    grade = test.judgement.grade if isinstance(test.judgement, Judgement) else None
    known = {"requirements": cited, "seed": str(test.seed), "rerun": test.case.rerun, "transcript": test.transcript}
    for name, value in (known | {"grade": grade.value if grade else None}).items():
        if value:
            SubElement(properties, "property", name=name, value=_text(value))
    if kind == "skipped":
        SubElement(case, kind, message=_text(message))
    elif kind:
        kind_of = "unexpected pass" if test.status is Verdict.PASS else status_label(test.status)
        SubElement(case, kind, type=kind_of, message=_text(message))


def _text(value: str) -> str:
    """XML 1.0 cannot carry every character."""
    return _UNPRINTABLE.sub("\ufffd", value)
