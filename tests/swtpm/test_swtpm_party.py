"""Reference peers whose keys are in a TPM: provisioned, measured, started, run, and gone with their module."""

import json
import os
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
from two_peers import exchange, talk

from trustconn.cli.main import main
from trustconn.harness.identity import swtpm_party
from trustconn.harness.identity.credentials import CredentialError
from trustconn.harness.identity.measured import measured_start
from trustconn.harness.identity.policy import TPM_FORMAT
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.identity.tam import BootEvent
from trustconn.harness.identity.tpm_tam import TpmTam
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.tpm.swtpm import require_swtpm

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_swtpm()
    out = tmp_path_factory.mktemp("party")
    provision(out, seed=b"in a TPM", now=NOW, role="device", tam="swtpm")
    return out


def test_a_session_opens_and_the_module_shows_what_it_measured(made: Path) -> None:
    mine, theirs = (load_world(made / name, lambda: NOW) for name in ("iut", "tester/peer"))
    device, service = Endpoint("device", mine), Endpoint("service", theirs)
    talk(device, service)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert isinstance(mine.tam, TpmTam)
    assert mine.tam.key_attributes() == {1: False, 2: True, 3: True, 4: True}
    assert mine.tam is load_world(made / "iut", lambda: NOW).tam


def test_a_platform_that_changes_after_its_start_signs_nothing_more(tmp_path: Path) -> None:
    provision(tmp_path, seed=b"changes", now=NOW, role="device", tam="swtpm")
    mine, theirs = (load_world(tmp_path / name, lambda: NOW) for name in ("iut", "tester/peer"))
    device, service = Endpoint("device", mine), Endpoint("service", theirs)
    talk(device, service)
    assert isinstance(mine.tam, TpmTam)
    mine.tam.tpm.extend(11, bytes(32))
    device.send_data(b"data")
    assert device.state == "CLOSED"
    service.receive_data(device.data_to_send())
    assert [event.fields["code"] for event in service.events if event.name == "alert_received"] == [80]


def test_a_platform_that_changes_between_two_attestations_is_refused(tmp_path: Path) -> None:
    provision(tmp_path, seed=b"changes", now=NOW, role="device", tam="swtpm")
    mine, theirs = (load_world(tmp_path / name, lambda: NOW) for name in ("iut", "tester/peer"))
    theirs.policy = replace(theirs.policy, accepted=(TPM_FORMAT,))
    device, service = Endpoint("device", mine), Endpoint("service", theirs)
    talk(device, service)
    assert isinstance(mine.tam, TpmTam)
    mine.tam.tpm.extend(11, bytes(32))
    service.reattest()
    exchange(device, service)
    refused = [event.fields["check"] for event in service.events if event.name == "refused"]
    assert refused == ["tpm_pcrs_match_reference_values"]


def test_no_private_key_is_written(made: Path) -> None:
    assert [file.name for file in (made / "iut").glob("*.key.pem")] == []


def test_a_platform_that_starts_with_something_else_signs_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = measured_start()
    altered = (BootEvent(first.component, bytes(32)), *rest)
    monkeypatch.setattr(swtpm_party, "measured_start", lambda: altered)
    provision(tmp_path, seed=b"altered", now=NOW, role="device", tam="swtpm")
    monkeypatch.undo()
    with pytest.raises(CredentialError, match="keys can be used by what has started"):
        load_world(tmp_path / "iut", lambda: NOW)


def test_another_module_in_the_same_folder_is_seen(made: Path, tmp_path: Path) -> None:
    copytree(made / "iut", tmp_path / "iut")
    for file in (tmp_path / "iut" / "tpm").iterdir():
        file.unlink()
    with pytest.raises(CredentialError, match="the TPM whose keys are in leaf"):
        load_world(tmp_path / "iut", lambda: NOW)


def test_a_peer_runs_from_the_command_line_and_takes_its_module_along(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trustconn", "peer", "service", "--tam", "swtpm"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdout is not None
        assert json.loads(peer.stdout.readline())["port"]
        (module,) = Path(f"/proc/{peer.pid}/task/{peer.pid}/children").read_text(encoding="ascii").split()
        ended = select.poll()
        ended.register(os.pidfd_open(int(module)), select.POLLIN)
        peer.kill()
        assert ended.poll(20_000)


def test_the_suite_runs_against_peers_with_their_keys_in_a_module(tmp_path: Path) -> None:
    words = ["run", "--tam", "swtpm", "--select", "ATT-16 or LBL-05", "--out", str(tmp_path)]
    assert main(words) == 0
    names = {
        iut["name"] for iut in json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["header"]["iuts"]
    }
    assert names == {f"trustconn reference {role}, keys in swtpm" for role in ("device", "service")}


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--tam", "swtpm", "--binding", "tls"],
        ["peer", "service", "--tam", "swtpm", "--binding", "tls"],
        ["peer", "service", "--tam", "swtpm", "--credentials", "."],
    ],
)
def test_what_does_not_go_with_a_module_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--tam" in capsys.readouterr().err
