"""Revocation: OCSP responses and CRLs that show, or do not show, that a certificate is good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec.cbor import encode
from ...harness.identity.certificate import Certificate
from ...harness.identity.credential_checks import check_status
from ...harness.identity.keys import derive_key
from ...harness.identity.oids import EKU_OCSP_SIGNING
from ...harness.identity.pki import Authority, Issued, issue_leaf
from ...harness.identity.status import encode_proofs, make_crl, make_ocsp
from ...harness.identity.world import Memory, PeerCredential
from ..judging import refusals
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .certificates import parties
from .seed import NOW, SEED

SOURCE = "generated; chapter 14, RFC 6960 sections 3.2 and 4.2, RFC 5280 sections 5 and 6.3"
DAY = 86400
STALE, LONG = 8 * DAY, 60 * DAY
"""Older than policy allows, and valid for long enough that its age alone is wrong."""
LIVES_LONG, LIVES_SHORT = 30 * DAY, 7 * DAY


@dataclass(frozen=True, slots=True)
class Asked:
    """A certificate of a device, its issuer, and somebody beside it."""

    certificate: Certificate
    issuer: Authority
    neighbour: Certificate

    def ocsp(self, **changes: Any) -> bytes:
        """An OCSP response: good, by the issuer, of now."""
        values = {"certificate": self.certificate, "issuer": self.issuer, "this_update": NOW, **changes}
        return make_ocsp(**values)

    def crl(self, *serials: int, issuer: Authority | None = None, age: int = 0, **changes: int) -> bytes:
        """A CRL of the issuer, of now."""
        return make_crl(issuer or self.issuer, serials, NOW - age, **changes)

    @property
    def impostor(self) -> Authority:
        """Somebody with the issuer's name and another key."""
        return replace(self.issuer, key=derive_key(SEED, "impostor"))

    def delegate(self, *usages: str, by: Authority | None = None, not_after: int = NOW + DAY) -> Issued:
        """A certificate for signing OCSP responses, if its usages say so."""
        _, pki = parties()
        spec = replace(pki.leaf_spec("device", "responder"), eku=usages, not_after=not_after)
        return issue_leaf(spec, by or self.issuer)


@cache
def asked(lifetime: int = LIVES_LONG) -> Asked:
    """A device's certificate that lives for so many seconds."""
    _, pki = parties()
    spec = pki.leaf_spec("device", f"asked {lifetime}")
    issuer = pki.device.issuing
    made = issue_leaf(replace(spec, not_before=NOW - DAY, not_after=NOW - DAY + lifetime), issuer)
    return Asked(made.certificate, issuer, pki.party("device", "neighbour").leaf)


def _o(make: Callable[[Asked], bytes]) -> Callable[[Asked], bytes]:
    return lambda a: encode_proofs(ocsp=[make(a)])


def _c(make: Callable[[Asked], bytes]) -> Callable[[Asked], bytes]:
    return lambda a: encode_proofs(crls=[make(a)])


GOOD: dict[str, tuple[Callable[[Asked], bytes], str]] = {
    "ocsp": (_o(lambda a: a.ocsp()), "an OCSP response by the issuer"),
    "ocsp-by-a-delegate": (_o(lambda a: a.ocsp(responder=a.delegate(EKU_OCSP_SIGNING))), "by a delegate of the issuer"),
    "ocsp-nearly-old": (_o(lambda a: a.ocsp(this_update=NOW - 7 * DAY, validity=LONG)), "as old as policy allows"),
    "crl": (_c(lambda a: a.crl()), "a CRL that lists nobody"),
    "crl-with-others": (_c(lambda a: a.crl(a.neighbour.serial, a.certificate.serial ^ 1)), "a CRL that lists others"),
    "both": (lambda a: encode_proofs(ocsp=[a.ocsp()], crls=[a.crl()]), "both kinds"),
    "of-another-first": (
        lambda a: encode_proofs(ocsp=[a.ocsp(certificate=a.neighbour)], crls=[a.crl()]),
        "a proof for another certificate beside the right one",
    ),
}
BAD: dict[str, tuple[str, Callable[[Asked], bytes], str]] = {
    "absent": ("REV-08", lambda a: b"", "no proof at all"),
    "ocsp-revoked": ("REV-03", _o(lambda a: a.ocsp(status="revoked")), "revoked"),
    "ocsp-unknown": ("REV-08", _o(lambda a: a.ocsp(status="unknown")), "unknown to the responder"),
    "ocsp-of-another": ("REV-06", _o(lambda a: a.ocsp(certificate=a.neighbour)), "of another certificate"),
    "ocsp-by-an-impostor": (
        "REV-06",
        _o(lambda a: a.ocsp(issuer=a.impostor)),
        "signed by another key under the issuer's name",
    ),
    "ocsp-by-a-leaf": (
        "REV-06",
        _o(lambda a: a.ocsp(responder=a.delegate())),
        "by a certificate of the issuer that may not",
    ),
    "ocsp-by-a-delegate-of-another": (
        "REV-06",
        _o(lambda a: a.ocsp(responder=a.delegate(EKU_OCSP_SIGNING, by=parties()[1].service.issuing))),
        "by a delegate of another authority",
    ),
    "ocsp-by-an-expired-delegate": (
        "REV-06",
        _o(lambda a: a.ocsp(responder=a.delegate(EKU_OCSP_SIGNING, not_after=NOW - 1))),
        "by a delegate whose certificate has ended",
    ),
    "ocsp-too-old": (
        "REV-07",
        _o(lambda a: a.ocsp(this_update=NOW - STALE, validity=LONG)),
        "older than policy allows",
    ),
    "ocsp-ended": ("REV-06", _o(lambda a: a.ocsp(this_update=NOW - 2 * DAY, validity=DAY)), "nextUpdate has passed"),
    "ocsp-of-tomorrow": ("REV-06", _o(lambda a: a.ocsp(this_update=NOW + DAY)), "thisUpdate lies in the future"),
    "ocsp-signature-bit": ("REV-06", _o(lambda a: one_bit_other(a.ocsp())), "one bit of the signature the other way"),
    "ocsp-cut-short": ("REV-08", _o(lambda a: a.ocsp()[:-20]), "cut short"),
    "crl-revoked": ("REV-03", _c(lambda a: a.crl(a.certificate.serial)), "listed"),
    "crl-revoked-among-others": (
        "REV-03",
        _c(lambda a: a.crl(a.neighbour.serial, a.certificate.serial, a.certificate.serial ^ 1)),
        "listed among others",
    ),
    "crl-of-another-authority": (
        "REV-06",
        _c(lambda a: a.crl(issuer=parties()[1].device.root)),
        "of the authority above",
    ),
    "crl-by-an-impostor": (
        "REV-06",
        _c(lambda a: a.crl(issuer=a.impostor)),
        "signed by another key under the issuer's name",
    ),
    "crl-too-old": ("REV-07", _c(lambda a: a.crl(age=STALE, validity=LONG)), "older than policy allows"),
    "crl-ended": ("REV-06", _c(lambda a: a.crl(age=2 * DAY, validity=DAY)), "nextUpdate has passed"),
    "crl-of-tomorrow": ("REV-06", _c(lambda a: a.crl(age=-DAY)), "thisUpdate lies in the future"),
    "crl-signature-bit": ("REV-06", _c(lambda a: one_bit_other(a.crl())), "one bit of the signature the other way"),
    "crl-announced-as-ocsp": ("REV-08", _o(lambda a: a.crl()), "a CRL announced as an OCSP response"),
    "ocsp-announced-as-crl": ("REV-08", _c(lambda a: a.ocsp()), "an OCSP response announced as a CRL"),
    "revoked-and-good": (
        "REV-03",
        lambda a: encode_proofs(ocsp=[a.ocsp(status="revoked"), a.ocsp()]),
        "revoked by one proof, good by the next",
    ),
    "good-and-revoked": (
        "REV-03",
        lambda a: encode_proofs(ocsp=[a.ocsp()], crls=[a.crl(a.certificate.serial)]),
        "good by one proof, revoked by the next",
    ),
    "empty-list": ("REV-14", lambda a: encode([]), "a list of no proofs"),
    "unknown-kind": ("REV-14", lambda a: encode([[2, a.ocsp()]]), "a kind that does not exist"),
    "empty-proof": ("REV-08", lambda a: encode([[0, b""]]), "a proof of no octets"),
}


def _is_good(what: Asked, proofs: bytes) -> bool:
    world = replace(parties()[0]["service"], memory=Memory())
    try:
        check_status(world, PeerCredential(what.certificate, (what.issuer.certificate,)), proofs)
    except ValueError:
        return False
    return True


def _vectors(what: Asked) -> Iterator[Vector]:
    for name, (make, comment) in GOOD.items():
        yield _vector("REV-03", name, what, make(what), comment, True)
    for name, (needed, make, comment) in BAD.items():
        yield _vector(needed, name, what, make(what), comment, False)


def _vector(
    needed: str, name: str, what: Asked, proofs: bytes, comment: str, good: bool, field: str = "proofs"
) -> Vector:
    if _is_good(what, proofs) is not good:
        raise GeneratorError(f"{name}: the reference decides otherwise")
    given: dict[str, Json] = {"proofs": octets(proofs)}
    return Vector(
        needed, field, name, good, comment, given, refusals=() if good else refusals("peer_leaf_is_not_revoked")
    )


def _common(what: Asked) -> dict[str, Json]:
    policy = parties()[0]["service"].policy
    return {
        "certificate": octets(what.certificate.der),
        "issuer": octets(what.issuer.certificate.der),
        "now": NOW,
        "max_age": policy.revocation_max_age,
        "tolerance": policy.clock_tolerance,
    }


def _short_lived() -> Iterator[Vector]:
    what = asked(LIVES_SHORT)
    field = "proofs of a short-lived certificate"
    yield _vector("REV-03", "absent", what, b"", "seven days: no proof is needed", True, field)
    revoked = encode_proofs(ocsp=[what.ocsp(status="revoked")])
    yield _vector("REV-03", "ocsp-revoked", what, revoked, "revoked all the same", False, field)


def _groups() -> Iterator[Group]:
    yield Group("leaf", "status", SOURCE, tuple(_vectors(asked())), _common(asked()))
    yield Group("short-lived", "status", SOURCE, tuple(_short_lived()), _common(asked(LIVES_SHORT)))
    barely = asked(LIVES_SHORT + 1)
    good = _vector(
        "REV-03", "ocsp", barely, encode_proofs(ocsp=[barely.ocsp()]), "a proof", True, "proofs, one second more"
    )
    bad = _vector(
        "REV-08", "absent", barely, b"", "lives a second more than seven days", False, "proofs, one second more"
    )
    yield Group("barely-long-lived", "status", SOURCE, (good, bad), _common(barely))


AREA = Area(
    "revocation", "A certificate, its issuer and proofs of its status: whether they show that it is good.", _groups
)
