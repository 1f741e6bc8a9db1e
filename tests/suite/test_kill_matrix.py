"""The whole matrix on a part of the suite: what is left out cannot tell, what is kept is not played again."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trustconn.conformance import kills, matrix, picture, reach
from trustconn.conformance.collect import SuiteTest, suite_tests
from trustconn.harness.faults.register import FAULTS
from trustconn.harness.verdict.verdict import Verdict

MODULES = ("test_basic", "test_opening", "test_endings", "test_refusing")
PAIRS: list[kills.Pair] = [
    ("pong_twice", "service"),
    ("eat_nonce_is_binder", "service"),
    ("label_sub_only", "device"),
    ("hello_nonce_constant", "service"),
    ("alert_twice", "device"),
]


def _part(role: str) -> tuple[SuiteTest, ...]:
    tests = (t for t in suite_tests() if t.case.role == role and t.case.binding in ("", "edhoc"))
    return tuple(t for t in tests if t.id.partition("::")[0] in MODULES)


@pytest.fixture(autouse=True)
def _a_part_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(matrix, "tests_of", _part)
    matrix._places.cache_clear()
    yield
    matrix._places.cache_clear()


@pytest.mark.parametrize("pair", PAIRS, ids=kills.key)
def test_what_cannot_tell_is_not_touched_by_the_fault(pair: kills.Pair) -> None:
    name, role = pair
    assert role != "verifier"
    told, watch = reach.tells(FAULTS[name], role), reach.Watch(role)
    blind = [test for test in _part(role) if not told(watch.play(test))]
    assert [test.id for test in blind if kills.verdict(test, frozenset({name})) is Verdict.FAIL] == []


def test_what_cannot_be_seen_of_a_test_does_not_leave_it_out() -> None:
    told = reach.tells(FAULTS["version_r_is_tls_1_3"], "device")
    assert told(reach.Places("tls", whole=True))  # The library says nothing of its checks.
    assert told(reach.Places("edhoc"))  # The test ended before its end.
    assert not told(reach.Places("edhoc", whole=True))


def test_a_state_file_is_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state.jsonl"
    first = sorted(matrix.rows(PAIRS, state), key=lambda row: row.fault)
    assert any(row.killed_by for row in first)
    state.write_text(state.read_text(encoding="utf-8") + '{"fault": "cut', encoding="utf-8")
    monkeypatch.setattr(kills, "verdict", None)
    monkeypatch.setattr(matrix, "verdict", None)
    assert sorted(matrix.rows(PAIRS, state), key=lambda row: row.fault) == first


def test_further_tests_are_played_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair: kills.Pair = ("alert_twice", "device")
    state = tmp_path / "state.jsonl"
    monkeypatch.setattr(matrix, "tests_of", lambda role: _part(role)[:3])
    (before,) = matrix.rows([pair], state)
    matrix._places.cache_clear()
    monkeypatch.setattr(matrix, "tests_of", _part)
    (after,) = matrix.rows([pair], state)
    assert set(before.killed_by) < set(after.killed_by)


def test_the_matrix_is_written_in_three_forms(tmp_path: Path) -> None:
    found = list(matrix.rows(PAIRS, tmp_path / "state.jsonl"))
    body = json.loads(matrix.as_json(found, "2026-01-01"))
    assert set(body["faults"]) == {kills.key(pair) for pair in PAIRS}
    assert matrix.as_markdown(found, "2026-01-01").count("\n| ") == len(PAIRS) + 1
    cells = ElementTree.fromstring(picture.as_svg(found, "2026-01-01")).iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(cells)) > 1


def test_ranges() -> None:
    assert matrix.ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert matrix.ranges([]) == ""
