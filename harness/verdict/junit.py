"""Results as JUnit XML, for the continuous integration of others.

JUnit knows no `inconc`: it stands as an error of type `inconc`, so that nobody takes it for green.
"""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from .records import TestResult, status_label
from .results import Results
from .verdict import Judgement, Verdict

_ELEMENT = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.INCONC: "error"}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Results, path: Path) -> None:
    """Writes one test suite for each role of the implementation under test."""
    root = Element("testsuites", name="trustconn")
    for role in sorted({test.case.role for test in results.tests}):
        _suite(root, role, [test for test in results.tests if test.case.role == role], results)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: Element, role: str, tests: list[TestResult], results: Results) -> None:
    kinds = [_ELEMENT.get(test.status, "") if isinstance(test.status, Verdict) else "skipped" for test in tests]
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
    for test, kind in zip(tests, kinds, strict=True):
        _case(suite, test, kind)


def _case(suite: Element, test: TestResult, kind: str) -> None:
    cited = " ".join(test.case.requirements)
    case = SubElement(suite, "testcase", classname=cited, name=_text(test.case.id), time=f"{test.duration:.3f}")
    properties = SubElement(case, "properties")
    grade = test.judgement.grade if isinstance(test.judgement, Judgement) else None
    known = {"requirements": cited, "seed": str(test.seed), "rerun": test.case.rerun, "transcript": test.transcript}
    for name, value in (known | {"grade": grade.value if grade else None}).items():
        if value:
            SubElement(properties, "property", name=name, value=_text(value))
    if kind == "skipped":
        SubElement(case, kind, message=_text(test.judgement.reason))
    elif kind:
        SubElement(case, kind, type=status_label(test.status), message=_text(test.judgement.reason))


def _text(value: str) -> str:
    """XML 1.0 cannot carry every character."""
    return _UNPRINTABLE.sub("\ufffd", value)
