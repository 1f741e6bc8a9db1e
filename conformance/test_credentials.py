"""Identity certificates: bad ones under a trusted root, references to them, and keys that do not belong to them.

The tester proves possession of the bad certificate's key, and a fresh proof of status goes with it.
"""

import dataclasses
from collections.abc import Callable, Iterator

from cbor2 import CBORTag

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.identity.credentials import Credentials
from ..harness.identity.errors import CredentialUnavailable, Refused
from ..harness.identity.faults import CREDENTIAL_FAULTS, bad_leaf
from ..harness.identity.keys import PrivateKey, derive_key, signer
from ..harness.identity.pki import issue_leaf
from ..harness.identity.world import World
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import OPPOSITE, Iut
from ..harness.tester.telling import Telling
from ..model.terms import Term
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .parties import (
    CREDENTIAL_MESSAGE,
    LETTERS,
    PARTIES,
    credential_message,
    key_of,
    leaf_of,
    presenting,
    tam_of,
    world_with,
)

ROLES = ("device", "service")


def side_of_peer(role: str) -> str:
    """Letter of the peer of an implementation, as check names have it."""
    return LETTERS[OPPOSITE[role]].lower()


def _certificate_cases() -> Iterator[Case]:
    for role in ROLES:
        for name, bad in CREDENTIAL_FAULTS.items():
            case = fault(role, bad.check_on(side_of_peer(role)), "issue", name)
            if name == "chain-out-of-order":
                # A TLS peer may look for the path itself (RFC 9846 section 4.4.2).
                case = dataclasses.replace(case, only="edhoc")
            yield citing(case, "IDN-22") if name == "unknown-critical-extension" else case


@for_each(_certificate_cases(), handshake=True)
def test_certificate(case: Case, bench: Bench) -> None:
    """A leaf refused solely because of the one thing that makes it bad: IDN-10 to IDN-18, REV-02."""
    iut, key = bench.iut, None
    victim = iut.world.credentials.leaf
    if case.field == "key-of-the-victim":
        # Whoever has stolen a party's key must not be able to pose as others to that party.
        victim = leaf_of(iut)
        key = key_of(iut, victim)
    bad = bad_leaf(iut.pki, iut.opposite, case.field, victim)
    bench.refuses(Telling(credential_message(iut)), world=presenting(iut, bad, key))


# --- keys that do not belong to the certificate ----------------------------------------------------------------------


def _possession(role: str, field: str) -> Case:
    check = "signature_2_verifies" if role == "device" else "signature_3_verifies"
    return fault(role, check, "sign", field)


@for_each(_possession(role, field) for role in ROLES for field in ("other-key", "attestation-key", "issuer-key"))
def test_possession(case: Case, bench: Bench) -> None:
    """The intended peer's own certificate, refused solely because its key did not sign: EDH-08, EDH-10."""
    iut = bench.iut
    other = {
        "other-key": derive_key(iut.pki.seed, "somebody else"),
        "attestation-key": iut.world.credentials.ak_key,
        "issuer-key": iut.pki.branch(iut.opposite).issuing.key,
    }
    key = other[case.field]
    assert key is not None
    tale = {PARTIES[iut.opposite].key: lambda peer, honest: signer(key)}
    bench.refuses(Telling(credential_message(iut), tale))


@for_each(
    fault(role, f"cred_{side_of_peer(role)}_is_not_mine", "present", "certificate-of-the-victim") for role in ROLES
)
def test_reflected_certificate(case: Case, bench: Bench) -> None:
    """The implementation's own certificate sent back to it: IDN-17. It fails further checks too, as it must."""
    iut = bench.iut
    leaf, issuing = leaf_of(iut), iut.pki.branch(iut.role).issuing
    key = key_of(iut, leaf)
    proofs = iut.pki.staple(leaf, issuing)
    world = world_with(iut, leaf=leaf, chain=issuing.chain, key=key, proofs=proofs)
    bench.refuses(Telling(credential_message(iut)), world=world)


# --- references to certificates --------------------------------------------------------------------------------------

Reference = Callable[[World], dict[int, object]]


def _chain(world: World) -> list[bytes]:
    return [item.der for item in (world.credentials.leaf, *world.credentials.chain)]


def _thumbprint(world: World) -> list[object]:
    return [-16, world.credentials.leaf.sha256]


REFERENCES: dict[str, Reference] = {
    "kid": lambda world: {4: b"\x2b"},
    "kid-of-many-octets": lambda world: {4: world.credentials.leaf.sha256},
    "x5chain-and-x5t": lambda world: {33: _chain(world), 34: _thumbprint(world)},
    "x5chain-and-kid": lambda world: {4: b"\x2b", 33: _chain(world)},
    "x5bag": lambda world: {32: _chain(world)},
    "x5u": lambda world: {35: CBORTag(32, "https://service.example/certificate")},
    "nothing": lambda world: {},
    "x5chain-of-nothing": lambda world: {33: []},
    "x5chain-of-nine": lambda world: {33: [_chain(world)[0], *_chain(world)[1:] * 8]},
    "x5chain-backwards": lambda world: {33: _chain(world)[::-1]},
    "x5chain-of-text": lambda world: {33: "certificate"},
    "x5t-unknown": lambda world: {34: [-16, bytes(32)]},
    "x5t-end-altered": lambda world: {34: [-16, world.credentials.leaf.sha256[:-1] + b"\x00"]},
    "x5t-of-another-hash": lambda world: {34: [-15, world.credentials.leaf.sha256[:8]]},
    "x5t-last-bit": lambda world: {34: [-16, one_bit_other(world.credentials.leaf.sha256)]},
    "x5t-cut-short": lambda world: {34: [-16, world.credentials.leaf.sha256[:31]]},
}


def _reference_case(role: str, form: str) -> Case:
    case = fault(role, f"id_cred_{side_of_peer(role)}_is_a_certificate", "refer-by", form)
    if form == "x5chain-of-nine":
        return citing(case, "IDN-22")
    return citing(case, "IDN-19") if form.startswith("x5t") else case


def reference_tale(world: World, reference: Reference) -> dict[Term, bytes]:
    """What the tester says to name its own certificate in another way."""
    party, id_cred = PARTIES[world.role], cbor.encode(reference(world))
    tale: dict[Term, bytes] = {party.id_cred: id_cred}
    try:
        world.credential(id_cred)
    except (Refused, CredentialUnavailable):
        tale[party.cred] = cbor.bstr(world.credentials.leaf.der)
    return tale


def referring(world: World, reference: Reference) -> Deviation:
    """The tester's own certificate, named in another way."""
    return Telling(CREDENTIAL_MESSAGE["edhoc"][world.role], reference_tale(world, reference))


@for_each((_reference_case(role, form) for role in ROLES for form in REFERENCES), only="edhoc")
def test_reference(case: Case, bench: Bench) -> None:
    """An honest certificate, refused solely because of how ID_CRED_x names it: IDN-09, IDN-19, IDN-22."""
    world = knowing_itself(bench.iut)
    bench.refuses(referring(world, REFERENCES[case.field]), world=world)


def knowing_itself(iut: Iut) -> World:
    """The tester's world in which its own certificates can be looked up."""
    own = (iut.world.credentials.leaf, *iut.world.credentials.chain)
    anchors = dataclasses.replace(iut.world.anchors, known=(*iut.world.anchors.known, *own))
    return iut.fresh_world(anchors=anchors)


ACCEPTED: dict[str, Reference] = {
    "x5chain": lambda world: {33: cose.x5chain(_chain(world))},
    "x5t": lambda world: {34: _thumbprint(world)},
}


@for_each((Case(role, ("IDN-09",), "refer-by", form) for role in ROLES for form in ACCEPTED), only="edhoc")
def test_accepted_reference(case: Case, bench: Bench) -> None:
    """Both forms of reference lead to an open session: IDN-09."""
    bench.iut.need_feature("credential_forms", case.field)
    world = knowing_itself(bench.iut)
    bench.works(opened, deviation=referring(world, ACCEPTED[case.field]), world=world)


@for_each(Case(role, ("IDN-10",), "present", "root-too") for role in ROLES)
def test_root_sent_along(case: Case, bench: Bench) -> None:
    """A chain that goes on to the trust anchor itself is verified like one that ends below it: IDN-10."""
    iut = bench.iut
    branch = iut.pki.branch(iut.opposite)
    chain = (*iut.world.credentials.chain, branch.root.certificate)
    bench.works(opened, world=world_with(iut, chain=chain))


@for_each(
    fault(
        role, f"cred_{side_of_peer(role)}_key_is_of_one_identity", "certify-again", f"accepted-before{when}", data=when
    )
    for role in ROLES
    for when in ("", "-and-restarted")
)
def test_key_of_another_identity(case: Case, bench: Bench) -> None:
    """A leaf for a second identity, refused solely because its key was accepted for the first: ROT-04, IDN-25."""
    iut = bench.iut
    key = derive_key(iut.pki.seed, f"shared by two {case.field}")
    first, second = (_party_with(iut, key, label) for label in ("first of two", "second of two"))
    admitted = {"authorised_devices": [party.leaf.identity for party in (iut.world.credentials, first, second)]}
    with iut.configured(**(admitted if iut.role == "service" else {})):
        iut.good(world=_as(iut, first))
        if case.data:
            iut.restart()
    with iut.configured(**(admitted if iut.role == "service" else {})):
        bench.refuses(
            Telling(credential_message(iut)), world=_as(iut, second), configuration=f"two identities{case.data}"
        )


def _party_with(iut: Iut, key: PrivateKey, label: str) -> Credentials:
    """A further party with that identity key."""
    party, issuing = iut.pki.party(iut.opposite, label), iut.pki.branch(iut.opposite).issuing
    leaf = issue_leaf(dataclasses.replace(iut.pki.leaf_spec(iut.opposite, label), key=key), issuing)
    proofs = iut.pki.staple(leaf.certificate, issuing)
    return dataclasses.replace(party, leaf=leaf.certificate, key=key, proofs=proofs)


def _as(iut: Iut, party: Credentials) -> World:
    return iut.fresh_world(credentials=party, tam=tam_of(iut, party))
