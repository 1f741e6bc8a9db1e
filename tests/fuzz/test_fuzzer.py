"""The fuzzer against peers in this process: nothing on a complete one, the fault on a faulty one, repeatable."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.conformance.fuzz.campaign import Campaign, Found
from trustconn.conformance.fuzz.finding import FindingError, load
from trustconn.conformance.fuzz.ground import BothRoles, OneRole
from trustconn.conformance.fuzz.oracle import difference
from trustconn.conformance.fuzz.player import Player
from trustconn.conformance.fuzz.record import Record
from trustconn.conformance.fuzz.scripts import scripts
from trustconn.conformance.fuzz.shrink import shortened
from trustconn.conformance.fuzz.trace import Trace, read_trace, step
from trustconn.conformance.fuzz.values import change_of, fitting
from trustconn.harness.codec import cbor
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role

ROLES: tuple[Role, ...] = ("device", "service")
NOW = 1_800_000_000


def campaign(role: Role, *off: str, seed: int = 1) -> Campaign:
    iut = LocalIut(role, off=frozenset(off))
    return Campaign(OneRole(role, lambda _: iut, seed), seed)


def relayed(*off: str) -> Campaign:
    iuts = {role: LocalIut(role, off=frozenset(off)) for role in ROLES}
    return Campaign(BothRoles(lambda role: iuts[role]), 1)


def judged(role: Role, trace: Trace, *off: str) -> tuple[Record, Record]:
    """What a complete peer does, and one with checks off."""
    expected = Player(LocalIut(role)).play(trace)
    iut = LocalIut(role, off=frozenset(off))
    return expected, Player(iut).play(trace, expected)


@pytest.mark.parametrize("role", ROLES)
def test_a_complete_peer_has_no_finding(role: Role) -> None:
    run = campaign(role)
    assert not [found for found in islice(run.run(), 40) if found]
    assert not run.doubtful
    assert run.figures.situations > 20


def test_a_complete_pair_has_no_finding() -> None:
    run = relayed()
    assert not [found for found in islice(run.run(), 40) if found]
    assert not run.doubtful


def test_a_pair_that_takes_a_record_twice_is_found() -> None:
    found = found_first(relayed("record_is_in_sequence"))
    assert found.difference.check == "record_is_in_sequence"


@pytest.mark.parametrize(("role", "check", "requirement"), [
    ("device", "cred_r_is_intended", "IDN-15"),
    ("service", "cred_i_is_authorised", "IDN-16"),
])  # fmt: skip
def test_a_missing_check_is_found_and_the_trace_is_short(role: Role, check: str, requirement: str) -> None:
    found = found_first(campaign(role, check))
    assert found.difference.requirement == requirement
    assert found.difference.kind in ("authentication-bypass", "replay", "accepted")
    assert len(found.trace.steps) <= 6


def found_first(run: Campaign, within: int = 400) -> Found:
    return next(found for found in islice(run.run(), within) if found)


def test_the_seed_decides() -> None:
    one, other = (found_first(campaign("service", "cred_i_is_authorised")) for _ in range(2))
    assert (one.trace, one.cases) == (other.trace, other.cases)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", scripts("device"))
def test_a_script_is_an_honest_life(role: Role, name: str) -> None:
    record = Player(LocalIut(role)).play(scripts(role)[name])
    assert not [check for told in record.told.values() for _, check in told.refused if check != "data_refused"]
    assert not record.passed_over


def test_a_peer_that_refuses_what_is_good_is_over_strict() -> None:
    trace = Trace("service", (step("open", suites=[2]), step("go"), step("ping")))
    expected = Player(LocalIut("service")).play(trace)
    strict = Trace("service", (step("open", leaf="expired"), step("go"), step("ping")))
    refused = Player(LocalIut("service")).play(strict, expected)
    found = difference(trace, expected, refused)
    assert found is not None and found.kind == "over-strict"


def test_a_repeated_nonce_is_a_finding() -> None:
    trace = Trace("device", (step("open"), step("go"), step("open", 1), step("go", 1)))
    expected, seen = judged("device", trace)
    assert difference(trace, expected, seen) is None
    seen.told[1].fresh.append(seen.told[0].fresh[0])
    found = difference(trace, expected, seen)
    assert found is not None and (found.kind, found.requirement) == ("repeated", "EDH-14")


def test_data_that_the_tester_ignores_is_not_taken_for_a_repetition() -> None:
    data = step("their-data")
    trace = Trace("service", (step("open"), step("go"), data, step("close"), data))
    expected, seen = judged("service", trace)
    assert [item.name for item in seen.told[0].seen].count("DATA_R") == 2
    assert difference(trace, expected, seen) is None


def test_shortening_keeps_what_shows() -> None:
    long = Trace("device", tuple(step("ping", n % 2) for n in range(9)))
    short = shortened(long, lambda trace: sum(item.session for item in trace.steps) >= 2)
    assert [item.session for item in short.steps] == [1, 1]


def test_a_trace_is_written_and_read_without_loss() -> None:
    trace = scripts("device")["asked"]
    assert read_trace(json.loads(json.dumps(trace.plain()))) == trace


@pytest.mark.parametrize("value", [0, NOW, b"octets", "text", [1, [2, 3]], {1: b"x", 2: "y"}, True, None])
def test_operators_that_fit_make_something_else(value: object) -> None:
    data = cbor.encode(value)
    operators = fitting(data, item=True, now=NOW)
    assert len(operators) > 4
    assert all(change_of(name, item=True, now=NOW)(data) != data for name in operators)


@pytest.mark.parametrize(("binding", "first", "refusal"), [
    ("edhoc", "message_1", "edhoc-error:1"),
    ("tls", "client_hello", "tls-alert:42"),
])  # fmt: skip
def test_a_finding_is_replayed(
    binding: str, first: str, refusal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--binding", binding, "--role", "device", "--without", "cred_r_is_intended", "--in-process"]
    assert main(["fuzz", *options, "--cases", "25", "--seed", "1", "--out", str(tmp_path)]) == 1
    file = tmp_path / "finding-001.json"
    assert load(file).difference.requirement == "IDN-15"
    capsys.readouterr()
    assert main(["replay", str(file), "--in-process"]) == 1
    shown = capsys.readouterr().out
    assert first in shown and f"a complete peer: {refusal}" in shown
    whole = json.loads(file.read_text(encoding="utf-8")) | {"without": []}
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert main(["replay", str(file), "--in-process"]) == 0


def test_what_is_no_finding_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "finding.json"
    file.write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(FindingError, match="not a finding"):
        load(file)
    assert main(["replay", str(file)]) == 2


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    description = tmp_path / "iut.toml"
    description.touch()
    assert main(["fuzz", "--iut", str(description), "--in-process", "--out", str(tmp_path)]) == 2
    assert main(["fuzz", "--cases", "0", "--out", str(tmp_path)]) == 2


def test_a_process_is_told_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "--role", "service", "--cases", "4", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert "service: 4 cases" in capsys.readouterr().out
