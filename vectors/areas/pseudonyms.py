"""Pseudonyms: their certificates, HELLOs and evidence, and labels under one's other name (section 9.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.codec.cose import cose_key
from ...harness.identity.anonymous import BRANCH, LIFETIME, PseudonymIssuer, module_of, obtain
from ...harness.identity.certificate import Certificate
from ...harness.identity.credentials import Credentials
from ...harness.identity.keys import PrivateKey
from ...harness.identity.oids import EKU_ANON, EKU_DEVICE, EKU_EAT_AK, EKU_SERVICE
from ...harness.identity.pki import HOUR, Authority, Issued, LeafSpec, Subject, issue_leaf, organization
from ...harness.identity.tester import ROLES, TesterPki, opposite
from ...harness.identity.world import World
from ...harness.tester.attesting import cmw
from ...harness.tester.deviation import Lie
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Role
from ...model.protocol.attestation import binder
from ...model.protocol.frames import FLAG_ANONYMOUS, FLAG_REQUIRES_EVIDENCE, SIDES
from ...model.protocol.labels import LABEL
from ...model.terms import Term
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import evidence, hellos, labels
from .certificates import failing, id_cred, parties, receiver
from .honest import CONTENT, Moment, lying, moment
from .judged import Candidate, invalid, valid
from .seed import NOW, stream

SOURCE = "generated; section 9.2, chapters 2, 6 and 11"
RELYING_PARTIES = ("https://a.example/", "https://b.example/")
DAY = 86400


def pseudonym(pki: TesterPki, role: str, relying_party: str = RELYING_PARTIES[0]) -> Credentials:
    """What the issuer gives a party for one relying party."""
    platform, draw = pki.party(role), stream(f"pseudonym {role} {relying_party}")
    issuer = PseudonymIssuer(pki.pseudonyms.issuing, (pki.attestation.root.certificate,), draw.child("issuer"))
    sign = pki.tam(role, platform).sign_attestation
    return obtain(issuer, platform, sign, role, relying_party, draw(32), NOW)


def _again(certificate: Certificate, key: PrivateKey, issuer: Authority, **changes: Any) -> Issued:
    """A certificate like that one with fields of its specification replaced."""
    spec = LeafSpec(
        Subject(changes.pop("organization", organization(BRANCH)), "pseudonym"), certificate.uris,
        tuple(sorted(certificate.eku)), certificate.not_before, certificate.not_after, certificate.serial, key,
    )  # fmt: skip
    return issue_leaf(dataclasses.replace(spec, **changes), issuer)


# --- certificates ----------------------------------------------------------------------------------------------------


def _leaf(pki: TesterPki, role: str, **changes: Any) -> Issued:
    """The pseudonym's leaf with fields of its specification replaced."""
    made = pseudonym(pki, role)
    assert made.key is not None
    return _again(made.leaf, made.key, changes.pop("issuer", pki.pseudonyms.issuing), **changes)


def _identity(pki: TesterPki, role: str) -> Issued:
    """The party's own self, certified by the issuer of pseudonyms."""
    start = NOW // HOUR * HOUR
    spec = dataclasses.replace(
        pki.leaf_spec(role, role), subject=Subject(organization(BRANCH), "identity"), not_before=start,
        not_after=start + LIFETIME,
    )  # fmt: skip
    return issue_leaf(spec, pki.pseudonyms.issuing)


def _bad_leaves(role: str) -> dict[str, tuple[str, Issued, str]]:
    """By operator: what of the check's name follows the side, the leaf, a word on it."""
    pki = parties()[1]
    leaf = pseudonym(pki, role).leaf
    branch, start = pki.branch(role), leaf.not_before
    mine, other = (EKU_DEVICE, EKU_SERVICE) if role == "device" else (EKU_SERVICE, EKU_DEVICE)
    has_role = f"has_{role}_role"
    ordinary: dict[str, Any] = {"issuer": branch.issuing, "organization": branch.organization}
    return {
        "a-second-longer": ("pseudonym_is_short_lived", _leaf(pki, role, not_after=start + LIFETIME + 1), "too long"),
        "for-a-week": ("pseudonym_is_short_lived", _leaf(pki, role, not_after=start + 7 * DAY), "for a week"),
        "by-the-authority-of-identities": ("path_verifies", _leaf(pki, role, **ordinary), "by the ordinary authority"),
        "identity-by-the-issuer": ("path_verifies", _identity(pki, role), "an identity by the issuer of pseudonyms"),
        "expired": ("is_in_validity", _leaf(pki, role, not_before=NOW - DAY, not_after=NOW - 1), "has ended"),
        "not-yet-valid": ("is_in_validity", _leaf(pki, role, not_before=NOW + 1, not_after=NOW + DAY), "not yet valid"),
        "of-the-other-role": (has_role, _leaf(pki, role, eku=(other, EKU_ANON)), "of the other role"),
        "of-both-roles": (has_role, _leaf(pki, role, eku=(mine, other, EKU_ANON)), "of both roles"),
        "for-evidence-too": (
            "is_no_attestation_certificate", _leaf(pki, role, eku=(*sorted(leaf.eku), EKU_EAT_AK)), "attests too",
        ),
    }  # fmt: skip


@contextmanager
def _admitting(world: World, *, admits: bool = True) -> Iterator[None]:
    before = world.policy
    world.policy = dataclasses.replace(before, admits_anonymous=admits)
    try:
        yield
    finally:
        world.policy = before


def _given(issued: Issued, *, admits: bool = True) -> dict[str, Json]:
    return {"id_cred": octets(id_cred(issued)), "admits_pseudonyms": admits}


def _certificate(role: str, check: str, operator: str, comment: str, issued: Issued, *, admits: bool = True) -> Vector:
    world, field = parties()[0][opposite(role)], f"{role}'s pseudonym"
    with _admitting(world, admits=admits):
        found = failing(world, role, id_cred(issued))
    if found != [check]:
        raise GeneratorError(f"{role} {operator} is refused by {found}, not by {check}")
    given = _given(issued, admits=admits)
    said = refusals(check, handshake=True)
    needed = "ANO-10" if not admits else requirement(check)
    return Vector(needed, field, operator, False, comment, given, refusals=said)


def _certificates(role: str) -> Iterator[Vector]:
    pki, side = parties()[1], "i" if role == "device" else "r"
    own = pki.party(role)
    with _admitting(world := parties()[0][opposite(role)]):
        for operator, issued, comment in (
            ("honest", _leaf(pki, role), "a pseudonym for exactly a day"),
            ("for-an-hour", _leaf(pki, role, not_after=NOW + HOUR), "a shorter one"),
            ("identity", Issued(own.leaf, own.chain, own.key), "an identity beside pseudonyms"),
        ):
            if found := failing(world, role, id_cred(issued)):
                raise GeneratorError(f"{role} {operator} is refused by {found}")
            output = {"identity": issued.certificate.identity, "leaf": octets(issued.certificate.sha256)}
            yield Vector("ANO-10", f"{role}'s pseudonym", operator, True, comment, _given(issued), output)
    for operator, (check, issued, comment) in _bad_leaves(role).items():
        yield _certificate(role, f"cred_{side}_{check}", operator, comment, issued)
    if role == "service":
        uris = ("https://other.example/", _leaf(pki, role).certificate.platform)
        other = _leaf(pki, role, uris=uris)
        yield _certificate(role, "cred_r_is_intended", "of-another", "a good one of another service", other)
    check = "cred_i_is_authorised" if role == "device" else "cred_r_is_intended"
    yield _certificate(role, check, "not-admitted", "policy admits no pseudonyms", _leaf(pki, role), admits=False)


# --- sessions --------------------------------------------------------------------------------------------------------


def _anonymous(iut: LocalIut, **changes: Any) -> World:
    """The tester under a pseudonym."""
    made = pseudonym(iut.pki, iut.opposite)
    module = module_of(made, iut.pki.tam(iut.opposite, iut.world.credentials))
    return iut.fresh_world(credentials=dataclasses.replace(made, **changes), tam=module)


def _admits(iut: LocalIut) -> AbstractContextManager[None]:
    return iut.configured(admits_anonymous=True)


def _moment(receiver: Role, kind: str, **options: Any) -> Moment:
    name = f"{kind}_{evidence.LETTER[OPPOSITE[receiver]]}"
    return moment(receiver, name, world=_anonymous, within=_admits, **options)


arriving = cache(_moment)
"""A message of somebody under a pseudonym, and the same receiver."""


@cache
def ordinary(receiver: Role, kind: str) -> Moment:
    """A message of an identity to a receiver that admits pseudonyms."""
    return moment(receiver, f"{kind}_{evidence.LETTER[OPPOSITE[receiver]]}", within=_admits)


# --- HELLO -----------------------------------------------------------------------------------------------------------


def _flags(at: Moment, operator: str, comment: str, flags: int) -> Candidate:
    kind, body = cbor.decode(at.frame)
    frame = encode([kind, {**body, 5: flags}])
    return Candidate("HELLO[5]", operator, frame, {"frame": octets(frame)}, comment)


def _hellos(at: Moment) -> Iterator[Vector]:
    hidden = at.peer.leaf.anonymous
    right, wrong = (FLAG_REQUIRES_EVIDENCE | flag for flag in ((FLAG_ANONYMOUS, 0) if hidden else (0, FLAG_ANONYMOUS)))
    who = "a pseudonym" if hidden else "an identity"
    for vector in valid(at, "ANO-02", [_flags(at, "honest", f"{who} that says so", right)]):
        yield dataclasses.replace(vector, output={"direction": hellos.ATTESTS})
    yield from invalid(at, [_flags(at, "flag-4-other", f"{who} that says the contrary", wrong)], must=True)
    more = wrong | 8
    yield from invalid(at, [_flags(at, "flag-4-other-with-8", f"{who} that says the contrary", more)], must=True)


def _knowledge(at: Moment) -> dict[str, Json]:
    return {**hellos.knowledge(at), "issuer": octets(at.peer.chain[0].der)}


# --- evidence --------------------------------------------------------------------------------------------------------


def _attested(maker: evidence.Maker, operator: str, comment: str, made: Issued, key: PrivateKey) -> Candidate:
    """A token by another attestation key, or one with another certificate."""
    at = maker.at
    own = dataclasses.replace(at.peer, ak=made.certificate, ak_chain=made.chain, ak_key=key)
    tam = at.iut.pki.tam(at.sender.role, own)
    tam.bootcount = at.sender.world.tam.bootcount
    world = dataclasses.replace(at.sender.world, credentials=own, tam=tam)
    return maker.candidate("attestation certificate", operator, comment, cmw(maker.token(world=world)))


def _keys(maker: evidence.Maker) -> Iterator[Candidate]:
    """Attestation keys that are not the pseudonym's, or for too long."""
    at, pki = maker.at, maker.at.iut.pki
    ak, key, branch = at.peer.ak, at.peer.ak_key, pki.attestation
    assert key is not None
    again = partial(_again, ak, key, pki.pseudonyms.issuing)
    usual: dict[str, Any] = {"organization": branch.organization}
    by_others = partial(_again, ak, key, branch.issuing, **usual)
    yield _attested(maker, "ordinary", "an ordinary certificate of that key", by_others(eku=(EKU_EAT_AK,)), key)
    yield _attested(maker, "by-the-ordinary-authority", "tc-anon by the ordinary authority", by_others(), key)
    yield _attested(maker, "a-second-longer", "too long", again(not_after=ak.not_before + LIFETIME + 1), key)
    over = {"not_before": NOW - DAY, "not_after": NOW - 1}
    yield _attested(maker, "expired", "has ended", again(**over), key)
    yield _attested(maker, "for-identities-too", "of a device too", again(eku=(*sorted(ak.eku), EKU_DEVICE)), key)
    other = pseudonym(pki, at.sender.role, RELYING_PARTIES[1])
    assert other.ak_key is not None
    issued = Issued(other.ak, other.ak_chain, other.ak_key)
    yield _attested(maker, "of-another-pseudonym", "of the platform's other pseudonym", issued, other.ak_key)


def _claims(maker: evidence.Maker) -> Iterator[Candidate]:
    """What the platform behind the pseudonym, or its other pseudonym, would say."""
    at, pki, role = maker.at, maker.at.iut.pki, maker.at.sender.role
    other = pseudonym(pki, role, RELYING_PARTIES[1])
    for operator, leaf in (("of-the-platform", pki.party(role).leaf), ("of-another-pseudonym", other.leaf)):
        ueid = bytes.fromhex(leaf.platform.rpartition(":")[2])
        key = {maker.terms.token.cnf: encode(cose_key(leaf.public_key))}
        yield maker.told("claims[256]", operator, "another name of the platform", {maker.terms.ueid: encode(ueid)})
        yield maker.told("claims[8]", operator, "another key of the platform", key)
    own = at.value(binder(SIDES[at.sender.letter]))
    half = {maker.terms.nonce: encode(one_bit_other(own))}
    yield maker.told("claims[10]", "one-bit-other", "one bit of the binder", half)


def _evidence(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver, "ATT")
    maker = evidence.Maker(at)
    yield from valid(at, "ANO-05", [maker.candidate("token", "honest", "under a pseudonym", cmw(maker.token()))])
    yield from invalid(at, (*_keys(maker), *_claims(maker)), must=True)


def _identity_evidence(receiver: Role) -> Iterator[Vector]:
    """The evidence of an identity, by a key that is a pseudonym's or its own."""
    at = ordinary(receiver, "ATT")
    maker, pki = evidence.Maker(at), at.iut.pki
    yield from valid(at, "ANO-10", [maker.candidate("token", "honest", "an identity's", cmw(maker.token()))])
    own, key = at.peer.ak, at.peer.ak_key
    assert key is not None
    start = NOW // HOUR * HOUR
    life = {"not_before": start, "not_after": start + LIFETIME, "eku": (EKU_EAT_AK, EKU_ANON)}
    made = _again(own, key, pki.pseudonyms.issuing, **life)
    candidate = _attested(maker, "of-a-pseudonym", "an identity's evidence by a pseudonym's key", made, key)
    yield from invalid(at, [candidate], must=True)


def _relying_party(at: Moment) -> dict[str, Json]:
    roots = at.world.anchors.anonymous_roots
    return {**evidence.relying_party(at), "pseudonym_roots": [octets(root.der) for root in roots]}


# --- labels ----------------------------------------------------------------------------------------------------------


def _labels(receiver: Role, at: Moment, other: Callable[[TesterPki, str], Credentials]) -> Iterator[Vector]:
    """DATA of one platform under its other name."""
    role, label = at.sender.role, LABEL[at.sender.letter]
    world = _anonymous if at.peer.leaf.anonymous else None
    theirs = other(at.iut.pki, role)
    module = at.iut.pki.tam(role, theirs)

    def lied(field: str, operator: str, comment: str, term: Term, change: Any) -> Candidate:
        lie: Lie = lying(term, change, at.message.name, by_module=False)
        frame = moment(receiver, at.message.name, lie=lie, world=world, within=_admits).frame
        return Candidate(field, operator, frame, {"frame": octets(frame)}, comment)

    for vector in valid(at, "ANO-06", [Candidate("DATA", "honest", at.frame, {"frame": octets(at.frame)}, "its own")]):
        yield dataclasses.replace(vector, output={"content": octets(CONTENT)})
    leaf = theirs.leaf
    lies = (
        lied("label[34]", "of-the-other-name", "names the other leaf", label.x5t, encode([-16, leaf.sha256])),
        lied("label[15][2]", "of-the-other-name", "the other subject", label.subject, encode(leaf.identity)),
        lied("label[15][1]", "of-the-other-name", "the other platform", label.issuer, encode(leaf.platform)),
        lied(
            "label signature", "of-the-other-name", "signed by the other key", label.signature,
            lambda honest: module.sign_identity(at.sender.run.value(label.tbs)),
        ),
    )  # fmt: skip
    yield from (dataclasses.replace(vector, requirement="ANO-06") for vector in invalid(at, lies))


# --- groups ----------------------------------------------------------------------------------------------------------


def _groups() -> Iterator[Group]:
    for role in ROLES:
        world = parties()[0][opposite(role)]
        roots = [octets(root.der) for root in world.anchors.anonymous_roots]
        common = {**receiver(world), "pseudonym_roots": roots}
        yield Group(role, "pseudonym-certificate", SOURCE, tuple(_certificates(role)), common)
    for relying in evidence.RECEIVERS:
        yield from _session(relying, "pseudonym", arriving, _evidence, TesterPki.party)
        yield from _session(relying, "identity", ordinary, _identity_evidence, pseudonym)


def _session(
    relying: Role,
    name: str,
    at: Callable[[Role, str], Moment],
    attests: Callable[[Role], Iterator[Vector]],
    other: Callable[[TesterPki, str], Credentials],
) -> Iterator[Group]:
    """HELLO, evidence and labels of a party under one of its names; `other` is the other."""
    who, hello = f"of-a-{OPPOSITE[relying]}s-{name}", at(relying, "HELLO")
    yield Group(f"hello-{who}", "hello", SOURCE, tuple(_hellos(hello)), _knowledge(hello))
    common = _relying_party(at(relying, "ATT"))
    yield Group(f"evidence-{who}", "pseudonym-evidence", SOURCE, tuple(attests(relying)), common)
    data = at(relying, "DATA")
    yield Group(f"labels-{who}", "label", SOURCE, tuple(_labels(relying, data, other)), labels.session(data))


AREA = Area("pseudonyms", "Who speaks under a pseudonym: certificate, HELLO, evidence and labels.", _groups)
