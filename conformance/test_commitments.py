"""Commitment tokens in ATT, and what surrounds them: claims, commitments, records, environment objects, replays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.policy import EAT_CWT
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling, tell
from ..model.protocol.attestation import EVIDENCE
from .bench import Bench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS
from .forging import token_in, with_cmw, with_token
from .labelling import bring_environment, environment_of, faulty, send
from .parties import LETTERS
from .proving import accepting, presenting, proving_of, refuses
from .stages import INTERVAL, open_then_request
from .test_evidence import ROLES, att

if TYPE_CHECKING:
    from ..model.protocol.proving import Proving

# --- the token -------------------------------------------------------------------------------------------------------

_OF_TOKENS_ALONE = ("eat_header_is_exact", "eat_x5t_is_the_ak", "measurements_match_reference_values")
TOKEN_CLAIMS = {field: claim for field, claim in CLAIMS.items() if claim.check not in _OF_TOKENS_ALONE}


@for_each(
    citing(fault(role, claim.check, "claim-of-commitment", field), "PBA-12")
    for role in ROLES
    for field, claim in TOKEN_CLAIMS.items()
)
def test_claim(case: Case, bench: Bench) -> None:
    """A commitment token, well signed, refused solely because of one claim: PBA-12."""
    bench.iut.need_proofs()
    tale = TOKEN_CLAIMS[case.field].tale(EVIDENCE[LETTERS[bench.iut.opposite]])
    refuses(bench, Telling(att(bench.iut), tam=tale))


Tale = Callable[["Proving"], dict[Any, Any]]


def _says(term: Callable[[Proving], Any], value: Any) -> Tale:
    return lambda proving: {term(proving): cbor.encode(value)}


def _signature(change: Callable[[TesterEndpoint, bytes], bytes]) -> Tale:
    return lambda proving: {proving.signature: change}


def _over(aad: bytes) -> Tale:
    def tale(proving: Proving) -> dict[Any, Any]:
        def sign(peer: TesterEndpoint, honest: bytes) -> bytes:
            kind, protected, _, payload = cbor.decode(peer.tam.run.value(proving.tbs))
            return peer.world.tam.sign_attestation(cbor.encode([kind, protected, aad, payload]))

        return {proving.signature: sign}

    return tale


def _by_the_identity_key(peer: TesterEndpoint, honest: bytes) -> bytes:
    from ..model.protocol.proving import PROVING

    return peer.world.tam.sign_identity(peer.tam.run.value(PROVING[peer.letter].tbs))


def _element(change: Callable[[int, int], int]) -> Tale:
    """Another number in place of C; of it and the prime of the group."""

    def tale(proving: Proving) -> dict[Any, Any]:
        from ..harness.property.fixture import issuer

        group = issuer().public.suite.group

        def told(peer: TesterEndpoint, honest: bytes) -> bytes:
            claim = cbor.decode(honest)
            element = change(int.from_bytes(claim[2], "big"), group.prime)
            return cbor.encode({**claim, 2: element.to_bytes(len(claim[2]), "big")})

        return {proving.commitment: told}

    return tale


def _claim(change: Callable[[dict[int, Any]], dict[int, Any]]) -> Tale:
    return lambda proving: {proving.commitment: lambda _, honest: cbor.encode(change(cbor.decode(honest)))}


TOKENS: dict[str, tuple[str, Tale]] = {
    "alg-eddsa": ("commitment_header_is_exact", _says(lambda p: p.alg, -8)),
    "typ-of-evidence": ("commitment_header_is_exact", _says(lambda p: p.typ, 263)),
    "x5t-of-nobody": ("eat_x5t_is_the_ak", _says(lambda p: p.x5t, [-16, bytes(32)])),
    "signature-bit": ("commitment_signature_verifies", _signature(lambda _, honest: one_bit_other(honest))),
    "by-the-identity-key": ("commitment_signature_verifies", _signature(_by_the_identity_key)),
    "context-of-evidence": ("commitment_signature_verifies", _over(b"tc1-eat")),
    "context-empty": ("commitment_signature_verifies", _over(b"")),
    "binder-of-zeros": ("eat_nonce_is_binder", lambda p: {_nonce(p): cbor.bstr(bytes(32))}),
    "element-one": ("property_proofs_verify", _element(lambda c, prime: 1)),
    "element-zero": ("property_proofs_verify", _element(lambda c, prime: 0)),
    "element-no-square": ("property_proofs_verify", _element(lambda c, prime: prime - c)),
    "element-of-order-two": ("property_proofs_verify", _element(lambda c, prime: prime - 1)),
    "element-not-reduced": ("property_proofs_verify", _element(lambda c, prime: prime + 1)),
    "element-shorter": ("property_proofs_verify", _claim(lambda claim: {**claim, 2: claim[2][1:]})),
    "another-group": ("property_proofs_verify", _claim(lambda claim: {**claim, 1: "ffdhe3072"})),
}


def _nonce(proving: Proving) -> Any:
    from ..model.protocol.proving import PROVING

    return next(EVIDENCE[letter].nonce for letter in EVIDENCE if PROVING[letter] is proving)


@for_each(
    citing(fault(role, check, "commit", field), "PBA-14" if check == "property_proofs_verify" else "PBA-12")
    for role in ROLES
    for field, (check, _) in TOKENS.items()
)
def test_token(case: Case, bench: Bench) -> None:
    """A commitment token refused solely because of one thing in it: PBA-12, PBA-14."""
    tale = TOKENS[case.field][1](proving_of(bench.iut))
    refuses(bench, Telling(att(bench.iut), tam=tale))


# --- replay ----------------------------------------------------------------------------------------------------------


@for_each(
    citing(fault(role, "eat_nonce_is_binder", "replay", "proofs-of-the-session-before"), "PBA-12", "PBA-07")
    for role in ROLES
)
def test_earlier_session(case: Case, bench: Bench) -> None:
    """Evidence that was accepted in the session before, refused solely because of its binder: PBA-12."""
    iut = bench.iut
    iut.need_proofs()
    with accepting(iut):
        earlier = token_in(iut.good(world=presenting(iut)).peer.sent[att(iut)])
    refuses(bench, Forging(att(iut), lambda peer, data: with_token(data, earlier)))


SECOND = {
    "evidence-of-epoch-0": "eat_nonce_is_binder",
    "bootcount-higher": "bootcount_has_not_changed",
}


@for_each(fault(role, check, "prove-again", field) for role in ROLES for field, check in SECOND.items())
def test_second_evidence(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1, refused solely because it is that of epoch 0, or of another start: PBA-12, ATT-24."""
    iut = bench.iut
    iut.need_proofs()
    iut.need_feature("initiates_reattestation")
    evidence, first = EVIDENCE[LETTERS[iut.opposite]], list[bytes]()
    tale = {evidence.token.bootcount: cbor.encode(2)} if case.field == "bootcount-higher" else {}

    def before(peer: TesterEndpoint) -> None:
        first.append(token_in(peer.sent[att(iut)]))
        tell(peer, tam=tale)

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, before)

    replay = Forging(att(iut), lambda _, data: with_token(data, first[0]), nth=1)
    with iut.later():
        refuses(bench, Telling(att(iut), nth=1) if tale else replay, stage, reattest_interval=INTERVAL)


# --- the record and the environment object ---------------------------------------------------------------------------

RECORDS: dict[str, tuple[str, Callable[[list[Any]], list[Any]]]] = {
    "type-of-a-token": ("cmw_type_was_accepted", lambda record: [EAT_CWT, *record[1:]]),
    "marked-as-result": ("cmw_is_marked_evidence", lambda record: [*record[:2], 8]),
    "marked-as-both": ("cmw_is_marked_evidence", lambda record: [*record[:2], 12]),
}


@for_each(fault(role, check, "wrap-proofs", field) for role in ROLES for field, (check, _) in RECORDS.items())
def test_record(case: Case, bench: Bench) -> None:
    """True proofs, refused solely because of the record around them: ATT-06, ATT-07."""
    change = RECORDS[case.field][1]
    refuses(bench, Forging(att(bench.iut), lambda peer, data: with_cmw(data, change)))


def _another_commitment(peer: TesterEndpoint) -> bytes:
    from ..model.protocol.proving import PROVING

    proving, run = PROVING[peer.letter], peer.tam.run
    run.redraw([proving.commitment.defs[run.role]])
    octets: bytes = run.value(proving.token)
    return octets


BEHIND_DATA: dict[str, Callable[[TesterEndpoint], bytes]] = {
    "another-commitment": _another_commitment,
    "environment-of-tokens": lambda peer: bytes(peer.tam.run.value(environment_of(peer).token.term)),
}


@for_each(
    fault(role, "env_is_the_accepted_evidence", "environment-beside-proofs", field)
    for role in ROLES
    for field in BEHIND_DATA
)
def test_environment(case: Case, bench: Bench) -> None:
    """Data not accepted solely because its environment object is not the token that was accepted: LBL-32."""

    def act(iut: Iut, conversation: Conversation) -> None:
        bring_environment(conversation.peer, BEHIND_DATA[case.field](conversation.peer))
        send(conversation.peer)

    refuses(bench, Deviation(), faulty(act))
