"""HELLO: version, evidence, revocation and waiver of a peer, as the other one judges them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor, cose
from ...harness.codec.cbor import encode
from ...harness.identity.keys import signer
from ...harness.identity.pki import Authority
from ...harness.identity.status import encode_proofs, make_crl, make_ocsp
from ...harness.identity.waiver import EXTERNAL_AAD, Waiver, protected_header
from ...harness.tester.session import OPPOSITE, Role
from ...model.protocol.frames import FLAG_REQUIRES_EVIDENCE, FLAG_WAIVER
from ..vector import Area, Group, Json, Vector, octets
from .evidence import LETTER, RECEIVERS
from .honest import Moment, moment
from .judged import Candidate, invalid, valid
from .labels import KIND
from .seed import NOW

SOURCE = "generated; chapters 5, 6, 8 and 14"
DAY = 86400
ATTESTS, WAIVED = "attests", "waived"


@cache
def arriving(receiver: Role, *, waiver: bool = False) -> Moment:
    """A HELLO on its way to a receiver that requires evidence."""
    return moment(receiver, f"HELLO_{LETTER[OPPOSITE[receiver]]}", waiver=waiver)


def knowledge(at: Moment) -> dict[str, Json]:
    """What the receiver goes by."""
    anchors, policy = at.world.anchors, at.world.policy
    issuer = at.iut.pki.branch(at.sender.role).issuing.certificate
    return {
        "leaf": octets(at.peer.leaf.der),
        "issuer": octets(issuer.der),
        "requires_evidence": policy.requires_evidence,
        "accepted": list(policy.accepted),
        "waiver_authorities": [octets(item.der) for item in anchors.waiver_authorities],
        "revoked_waivers": sorted(octets(item) for item in anchors.revoked_waivers),
        "minimum_level": policy.minimum_waiver_level,
        "now": NOW,
        "max_age": policy.revocation_max_age,
        "tolerance": policy.clock_tolerance,
    }


def _candidate(field: str, operator: str, frame: bytes, comment: str) -> Candidate:
    return Candidate(field, operator, frame, {"frame": octets(frame)}, comment)


def _changed(at: Moment, field: str, operator: str, comment: str, **entries: Any) -> Candidate:
    """The HELLO with entries of its body replaced; None takes one out."""
    kind, body = cbor.decode(at.frame)
    changed = {**body, **{int(key[1:]): value for key, value in entries.items()}}
    return _candidate(field, operator, encode([kind, {k: v for k, v in changed.items() if v is not None}]), comment)


# --- plain -----------------------------------------------------------------------------------------------------------


def _good(at: Moment) -> Iterator[Candidate]:
    issuer = at.iut.pki.branch(at.sender.role).issuing
    crl = cbor.decode(encode_proofs(crls=[make_crl(issuer, [], NOW)]))
    yield _candidate("HELLO", "honest", at.frame, "an honest HELLO")
    yield _changed(at, "HELLO[3]", "several", "several types are offered", _3=[4711, "application/x", 263])
    yield _changed(at, "HELLO[4]", "none", "accepts no evidence", _4=[], _5=0)
    yield _changed(at, "HELLO[5]", "further-flags", "a trusted user interface", _5=FLAG_REQUIRES_EVIDENCE | 8)
    yield _changed(at, "HELLO[6]", "greatest", "limits at their ends", _6=0, _7=2**32 - 1)
    yield _changed(at, "HELLO[8]", "crl", "a CRL in place of an OCSP response", _8=crl)
    yield _changed(at, "HELLO[10]", "present", "a purpose", _10="maintenance")


def _bad(at: Moment) -> Iterator[Candidate]:
    for field, operator, frame in at.alterations():
        if field.path != KIND:
            yield _candidate(field.name, operator, frame, "one field is another")
    issuer, leaf = at.iut.pki.branch(at.sender.role).issuing, at.peer.leaf
    for operator, version in {"zero": 0, "two": 2, "greatest": 2**64 - 1}.items():
        yield _changed(at, "HELLO[1]", operator, "another version", _1=version)
    yield _changed(at, "HELLO[3]", "nothing", "evidence is required and none is offered", _3=[])
    yield _changed(at, "HELLO[3]", "no-common-type", "nothing that is accepted", _3=[4711, "application/x"])
    yield _changed(at, "HELLO[3]", "type-as-text", "a number that stands as text", _3=["263"])
    yield _changed(
        at, "HELLO[5]", "flag-alone", "announces a waiver and shows none", _5=FLAG_REQUIRES_EVIDENCE | FLAG_WAIVER
    )
    yield _changed(at, "HELLO[5]", "unknown-flag", "a flag that does not exist", _5=16)
    for key in (6, 7):
        yield _changed(at, f"HELLO[{key}]", "above", "more than 32 bits", **{f"_{key}": 2**32})
    proofs = {
        "revoked": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW, status="revoked")]),
        "of-another": encode_proofs(ocsp=[make_ocsp(at.world.credentials.leaf, issuer, NOW)]),
        "too-old": encode_proofs(ocsp=[make_ocsp(leaf, issuer, NOW - 8 * DAY, validity=60 * DAY)]),
        "listed": encode_proofs(crls=[make_crl(issuer, [leaf.serial], NOW)]),
    }
    for operator, encoded in proofs.items():
        yield _changed(at, "HELLO[8]", operator, "no proof that the leaf is good", _8=cbor.decode(encoded))
    yield _changed(at, "HELLO[8]", "none", "no proof at all", _8=None)


# --- with a waiver ---------------------------------------------------------------------------------------------------


def _statement(at: Moment, **changes: Any) -> bytes:
    pki = at.iut.pki
    return dataclasses.replace(pki.waiver(at.peer.leaf), **changes).sign(pki.waiver_authority)


def _signed(at: Moment, *, header: dict[Any, Any] | None = None, aad: bytes = EXTERNAL_AAD, **form: Any) -> bytes:
    authority: Authority = form.get("authority", at.iut.pki.waiver_authority)
    waiver: Waiver = at.iut.pki.waiver(at.peer.leaf)
    protected = header if header is not None else protected_header(authority.certificate)
    payload = form.get("payload", waiver.payload())
    return cose.sign1(form.get("sign", signer(authority.key)), protected, form.get("unprotected", {}), payload, aad)


def _waivers(at: Moment) -> dict[str, tuple[bytes, str]]:
    pki, leaf = at.iut.pki, at.peer.leaf
    honest = pki.waiver(leaf)
    header = protected_header(pki.waiver_authority.certificate)
    claims = cbor.decode(honest.payload())
    other = pki.party(at.sender.role, "another").leaf
    statement = _statement(at)
    return {
        "level-2": (_statement(at, level=2), "a level below 3"),
        "level-0": (_statement(at, level=0), "no level"),
        "level-5": (_statement(at, level=5), "a level that does not exist"),
        "of-another-leaf": (_statement(at, leaf_sha256=other.sha256), "about another certificate"),
        "of-the-attestation-key": (
            _statement(at, leaf_sha256=at.peer.ak.sha256),
            "about the attestation key's certificate",
        ),
        "leaf-last-octet": (
            _statement(at, leaf_sha256=one_bit_other(leaf.sha256)),
            "the last octet is another",
        ),
        "expired": (_statement(at, expires_at=at.now), "has ended"),
        "of-the-future": (_statement(at, issued_at=at.now + 61), "not issued yet"),
        "exportable": (_statement(at, not_exportable=False), "the key can be exported"),
        "revoked": (_statement(at, statement_id=pki.revoked_waiver), "is revoked"),
        "unpinned-authority": (_signed(at, authority=pki.unpinned_authority), "by an authority that is not pinned"),
        "by-the-peer": (
            _signed(at, authority=Authority(leaf, at.peer.key)) if at.peer.key else b"",
            "by the peer itself",
        ),
        "other-key": (
            _signed(at, sign=signer(pki.unpinned_authority.key)),
            "signed by another key under the authority's name",
        ),
        "other-external-aad": (_signed(at, aad=b"tc1-label"), "under the domain of labels"),
        "no-external-aad": (_signed(at, aad=b""), "without a domain"),
        "signature-bit": (one_bit_other(statement), "one bit of the signature the other way"),
        "signature-zeros": (statement[:-64] + bytes(64), "a signature of zeros"),
        "typ-of-a-label": (
            _signed(at, header={**header, 16: "application/vnd.tc.label+cose"}),
            "the type of another object",
        ),
        "alg-esp256": (_signed(at, header={**header, 1: -9}), "another number of the algorithm"),
        "kid-too": (_signed(at, header={**header, 4: b"kid"}), "a header too many"),
        "no-typ": (_signed(at, header={k: v for k, v in header.items() if k != 16}), "no type"),
        "chain-unprotected": (
            _signed(at, unprotected={33: pki.waiver_authority.certificate.der}),
            "an unprotected header",
        ),
        "claim-missing": (
            _signed(at, payload=encode({k: v for k, v in claims.items() if k != 7})),
            "custody is not stated",
        ),
        "claim-too-many": (_signed(at, payload=encode({**claims, 9: 1})), "a claim that nobody knows"),
        "custody-as-number": (_signed(at, payload=encode({**claims, 7: 1})), "a number in place of a boolean"),
    }


def _with_waiver(at: Moment, statement: bytes) -> bytes:
    return _changed(at, "", "", "", _9=cbor.decode(statement)).frame


def _bad_waivers(at: Moment) -> Iterator[Candidate]:
    for operator, (statement, comment) in _waivers(at).items():
        yield _candidate("HELLO[9]", operator, _with_waiver(at, statement), comment)
    yield _changed(at, "HELLO[9]", "without-flag", "a waiver that is not announced", _5=FLAG_REQUIRES_EVIDENCE)
    yield _changed(at, "HELLO[9]", "empty", "an empty statement", _9=b"")


def _good_waivers(at: Moment) -> Iterator[Candidate]:
    yield _candidate("HELLO[9]", "honest", at.frame, "a waiver in place of evidence")
    yield _candidate("HELLO[9]", "level-4", _with_waiver(at, _statement(at, level=4)), "a higher level")
    yield _candidate(
        "HELLO[9]",
        "barely-issued",
        _with_waiver(at, _statement(at, issued_at=at.now + 60)),
        "within what clocks may differ",
    )
    yield _candidate(
        "HELLO[9]", "nearly-expired", _with_waiver(at, _statement(at, expires_at=at.now + 1)), "a second left"
    )
    yield _changed(at, "HELLO[3]", "none", "offers no evidence besides", _3=[])


# --- groups ----------------------------------------------------------------------------------------------------------


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    for vector in valid(at, "SES-06", _good(at)):
        yield dataclasses.replace(vector, output={"direction": ATTESTS})
    yield from invalid(at, _bad(at))


def _waived(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver, waiver=True)
    for vector in valid(at, "WVR-10", _good_waivers(at)):
        yield dataclasses.replace(vector, output={"direction": WAIVED})
    yield from invalid(at, _bad_waivers(at))


def _groups() -> Iterator[Group]:
    for receiver in RECEIVERS:
        sender = OPPOSITE[receiver]
        yield Group(f"of-a-{sender}", "hello", SOURCE, tuple(_vectors(receiver)), knowledge(arriving(receiver)))
        waived = arriving(receiver, waiver=True)
        yield Group(f"of-a-{sender}-with-a-waiver", "hello", SOURCE, tuple(_waived(receiver)), knowledge(waived))


AREA = Area("hello", "A HELLO, with a waiver or without, and what its receiver goes by.", _groups)
