"""Software that lets another platform's TPM answer for its own (the cuckoo attack), with two real modules."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from two_peers import talk

from trustconn.harness.identity.policy import TPM_FORMAT
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.identity.tpm_tam import TpmTam
from trustconn.harness.identity.world import World
from trustconn.harness.peer.endpoint import Endpoint

NOW = 1_800_000_000
Swap = Callable[[World, World, TpmTam], None]


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World, Path]:
    """Two devices of one PKI, the same seed and a module each, and the folder of the service that knows the first."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    for folder in folders:
        provision(folder, seed=b"cuckoo", now=NOW, role="device", tam="swtpm")
    one, other = (load_world(folder / "iut", lambda: NOW) for folder in folders)
    return one, other, folders[0] / "tester" / "peer"


def judged(platforms: tuple[World, World, Path], swap: Swap) -> list[object]:
    """Checks of the first device's peer that refuse, when software has swapped something for the second's."""
    first, other, folder = platforms
    service = load_world(folder, lambda: NOW)
    service.policy = replace(service.policy, accepted=(TPM_FORMAT,))
    assert isinstance(first.tam, TpmTam)
    cuckoo = _copy(first.tam)
    one = replace(first, tam=cuckoo)
    swap(one, other, cuckoo)
    ends = Endpoint("device", one), Endpoint("service", service)
    talk(*ends)
    return [event.fields["check"] for event in ends[1].events if event.name == "refused"]


def _copy(tam: TpmTam) -> TpmTam:
    copied = object.__new__(TpmTam)
    copied.__dict__.update(tam.__dict__)
    return copied


def _nothing(one: World, other: World, tam: TpmTam) -> None:
    """Its own module answers."""


def _quote(one: World, other: World, tam: TpmTam) -> None:
    assert isinstance(other.tam, TpmTam)
    tam.__dict__["quote"] = other.tam.quote


def _certification(one: World, other: World, tam: TpmTam) -> None:
    assert isinstance(other.tam, TpmTam)
    tam.__dict__["certify"] = other.tam.certify


def _quote_and_key(one: World, other: World, tam: TpmTam) -> None:
    assert isinstance(other.tam, TpmTam)
    _quote(one, other, tam)
    tam.ak = other.tam.ak
    one.credentials = replace(one.credentials, tpm_ak=other.credentials.tpm_ak)
    tam.__dict__["certify"] = lambda extra: tam.tpm.certify(tam.idk.handle, _own_ak(tam), extra)


def _own_ak(tam: TpmTam) -> int:
    """Every module makes its attestation key anew from the same template: it has the same handle."""
    return tam.ak.handle


def _everything(one: World, other: World, tam: TpmTam) -> None:
    assert isinstance(other.tam, TpmTam)
    _quote_and_key(one, other, tam)
    tam.__dict__["certify"] = other.tam.certify


@pytest.mark.parametrize(
    ("swap", "refused"),
    [
        (_nothing, []),
        (_quote, ["tpm_quote_signature_verifies"]),
        (_certification, ["tpm_certification_signature_verifies"]),
        (_quote_and_key, ["tpm_certification_signature_verifies"]),
        (_everything, ["tpm_certified_name_is_the_identity_key"]),
    ],
)
def test_another_module_cannot_answer(platforms: tuple[World, World, Path], swap: Swap, refused: list[object]) -> None:
    assert judged(platforms, swap) == refused
