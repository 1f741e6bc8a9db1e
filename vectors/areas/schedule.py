"""Key schedule and exporters: record keys, session id and binder over both bindings, and what they must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ...harness.codec.cbor import encode
from ...harness.crypto.suites import SUITES, Suite
from ...spec import identifiers
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .edhoc_published import TRACES, Trace
from .honest import opening
from .seed import stream

SOURCE = "generated; RFC 9528 section 4.2.1, RFC 9846 section 7.5, chapters 3 to 6"
EMPTY = b""
LONGEST_CLAIM = 64
"""Octets of a wrong output that is still worth a line."""
KEY_I, KEY_R, IV_I, IV_R, BINDER, SID = range(41070, 41076)
"""Exporter labels of the profile."""


def _claims(
    requirement: str,
    field: str,
    given: Mapping[str, Json],
    right: bytes,
    wrong: Mapping[str, tuple[bytes, str]],
    flag: str = "KeyDerivation",
) -> Iterator[Vector]:
    """The right value, to be computed, and wrong ones that somebody claims."""
    yield Vector(requirement, field, "computed", True, "to be computed", given, {"okm": octets(right)})
    if len(right) <= LONGEST_CLAIM:
        yield Vector(
            requirement, field, "claimed", True, "to be computed and compared", {**given, "claimed": octets(right)}
        )
    for operator, (value, comment) in wrong.items():
        if value == right:
            raise GeneratorError(f"{field} {operator} is right")
        yield Vector(requirement, field, operator, False, comment, {**given, "claimed": octets(value)}, flags=(flag,))


# --- EDHOC -----------------------------------------------------------------------------------------------------------


def exporter(suite: Suite, prk_exporter: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_Exporter (RFC 9528 section 4.2.1)."""
    return suite.edhoc_kdf(prk_exporter, label, context, length)


def _exports(number: int) -> Iterator[Vector]:
    suite = SUITES[number]
    prk = stream(f"prk {number}")(suite.hash_length)
    for label, context, length in (
        (0, b"", 16),
        (23, b"", 1),
        (24, b"\x00", 32),
        (255, b"c" * 23, 33),
        (256, b"c" * 24, 64),
        (32768, b"", 255),
        (65535, b"c" * 255, 256),
        (65536, b"c" * 256, 255 * suite.hash_length),
    ):
        given = {"suite": number, "prk": octets(prk), "label": label, "context": octets(context), "length": length}
        info = encode(label) + context + encode(length)
        array = encode([label, context, length])
        wrong = {
            "context-bare": (suite.expand(prk, info, length), "the context not in a byte string"),
            "array": (suite.expand(prk, array, length), "info as an array, not as a sequence"),
            "label-in-four-octets": (
                suite.expand(prk, label.to_bytes(4, "big") + encode(context) + encode(length), length),
                "the label as u32",
            ),
            "next-label": (suite.edhoc_kdf(prk, label + 1, context, length), "the next label"),
            "extracted": (
                suite.edhoc_kdf(suite.extract(EMPTY, prk), label, context, length),
                "from the key extracted once more",
            ),
        }
        if context == EMPTY:
            wrong.pop("context-bare")
        if length > LONGEST_CLAIM:
            wrong.clear()
        yield from _claims("EDH-01", f"EDHOC_KDF {label}", given, suite.edhoc_kdf(prk, label, context, length), wrong)


def _edhoc_keys(number: int) -> Iterator[Vector]:
    suite = SUITES[number]
    prk = stream(f"prk exporter {number}")(suite.hash_length)
    key, nonce = suite.aead.key_length, suite.aead.nonce_length
    names = {
        "key_i": (KEY_I, key),
        "key_r": (KEY_R, key),
        "iv_i": (IV_I, nonce),
        "iv_r": (IV_R, nonce),
        "sid": (SID, 16),
    }
    other = {"key_i": KEY_R, "key_r": KEY_I, "iv_i": IV_R, "iv_r": IV_I, "sid": BINDER}
    for name, (label, length) in names.items():
        given = {"suite": number, "prk_exporter": octets(prk), "name": name}
        wrong = {
            "other-direction": (
                exporter(suite, prk, other[name], EMPTY, length),
                "the label of the other direction or purpose",
            ),
            "context-of-one-octet": (exporter(suite, prk, label, b"\x00", length), "a context that is not empty"),
            "longer-cut": (
                exporter(suite, prk, label, EMPTY, length + 1)[:length],
                "a longer output, cut: the length is bound",
            ),
        }
        requirement = "ATT-28" if name == "sid" else "EDH-20"
        yield from _claims(
            requirement, f"{name}, suite {number}", given, exporter(suite, prk, label, EMPTY, length), wrong
        )


def _published(trace: Trace) -> Iterator[Vector]:
    for name, label, length in (("OSCORE Master Secret", 0, 16), ("OSCORE Master Salt", 1, 8)):
        given = {
            "suite": trace.suite,
            "prk": octets(trace("PRK_exporter")),
            "label": label,
            "context": "",
            "length": length,
        }
        yield Vector("EDH-01", name, "published", True, "a value of the RFC", given, {"okm": octets(trace(name))})


# --- TLS -------------------------------------------------------------------------------------------------------------


def tls_exporter(suite: Suite, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """TLS-Exporter (RFC 9846 section 7.5)."""
    derived = suite.expand_label(secret, label, suite.hash(EMPTY), suite.hash_length)
    return suite.expand_label(derived, "exporter", suite.hash(context), length)


def _tls_exports(number: int) -> Iterator[Vector]:
    suite = SUITES[number]
    secret = stream(f"exporter secret {number}")(suite.hash_length)
    named = identifiers()["tls"]
    for label, context, length, requirement in (
        (named["binder_label"], sha256(b"context").digest(), 32, "TLS-10"),
        (named["sid_label"], EMPTY, 16, "TLS-11"),
    ):
        given = {
            "hash": suite.hash_algorithm.name,
            "secret": octets(secret),
            "label": label,
            "context": octets(context),
            "length": length,
        }
        derived = suite.expand_label(secret, label, suite.hash(EMPTY), suite.hash_length)
        once = suite.expand_label(secret, label, suite.hash(context), length)
        bare = suite.expand_label(derived, "exporter", context, length)
        binding = tls_exporter(suite, secret, "EXPORTER-Channel-Binding", EMPTY, length)
        wrong = {
            "one-step": (once, "without the derived secret"),
            "context-not-hashed": (bare, "the context itself, not its hash"),
            "label-of-channel-binding": (binding, "the label of RFC 9266"),
            "other-prefix": (
                tls_exporter(suite, secret, label.replace("EXPERIMENTAL", "EXPORTER"), context, length),
                "a label that begins otherwise",
            ),
            "longer-cut": (
                tls_exporter(suite, secret, label, context, length + 1)[:length],
                "a longer output, cut: the length is bound",
            ),
        }
        yield from _claims(
            requirement,
            f"{label}, {suite.hash_algorithm.name}",
            given,
            tls_exporter(suite, secret, label, context, length),
            wrong,
        )


# --- the binder ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """What the context of the binder is made of; ATT-26."""

    role: int
    epoch: int
    nonce: bytes
    attester: bytes
    relying_party: bytes
    hello_i: bytes
    hello_r: bytes

    def context(self, **changes: Any) -> bytes:
        """The encoded context, with elements changed."""
        named = {
            "tag": "tc1-binder",
            "role": self.role,
            "epoch": self.epoch,
            "nonce": self.nonce,
            "cert_att": sha256(self.attester).digest(),
            "cert_rp": sha256(self.relying_party).digest(),
            "hello_hash": sha256(self.hello_i + self.hello_r).digest(),
        }
        return encode(list({**named, **changes}.values()))


def _contexts(parts: Parts, spki: bytes) -> dict[str, tuple[bytes, str]]:
    """Wrong contexts."""
    hash_i, hash_r = parts.hello_i, parts.hello_r
    prefixed = b"".join(len(hello).to_bytes(3, "big") + hello for hello in (hash_i, hash_r))
    own = parts.context()
    return {
        "other-role": (parts.context(role=1 - parts.role), "the role of the other side: evidence could be reflected"),
        "next-epoch": (parts.context(epoch=parts.epoch + 1), "the next epoch"),
        "nonce-of-the-attester": (parts.context(nonce=parts.nonce[::-1]), "another nonce than the relying party's"),
        "certificates-exchanged": (
            parts.context(cert_att=sha256(parts.relying_party).digest(), cert_rp=sha256(parts.attester).digest()),
            "attester and relying party exchanged",
        ),
        "key-of-the-attester": (
            parts.context(cert_att=sha256(spki).digest()),
            "the digest of the key, not of the whole certificate",
        ),
        "without-cert_rp": (parts.context(cert_rp=b""), "the relying party's certificate is not bound"),
        "hellos-exchanged": (parts.context(hello_hash=sha256(hash_r + hash_i).digest()), "the responder's HELLO first"),
        "hellos-with-lengths": (
            parts.context(hello_hash=sha256(prefixed).digest()),
            "HELLOs with their length prefixes",
        ),
        "one-hello": (parts.context(hello_hash=sha256(hash_r).digest()), "one HELLO alone"),
        "without-tag": (encode([parts.role, *_rest(parts)]), "without the text that separates domains"),
        "sequence": (own[1:], "a sequence, not an array"),
    }


def _rest(parts: Parts) -> list[Any]:
    digests = [sha256(part).digest() for part in (parts.attester, parts.relying_party, parts.hello_i + parts.hello_r)]
    return [parts.epoch, parts.nonce, *digests]


def _exporter_of(binding: str, secret: bytes) -> Callable[[bytes], bytes]:
    suite, label = SUITES[3], identifiers()["tls"]["binder_label"]
    if binding == "edhoc":
        return lambda context: exporter(suite, secret, BINDER, context, 32)
    return lambda context: tls_exporter(suite, secret, label, context, 32)


def _binders(binding: str, role: int) -> Group:
    """Binders of one attester; `role` is that of ATT-26."""
    started, secret = opening(), stream(f"binder {binding}")(SUITES[3].hash_length)
    leaves = (started.device, started.service)
    attester, relying_party = leaves[role], leaves[1 - role]
    common = {
        "binding": binding,
        "secret": octets(secret),
        "role": role,
        "attester": octets(attester.der),
        "relying_party": octets(relying_party.der),
        "hello_i": octets(started.hello_i),
        "hello_r": octets(started.hello_r),
    }
    export, vectors, side = _exporter_of(binding, secret), list[Vector](), ("initiator", "responder")[role]
    for epoch in (0, 1, 24):
        nonce = stream(f"binder nonce {role} {epoch}")(32)
        parts = Parts(role, epoch, nonce, attester.der, relying_party.der, started.hello_i, started.hello_r)
        made = _contexts(parts, attester.spki)
        wrong = {name: (export(sha256(data).digest()), comment) for name, (data, comment) in made.items()}
        wrong["context-not-hashed"] = (export(parts.context()), "the context itself, not its digest")
        field = f"binder of the {side} over {binding}, epoch {epoch}"
        given = {"epoch": epoch, "nonce": octets(nonce)}
        vectors += _claims("ATT-26", field, given, export(sha256(parts.context()).digest()), wrong, "BinderContext")
    return Group(f"binder-{binding}-{side}", "binder", SOURCE, tuple(vectors), common)


def _groups() -> Iterator[Group]:
    for number in SUITES:
        yield Group(f"kdf-suite-{number}", "edhoc-kdf", SOURCE, tuple(_exports(number)), {})
        yield Group(f"keys-suite-{number}", "edhoc-session-key", SOURCE, tuple(_edhoc_keys(number)), {})
    for trace in TRACES:
        yield Group(
            f"rfc9529-{trace.name}", "edhoc-kdf", f"RFC 9529 section {trace.section}", tuple(_published(trace)), {}
        )
    for number in (3, 24):
        name = SUITES[number].hash_algorithm.name
        yield Group(f"tls-{name}", "tls-exporter", SOURCE, tuple(_tls_exports(number)), {})
    for binding in ("edhoc", "tls"):
        for role in (0, 1):
            yield _binders(binding, role)


AREA = Area(
    "key-schedule", "Exporter, record keys, session id and binder: to be computed, or claimed and compared.", _groups
)
