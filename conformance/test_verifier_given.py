"""A verifier and evidence that differs from the usual in what the profile leaves open, and proofs of status.

What a relying party must accept (test_evidence_given, test_revocation) a verifier must affirm; what shows nothing, or
that the attestation key is revoked, it must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from ..harness.codec import cbor
from ..harness.tester.attesting import Attester
from ..harness.tester.result import EXP, claims_in
from ..harness.tester.session import Iut
from ..harness.tester.verifier_iut import Exchange, Question, VerifierIut
from ..harness.verdict.allowed import Allowed
from ..model.terms import Term
from .asking import ATTESTERS, MALFORMED, REFUSED, ROLE, VerifierBench
from .case import Case, citing, fault, for_each
from .test_evidence_given import GOOD_CLAIMS, GOOD_TOKENS
from .test_revocation import DAY, GOOD, ISSUERS, PROOFS, Asked, below_another, of_attestation_key, proof_case
from .test_verifier import wrong_with
from .test_verifier_evidence import about, of_both

# --- tokens ----------------------------------------------------------------------------------------------------------


@for_each(
    Case(ROLE, ("VER-03", good[0]), "affirm", f"{attester}-{field}", data=(attester, field))
    for attester in ATTESTERS
    for field, good in GOOD_TOKENS.items()
)
def test_verifier_good_token(case: Case, bench: VerifierBench) -> None:
    """A good token is affirmed, whatever the profile leaves open in it: VER-03 over ATT-08 to ATT-29."""
    role, field = case.data
    _, term, change = GOOD_TOKENS[field]

    def told(peer: Attester, honest: bytes) -> bytes:
        return cbor.encode(change(cast(Any, peer), cbor.decode(honest)))

    bench.answers_well(bench.verifier.question(role, tales={term(about(role)): told}), wrong_with(bench))


@for_each(
    Case(ROLE, ("VER-03", "ATT-51"), "affirm", f"{attester}-claim-{claim}", data=(attester, claim))
    for attester in ATTESTERS
    for claim in GOOD_CLAIMS
)
def test_verifier_optional_claim(case: Case, bench: VerifierBench) -> None:
    """A claim that the grammar knows, in its form, changes nothing: VER-03 over ATT-29 and ATT-51."""
    role, claim = case.data
    question = bench.verifier.question(role, tales={about(role).further: GOOD_CLAIMS[claim]})
    bench.answers_well(question, wrong_with(bench))


def _mixed(kept: int, honest: bytes) -> bytes:
    return honest[:kept] + bytes(octet ^ 0xFF for octet in honest[kept:])


NONCES: dict[str, Callable[[bytes], bytes]] = {
    **{f"first-{kept}-octets-of-the-binder": partial(_mixed, kept) for kept in (8, 16, 31)},
    "binder-cut-to-8": lambda honest: honest[:8],
    "binder-cut-to-31": lambda honest: honest[:31],
    "binder-twice": lambda honest: honest * 2,
    "zeros": lambda honest: bytes(32),
}


@for_each(of_both("eat_nonce_is_binder", "bind", NONCES))
def test_verifier_nonce(case: Case, bench: VerifierBench) -> None:
    """A token, well signed, refused solely because its eat_nonce is not the binder: VER-03 over ATT-16."""
    role, field = case.data
    tale: dict[Term, Any] = {about(role).nonce: lambda peer, honest: cbor.encode(NONCES[field](cbor.decode(honest)))}
    bench.answers_no(bench.verifier.question(role, tales=tale))


# --- proofs of status ------------------------------------------------------------------------------------------------


def asked_about(verifier: VerifierIut, *, not_after: int | None = None) -> Asked:
    """A device's attestation key, by an authority of which the verifier holds no list."""
    return of_attestation_key(_device(verifier), not_after=not_after)


def _device(verifier: VerifierIut) -> Iut:
    clock = SimpleNamespace(now=verifier.now)
    return cast(Iut, SimpleNamespace(pki=verifier.pki, opposite="device", clock=clock))


def with_proofs(verifier: VerifierIut, asked: Asked, proofs: bytes) -> Question:
    """Evidence of that key, with these endorsements."""
    world = verifier.with_credentials("device", ak=asked.certificate, ak_chain=asked.issuer.chain)
    return verifier.question(world=world, endorsements=proofs)


def _proof_cases() -> Iterator[Case]:
    for field in PROOFS:
        yield citing(proof_case(ROLE, "ak_is_not_revoked", field), "VER-03")


UNPROVEN = Allowed(REFUSED.specified, REFUSED.tolerated | MALFORMED.specified, "VER-03")
"""A proof that cannot be read may be taken for one that is no proof."""


@for_each(_proof_cases())
def test_verifier_proof(case: Case, bench: VerifierBench) -> None:
    """Evidence refused solely because nothing shows that its key is not revoked: VER-03 over REV-05 to REV-08."""
    asked = asked_about(bench.verifier)
    bench.answers_no(with_proofs(bench.verifier, asked, PROOFS[case.field](asked)), UNPROVEN)


@for_each(citing(fault(ROLE, "ak_is_not_revoked", "prove-issuer", field), "VER-03", "REV-08") for field in ISSUERS)
def test_verifier_issuer(case: Case, bench: VerifierBench) -> None:
    """Evidence refused solely because nothing shows that the issuer of its key is good: VER-03 over REV-05, REV-08."""
    asked, above = below_another(_device(bench.verifier))
    bench.answers_no(with_proofs(bench.verifier, asked, ISSUERS[case.field](asked, above)))


@for_each(Case(ROLE, ("VER-03", "REV-05"), "affirm", f"proved-by-{field}", data=field) for field in GOOD)
def test_verifier_good_proof(case: Case, bench: VerifierBench) -> None:
    """Every kind of proof of the statement of conformance is enough for an attestation key: VER-03, REV-05."""
    feature, make = GOOD[case.data]
    bench.verifier.need_feature("revocation_proofs", feature)
    asked = asked_about(bench.verifier)
    bench.answers_well(with_proofs(bench.verifier, asked, make(asked)), wrong_with(bench))


SOON = 100
"""Seconds after which the attestation key of a test ends."""


@for_each([Case(ROLE, ("VER-04",), "affirm", "no-longer-than-the-attestation-key")])
def test_verifier_ends_with_the_key(case: Case, bench: VerifierBench) -> None:
    """A result is good for no longer than the certificate of the attestation key: VER-04."""
    verifier = bench.verifier
    verifier.need_feature("revocation_proofs", "short-lived")
    ends = verifier.now() + SOON
    question = with_proofs(verifier, asked_about(verifier, not_after=ends), b"")

    def wrong(exchange: Exchange) -> str:
        found = wrong_with(bench)(exchange)
        exp = claims_in(exchange.reply)[EXP] if exchange.reply and not found else ends
        return found or (f"exp is {exp}, the key ends at {ends}" if exp > ends else "")

    bench.answers_well(question, wrong)


@for_each([Case(ROLE, ("VER-03", "REV-05"), "affirm", "short-lived")])
def test_verifier_short_lived(case: Case, bench: VerifierBench) -> None:
    """An attestation key's certificate that lives for at most seven days needs no proof: VER-03, REV-05."""
    bench.verifier.need_feature("revocation_proofs", "short-lived")
    asked = asked_about(bench.verifier, not_after=bench.verifier.pki.now + DAY)
    bench.answers_well(with_proofs(bench.verifier, asked, b""), wrong_with(bench))
