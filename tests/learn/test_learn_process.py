"""The command over real processes and sockets."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.conformance.fleet import Fleet
from trustconn.harness.learn.letter import VERBS, Letter, Playing
from trustconn.harness.learn.letters import alphabet
from trustconn.harness.learn.mealy import Mealy
from trustconn.harness.learn.play import Play
from trustconn.harness.learn.system import System
from trustconn.harness.learn.table_machine import kept_machine
from trustconn.harness.tester.live import IutSession
from trustconn.harness.verdict.request import RunRequest


@pytest.mark.parametrize(("role", "binding"), [("device", "edhoc"), ("service", "edhoc"), ("service", "tls")])
def test_the_reference_peer_is_the_table_under_the_basic_letters(role: str, binding: str, tmp_path: Path) -> None:
    words = ["learn", "--role", role, "--binding", binding, "--alphabet", "basic", "--out", str(tmp_path)]
    assert main(words) == exit_code.PASSED
    found = json.loads((tmp_path / role / "learned.json").read_text())
    assert (found["verdict"], found["severity"], found["differences"]) == ("equal", None, [])
    assert len(found["learned"]["states"]) == len(found["table"]["states"]) == 7
    assert "no difference" in (tmp_path / role / "machines.svg").read_text()


def test_a_word_that_shows_a_missing_check(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["learn", "--role", "service", "--without", "verdict_comes_in_time", "--word", "message_1 message_3 clock"]
    assert main(words) == exit_code.FAILED
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1].split(maxsplit=1) == ["clock", "silent   the table: ALERT_R:25 end"]


def test_every_letter_is_answered_by_a_process_as_by_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    word = (
        "message_1 other_session app_send message_3 edhoc_error HELLO VERDICT PING ATT app_send DATA ATT_REQ VERDICT "
    )
    word += "clock DATA ATT other_session restart message_1 message_3 message_3_forged HELLO app_close DATA CLOSE"
    assert main(["learn", "--role", "service", "--word", word]) == exit_code.PASSED, capsys.readouterr().out


def test_every_letter_is_answered_over_tls_as_by_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    word = "server_flight other_session app_send HELLO ATT VERDICT PING app_send DATA ATT_REQ VERDICT clock DATA ATT "
    word += "restart tls_alert restart server_flight_forged restart server_flight HELLO app_close DATA CLOSE"
    words = ["learn", "--role", "device", "--binding", "tls", "--word", word]
    assert main(words) == exit_code.PASSED, capsys.readouterr().out


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--role", "device", "--local", "--word", "HELO"]) == exit_code.USAGE
    assert "did you mean HELLO" in capsys.readouterr().err


def dies(play: Playing) -> None:
    """Stands for a message that crashes the implementation."""
    assert isinstance(play, Play) and isinstance(play.iut, IutSession)
    assert play.iut.launched.process is not None
    play.iut.launched.process.kill()


POISON = Letter("poison", "a message on which it dies", dies)


def with_poison(table: Mealy) -> Mealy:
    steps = dict(table.steps) | {(state, POISON.name): ("silent", state) for state in table.states}
    return Mealy((*table.alphabet, POISON.name), table.states, steps)


def test_an_implementation_that_dies_is_told_apart_and_started_again(tmp_path: Path) -> None:
    with ExitStack() as undo:
        fleet = Fleet(RunRequest(out=tmp_path, role="service"))
        undo.callback(fleet.stop)
        letters = alphabet("service", "edhoc", full=False, verbs=VERBS)
        table = with_poison(kept_machine("service", "edhoc").restricted([letter.name for letter in letters]))
        system = System(fleet.iut("service"), [*letters, POISON], table, renew=lambda: fleet.iut("service"))
        assert system.query(["message_1", "poison", "message_3"])[1:] == ["end crashed", "ended"]
        assert system.query(["message_1", "message_3"]) == ["message_2", "message_4 HELLO_R"]
