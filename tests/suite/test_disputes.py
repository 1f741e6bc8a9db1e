"""A disputed test's failure is inconclusive and says why; nothing else about it changes."""

import pytest

from trustconn.conformance import disputes
from trustconn.conformance.collect import suite_tests
from trustconn.harness.verdict.verdict import Judgement, Verdict


def test_only_failures_of_disputed_tests_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disputes, "disputes", lambda: {"a::b[c]": "ATT-16 allows both"})
    failed, passed = Judgement(Verdict.FAIL, False, reason="seen x"), Judgement(Verdict.PASS, False)
    heard = disputes.heard("a::b[c]", failed)
    assert heard.verdict is Verdict.INCONC
    assert heard.reason == "disputed: ATT-16 allows both; seen x"
    assert disputes.heard("a::b[c]", passed) is passed
    assert disputes.heard("a::b[d]", failed) is failed


def test_disputed_tests_exist() -> None:
    known = {test.id for test in suite_tests()}
    assert set(disputes.disputes()) <= known
