"""A fault of the state machine is in the result: difference, severity, requirement, pattern and picture."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from trustconn.harness.learn.compare import differences, findings
from trustconn.harness.learn.draw import side_by_side
from trustconn.harness.learn.examine import DIFFERS, NONDETERMINISTIC, Report, as_data, examine, prepared, write
from trustconn.harness.learn.letter import VERBS
from trustconn.harness.learn.letters import alphabet
from trustconn.harness.learn.mealy import Mealy
from trustconn.harness.learn.system import System
from trustconn.harness.learn.table_machine import kept_machine
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role
from trustconn.model.protocol.tables import profile
from trustconn.model.table import Table, Transition

FEW = {"HELLO", "ATT", "VERDICT", "DATA", "PING"}


def examined(iut: LocalIut, *letters: str) -> Report:
    """Under few letters and these: a second instead of many."""
    known = alphabet(iut.role, iut.binding, full=True, verbs=VERBS)
    honest = {one.name for one in known if one.handshake and one.basic and not one.name.endswith(("error", "alert"))}
    chosen = [one for one in known if one.name in {*FEW, *honest, *letters}]
    table = kept_machine(iut.role, iut.binding).restricted([one.name for one in chosen])
    return examine(System(iut, chosen, table), name="a faulty peer")


def without_att(table: Table) -> Table:
    """A service that opens as soon as the device's verdict is there, without its evidence."""
    opened = next(r for r in table.rows if r.id == "service:wait_ATT_I:ATT_I")

    def changed(row: Transition) -> Transition:
        if (row.role, row.state, row.next_state) != ("service", "wait_VERDICT_I", "wait_ATT_I"):
            return row
        kept = tuple(pair for pair in opened.sets if not str(pair[0]).startswith("ATTESTED_"))
        return replace(row, next_state="OPEN", fresh=opened.fresh, sends=opened.sends, sets=kept)

    return replace(table, rows=tuple(map(changed, table.rows)))


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_a_changed_row_is_found_and_drawn(binding: str, tmp_path: Path) -> None:
    report = examined(LocalIut("service", binding=binding, table=without_att(profile(binding))))
    assert report.verdict == DIFFERS
    first = report.differences[0]
    assert (first.word[-1], first.state, first.expected) == ("VERDICT", "wait_VERDICT_I", "silent")
    assert "VERDICT_R" in first.learned
    assert "verdict without fresh evidence" in [f.name for f in report.findings]
    assert report.severity == "critical"
    write(report, tmp_path, " ".join)
    picture = (tmp_path / "machines.svg").read_text()
    assert "VERDICT / VERDICT_R" in picture and "#c01c28" in picture
    assert "color=red" in (tmp_path / "learned.dot").read_text()
    assert (tmp_path / "difference-1-1.jsonl").read_text().count("\n") >= 5
    assert as_data(report, " ".join)["differences"][0]["command"].endswith("VERDICT")


@pytest.mark.parametrize(
    ("role", "check", "letter", "severity", "requirement"),
    [
        ("service", "signature_3_verifies", "message_3_forged", "critical", "EDH-10"),
        ("device", "signature_2_verifies", "message_2_forged", "critical", "EDH-08"),
        ("service", "eat_nonce_is_binder", "ATT_old", "high", "ATT-16"),
        ("device", "handshake_ends_in_time", "clock", "high", "SES-20"),
        ("service", "eat_signature_verifies", "ATT_forged", "high", "ATT-11"),
        ("service", "edhoc_after_completion_is_discarded", "edhoc_error", "high", "EDH-18"),
        ("service", "certificate_i_is_present", "client_flight_empty", "high", "TLS-03"),
    ],
)
def test_a_missing_check_is_found(role: Role, check: str, letter: str, severity: str, requirement: str) -> None:
    binding = "tls" if letter.startswith("client_flight") else "edhoc"
    report = examined(LocalIut(role, binding=binding, off=frozenset({check})), letter)
    found = [(d, r) for d, r in zip(report.differences, report.requirements, strict=True) if d.word[-1] == letter]
    assert found, report.differences
    assert (found[0][0].severity, found[0][1]) == (severity, requirement)


def test_a_close_that_ends_nothing_is_worse_than_a_missing_refusal() -> None:
    report = examined(LocalIut("device", off=frozenset({"close_keeps_session"})), "CLOSE")
    assert report.differences[0].word[-1] == "CLOSE"
    assert (report.differences[0].severity, report.differences[0].reason) == ("high", "goes on where the table ends")
    assert "session after its end" in [f.name for f in report.findings]


def test_the_peer_that_takes_everything_everywhere_is_learned_all_the_same() -> None:
    report = examined(LocalIut("service", off=frozenset({"frame_is_expected"})))
    assert report.verdict == DIFFERS
    assert report.severity in ("critical", "high")


def test_two_answers_to_one_word_are_a_finding(tmp_path: Path) -> None:
    pings = count(1)

    class Fickle(Endpoint):
        """Answers PING with silence every third time."""

        def send_frame(self, frame: bytes) -> None:
            if frame[1] != 10 or next(pings) % 3:
                super().send_frame(frame)

    report = examined(LocalIut("service", make=Fickle))
    assert report.verdict == NONDETERMINISTIC
    assert report.conflict is not None and report.conflict.word[-1] == "PING"
    assert len(report.transcripts) == 2
    write(report, tmp_path, " ".join)
    assert (tmp_path / "answer-1-1.jsonl").exists() and (tmp_path / "answer-2-1.jsonl").exists()


def test_an_interruption_keeps_what_was_found() -> None:
    def stop(system: System) -> None:
        if system.resets > 60:
            raise KeyboardInterrupt

    system = prepared(LocalIut("service", off=frozenset({"frame_is_expected"})), full=False, progress=stop)
    report = examine(system, name="interrupted")
    assert report.verdict == "interrupted"
    assert report.learned is None and report.differences and report.requirements


@pytest.mark.parametrize("role", ["device", "service"])
@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_the_tables_machine_shows_no_pattern_and_no_difference(role: str, binding: str) -> None:
    table = kept_machine(role, binding)
    assert findings(table, role, binding) == []
    assert differences(table, table) == []


def test_a_machine_that_opens_early_shows_the_pattern() -> None:
    table = kept_machine("service", "edhoc")
    steps = dict(table.steps)
    steps["wait_message_3", "message_3_forged"] = steps["wait_message_3", "message_3"]
    weak = Mealy(table.alphabet, table.states, steps)
    assert [d.severity for d in differences(weak, table)] == ["critical"]
    assert "authenticated without a signature" in [f.name for f in findings(weak, "service", "edhoc")]
    assert "message_3_forged / message_4 HELLO_R" in side_by_side(table, weak, "weak")
