"""A handshake of RFC 9528, read by somebody who knows both ephemeral keys and judges as each receiver must."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .crypto import expand, extract, load_key, open_aead, share_secret, verify
from .refusal import ensure
from .strict import dump, load, split


@dataclass(frozen=True)
class Suite:
    """What a cipher suite fixes."""

    aead: str
    hash: str
    mac: int
    curve: str
    share: int
    signature: int
    key: int
    nonce: int


SUITES = {
    0: Suite("AES-CCM-16-64-128", "sha256", 8, "X25519", 32, 64, 16, 13),
    2: Suite("AES-CCM-16-64-128", "sha256", 8, "P-256", 32, 64, 16, 13),
    3: Suite("AES-CCM-16-128-128", "sha256", 16, "P-256", 32, 64, 16, 13),
    5: Suite("ChaCha20/Poly1305", "sha256", 16, "P-256", 32, 64, 32, 12),
    24: Suite("A256GCM", "sha384", 16, "P-384", 48, 96, 32, 12),
}
SIGNS = {0: (True, True), 1: (True, False), 2: (False, True), 3: (False, False)}
"""Method to whether initiator and responder sign."""


def kdf(suite: Suite, prk: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_KDF, section 4.1.2."""
    return expand(suite.hash, prk, dump(label) + dump(context) + dump(length), length)


def identifier_bytes(octets: bytes) -> bytes:
    """An encoded connection identifier or kid, judged: what one integer octet can say is no byte string."""
    value = load(octets)
    ensure(isinstance(value, (int, bytes)) and not isinstance(value, bool), "no identifier")
    if isinstance(value, int):
        ensure(len(octets) == 1, "an integer of more than one octet")
        return octets
    compact = len(value) == 1 and (value[0] < 0x18 or 0x20 <= value[0] < 0x38)
    ensure(not compact, "an identifier that has to be an integer")
    return bytes(value)


def ead(items: list[bytes]) -> bytes:
    """EAD items: labels, each with at most one value, none critical that nobody knows (section 3.8)."""
    may_have_value = False
    for item in items:
        value = load(item)
        if isinstance(value, bytes):
            ensure(may_have_value, "a value without a label")
            may_have_value = False
        else:
            ensure(isinstance(value, int) and not isinstance(value, bool), "neither label nor value")
            ensure(value >= 0, "critical and unknown")
            may_have_value = True
    return b"".join(items)


class Reader:
    """Messages of one handshake, in their order; `found` are the values so far."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.method, self.suites = given["method"], given["suites"]
        self.x, self.y = bytes.fromhex(given["x"]), bytes.fromhex(given["y"])
        self.credentials = {bytes.fromhex(held["id_cred"]): held for held in given["credentials"]}
        self.found: dict[str, bytes] = {}

    def hash(self, data: bytes) -> bytes:
        digest: bytes = hashlib.new(self.suite.hash, data).digest()
        return digest

    def derive(self, prk: str, label: int, context: bytes, length: int) -> bytes:
        return kdf(self.suite, self.found[prk], label, context, length)

    def message_1(self, octets: bytes) -> None:
        items = split(octets)
        ensure(len(items) >= 4, "too few items")
        method, g_x = load(items[0]), load(items[2])
        ensure(type(method) is int and isinstance(g_x, bytes), "grammar of message_1")
        selected, preferred = self._suites(load(items[1]))
        identifier_bytes(items[3])
        ensure(method == self.method, "method", "edhoc-error:1")
        ensure(selected in self.suites, "suite is not supported", "edhoc-error:2")
        ensure(not set(preferred) & set(self.suites), "a preferred suite is supported", "edhoc-error:2")
        self.suite = SUITES[selected]
        ead(items[4:])
        ensure(len(g_x) == self.suite.share, "length of G_X")
        share_secret(self.suite.curve, self.y, g_x)
        self.g_x, self.h_message_1 = g_x, self.hash(octets)

    def _suites(self, value: Any) -> tuple[int, list[int]]:
        listed = value if isinstance(value, list) else [value]
        ensure(not isinstance(value, list) or len(value) > 1, "a list of one suite")
        ensure(all(type(suite) is int for suite in listed), "suites are integers")
        return listed[-1], listed[:-1]

    def message_2(self, octets: bytes) -> None:
        suite, content = self.suite, load(octets)
        ensure(isinstance(content, bytes) and len(content) >= suite.share, "grammar of message_2")
        self.g_y, ciphertext = content[: suite.share], content[suite.share :]
        found = self.found
        found["g_xy"] = share_secret(suite.curve, self.x, self.g_y)
        found["th_2"] = self.hash(dump(self.g_y) + dump(self.h_message_1))
        found["prk_2e"] = extract(suite.hash, found["th_2"], found["g_xy"])
        found["keystream_2"] = self.derive("prk_2e", 0, found["th_2"], len(ciphertext))
        found["plaintext_2"] = bytes(a ^ b for a, b in zip(ciphertext, found["keystream_2"], strict=True))
        items = split(found["plaintext_2"])
        ensure(len(items) >= 3, "too few items")
        c_r, id_cred, carried, ead_2 = items[0], items[1], load(items[2]), ead(items[3:])
        identifier_bytes(c_r)
        held, id_cred = self._credential(id_cred)
        cred = bytes.fromhex(held["cred"])
        found["prk_3e2m"] = found["prk_2e"]
        if not SIGNS[self.method][1]:
            salt = self.derive("prk_2e", 1, found["th_2"], len(found["th_2"]))
            found["prk_3e2m"] = extract(suite.hash, salt, self._static(held, self.x))
        context = c_r + id_cred + dump(found["th_2"]) + cred + ead_2
        self._authenticated(1, "mac_2", "prk_3e2m", 2, context, carried, (id_cred, found["th_2"], cred, ead_2), held)
        found["th_3"] = self.hash(dump(found["th_2"]) + found["plaintext_2"] + cred)

    def message_3(self, octets: bytes) -> None:
        found = self.found
        found["plaintext_3"] = self._opened(octets, "3", "prk_3e2m", "th_3", 3)
        items = split(found["plaintext_3"])
        ensure(len(items) >= 2, "too few items")
        id_cred, carried, ead_3 = items[0], load(items[1]), ead(items[2:])
        held, id_cred = self._credential(id_cred)
        cred = bytes.fromhex(held["cred"])
        found["prk_4e3m"] = found["prk_3e2m"]
        if not SIGNS[self.method][0]:
            salt = self.derive("prk_3e2m", 5, found["th_3"], len(found["th_3"]))
            found["prk_4e3m"] = extract(self.suite.hash, salt, self._static(held, self.y))
        context = id_cred + dump(found["th_3"]) + cred + ead_3
        self._authenticated(0, "mac_3", "prk_4e3m", 6, context, carried, (id_cred, found["th_3"], cred, ead_3), held)
        found["th_4"] = self.hash(dump(found["th_3"]) + found["plaintext_3"] + cred)
        found["prk_out"] = self.derive("prk_4e3m", 7, found["th_4"], len(found["th_4"]))
        found["prk_exporter"] = self.derive("prk_out", 10, b"", len(found["th_4"]))

    def message_4(self, octets: bytes) -> None:
        self.found["plaintext_4"] = self._opened(octets, "4", "prk_4e3m", "th_4", 8)
        ead(split(self.found["plaintext_4"]))

    def _opened(self, octets: bytes, number: str, prk: str, th: str, label: int) -> bytes:
        content, context = load(octets), self.found[th]
        ensure(isinstance(content, bytes), "a message is a byte string")
        key = self.found[f"k_{number}"] = self.derive(prk, label, context, self.suite.key)
        nonce = self.found[f"iv_{number}"] = self.derive(prk, label + 1, context, self.suite.nonce)
        return open_aead(self.suite.aead, key, nonce, dump(["Encrypt0", b"", context]), content)

    def _credential(self, sent: bytes) -> tuple[dict[str, Any], bytes]:
        """What ID_CRED_x names, and the whole map: a kid stands alone in a plaintext (section 3.5.3.2)."""
        if sent[0] >> 5 == 5:
            header = load(sent)
            ensure(list(header) != [4], "a kid is sent without its map")
            id_cred = sent
        else:
            id_cred = dump({4: identifier_bytes(sent)})
        ensure(id_cred in self.credentials, "unknown credential", "edhoc-error:3")
        return self.credentials[id_cred], id_cred

    def _static(self, held: dict[str, Any], exponent: bytes) -> bytes:
        return share_secret(self.suite.curve, exponent, bytes.fromhex(held["static_share"]))

    def _authenticated(
        self, who: int, name: str, prk: str, label: int, context: bytes, carried: Any,
        signed: tuple[bytes, bytes, bytes, bytes], held: dict[str, Any],
    ) -> None:  # fmt: skip
        signs, suite = SIGNS[self.method][who], self.suite
        length = len(self.found["th_2"]) if signs else suite.mac
        mac = self.found[name] = self.derive(prk, label, context, length)
        ensure(isinstance(carried, bytes), "Signature_or_MAC is a byte string")
        if not signs:
            ensure(carried == mac, "MAC")
            return
        ensure(len(carried) == suite.signature, "length of a signature")
        id_cred, th, cred, items = signed
        structure = dump(["Signature1", id_cred, dump(th) + cred + items, mac])
        verify(load_key(held["public_key"]), carried, structure)


def handshake(given: dict[str, Any]) -> dict[str, str]:
    """Operation `edhoc`: every value of the messages that are given."""
    reader = Reader(given)
    for number in range(1, 5):
        if f"message_{number}" in given:
            getattr(reader, f"message_{number}")(bytes.fromhex(given[f"message_{number}"]))
    return {name: value.hex() for name, value in reader.found.items()}


__all__ = ["SUITES", "handshake", "kdf"]
