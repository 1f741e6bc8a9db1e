"""The fuzzer finds faults that were written without a look at it, and what was found once is not looked for again."""

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from fuzz_kills import main
from spec_faults import faulty_iut

from trustconn.conformance.fuzz.evaluate import Known, Peer, Search, evaluate, summary
from trustconn.harness.tester.session import Role

PEERS: list[Peer] = [("any_name_is_the_identity", "device"), ("refused_data_uncounted", "device")]
CASES = 30


def _unmade(name: str, role: Role) -> NoReturn:
    raise AssertionError(f"{name} was tried again")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Search]]:
    file = tmp_path_factory.mktemp("fuzz") / "known.jsonl"
    return file, list(evaluate(PEERS, faulty_iut, 1, CASES, file, processes=1))


def test_blind_faults_are_found_for_what_they_break(known: tuple[Path, list[Search]]) -> None:
    assert [(one.name, one.requirement) for one in known[1]] == [
        ("any_name_is_the_identity", "IDN-15"),
        ("refused_data_uncounted", "SES-17"),
    ]


def test_what_is_known_is_not_tried_again(known: tuple[Path, list[Search]]) -> None:
    file, first = known
    file.write_text(file.read_text(encoding="utf-8") + '{"name": "cut', encoding="utf-8")
    assert list(evaluate(PEERS, _unmade, 1, CASES, file)) == first


def test_more_cases_or_another_seed_are_tried(known: tuple[Path, list[Search]], tmp_path: Path) -> None:
    missed = replace(known[1][0], kind="", cases=CASES)
    file = tmp_path / "known.jsonl"
    Known(file).keep(missed)
    again = Known(file)
    assert again.of(PEERS[0], 1, CASES) == missed
    assert again.of(PEERS[0], 1, CASES + 1) is None
    assert again.of(PEERS[0], 2, CASES) is None


def test_the_figures_are_those_of_the_searches(known: tuple[Path, list[Search]]) -> None:
    found = known[1][0]
    missed = replace(found, role="service", kind="", cases=100, conversations=120, seconds=4.0)
    text = summary([replace(found, cases=7, seconds=0.5), missed])
    assert "1 of 1 faults found, as 1 of 2 peers" in text
    assert "median until found: 0.5 s, 7 cases" in text
    assert "25.0 cases and 30.0 conversations a second" in text
    assert "0.58 to 1.25 times" in text


def test_the_command_prints_its_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--role", "device", "--cases", "1", "--seed", "7", "--processes", "1"]
    assert main(["cnf_by_x", *options, "--out", str(tmp_path / "known.jsonl")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("seed 7, 1 peers")
    assert "0 of 1 faults found" in said
