"""Who attests to whom: each direction as its relying party asks, and the two kinds of device."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from two_peers import exchange, talk

from trustconn.cli.main import main
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.tam import SoftwareTam
from trustconn.harness.identity.world import World
from trustconn.harness.peer.endpoint import Endpoint

NOW = 1_800_000_000
AFFIRMING, WAIVED, NOT_REQUIRED = 2, 200, 201


def session(mine: World, theirs: World) -> tuple[Endpoint, Endpoint]:
    """What comes of a device and a service."""
    device, service = Endpoint("device", mine), Endpoint("service", theirs)
    talk(device, service)
    return device, service


def given(end: Endpoint, name: str) -> list[int]:
    """Tiers of the verdicts that an end has given or got."""
    return [event.fields["tier"] for event in end.events if event.name == name]


def refused(end: Endpoint) -> list[str]:
    """By which checks."""
    return [event.fields["check"] for event in end.events if event.name == "refused"]


def pair() -> tuple[World, World]:
    """A device and a service that both can attest and both hold waivers."""
    device, service, pki = make_pair(b"directions", NOW)
    for world in (device, service):
        waiver = pki.waiver(world.credentials.leaf).sign(pki.waiver_authority)
        world.credentials = replace(world.credentials, waiver=waiver)
    return device, service


MODES = ("attests", "waived", "not asked")
TIERS = dict(zip(MODES, (AFFIRMING, WAIVED, NOT_REQUIRED), strict=True))


@pytest.mark.parametrize(("of_device", "of_service"), list(product(MODES, MODES)))
def test_each_direction_goes_as_its_relying_party_asks(of_device: str, of_service: str) -> None:
    """Evidence of the service too, where the device asks for it: every combination leads to OPEN."""
    device, service = pair()
    for mode, attester, asks in ((of_device, device, service), (of_service, service, device)):
        if mode != "waived":
            attester.credentials = replace(attester.credentials, waiver=None)
        asks.policy = replace(asks.policy, requires_evidence=mode != "not asked")
    one, other = session(device, service)
    assert (one.state, other.state) == ("OPEN", "OPEN")
    assert given(one, "verdict_sent") == given(other, "verdict_received") == [TIERS[of_service]]
    assert given(other, "verdict_sent") == given(one, "verdict_received") == [TIERS[of_device]]


def test_a_plain_device_has_a_waiver_and_nothing_else(tmp_path: Path) -> None:
    """Figure 3: no component for attestation. Who wants evidence of it gets none, and who takes no waiver refuses."""
    provision(tmp_path, seed=b"plain", now=NOW, role="device", attests=False)
    mine, theirs = (load_world(tmp_path / name, lambda: NOW) for name in ("iut", "tester/peer"))
    assert mine.policy.offered == ()
    one, other = session(mine, theirs)
    assert (one.state, other.state) == ("OPEN", "OPEN")
    assert (given(one, "verdict_received"), given(one, "verdict_sent")) == ([WAIVED], [AFFIRMING])
    theirs.policy = replace(theirs.policy, minimum_waiver_level=4)
    assert refused(session(mine, theirs)[1]) == ["waiver_level_suffices"]
    mine.credentials = replace(mine.credentials, waiver=None)
    assert refused(session(mine, theirs)[1]) == ["peer_offers_evidence"]


def test_a_waiver_of_another_device_is_refused(tmp_path: Path) -> None:
    for name in ("one", "other"):
        provision(tmp_path / name, seed=name.encode(), now=NOW, role="device", attests=False)
    mine, theirs = (load_world(tmp_path / "one" / name, lambda: NOW) for name in ("iut", "tester/peer"))
    borrowed = load_world(tmp_path / "other" / "iut", lambda: NOW).credentials.waiver
    mine.credentials = replace(mine.credentials, waiver=borrowed)
    assert refused(session(mine, theirs)[1]) != []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda tam: tam.reboot(), "bootcount_has_not_changed"),
        (lambda tam: tam.extend(11, bytes(32)), "measurements_match_reference_values"),
    ],
    ids=["reboot", "other software"],
)
@pytest.mark.parametrize("attester", ["device", "service"])
def test_what_happens_between_two_epochs_shows_in_the_second(
    attester: str, change: Callable[[SoftwareTam], object], check: str
) -> None:
    """Checked once is not good for ever (time of check, time of use)."""
    device, service, _ = make_pair(b"epochs", NOW)
    ends = dict(zip(("device", "service"), session(device, service), strict=True))
    asks = ends["service" if attester == "device" else "device"]
    tam = ends[attester].world.tam
    assert isinstance(tam, SoftwareTam)
    change(tam)
    asks.reattest()
    exchange(ends["device"], ends["service"])
    assert refused(asks) == [check]
    assert {end.state for end in ends.values()} == {"CLOSED"}


def listening() -> subprocess.Popen[str]:
    """A reference service."""
    return subprocess.Popen(
        [sys.executable, "-m", "trustconn", "peer", "service", "--events"], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("kind", ["plain", "split"])
def test_both_kinds_run_from_the_command_line(kind: str) -> None:
    """A session opens, with a rich environment in between too."""
    with listening() as service:
        assert service.stdout is not None
        where = json.loads(service.stdout.readline())
        command = [sys.executable, "-m", "trustconn", "peer", "device", "--kind", kind]
        command += ["--connect", f"{where['host']}:{where['port']}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as device:
            seen = next(event for event in map(json.loads, service.stdout) if event["event"] in ("open", "closed"))
            device.terminate()
        service.terminate()
    assert seen["event"] == "open"


@pytest.mark.parametrize(
    "words",
    [
        ["peer", "service", "--kind", "split"],
        ["provision", "service", "--kind", "plain"],
        ["peer", "device", "--kind", "plain", "--credentials", ".", "--connect", "127.0.0.1:1"],
    ],
)
def test_what_is_no_device_has_no_kind(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--kind" in capsys.readouterr().err
