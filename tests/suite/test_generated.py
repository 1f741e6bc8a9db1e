"""What is generated is committed as it is generated, and says what the suite and the table are."""

import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.conformance import generate
from trustconn.conformance.collect import suite_tests
from trustconn.harness.iut.features import BINDINGS
from trustconn.model.checks import CHECKS
from trustconn.model.draw import check_table, markdown, message_table, state_diagram
from trustconn.model.protocol.tables import profile
from trustconn.spec import requirements

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"


def test_nothing_is_stale() -> None:
    """What another process generated and committed is what this one generates."""
    assert [file.path.name for file in generate.generated() if file.stale] == []


def test_a_stale_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = generate.Generated(tmp_path / "stale.json", "{}")
    monkeypatch.setattr(generate, "generated", lambda *, freeze=False: iter([stale]))
    assert generate.main(["--check"]) == 1
    assert f"{tmp_path.name}/stale.json is stale" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_collected_tests_are_those_of_a_run(binding: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, "run", "--list", "--slow", "--binding", binding, "--out", str(tmp_path)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {line.rpartition("]")[0] + "]" for line in listed} == {
        test.id for test in suite_tests() if test.case.fits(binding) and test.case.role != "verifier"
    }


def test_the_tests_of_a_verifier_are_those_of_a_run_of_that_role(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, "run", "--list", "--role", "verifier", "--out", str(tmp_path)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ids = {test.id for test in suite_tests() if test.case.role == "verifier"}
    assert {line.rpartition("]")[0] + "]" for line in listed} == ids


def test_a_frozen_set_names_tests_that_exist() -> None:
    known = {test.id for test in suite_tests()}
    for path in (generate.HERE / "sets").glob("*.txt"):
        named = {line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}
        assert named <= known


def test_every_test_cites_requirements_that_exist() -> None:
    for test in suite_tests():
        assert test.case.requirements
        assert set(test.case.requirements) <= set(requirements())


def test_the_coverage_counts_tests_and_says_why_there_are_none() -> None:
    rows = (generate.HERE / "coverage.md").read_text(encoding="utf-8").splitlines()
    table = {cells[0]: cells for cells in ([c.strip() for c in row.split("|")[1:-1]] for row in rows if "|" in row)}
    for id_ in requirements():
        _, _, _, *counts, reason = table[id_]
        cited = [t.case.role for t in suite_tests() if id_ in t.case.requirements]
        assert [int(count) for count in counts] == [cited.count(role) for role in generate.TESTED]
        assert bool(cited) != reason.startswith("NOT COVERED: ")


def test_a_reason_for_having_no_test_is_given_only_where_there_is_none() -> None:
    cited = {id_ for test in suite_tests() for id_ in test.case.requirements}
    assert set(generate.uncovered()) <= set(requirements()) - cited


def test_a_diagram_shows_every_state_that_is_entered() -> None:
    table = profile()
    for role in ("device", "service"):
        diagram = state_diagram(table, role)
        assert diagram.splitlines()[:2] == ["```mermaid", "stateDiagram-v2"]
        assert all(f" {state}" in diagram for state in table.states(role))
    assert "OPEN --> EXPIRED: timer_validity" in state_diagram(table, "device")
    assert "ALERT" not in state_diagram(table, "device", without=("ALERT",))


def test_the_tables_hold_every_message_and_check() -> None:
    messages = message_table(profile())
    assert all(f"`{m.name}`" in messages for m in profile().messages.values() if m.channel in ("net", "record"))
    assert "| `message_1` | device | handshake | `METHOD`, `SUITES_I`, `G_X`, `C_I`, `EAD_1` |" in messages
    assert all(f"`{check.name}` | {check.requirement}" in check_table() for check in CHECKS.values())
    assert markdown(("a",), [("b|c",)]).splitlines()[-1] == "| b\\|c |"
