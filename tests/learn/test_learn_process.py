"""The command over real processes and sockets."""

import json
from pathlib import Path

import pytest

from trustconn.cli import exit_code
from trustconn.cli.main import main


@pytest.mark.parametrize("role", ["device", "service"])
def test_the_reference_peer_is_the_table_under_the_basic_letters(role: str, tmp_path: Path) -> None:
    assert main(["learn", "--role", role, "--alphabet", "basic", "--out", str(tmp_path)]) == exit_code.PASSED
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


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--role", "device", "--local", "--word", "HELO"]) == exit_code.USAGE
    assert "did you mean HELLO" in capsys.readouterr().err
