"""Virtualized roots of trust: who may endorse them, what a relying party remembers of them, and that one runs once."""

import json
import time
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.x509 import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st
from test_identity_separation import Refusers, credential_calls, sides

from trustconn.cli.main import main
from trustconn.harness.codec import cbor, cose
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.identity.certificate import parse_certificate
from trustconn.harness.identity.oids import EVIDENCE
from trustconn.harness.identity.path import verify_path
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.tam import measurements
from trustconn.harness.identity.tester import TesterPki, opposite
from trustconn.harness.identity.virtual import INSTANCE, MOST_GENERATIONS, UEID, VirtualRoot, read_virtual_root
from trustconn.harness.identity.virtual_faults import VIRTUAL_FAULTS, bad_virtual_leaf
from trustconn.harness.identity.virtual_party import virtual_party
from trustconn.harness.identity.world import MAX_REMEMBERED, LiveSeeds, Memory, World
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role

NOW = 1_800_000_000
ROOTS = st.builds(
    VirtualRoot,
    st.binary(min_size=UEID, max_size=UEID),
    st.binary(min_size=INSTANCE, max_size=INSTANCE),
    st.integers(0, MOST_GENERATIONS - 1),
)
Pair = tuple[World, World, TesterPki]


@given(ROOTS)
def test_the_extension_is_read_as_it_was_written(root: VirtualRoot) -> None:
    assert read_virtual_root(root.encode()) == root


@given(ROOTS, st.data())
def test_no_other_octets_are_read(root: VirtualRoot, data: st.DataObject) -> None:
    der = bytearray(root.encode())
    at = data.draw(st.sampled_from((0, 1, 2, 3, 4 + UEID, 5 + UEID, 6 + UEID + INSTANCE, 7 + UEID + INSTANCE)))
    der[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(der), root.encode() + b"\x00", root.encode()[:-1]):
        with pytest.raises(ValueError, match="tc-virtual"):
            read_virtual_root(wrong)


@pytest.mark.parametrize("number", ["80", "0080ffffffffff", "00ff", "ff"])
def test_generations_are_unsigned_shortest_and_bounded(number: str) -> None:
    root = VirtualRoot(bytes(UEID), bytes(INSTANCE), 0).encode()
    content = bytes.fromhex(number)
    der = root[:-2] + bytes([len(content)]) + content
    der = der[:1] + bytes([len(der) - 2]) + der[2:]
    if number == "00ff":
        assert read_virtual_root(der).generation == 0xFF
        return
    with pytest.raises(ValueError, match="tc-virtual"):
        read_virtual_root(der)


@pytest.mark.parametrize("peer_role", ["device", "service"])
def test_nobody_refuses_an_honest_tenant(pair: Pair, peer_role: str, refusers: Refusers) -> None:
    world, _ = sides(pair, peer_role)
    tenant = virtual_party(pair[2], peer_role)
    assert refusers(world, credential_calls(world, tenant.issued.id_cred(), b"")) == {}


@pytest.mark.parametrize("fault", sorted(VIRTUAL_FAULTS.keys() - {"extension-twice"}))
@pytest.mark.parametrize("peer_role", ["device", "service"])
def test_a_bad_tenant_is_refused_by_its_check_alone(pair: Pair, peer_role: str, fault: str, refusers: Refusers) -> None:
    world, _ = sides(pair, peer_role)
    bad = bad_virtual_leaf(pair[2], peer_role, fault, world.credentials.leaf)
    assert list(refusers(world, credential_calls(world, bad.issued.id_cred(), b""))) == [bad.check]


def test_generations_outlive_a_restart_and_are_bounded() -> None:
    memory = Memory()
    root = VirtualRoot(b"\x01" * UEID, bytes(INSTANCE), 7)
    memory.accept_generation(root)
    memory.accept_generation(VirtualRoot(root.ueid, root.instance, 6))
    again = Memory.restore(json.loads(json.dumps(memory.save())))
    assert again.generations == {root.ueid + root.instance: 7}
    for number in range(MAX_REMEMBERED + 10):
        again.accept_generation(VirtualRoot(root.ueid, number.to_bytes(INSTANCE, "big"), 1))
    assert len(again.generations) == MAX_REMEMBERED


class Connection:
    """A session that ends when it is told to."""

    alive = True

    def lives(self) -> bool:
        return self.alive


def test_another_seed_is_admitted_once_nobody_lives_who_showed_the_first() -> None:
    live, first, copy, other = LiveSeeds(), Connection(), Connection(), Connection()
    assert live.show(b"leaf", first, b"seed")
    assert not live.show(b"leaf", copy, b"other seed")
    assert live.show(b"another leaf", other, b"other seed")
    assert live.show(b"leaf", first, b"seed after another start of its own")
    first.alive = False
    assert live.show(b"leaf", copy, b"other seed")
    del copy
    assert live.sessions(b"leaf") == 0


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_clone_raises_an_alarm(role: Role) -> None:
    """The application learns which check has met the second, and the first goes on."""
    iut = LocalIut(role)
    tenant = virtual_party(iut.pki, iut.opposite)
    first_tam, second_tam = (iut.pki.tam(iut.opposite, tenant) for _ in range(2))
    second_tam.boot_seed = bytes(32)
    first = iut.converse(world=iut.fresh_world(credentials=tenant, tam=first_tam))
    assert first.until_open()
    told: Endpoint | None = iut.latest
    second = iut.converse(world=iut.fresh_world(credentials=tenant, tam=second_tam))
    assert not second.until_open()
    assert iut.latest is not None
    assert told is not None
    assert [e.fields["check"] for e in iut.latest.events if e.name == "refused"] == ["boot_seed_is_of_one_instance"]
    assert told.state == "OPEN"
    assert first.finish()


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_tenant_is_provisioned_and_loads(role: str, tmp_path: Path) -> None:
    assert main(["provision", role, "--virtual", "--seed", "tenant", "--out", str(tmp_path / "made")]) == 0
    world = load_world(tmp_path / "made" / "iut", lambda: int(time.time()))
    assert world.credentials.leaf.virtual is not None
    assert len(world.tam.boot_seed) == 32


@pytest.mark.parametrize("role", ["device", "service"])
def test_the_platform_has_attested_what_runs_the_tenant(role: str, tmp_path: Path) -> None:
    """Its token stands in the leaf: signed by the platform's attestation key, over the digest of the leaf's key."""
    pki = provision(tmp_path, seed=b"tenant", now=NOW, role=role, virtual=True)
    leaf = load_world(tmp_path / "iut", lambda: NOW).credentials.leaf
    found = leaf.parsed.extensions.get_extension_for_oid(ObjectIdentifier(EVIDENCE))
    assert not found.critical
    der = found.value.public_bytes()
    kind, token, indicator = cbor.decode(der[-int.from_bytes(der[2:4], "big") :])
    assert (der[:2], kind, indicator) == (b"\x04\x82", 263, 4)
    protected, unprotected, payload, signature = cbor.decode(token).value
    ak, *chain = map(parse_certificate, unprotected[33])
    assert leaf.virtual is not None
    physical = read_virtual_root(leaf.virtual)
    assert ak.uris == (physical.physical,)
    verify_path(ak, chain, [pki.attestation.root.certificate])
    ES256.verify(ak.public_key, signature, cose.sig_structure(protected, b"tc1-eat", payload))
    claims = cbor.decode(payload)
    assert (claims[10], claims[256]) == (sha256(leaf.spki).digest(), physical.ueid)
    assert claims[273] == measurements(dict(pki.policy(opposite(role), leaf).reference_values))


def test_one_of_a_pair_can_be_a_tenant() -> None:
    device, service, _ = make_pair(b"tenant", NOW, virtual="service")
    assert (device.credentials.leaf.virtual, device.tam.boot_seed) == (None, b"")
    assert service.credentials.leaf.virtual is not None
    assert len(service.tam.boot_seed) == 32
