"""`trustconn verify`: what it prints, writes and answers with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustconn.cli.main import main

NEEDHAM = """
usertype Unused;
protocol ns(I, R)
{
  role I
  {
    fresh ni: Nonce;
    var nr: Nonce;
    send_1(I, R, {I, ni}pk(R));
    recv_2(R, I, {ni, nr}pk(I));
    send_3(I, R, {nr}pk(R));
    claim_i(I, Secret, ni);
  }
  role R
  {
    var ni: Nonce;
    fresh nr: Nonce;
    recv_1(I, R, {I, ni}pk(R));
    send_2(R, I, {ni, nr}pk(I));
    recv_3(I, R, {nr}pk(R));
    claim_r(R, Secret, nr);
  }
}
"""


def test_a_claim_is_decided_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.json"
    assert main(["verify", "--claim", "CLM-06", "--json", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["CLM-06", "CLM-06"]
    proof, attack = json.loads(file.read_text())["answers"]
    assert proof["verdict"] == "proof" and proof["attack"] is None
    assert attack["verdict"] == "attack" and attack["powers"] == ["hostile-tam"]
    assert attack["attack"]["events"]


def test_without_a_check_the_proof_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["verify", "--claim", "CLM-06", "--without", "ak_names_peer_device", "--chart"])
    out, err = capsys.readouterr()
    assert code == 1
    assert "CLM-06: no proof" in err
    assert "the attacker, who is the network" in out


def test_powers_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--claim", "CLM-14", "--powers", "network,own-identity-key"]) == 0
    assert " proof " in capsys.readouterr().out


def test_a_file_with_an_attack_lacks_a_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ns.spdl"
    file.write_text(NEEDHAM)
    assert main(["verify", str(file)]) == 1
    out, err = capsys.readouterr()
    verdicts = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert " proof " in verdicts["i"] and " attack " in verdicts["r"]
    assert err.splitlines() == ["r: attack"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--claim", "CLM-99"], "unknown claim 'CLM-99'"),
        (["--claim", "CLM-20"], "CLM-20 is specified and not decided by the model"),
        (["--powers", "magic"], "unknown power 'magic'"),
        (["--powers", "stolen-identity-key,hostile-tam"], "one power only"),
        (["--matrix", "--without", "g_x_is_valid"], "--matrix goes with neither"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_an_error_in_a_file_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.spdl"
    file.write_text("protocol p(I, R)\n{\n  role I { nonsense }\n}\n")
    assert main(["verify", str(file)]) == 2
    assert "bad.spdl:3:12: " in capsys.readouterr().err


def test_the_claims_over_tls_have_the_same_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--binding", "tls", "--claim", "CLM-05"]) == 0
    assert capsys.readouterr().out.count("CLM-05") == 2


def test_a_claim_about_tpm_evidence_is_asked_over_edhoc(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--claim", "CLM-25"]) == 0
    assert capsys.readouterr().out.count("proof") == 1
    assert main(["verify", "--binding", "tls", "--claim", "CLM-25"]) == 2
    assert "CLM-25 is not asked over tls" in capsys.readouterr().err


def test_the_matrix_has_both_bindings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--binding", "tls", "--matrix"]) == 2
    assert "both bindings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--powers", "stolen"], "unknown power over a file 'stolen'; known: dishonest, network"),
        (["--powers", "network,dishonets"], "did you mean dishonest?"),
        (["--claim", "CLM-01"], "unknown claim 'CLM-01'"),
        (["--times"], "--times goes with no other choice"),
    ],
)
def test_what_a_file_does_not_know_is_refused(
    options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ns.spdl"
    file.write_text(NEEDHAM)
    assert main(["verify", str(file), *options]) == 2
    assert complaint in capsys.readouterr().err


def test_without_dishonest_agents_needham_and_schroeder_hold(tmp_path: Path) -> None:
    file = tmp_path / "ns.spdl"
    file.write_text(NEEDHAM)
    assert main(["verify", str(file), "--powers", "network"]) == 0
    assert main(["verify", str(file), "--powers", "network,dishonest"]) == 1


def test_a_model_in_which_a_role_cannot_finish_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ns.spdl"
    file.write_text(NEEDHAM.replace("recv_3(I, R, {nr}pk(R))", "recv_3(I, R, {nr}pk(I))"))
    assert main(["verify", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out.count("vacuous") == 2
    assert "cannot come to its end: ns,R" in err


def test_a_claim_that_only_asks_for_another_role_does_not_hide_a_stuck_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stuck.spdl"
    file.write_text(
        "protocol p(A, B) { role A { fresh n: Nonce; send_1(A, B, n); claim_a(A, Reachable); }"
        " role B { var n: Nonce; recv_1(A, B, {n}k(A, B)); } }"
    )
    assert main(["verify", str(file)]) == 1
    assert "cannot come to its end: p,B" in capsys.readouterr().err
