"""EDHOC handshakes a second, both ends in one process: the evaluator of the model, lakers, and the bare cryptography.

    python -m trustconn.harness.benchmark.edhoc [--rounds N] [--handshakes N]

All contenders take turns in every round, so that whatever else the machine does weighs on them alike; a ratio is the
median over rounds of the ratio within a round.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ...model.protocol.edhoc import AUTHENTICATION, DEVICE, SERVICE, SIG
from ..codec.cbor import bstr, encode
from ..crypto.curves import EphemeralKey
from ..crypto.random import SeededRandom
from ..crypto.suites import SUITES, Suite
from ..evaluator.bare import BareEnd, BareParty, Credential, complete

Handshake = Callable[[], object]

CRED_LENGTH = 300
"""Octets of a small X.509 certificate; signature methods only."""


def _ccs(subject: str, kid: bytes, private: bytes) -> bytes:
    """A CWT Claims Set with a static P-256 key (RFC 8392, RFC 9528 section 3.5.2)."""
    numbers = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1()).public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return encode({2: subject, 8: {1: {1: 2, 2: kid, -1: 1, -2: x, -3: y}}})


STATIC = {letter: SUITES[2].curve.generate(SeededRandom(letter.encode())) for letter in "IR"}
CCS = {"I": _ccs("initiator", b"\x2b", STATIC["I"]), "R": _ccs("responder", b"\x32", STATIC["R"])}
KID = {"I": encode({4: b"\x2b"}), "R": encode({4: b"\x32"})}


def evaluator(method: int, number: int) -> Handshake:
    """A handshake of the evaluator; signature methods refer to a credential of `CRED_LENGTH` octets."""
    suite, rng = SUITES[number], SeededRandom(b"benchmark")
    store: dict[bytes, Credential] = {}
    secrets: dict[str, Callable[[bytes], bytes] | EphemeralKey] = {}
    for letter, kind in zip("IR", AUTHENTICATION[method], strict=True):
        if kind == SIG:
            key = suite.signature.generate(rng)
            secrets[letter] = partial(suite.signature.sign, key)
            cred = bstr(letter.encode() * CRED_LENGTH)
            store[KID[letter]] = Credential(cred, public_key=key.public_key())
        else:
            secrets[letter] = static = suite.curve.load(STATIC[letter])
            store[KID[letter]] = Credential(CCS[letter], static_share=static.share)

    def party(letter: str, connection: bytes) -> BareParty:
        return BareParty((number,), encode(number), connection, KID[letter], secrets[letter], store)

    initiator, responder = party("I", b"\x0e"), party("R", b"\x27")

    def handshake() -> None:
        ends = BareEnd(DEVICE, method, initiator), BareEnd(SERVICE, method, responder)
        complete(*ends)
        for end in ends:
            end.export(0, b"", 16)

    return handshake


def lakers() -> Handshake:
    """A handshake of lakers with itself: method 3, suite 2, message_4 and one export at each end.

    Raises:
        ImportError: lakers is not installed.
    """
    from lakers import CredentialTransfer, EdhocInitiator, EdhocResponder

    reference = CredentialTransfer.ByReference

    def handshake() -> None:
        initiator, responder = EdhocInitiator(), EdhocResponder(STATIC["R"], CCS["R"])
        responder.process_message_1(initiator.prepare_message_1())
        initiator.parse_message_2(responder.prepare_message_2(reference))
        initiator.verify_message_2(STATIC["I"], CCS["I"], CCS["R"])
        message_3, _ = initiator.prepare_message_3(reference)
        responder.parse_message_3(message_3)
        responder.verify_message_3(CCS["I"])
        initiator.process_message_4(responder.prepare_message_4())
        for end in (initiator, responder):
            end.edhoc_exporter(0, b"", 16)

    return handshake


def cryptography(number: int = 2) -> Handshake:
    """What method 0 with message_4 asks of the library, called without any protocol around it."""
    suite = SUITES[number]
    algorithm, curve = ec.ECDSA(suite.hash_algorithm.algorithm, deterministic_signing=True), ec.SECP256R1()
    signers = [ec.generate_private_key(curve) for _ in "IR"]
    publics = [key.public_key() for key in signers]
    tbs = bytes(CRED_LENGTH + 100)

    def handshake() -> None:
        ephemeral = [ec.generate_private_key(curve) for _ in "IR"]
        shares = [k.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint) for k in ephemeral]
        for key, share in zip(ephemeral, reversed(shares), strict=True):
            point = ec.EllipticCurvePublicKey.from_encoded_point(curve, share)
            _key_schedule(suite, key.exchange(ec.ECDH(), point))
        for signer, public in zip(signers, publics, strict=True):
            r, s = decode_dss_signature(signer.sign(tbs, algorithm))
            public.verify(encode_dss_signature(r, s), tbs, algorithm)
        _encryptions(suite, shares[0])

    return handshake


def _key_schedule(suite: Suite, g_xy: bytes) -> None:
    """One side: transcript hashes, PRK_2e, MACs, keystream, keys of two messages, PRK_out, exporter and one export."""
    context = bytes(CRED_LENGTH + 100)
    th = [suite.hash(context) for _ in range(4)][-1]
    prk = suite.extract(th, g_xy)
    for length in (32, 32):
        suite.expand(prk, context, length)
    for length in (82, 16, 13, 16, 13, 32, 32, 16):
        suite.expand(prk, th, length)


def _encryptions(suite: Suite, share: bytes) -> None:
    """message_3 and message_4, sealed by one side and opened by the other."""
    aad = bytes(45)
    for at, plaintext in enumerate((bytes(80), b"")):
        key = share[at : at + suite.aead.key_length]
        nonce = bytes(suite.aead.nonce_length)
        suite.aead.open(key, nonce, aad, suite.aead.seal(key, nonce, aad, plaintext))


def contenders() -> dict[str, Handshake]:
    """Name to handshake; lakers is left out where it is not installed."""
    found = {
        "evaluator, method 0, suite 2": evaluator(0, 2),
        "evaluator, method 0, suite 3": evaluator(0, 3),
        "evaluator, method 3, suite 2": evaluator(3, 2),
        "cryptography alone, method 0": cryptography(),
    }
    with suppress(ImportError):
        found["lakers, method 3, suite 2"] = lakers()
    return found


def measure(handshakes: dict[str, Handshake], rounds: int, count: int) -> dict[str, list[float]]:
    """Handshakes a second of each contender in each round, after one round that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in handshakes}
    for turn in range(rounds + 1):
        for name, handshake in handshakes.items():
            started = time.perf_counter()
            for _ in range(count):
                handshake()
            if turn:
                rates[name].append(count / (time.perf_counter() - started))
    return rates


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description="EDHOC handshakes a second, both ends in one process")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--handshakes", type=int, default=40, help="of each contender in each round")
    arguments = parser.parse_args()
    rates = measure(contenders(), arguments.rounds, arguments.handshakes)
    for name, values in rates.items():
        print(f"{name:32} {median(values):8.0f}/s   ({min(values):.0f} to {max(values):.0f})")
    first, *others = rates
    for other in others:
        ratio = median(a / b for a, b in zip(rates[first], rates[other], strict=True))
        print(f"{first} / {other}: {ratio:.2f}")


if __name__ == "__main__":
    main()
