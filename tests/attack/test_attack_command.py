"""`trustconn attack`: what it prints, writes and answers with, in this process and over real ones."""

import copy
import json
import sys
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.harness.attack.story import Story
from trustconn.harness.identity.provision import provision
from trustconn.model.extract.committed import attacks, shown
from trustconn.model.extract.modes import MODES
from trustconn.model.extract.removal import remove

NOW = 1_800_000_000
BOTH_ARE_WAIVED = next(mode for mode in MODES if str(mode) == "ww")


def test_the_attack_of_one_check_is_played_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trials.json"
    assert main(["attack", "--without", "eat_nonce_is_binder", "--json", str(file), "--chart"]) == 0
    printed = capsys.readouterr().out
    assert "refused by alert:23      succeeded: then came VERDICT_I, ATT_I, PONG_I" in printed
    assert "TH_2#0 = hash(" in printed
    assert "1 attacks, 1 played: 1 succeed without the check, 1 are refused with it, 0 not as expected" in printed
    without, complete = json.loads(file.read_text(encoding="utf-8"))["trials"]
    assert (without["result"], complete["result"]) == ("succeeded", "refused")
    assert complete["at"] == "ATT_R"
    assert complete["expected"] == ["alert:23"]


def test_the_list_names_step_and_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "--list", "--role", "service"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["label_seq_increases", "CLM-08", "service", "DATA_I", "LBL-09"] in [line.split() for line in lines]
    assert not any(" device " in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--without", "g_x_is_valid"], "no attack without g_x_is_valid: redundant"),
        (["--without", "eat_nonce_is_binder", "--role", "service"], "no attack on a service without eat_nonce_is_bind"),
        (["--without", "no_such_check"], "no_such_check"),
        (["--iut", "nowhere.toml"], "nowhere.toml"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_bad_usage_is_said_in_a_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main(["attack", *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert complaint in capsys.readouterr().err


def test_what_is_not_shown_to_succeed_is_a_deviation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trustconn.harness.attack.trial.beside", dict)
    assert main(["attack", "--without", "label_seq_increases"]) == 1
    assert "NOT AS EXPECTED" in capsys.readouterr().out


def test_attacks_that_were_found_elsewhere_are_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "matrix.json"
    names = ("label_digest_is_content", "ak_is_for_eat + ak_is_not_the_identity_key")
    answers = [{"without": name.split(" + "), "broken": [attacks()[name]]} for name in names]
    file.write_text(json.dumps({"version": 1, "answers": answers}), encoding="utf-8")
    assert main(["attack", "--found", str(file)]) == 0
    assert "2 attacks, 2 played: 2 succeed without the check, 2 are refused" in capsys.readouterr().out
    assert main(["attack", "--found", str(file), "--without", "label_sid_is_this_session"]) == 2
    assert f"no attack without label_sid_is_this_session in {file}" in capsys.readouterr().err


def test_an_attack_on_what_no_peer_plays_is_left_to_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, name = tmp_path / "matrix.json", "tpm_ak_is_restricted"
    answers = [{"without": [name], "variant": "tpm", "broken": [shown()[name]]}]
    file.write_text(json.dumps({"version": 1, "answers": answers}), encoding="utf-8")
    assert main(["attack", "--found", str(file), "--without", name]) == 2
    assert f"no attack without {name} in {file}" in capsys.readouterr().err
    assert main(["attack", "--without", name]) == 2
    assert "carries, in the model alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"answers": 3}',
        '{"answers": [{"without": ["no_check"], "broken": [{}]}]}',
        '{"answers": [{"without": ["g_x_is_valid"], "broken": [{"claim": "CLM-01"}]}]}',
    ],
)
def test_a_file_of_something_else_is_said_in_a_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "matrix.json"
    file.write_text(text, encoding="utf-8")
    assert main(["attack", "--found", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trustconn: {file}: ")


def test_an_attack_that_cannot_be_read_is_shown_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copy.deepcopy(attacks()["eat_signature_verifies"])
    data["attack"]["runs"][0]["role"] = "device xx"
    unread = Story("eat_signature_verifies", data)
    monkeypatch.setattr("trustconn.harness.attack.trial.stories", lambda: {unread.name: unread})
    for options, code in ((["--list"], 0), ([], 1), (["--role", "service"], 1)):
        assert main(["attack", *options]) == code
        assert "not played: the table has no role device xx" in capsys.readouterr().out


# --- an implementation in a process of its own -----------------------------------------------------------------------


def described(folder: Path, role: str, *options: str) -> Path:
    """The description of a reference peer behind the vendors' control plane."""
    provision(folder / "credentials", seed=b"attack command", now=NOW, role=role, with_waiver=True)
    runner = [sys.executable, "-m", "trustconn.harness.peer.runner", role, "--credentials", "credentials/iut"]
    command = [*runner, "--control", "stdio", "--clock", "control", "--now", str(NOW), *options]
    connect = '[wire]\nconnect = "control"\n' if role == "device" else ""
    file = folder / "iut.toml"
    file.write_text(
        f'[iut]\nname = "peer"\nrole = "{role}"\nversion = "1"\n{connect}[credentials]\nfolder = "credentials"\n'
        f'[features]\npresents_waiver = true\n[control]\nmode = "stdio"\ncommand = {json.dumps(command)}\n',
        encoding="utf-8",
    )
    return file


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_complete_implementation_refuses_all(role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "--iut", str(described(tmp_path, role))]) == 0, capsys.readouterr().out
    *lines, summary = capsys.readouterr().out.splitlines()
    assert summary == f"{len(lines) - 1} refused"


def test_one_that_lacks_a_check_falls_to_its_attack_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = described(tmp_path, "device", "--without", "waiver_names_the_peer_leaf")
    assert main(["attack", "--iut", str(file)]) == 1
    *lines, summary = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if " succeeded: " in line] == ["waiver_names_the_peer_leaf"]
    assert summary == f"{len(lines) - 2} refused, 1 succeeded"


def test_a_mode_that_is_not_declared_is_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (breach,) = remove(("signature_3_verifies",), ("CLM-01",), modes=(BOTH_ARE_WAIVED,)).breaches
    broken = {"claim": "CLM-01", "role": breach.role, "event": breach.event, "attack": breach.attack.to_json()}
    found = tmp_path / "found.json"
    found.write_text(json.dumps({"answers": [{"without": ["signature_3_verifies"], "broken": [broken]}]}))
    file = described(tmp_path, "service")
    assert main(["attack", "--iut", str(file), "--found", str(found)]) == 0
    text = file.read_text(encoding="utf-8").replace("presents_waiver = true", "")
    file.write_text(text, encoding="utf-8")
    assert main(["attack", "--iut", str(file), "--found", str(found)]) == 3
    assert "not played: feature presents_waiver is not declared" in capsys.readouterr().out


def test_one_that_does_not_start_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = described(tmp_path, "service", "--no-such-option")
    assert main(["attack", "--iut", str(file)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trustconn: {file}: ")


def test_the_role_is_that_of_the_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = described(tmp_path, "service")
    assert main(["attack", "--iut", str(file), "--role", "device"]) == 2
    assert "describes a service" in capsys.readouterr().err
