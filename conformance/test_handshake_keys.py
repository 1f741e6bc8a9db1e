"""What a handshake rests on: shares, signatures and tags, each with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.crypto.curves import P_256
from ..harness.crypto.errors import InvalidShare
from ..harness.crypto.signatures import ES256
from ..harness.tester.deviation import AlterInside, AlterOctets, Change, Lie
from ..harness.tester.peer import TesterEndpoint
from ..harness.verdict.verdict import Verdict
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.edhoc import G_X, G_XY, G_Y, INITIATOR, RESPONDER, handshake
from ..model.protocol.labels import LABEL
from ..model.terms import Term
from .bench import Bench
from .case import Case, fault, for_each
from .places import TESTER_LETTER
from .stages import stage_of

TERMS = handshake(0)


# --- shares ----------------------------------------------------------------------------------------------------------


def _is_point(x: int) -> bool:
    try:
        P_256.validate(x.to_bytes(32, "big"))
    except InvalidShare:
        return False
    return True


_OFF_CURVE = next(x for x in range(2, 100) if not _is_point(x))
_TWIST_ORDER = 2 * P_256.prime + 2 - P_256.order
_ORDER_3 = P_256.multiply_x(_TWIST_ORDER // 3, _OFF_CURVE)
"""x-coordinate of a point of order three on the twist: what an invalid-curve attack sends."""
_SHARES = {
    "off-curve": _OFF_CURVE,
    "order-3": _ORDER_3,
    "prime": P_256.prime,
    "prime-plus-point": P_256.prime + next(x for x in range(1, 100) if _is_point(x)),
    "all-ones": 2**256 - 1,
}


@for_each(fault("service", "g_x_is_valid", name, "G_X", x) for name, x in _SHARES.items())
def test_g_x(case: Case, bench: Bench) -> None:
    """message_1 to be refused, at once, solely because G_X is the x-coordinate of no point (EDH-06)."""
    bench.refuses(Lie(G_X, case.data.to_bytes(32, "big"), "message_1"), deferred=False)


@for_each(fault("service", "g_x_is_valid", f"{length}-octets", "G_X", length) for length in (0, 31, 33, 34, 48, 65))
def test_g_x_length(case: Case, bench: Bench) -> None:
    """message_1 to be refused solely because of the length of G_X (EDH-06)."""
    bench.refuses(AlterInside("message_1", (2, 0), lambda share: (3 * share)[: case.data]))


class InvalidPoint(Lie):
    """G_Y is no point, and the tester guesses the secret that the other side computes from it all the same."""

    def __init__(self, x: int, guess: int) -> None:
        super().__init__(G_Y, x.to_bytes(32, "big"), "message_2")
        self._guess = guess.to_bytes(32, "big")

    def attach(self, peer: TesterEndpoint) -> None:
        super().attach(peer)
        peer.run.pinned[G_XY] = self._guess


@for_each(fault("device", "g_y_is_valid", name, "G_Y", x) for name, x in _SHARES.items())
def test_g_y(case: Case, bench: Bench) -> None:
    """message_2 to be refused solely because G_Y is the x-coordinate of no point (EDH-07).

    With a point of order three two of three guesses of the secret are right; six tries leave little to chance.
    """
    for _ in range(6 if case.data == _ORDER_3 else 1):
        bench.refuses(InvalidPoint(case.data, case.data % P_256.prime))
        if bench.judgement is None or bench.judgement.verdict is not Verdict.PASS:
            break


@for_each(fault("device", "g_y_is_valid", f"{length}-octets", "G_Y", length) for length in (0, 1, 31))
def test_g_y_length(case: Case, bench: Bench) -> None:
    """message_2 to be refused solely because it ends inside G_Y (EDH-07)."""
    bench.refuses(AlterOctets("message_2", lambda data: cbor.bstr(cbor.unbstr(data)[: case.data])))


SESSIONS = 10


@for_each(Case(role, ("EDH-14",), "drawn-anew", share) for role, share in (("device", "G_X"), ("service", "G_Y")))
def test_ephemeral_keys(case: Case, bench: Bench) -> None:
    """Ten sessions, ten shares: no ephemeral key comes back (EDH-14)."""
    message, term = ("message_1", G_X) if case.role == "device" else ("message_2", G_Y)
    shares = set()
    for _ in range(SESSIONS):
        conversation = bench.iut.converse(label="the same bytes every time")
        try:
            if conversation.until_seen(message):
                shares.add(conversation.peer.run.value(term))
        finally:
            conversation.close()
    bench.show("" if len(shares) == SESSIONS else f"{len(shares)} shares in {SESSIONS} sessions")


# --- signatures ------------------------------------------------------------------------------------------------------

N = P_256.order
_SCALARS = {"0": 0, "1": 1, "n-1": N - 1, "n": N, "n+1": N + 1}
_DEGENERATE = (
    ("0", "0"), ("0", "1"), ("1", "0"), ("1", "1"), ("n", "n"), ("n", "1"), ("1", "n"), ("0", "n"), ("n", "0"),
    ("n-1", "n-1"), ("n+1", "n+1"),
)  # fmt: skip
_OTHER_KEY = ES256.generate(lambda length: bytes(range(1, length + 1)))


def _signature(r: str, s: str) -> bytes:
    return _SCALARS[r].to_bytes(32, "big") + _SCALARS[s].to_bytes(32, "big")


def _signed() -> Iterator[tuple[str, str, str, str, Term, bool]]:
    """Role, check, message, field, term, and whether the trust anchor module signs."""
    yield "device", "signature_2_verifies", "message_2", "Signature_or_MAC_2", TERMS.signature_or_mac_2, False
    yield "service", "signature_3_verifies", "message_3", "Signature_or_MAC_3", TERMS.signature_or_mac_3, False
    for role, letter in TESTER_LETTER.items():
        evidence, label = EVIDENCE[letter].token.signature, LABEL[letter].signature
        yield role, "eat_signature_verifies", f"ATT_{letter}", "EAT-signature", evidence, True
        yield role, "label_signature_verifies", f"DATA_{letter}", "label-signature", label, False


@for_each(
    fault(role, check, f"r={r},s={s}", field, (message, term, tam, _signature(r, s)))
    for role, check, message, field, term, tam in _signed()
    for r, s in (_DEGENERATE if not message.startswith(("ATT", "DATA")) else _DEGENERATE[:5])
)
def test_degenerate_signature(case: Case, bench: Bench) -> None:
    """A signature to be refused whose r and s verify everywhere if their range is not checked (CVE-2022-21449)."""
    message, term, tam, signature = case.data
    bench.refuses(Lie(term, signature, message, tam=tam), stage_of(message))


def _by_another_key(_: object) -> Callable[[bytes], bytes]:
    return lambda message: ES256.sign(_OTHER_KEY, message)


_WRONG_SIGNATURES: dict[str, Change] = {
    "swapped-halves": lambda signature: signature[32:] + signature[:32],
    "negated-r": lambda signature: (N - int.from_bytes(signature[:32], "big")).to_bytes(32, "big") + signature[32:],
    "flipped": lambda signature: bytes([signature[0] ^ 0x80]) + signature[1:],
}


def _wrong_signatures() -> Iterator[Case]:
    for role, check, message, field, term, tam in _signed():
        if tam or message.startswith("DATA"):
            continue
        key = (RESPONDER if role == "device" else INITIATOR).key
        yield fault(role, check, "another-key", field, (key, cast(Change, _by_another_key), message))
        for name, change in _WRONG_SIGNATURES.items():
            yield fault(role, check, name, field, (term, change, message))


@for_each(_wrong_signatures())
def test_wrong_signature(case: Case, bench: Bench) -> None:
    """A handshake message to be refused solely because its signature is not the identity key's (EDH-08, EDH-10)."""
    bench.refuses(Lie(*case.data))


@for_each(
    fault(role, "edhoc_message_is_deterministic", f"{length}-octets", field, (message, term, length))
    for role, _, message, field, term, _ in _signed()
    if message.startswith("message")
    for length in (0, 32, 63, 65, 70)
)
def test_signature_length(case: Case, bench: Bench) -> None:
    """A handshake message to be refused solely because its signature has another length than 64 octets (EDH-13)."""
    message, term, length = case.data
    bench.refuses(Lie(term, lambda signature: (signature + signature)[:length], message))


# --- tags ------------------------------------------------------------------------------------------------------------

_TAGS: dict[str, Change] = {
    "last-octet": lambda data: one_bit_other(data),
    "first-octet": lambda data: data[:-16] + bytes([data[-16] ^ 1]) + data[-15:],
    "zero": lambda data: data[:-16] + bytes(16),
}


@for_each(
    fault(role, f"{message}_tag_verifies", name, message, (message, change))
    for role, message in (("service", "message_3"), ("device", "message_4"))
    for name, change in _TAGS.items()
)
def test_tag(case: Case, bench: Bench) -> None:
    """message_3 or message_4 to be refused solely because of its authentication tag (EDH-09, EDH-11)."""
    bench.refuses(AlterOctets(*case.data))


@for_each(
    fault(role, f"{message}_tag_verifies", name, f"{message}-ciphertext", (message, change))
    for role, message in (("service", "message_3"), ("device", "message_4"))
    for name, change in (
        ("eight-octet-tag", lambda data: cbor.bstr(cbor.unbstr(data)[:-8])),
        ("no-octets", lambda data: cbor.bstr(b"")),
    )
)
def test_short_ciphertext(case: Case, bench: Bench) -> None:
    """message_3 or message_4 to be refused solely because its ciphertext has no whole tag (EDH-09, EDH-11)."""
    bench.refuses(AlterOctets(*case.data))
