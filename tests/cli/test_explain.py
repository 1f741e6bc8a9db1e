"""`explain` follows the chain from any of its links."""

import pytest

from trustconn.cli.main import main
from trustconn.model.checks import CHECKS


@pytest.mark.parametrize(
    ("wanted", "ties"),
    [
        ("ATT-16", ["requirement", "MUST", "binder_mismatch", "eat_nonce_is_binder", "A.2.4.2", "CLM-05"]),
        ("eat_nonce_is_binder", ["check", "symbolic", "ATT-16", "alert:23", "tolerated"]),
        ("CLM-05", ["claim", "holds under", "network", "ATT-16"]),
        ("A.2.4.2", ["threat", "clause", "ATT-16"]),
        ("6.5/1", ["clause", "WVR-03", "eat_nonce_is_binder"]),
    ],
)
def test_an_id_is_shown_with_what_it_is_tied_to(
    wanted: str, ties: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", wanted]) == 0
    said = capsys.readouterr().out
    assert wanted in said
    assert [tie for tie in ties if tie not in said] == []


def test_a_clause_stands_for_all_its_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "6.5"]) == 0
    said = capsys.readouterr().out
    assert "6.5/1" in said
    assert "6.5/2" in said


def test_every_check_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert [name for name in CHECKS if main(["explain", name]) != 0] == []
    assert capsys.readouterr().err == ""
