"""Evidence: attestation keys, tokens, claims and binders, each with one thing wrong; replays; re-attestation.

The tester's own trust anchor module signs what it is told, so that nothing but the one thing is wrong.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cbor2 import CBORTag

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.faults import ATTESTATION_FAULTS, bad_ak, endorsements
from ..harness.identity.policy import TPM_FORMAT
from ..harness.identity.world import World
from ..harness.tester.deviation import Lie
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import OPPOSITE, Iut, NeedNotMet
from ..harness.tester.telling import Forging, Telling
from ..harness.verdict.allowed import Allowed
from ..model.protocol.attestation import EVIDENCE, Evidence
from ..model.protocol.frames import SIDES
from ..model.terms import Term
from .bench import Bench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS, FURTHER
from .forging import Parts, binder_over, observed, resigned, token_in, with_cmw, with_token
from .parties import LETTERS, world_with

ROLES = ("device", "service")
MALFORMED = Allowed(frozenset({"alert:11"}), frozenset({"alert:21", "alert:22", "alert:23", "alert:24"}), "ERR-15")
"""Evidence of another form than its grammar gives it."""


def letter_of_peer(role: str) -> str:
    """Letter of the peer of an implementation."""
    return LETTERS[OPPOSITE[role]]


def att(iut: Iut) -> str:
    """The message that carries the tester's evidence."""
    return f"ATT_{LETTERS[iut.opposite]}"


def evidence(iut: Iut) -> Evidence:
    """Terms of the tester's evidence."""
    return EVIDENCE[LETTERS[iut.opposite]]


# --- the attestation key and its certificate -------------------------------------------------------------------------


def attesting_with(iut: Iut, name: str) -> tuple[World, dict[Term, bytes]]:
    """The tester with a bad attestation certificate, and the proof of status that its issuer gives for it."""
    bad = bad_ak(iut.pki, iut.opposite, name, iut.world.credentials.leaf)
    changes = {"ak": bad.issued.certificate, "ak_chain": bad.issued.chain, "ak_key": bad.issued.key}
    proofs = endorsements(iut.pki, bad)
    return world_with(iut, **changes), {evidence(iut).endorsements: proofs} if proofs else {}


@for_each(fault(role, bad.check, "issue", name) for role in ROLES for name, bad in ATTESTATION_FAULTS.items())
def test_attestation_certificate(case: Case, bench: Bench) -> None:
    """Evidence refused solely because of what its signer's certificate is: ATT-12 to ATT-15, ATT-19, REV-05."""
    world, proof = attesting_with(bench.iut, case.field)
    bench.refuses(Telling(att(bench.iut), proof), world=world)


# --- claims and headers ----------------------------------------------------------------------------------------------


def _claim_case(role: str, field: str) -> Case:
    case = fault(role, CLAIMS[field].check, "claim", field)
    return citing(case, "ATT-31") if field.startswith("measurements") else case


@for_each(_claim_case(role, field) for role in ROLES for field in CLAIMS)
def test_claim(case: Case, bench: Bench) -> None:
    """A token, well signed, refused solely because of one claim or header: ATT-08 to ATT-10, ATT-17 to ATT-23."""
    tale = CLAIMS[case.field].tale(evidence(bench.iut))
    bench.refuses(Telling(att(bench.iut), tam=tale))


@for_each(fault(role, "eat_claims_have_their_types", "claim", field) for role in ROLES for field in FURTHER)
def test_type_of_claim(case: Case, bench: Bench) -> None:
    """Evidence refused solely because a claim that nobody asks for has not the form of the grammar: ATT-51."""
    tale = {evidence(bench.iut).further: FURTHER[case.field]}
    bench.refuses(Telling(att(bench.iut), tam=tale))


@for_each(fault(role, "eat_signature_verifies", "sign", by) for role in ROLES for by in ("bit", "identity-key", "zero"))
def test_signature(case: Case, bench: Bench) -> None:
    """A token refused solely because its attestation key did not sign it: ATT-11."""
    token = evidence(bench.iut).token

    def signature(peer: TesterEndpoint, honest: bytes) -> bytes:
        if case.field == "identity-key":
            return peer.world.tam.sign_identity(peer.tam.run.value(token.tbs))
        return bytes(64) if case.field == "zero" else one_bit_other(honest)

    bench.refuses(Telling(att(bench.iut), tam={token.signature: signature}))


# --- the binder ------------------------------------------------------------------------------------------------------

DOMAIN, ROLE, EPOCH, NONCE, CERT_ATT, CERT_RP, HELLO_HASH = range(7)
Forge = Callable[[TesterEndpoint], bytes]


def nonce_of(peer: TesterEndpoint, letter: str) -> bytes:
    nonce: bytes = peer.run.value(SIDES[letter].nonce)
    return nonce


BINDERS: dict[str, Forge] = {
    "domain": lambda peer: binder_over(peer, DOMAIN, "tc2-binder"),
    "role-of-the-relying-party": lambda peer: binder_over(peer, ROLE, 1 if peer.letter == "I" else 0),
    "next-epoch": lambda peer: binder_over(peer, EPOCH, 1),
    "nonce-of-nobody": lambda peer: binder_over(peer, NONCE, bytes(32)),
    "nonce-of-the-attester": lambda peer: binder_over(peer, NONCE, nonce_of(peer, peer.letter)),
    "attester-is-another": lambda peer: binder_over(peer, CERT_ATT, peer.world.credentials.ak.sha256),
    "relying-party-is-another": lambda peer: binder_over(peer, CERT_RP, peer.world.credentials.leaf.sha256),
    "other-hellos": lambda peer: binder_over(peer, HELLO_HASH, bytes(32)),
    "other-exporter-label": lambda peer: binder_over(peer, label=41075),
    "longer": lambda peer: binder_over(peer, length=64),
    "shorter": lambda peer: binder_over(peer, length=31),
    "shortest": lambda peer: binder_over(peer, length=8),
    "nonce-itself": lambda peer: cbor.bstr(nonce_of(peer, peer.peer)),
}


@for_each(citing(fault(role, "eat_nonce_is_binder", "bind", field), "ATT-26") for role in ROLES for field in BINDERS)
def test_binder(case: Case, bench: Bench) -> None:
    """Evidence refused solely because eat_nonce is bound to something else than this request: ATT-16, ATT-26."""
    tale = {evidence(bench.iut).nonce: lambda peer, honest: BINDERS[case.field](peer)}
    bench.refuses(Telling(att(bench.iut), tam=tale))


@for_each(fault(role, "eat_nonce_is_binder", "bind", "other-session") for role in ROLES)
def test_binder_of_another_channel(case: Case, bench: Bench) -> None:
    """Evidence bound to another channel of the same two parties, as a relay would have it: ATT-16."""
    other = bench.iut.good().peer
    tale = {evidence(bench.iut).nonce: lambda peer, honest: binder_over(peer, of=other)}
    bench.refuses(Telling(att(bench.iut), tam=tale))


@for_each(fault(role, "eat_nonce_is_binder", "replay", "earlier-session") for role in ROLES)
def test_replay_from_an_earlier_session(case: Case, bench: Bench) -> None:
    """Evidence that was accepted in the session before, refused solely because it is not for this one: ATT-16."""
    earlier = bench.iut.good().peer.run.value(evidence(bench.iut).token.term)
    bench.refuses(Forging(att(bench.iut), lambda peer, data: with_token(data, earlier)))


@for_each(fault(role, "eat_nonce_is_binder", "reflect", "evidence-of-the-victim") for role in ROLES)
def test_reflected_evidence(case: Case, bench: Bench) -> None:
    """The implementation's own evidence sent back to it: ATT-16 to ATT-19 each refuse it."""
    own = token_in(observed(bench.iut.good(), f"ATT_{LETTERS[bench.iut.role]}"))
    allowed = Allowed(frozenset({"alert:23", "alert:24", "alert:22"}), frozenset(), "ATT-16")
    bench.refuses(Forging(att(bench.iut), lambda peer, data: with_token(data, own)), allowed=allowed)


# --- forms of evidence -----------------------------------------------------------------------------------------------

UNSIGNED_TAG = 601
_OTHER_TYPES: dict[str, int | str] = {
    "unsigned-claims": 267,
    "eat-as-jwt": 264,
    "psa-token": "application/psa-attestation-token",
    "tpm2": TPM_FORMAT,
    "octets": 42,
}


@for_each(fault(role, "cmw_type_was_accepted", "convey-as", name) for role in ROLES for name in _OTHER_TYPES)
def test_type_of_evidence(case: Case, bench: Bench) -> None:
    """Good evidence refused solely because it is announced as a type that was not accepted: ATT-06."""
    bench.refuses(
        Forging(att(bench.iut), lambda peer, data: with_cmw(data, lambda cmw: [_OTHER_TYPES[case.field], *cmw[1:]]))
    )


@for_each(
    fault(role, "cmw_is_marked_evidence", "convey-as", f"indicator-{indicator}", indicator)
    for role in ROLES
    for indicator in (0, 1, 2, 8, 12, 16)
)
def test_indicator(case: Case, bench: Bench) -> None:
    """Good evidence refused solely because its wrapper says that it is something else: ATT-07."""
    bench.refuses(Forging(att(bench.iut), lambda peer, data: with_cmw(data, lambda cmw: [cmw[0], cmw[1], case.data])))


def _alg_unprotected(parts: Parts) -> None:
    parts[1][1] = parts[0].pop(1)


def _alg_nowhere(parts: Parts) -> None:
    del parts[0][1]


def _all_unprotected(parts: Parts) -> None:
    parts[1].update(parts[0])
    parts[0] = {}


def _critical(parts: Parts) -> None:
    parts[0].update({2: [-70001], -70001: 1})


def _unsigned(parts: Parts) -> None:
    parts[3] = b"\x00"


def _two_nonces(parts: Parts) -> None:
    parts[2][10] = [parts[2][10], bytes(32)]


def _claims_of(token: bytes) -> dict[Any, Any]:
    claims = cbor.decode(cbor.decode(token).value[2])
    assert isinstance(claims, dict)
    return claims


def unsigned_claims(token: bytes) -> bytes:
    return cbor.encode(CBORTag(UNSIGNED_TAG, _claims_of(token)))


Reform = Callable[[World, bytes], bytes]
FORMS: dict[str, Reform] = {
    "alg-unprotected": lambda world, token: resigned(world, token, _alg_unprotected),
    "alg-nowhere": lambda world, token: resigned(world, token, _alg_nowhere),
    "all-unprotected": lambda world, token: resigned(world, token, _all_unprotected),
    "unknown-critical": lambda world, token: resigned(world, token, _critical),
    "signature-missing": lambda world, token: resigned(world, token, _unsigned),
    "tag-missing": lambda world, token: token[1:],
    "tag-of-mac": lambda world, token: cbor.encode(CBORTag(17, cbor.decode(token).value)),
    "tag-of-cwt": lambda world, token: cbor.encode(CBORTag(61, cbor.decode(token))),
    "unsigned-claims": lambda world, token: unsigned_claims(token),
    "bare-claims": lambda world, token: cbor.encode(_claims_of(token)),
    "nonce-in-an-array": lambda world, token: resigned(world, token, _two_nonces),
    "nonce-absent": lambda world, token: resigned(world, token, lambda p: p[2].pop(10)),
    "nothing": lambda world, token: b"",
}


@for_each(Case(role, ("ATT-08",), "reform", f, "frame_matches_its_grammar") for role in ROLES for f in FORMS)
def test_form_of_token(case: Case, bench: Bench) -> None:
    """Evidence refused solely because it is no tagged COSE_Sign1 with exactly the right headers: ATT-08, ATT-33."""
    reform = FORMS[case.field]
    deviation = Forging(att(bench.iut), lambda peer, data: with_token(data, reform(peer.world, token_in(data))))
    bench.refuses(deviation, allowed=MALFORMED)


@for_each(citing(fault(role, "cmw_type_was_accepted", "convey", "unsigned"), "ATT-33") for role in ROLES)
def testunsigned_claims(case: Case, bench: Bench) -> None:
    """Claims without any signature, announced as what they are: ATT-33."""

    def change(cmw: list[Any]) -> list[Any]:
        return [267, unsigned_claims(cmw[1]), cmw[2]]

    bench.refuses(Forging(att(bench.iut), lambda peer, data: with_cmw(data, change)))


CONTEXTS = {"other-external_aad": b"tc1-env", "external_aad-of-a-label": b"tc1-label", "external_aad-empty": b""}


@for_each(
    citing(fault(role, "eat_signature_verifies", "resign", field), "ATT-08") for role in ROLES for field in CONTEXTS
)
def test_separation(case: Case, bench: Bench) -> None:
    """A token signed as another kind of object, refused solely because of its external_aad: ATT-08, ATT-11."""

    def change(peer: TesterEndpoint, data: bytes) -> bytes:
        return with_token(data, resigned(peer.world, token_in(data), lambda parts: None, CONTEXTS[case.field]))

    bench.refuses(Forging(att(bench.iut), change))


# --- what the HELLOs allow -------------------------------------------------------------------------------------------


def _offer(check: str, formats: list[int | str]) -> Iterator[Case]:
    for role in ROLES:
        yield fault(role, check, "offer", "-".join(map(str, formats)).replace("/", " ") or "nothing", formats)


@for_each(
    [
        *_offer("peer_offers_evidence", []),
        *_offer("evidence_formats_overlap", [267]),
        *_offer("evidence_formats_overlap", [TPM_FORMAT, 1]),
    ]
)
def test_offer(case: Case, bench: Bench) -> None:
    """A HELLO refused solely because the evidence that it offers will not do: ATT-02, ATT-03."""
    if TPM_FORMAT in case.data and bench.iut.declares("evidence_accepted", "tpm2"):
        raise NeedNotMet("it accepts evidence of a TPM")
    letter = LETTERS[bench.iut.opposite]
    bench.refuses(Lie(SIDES[letter].offered, cbor.encode(case.data), f"HELLO_{letter}"))
