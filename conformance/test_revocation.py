"""Revocation: proofs of status with one thing wrong, good ones, certificates that need none, and ALERT revoked."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.identity.certificate import Certificate
from ..harness.identity.keys import derive_key
from ..harness.identity.oids import EKU_OCSP_SIGNING
from ..harness.identity.pki import (
    Authority,
    AuthoritySpec,
    Issued,
    LeafSpec,
    Subject,
    authority_spec,
    issue_authority,
    issue_leaf,
    leaf_spec,
    serial_number,
)
from ..harness.identity.status import encode_proofs, make_crl, make_ocsp
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling, tell
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.frames import FrameType
from ..model.refusals import Code
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .parties import LETTERS, world_with
from .stages import INTERVAL, open_then_request, when_open
from .test_evidence import att, evidence
from .test_evidence_again import reattested

ROLES = ("device", "service")
DAY = 86400
STALE, LONG = 180 * DAY, 365 * DAY
"""Seconds: older than any careful policy allows, and a proof's own end far beyond that."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What proofs are about: a certificate of a branch, its issuer, and the time at which honest proofs are made."""

    iut: Iut
    branch: str
    certificate: Certificate
    issuer: Authority
    now: int

    @property
    def neighbour(self) -> Certificate:
        """Another certificate by the same issuer."""
        return issue_leaf(_spec(self.iut, self.branch, "neighbour"), self.issuer).certificate

    @property
    def impostor(self) -> Authority:
        """Somebody with the issuer's name and another key."""
        return dataclasses.replace(self.issuer, key=derive_key(self.iut.pki.seed, "impostor"))

    def delegate(self, *usages: str) -> Issued:
        """A certificate by the issuer, for signing OCSP responses if it says so."""
        spec = dataclasses.replace(_spec(self.iut, self.branch, "responder"), eku=usages)
        return issue_leaf(spec, self.issuer)


def _spec(iut: Iut, branch: str, label: str) -> LeafSpec:
    return leaf_spec(iut.pki.seed, iut.pki.now, branch, iut.pki.names("device", label), f"{branch} {label}")


def of_leaf(iut: Iut) -> Asked:
    """The tester's own leaf."""
    leaf, issuer = iut.world.credentials.leaf, iut.pki.branch(iut.opposite).issuing
    return Asked(iut, iut.opposite, leaf, issuer, iut.clock.now())


def of_attestation_key(iut: Iut, *, not_after: int | None = None) -> Asked:
    """The tester's attestation key, certified by a trusted authority of which the implementation holds no CRL."""
    pki = iut.pki
    spec = authority_spec(pki.seed, pki.now, "attestation", "issuing")
    issuer = issue_authority(_authority(iut, spec, "third"), pki.attestation.root)
    ak = pki.ak_spec(iut.opposite)
    issued = issue_leaf(dataclasses.replace(ak, not_after=not_after or ak.not_after), issuer)
    return Asked(iut, "attestation", issued.certificate, issuer, iut.clock.now())


def below_another(iut: Iut) -> tuple[Asked, Authority]:
    """The tester's attestation key two authorities below a trusted one, and the upper of the two.

    About the lower one the implementation holds no list.
    """
    spec = authority_spec(iut.pki.seed, iut.pki.now, "attestation", "issuing")
    above = issue_authority(_authority(iut, spec, "upper", path_length=1), iut.pki.attestation.root)
    lower = issue_authority(_authority(iut, spec, "lower"), above)
    issued = issue_leaf(iut.pki.ak_spec(iut.opposite), lower)
    return Asked(iut, "attestation", issued.certificate, lower, iut.clock.now()), above


def _authority(iut: Iut, spec: AuthoritySpec, name: str, **changes: Any) -> AuthoritySpec:
    seed, subject = iut.pki.seed, Subject(spec.subject.organization, f"attestation {name} authority")
    serial, key = serial_number(seed, name), derive_key(seed, name)
    return dataclasses.replace(spec, subject=subject, serial=serial, key=key, **changes)


def _ocsp(asked: Asked, **changes: Any) -> bytes:
    values = {"certificate": asked.certificate, "issuer": asked.issuer, "this_update": asked.now, **changes}
    return make_ocsp(**values)


def _crl(asked: Asked, issuer: Authority | None = None, age: int = 0, **changes: int) -> bytes:
    return make_crl(issuer or asked.issuer, [], asked.now - age, **changes)


Make = Callable[[Asked], bytes]


def _by_ocsp(make: Make) -> Make:
    return lambda asked: encode_proofs(ocsp=[make(asked)])


def _by_crl(make: Make) -> Make:
    return lambda asked: encode_proofs(crls=[make(asked)])


PROOFS: dict[str, Make] = {
    "absent": lambda asked: b"",
    "ocsp-revoked": _by_ocsp(lambda asked: _ocsp(asked, status="revoked")),
    "ocsp-unknown": _by_ocsp(lambda asked: _ocsp(asked, status="unknown")),
    "ocsp-of-another-certificate": _by_ocsp(lambda asked: _ocsp(asked, certificate=asked.neighbour)),
    "ocsp-by-an-impostor": _by_ocsp(lambda asked: _ocsp(asked, issuer=asked.impostor)),
    "ocsp-by-a-leaf": _by_ocsp(lambda asked: _ocsp(asked, responder=asked.delegate())),
    "ocsp-too-old": _by_ocsp(lambda asked: _ocsp(asked, this_update=asked.now - STALE, validity=LONG)),
    "ocsp-ended": _by_ocsp(lambda asked: _ocsp(asked, this_update=asked.now - 2 * DAY, validity=DAY)),
    "ocsp-of-tomorrow": _by_ocsp(lambda asked: _ocsp(asked, this_update=asked.now + DAY)),
    "ocsp-signature-bit": _by_ocsp(lambda asked: one_bit_other(_ocsp(asked))),
    "ocsp-cut-short": _by_ocsp(lambda asked: _ocsp(asked)[:-20]),
    "crl-revoked": _by_crl(lambda asked: make_crl(asked.issuer, [asked.certificate.serial], asked.now)),
    "crl-of-another-authority": _by_crl(lambda asked: _crl(asked, asked.iut.pki.branch(asked.branch).root)),
    "crl-by-an-impostor": _by_crl(lambda asked: _crl(asked, asked.impostor)),
    "crl-too-old": _by_crl(lambda asked: _crl(asked, age=STALE, validity=LONG)),
    "crl-ended": _by_crl(lambda asked: _crl(asked, age=2 * DAY, validity=DAY)),
    "crl-of-tomorrow": _by_crl(lambda asked: _crl(asked, age=-DAY)),
    "crl-signature-bit": _by_crl(lambda asked: one_bit_other(_crl(asked))),
    "crl-announced-as-ocsp": _by_ocsp(_crl),
    "revoked-and-good": lambda asked: encode_proofs(ocsp=[_ocsp(asked, status="revoked"), _ocsp(asked)]),
    "good-and-revoked": lambda asked: encode_proofs(
        ocsp=[_ocsp(asked)], crls=[make_crl(asked.issuer, [asked.certificate.serial], asked.now)]
    ),
}


def proof_case(role: str, check: str, field: str) -> Case:
    """A case of one of `PROOFS`, with the requirement on proofs that it breaks."""
    case = fault(role, check, "prove", field)
    if field.endswith("too-old"):
        return citing(case, "REV-07")
    return citing(case, "REV-08" if field in ("absent", "ocsp-unknown", "ocsp-cut-short") else "REV-06")


@for_each(proof_case(role, "peer_leaf_is_not_revoked", field) for role in ROLES for field in PROOFS)
def test_leaf(case: Case, bench: Bench) -> None:
    """A leaf refused solely because its proof of status does not show that it is good: REV-03, REV-06, REV-08."""
    iut = bench.iut
    world = world_with(iut, proofs=PROOFS[case.field](of_leaf(iut)))
    bench.refuses(Telling(f"HELLO_{LETTERS[iut.opposite]}"), world=world)


def attesting(asked: Asked) -> World:
    """The tester with that attestation certificate."""
    return world_with(asked.iut, ak=asked.certificate, ak_chain=asked.issuer.chain)


@for_each(proof_case(role, "ak_is_not_revoked", field) for role in ROLES for field in PROOFS)
def test_attestation_key(case: Case, bench: Bench) -> None:
    """Evidence refused solely because nothing shows that its key is not revoked: REV-05, REV-06, REV-08."""
    asked = of_attestation_key(bench.iut)
    proof = {evidence(bench.iut).endorsements: PROOFS[case.field](asked)}
    bench.refuses(Telling(att(bench.iut), proof), world=attesting(asked))


ISSUERS: dict[str, Callable[[Asked, Authority], bytes]] = {
    "unknown": lambda asked, above: encode_proofs(ocsp=[_ocsp(asked)]),
    "revoked": lambda asked, above: encode_proofs(
        ocsp=[_ocsp(asked)], crls=[make_crl(above, [asked.issuer.certificate.serial], asked.now)]
    ),
    "known-too-long-ago": lambda asked, above: encode_proofs(
        ocsp=[_ocsp(asked)], crls=[_crl(asked, above, age=STALE, validity=LONG)]
    ),
}
"""Proofs that say that the key is good, and not that the authority above it is."""


@for_each(
    citing(fault(role, "ak_is_not_revoked", "prove-issuer", field), "REV-08") for role in ROLES for field in ISSUERS
)
def test_issuer_of_attestation_key(case: Case, bench: Bench) -> None:
    """Evidence refused solely because nothing shows that the issuer of its key is not revoked: REV-05, REV-08."""
    asked, above = below_another(bench.iut)
    proof = {evidence(bench.iut).endorsements: ISSUERS[case.field](asked, above)}
    bench.refuses(Telling(att(bench.iut), proof), world=attesting(asked))


@for_each(citing(fault(role, "ak_is_not_revoked", "revoke", "before-epoch-1"), "REV-09") for role in ROLES)
def test_revoked_during_the_session(case: Case, bench: Bench) -> None:
    """An attestation key that was good in epoch 0 and is revoked in epoch 1: REV-05, REV-09."""
    iut = bench.iut
    ak = Asked(iut, "attestation", iut.world.credentials.ak, iut.pki.attestation.issuing, iut.clock.now())

    def before(peer: TesterEndpoint) -> None:
        tell(peer, {EVIDENCE[peer.letter].endorsements: PROOFS["ocsp-revoked"](ak)})

    reattested(bench, Telling(att(iut), nth=1), before)


@for_each(
    fault(role, "peer_leaf_is_still_not_revoked", "revoke", f"leaf-before-epoch-1-by-{kind}", data=f"{kind}-revoked")
    for role in ROLES
    for kind in ("ocsp", "crl")
)
def test_leaf_revoked_during_the_session(case: Case, bench: Bench) -> None:
    """A leaf that was good in HELLO, and that a proof beside the evidence of epoch 1 shows as revoked: REV-09."""

    def before(peer: TesterEndpoint) -> None:
        tell(peer, {EVIDENCE[peer.letter].endorsements: PROOFS[case.data](of_leaf(bench.iut))})

    reattested(bench, Telling(att(bench.iut), nth=1), before)


@for_each(fault(role, "peer_leaf_is_still_not_revoked", "request", "after-the-end-of-the-proof") for role in ROLES)
def test_proof_ended_during_the_session(case: Case, bench: Bench) -> None:
    """A request for evidence by a peer whose proof in HELLO was good and has ended: REV-08, REV-09."""
    iut = bench.iut
    asked = of_leaf(iut)
    world = world_with(iut, proofs=encode_proofs(ocsp=[_ocsp(asked, validity=INTERVAL)]))

    def request(iut: Iut, conversation: Conversation) -> None:
        iut.clock.advance(INTERVAL + 1)
        conversation.peer.reattest()

    with iut.later():
        bench.refuses(Telling(f"ATT_REQ_{LETTERS[iut.opposite]}"), when_open(request), world=world)


# --- what must work --------------------------------------------------------------------------------------------------

GOOD: dict[str, tuple[str, Make]] = {
    "ocsp": ("ocsp", _by_ocsp(_ocsp)),
    "ocsp-by-a-delegate": ("ocsp", _by_ocsp(lambda asked: _ocsp(asked, responder=asked.delegate(EKU_OCSP_SIGNING)))),
    "crl": ("crl", _by_crl(_crl)),
    "crl-with-others-revoked": (
        "crl",
        _by_crl(lambda asked: make_crl(asked.issuer, [asked.neighbour.serial], asked.now)),
    ),
    "useless-one-first": (
        "crl",
        lambda asked: encode_proofs(ocsp=[_ocsp(asked, certificate=asked.neighbour)], crls=[_crl(asked)]),
    ),
}


@for_each(Case(role, ("REV-03", "REV-14"), "prove-leaf", field) for role in ROLES for field in GOOD)
def test_good_proof(case: Case, bench: Bench) -> None:
    """Every kind of proof of the statement of conformance is enough for a leaf: REV-03, REV-14."""
    feature, make = GOOD[case.field]
    bench.iut.need_feature("revocation_proofs", feature)
    bench.works(opened, world=world_with(bench.iut, proofs=make(of_leaf(bench.iut))))


@for_each(Case(role, ("REV-05", "REV-14"), "prove-attestation-key", field) for role in ROLES for field in GOOD)
def test_good_proof_of_attestation_key(case: Case, bench: Bench) -> None:
    """Every kind of proof of the statement of conformance is enough for an attestation key: REV-05, REV-14."""
    feature, make = GOOD[case.field]
    bench.iut.need_feature("revocation_proofs", feature)
    asked = of_attestation_key(bench.iut)
    proof = {evidence(bench.iut).endorsements: make(asked)}
    bench.works(opened, world=attesting(asked), deviation=Telling(att(bench.iut), proof))


@for_each(Case(role, ("REV-05", "REV-14"), "prove-issuer", "beside-the-key") for role in ROLES)
def test_good_proof_of_issuer(case: Case, bench: Bench) -> None:
    """A proof for the key and one for its issuer beside it are enough: REV-05, REV-14."""
    bench.iut.need_feature("revocation_proofs", "ocsp")
    bench.iut.need_feature("revocation_proofs", "crl")
    asked, above = below_another(bench.iut)
    proof = {evidence(bench.iut).endorsements: encode_proofs(ocsp=[_ocsp(asked)], crls=[_crl(asked, above)])}
    bench.works(opened, world=attesting(asked), deviation=Telling(att(bench.iut), proof))


@for_each(
    Case(role, (f"REV-0{3 if of == 'leaf' else 5}",), "short-lived", of) for role in ROLES for of in ("leaf", "ak")
)
def test_short_lived(case: Case, bench: Bench) -> None:
    """A certificate that lives for at most seven days needs no proof: REV-03, REV-05."""
    iut = bench.iut
    iut.need_feature("revocation_proofs", "short-lived")
    if case.field == "ak":
        bench.works(opened, world=attesting(of_attestation_key(iut, not_after=iut.pki.now + DAY)))
        return
    role = iut.opposite
    spec = leaf_spec(iut.pki.seed, iut.pki.now, role, iut.pki.names(role, role), f"{role} identity")
    issued = issue_leaf(dataclasses.replace(spec, not_after=iut.pki.now + DAY), iut.pki.branch(role).issuing)
    bench.works(opened, world=world_with(iut, leaf=issued.certificate, proofs=b""))


@for_each(Case(role, ("REV-09",), "renew", "leaf-proof") for role in ROLES)
def test_renewed_proof(case: Case, bench: Bench) -> None:
    """A proof that was renewed beside the evidence of epoch 1 counts in the place of the ended one: REV-09."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    asked, verdict = of_leaf(iut), f"VERDICT_{LETTERS[iut.role]}"
    world = world_with(iut, proofs=encode_proofs(ocsp=[_ocsp(asked, validity=INTERVAL)]))
    renewed = {evidence(iut).endorsements: encode_proofs(ocsp=[_ocsp(asked)])}

    def play(conversation: Conversation) -> str:
        open_then_request(iut, conversation, lambda peer: None)
        asked_at = len(conversation.peer.observations)
        conversation.flush()
        return "" if conversation.until_seen(verdict, asked_at) else "the later evidence got no verdict"

    with iut.configured(reattest_interval=INTERVAL), iut.later():
        bench.works(play, world=world, deviation=Telling(att(iut), renewed))


@for_each(Case(role, ("REV-04",), "send", "own-proof") for role in ROLES)
def test_own_proof(case: Case, bench: Bench) -> None:
    """The implementation's HELLO shows that its leaf is not revoked, to a tester that makes every check: REV-04."""
    bench.works(opened, off=frozenset())


@for_each(Case(role, ("REV-09",), "receive", "alert-revoked") for role in ROLES)
def test_alert(case: Case, bench: Bench) -> None:
    """A peer that learns of a revocation sends ALERT revoked, and the implementation ends the session: REV-09."""

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        conversation.peer.put_frame(FrameType.ALERT, {1: Code.REVOKED})
        conversation.flush()
        return "" if conversation.until(lambda: conversation.ended is not None) else "the session goes on"

    bench.works(play)
