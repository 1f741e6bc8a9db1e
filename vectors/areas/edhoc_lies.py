"""What comes out when a peer computes EDHOC otherwise than RFC 9528 says: the slips of implementers, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...harness.codec.cbor import bstr, encode
from ...harness.crypto.suites import SUITES
from ...harness.evaluator.bare import BareEnd
from ...model.protocol.edhoc import G_XY, INITIATOR, RESPONDER, Handshake
from ...model.terms import Term

Value = Callable[[Term], Any]


class Lie(NamedTuple):
    """A term that a sender gives another value, and the message with which that goes out."""

    field: str
    operator: str
    message: int
    pinned: Mapping[Term, bytes]
    comment: str


def lies(initiator: BareEnd, responder: BareEnd) -> Iterator[Lie]:
    """Lies of both senders; the ends have completed the same handshake without one."""
    terms, suite, value = initiator.terms, initiator.run.suite, initiator.run.value
    yield from _transcripts(terms, value, suite.hash)
    yield from _macs(terms, initiator)
    yield from _signatures(terms, {2: responder.run.value, 3: value})
    yield from _keys(terms, initiator)


def _transcripts(terms: Handshake, value: Value, hash_: Callable[[bytes], bytes]) -> Iterator[Lie]:
    g_y, h_message_1 = (value(part) for part in terms.th_2.args[0].args)
    c_r = value(terms.plaintext_2.args[0])
    th_2, th_3 = bstr(value(terms.th_2)), bstr(value(terms.th_3))
    plaintext_2, plaintext_3 = value(terms.plaintext_2), value(terms.plaintext_3)
    cred_r, cred_i = value(RESPONDER.cred), value(INITIATOR.cred)
    ciphertext_2 = bstr(value(terms.message_2.args[0].args[1]))
    made = {
        (2, "th_2", "with-c_r"): (
            terms.th_2,
            g_y + c_r + h_message_1,
            "TH_2 over C_R too, as drafts before the RFC had it",
        ),
        (2, "th_2", "other-order"): (terms.th_2, h_message_1 + g_y, "TH_2 over H(message_1) first"),
        (2, "th_2", "message_1-not-hashed"): (
            terms.th_2,
            g_y + bstr(value(terms.message_1)),
            "TH_2 over message_1 itself",
        ),
        (3, "th_3", "without-cred_r"): (terms.th_3, th_2 + plaintext_2, "TH_3 without CRED_R, as drafts had it"),
        (3, "th_3", "ciphertext"): (terms.th_3, th_2 + ciphertext_2 + cred_r, "TH_3 over CIPHERTEXT_2"),
        (4, "th_4", "without-cred_i"): (terms.th_4, th_3 + plaintext_3, "TH_4 without CRED_I, as drafts had it"),
        (4, "th_4", "bare-th_3"): (
            terms.th_4,
            th_3[2:] + plaintext_3 + cred_i,
            "TH_4 over TH_3 that is not in a byte string",
        ),
    }
    for (message, field, operator), (term, data, comment) in made.items():
        yield Lie(field, operator, message, {term: hash_(data)}, comment)


def _macs(terms: Handshake, honest: BareEnd) -> Iterator[Lie]:
    run, value = honest.run, honest.run.value
    for number, mac, other_label in ((2, terms.mac_2, 6), (3, terms.mac_3, 2)):
        prk, context = (value(argument) for argument in mac.args)
        label, size = mac.params
        assert isinstance(label, int) and isinstance(size, int | str)
        length = run.length(size)
        kdf = run.suite.edhoc_kdf
        yield Lie(
            f"mac_{number}",
            "other-label",
            number,
            {mac: kdf(prk, other_label, context, length)},
            "the label of the other MAC",
        )
        cut = kdf(prk, label, context[1:], length)
        yield Lie(f"mac_{number}", "other-context", number, {mac: cut}, "a context that lacks its first octet")
        other = kdf(value(terms.prk_2e)[::-1], label, context, length)
        yield Lie(f"mac_{number}", "other-prk", number, {mac: other}, "under another key")


def _signatures(terms: Handshake, values: Mapping[int, Value]) -> Iterator[Lie]:
    for number, carried, party, th in (
        (2, terms.signature_or_mac_2, RESPONDER, terms.th_2),
        (3, terms.signature_or_mac_3, INITIATOR, terms.th_3),
    ):
        signing, value = carried.means, values[number]
        if signing is None or signing.op != "sign":
            continue
        sign, mac = value(signing.args[0]), value(terms.mac_2 if number == 2 else terms.mac_3)
        id_cred, cred, hashed = value(party.id_cred), value(party.cred), bstr(value(th))
        signed = {
            "mac-alone": (mac, "over the MAC alone"),
            "context-signature": (
                _structure("Signature", id_cred, hashed + cred, mac),
                "with the context of COSE_Sign",
            ),
            "without-cred": (_structure("Signature1", id_cred, hashed, mac), "without CRED in external_aad"),
            "without-th": (_structure("Signature1", id_cred, cred, mac), "without TH in external_aad"),
            "empty-protected": (
                _structure("Signature1", b"", hashed + cred, mac),
                "without ID_CRED as protected header",
            ),
            "mac-cut": (_structure("Signature1", id_cred, hashed + cred, mac[:8]), "over a MAC of 8 octets"),
        }
        for operator, (message, comment) in signed.items():
            yield Lie(f"signature_{number}", operator, number, {carried: sign(message)}, f"a signature {comment}")


def _structure(context: str, protected: bytes, external: bytes, payload: bytes) -> bytes:
    return encode([context, protected, external, payload])


def _keys(terms: Handshake, honest: BareEnd) -> Iterator[Lie]:
    run, value = honest.run, honest.run.value
    for number, protected, prk in (
        (3, terms.message_3.args[0], terms.prk_3e2m),
        (4, terms.message_4.args[0], terms.prk_4e3m),
    ):
        key, nonce, aad, _ = protected.args
        th = key.args[1]
        kdf, k_length, n_length = run.suite.edhoc_kdf, run.length("key"), run.length("nonce")
        k_label, iv_label = (8, 9) if number == 3 else (3, 4)
        other_key = kdf(value(prk), k_label, value(th), k_length)
        yield Lie(f"k_{number}", "other-label", number, {key: other_key}, "the key label of the other message")
        other_iv = kdf(value(prk), iv_label, value(th), n_length)
        yield Lie(f"iv_{number}", "other-label", number, {nonce: other_iv}, "the iv label of the other message")
        yield Lie(f"aad_{number}", "empty-aad", number, {aad: b""}, "empty additional data in place of Enc_structure")
        bare = encode(["Encrypt0", value(th), b""])
        yield Lie(
            f"aad_{number}", "places-exchanged", number, {aad: bare}, "TH as protected header, in place of external_aad"
        )
    salted = run.suite.extract(b"", value(G_XY))
    yield Lie("prk_2e", "no-salt", 2, {terms.prk_2e: salted}, "extracted without TH_2 as salt")
    swapped = run.suite.extract(value(G_XY), value(terms.th_2))
    yield Lie("prk_2e", "arguments-exchanged", 2, {terms.prk_2e: swapped}, "salt and secret exchanged")


def bad_shares(suite: int) -> dict[str, bytes]:
    """Shares of the right length that are none, by what is wrong with them."""
    length = SUITES[suite].curve.share_length
    if SUITES[suite].curve.number == 4:
        return {"zero": bytes(length), "one": b"\x01" + bytes(length - 1)}
    return {"no-point": bytes(length - 1) + NO_POINT[length], "not-reduced": b"\xff" * length}


NO_POINT = {32: b"\x01", 48: b"\x01"}
"""Last octet of an x-coordinate that no point has, by the length of shares."""
