"""Key schedule of the channel and its records: chapters 3 to 6, EDH-15 to EDH-24, TLS-10, TLS-11, ATT-26, ATT-28."""

from __future__ import annotations

import hashlib
from typing import Any

from .crypto import expand, open_aead
from .edhoc import SUITES, Suite, kdf
from .refusal import Refused, ensure
from .strict import dump

KEY_LABELS = {"key_i": 41070, "key_r": 41071, "iv_i": 41072, "iv_r": 41073, "sid": 41075}
BINDER_LABEL = 41074
TLS_BINDER = "EXPERIMENTAL-tc1-binder"
PLAINTEXT, UNIT = 16_384, 16_384 + 64
FRAME = {False: 65_536, True: 1_048_576}


def answered(okm: bytes, given: dict[str, Any]) -> dict[str, str]:
    """The output, or a refusal of what was claimed in its place."""
    ensure("claimed" not in given or bytes.fromhex(given["claimed"]) == okm, "not the value that is claimed")
    return {"okm": okm.hex()}


def edhoc_kdf(given: dict[str, Any]) -> dict[str, str]:
    """Operation `edhoc-kdf`."""
    context = bytes.fromhex(given["context"])
    suite = SUITES[given["suite"]]
    return answered(kdf(suite, bytes.fromhex(given["prk"]), given["label"], context, given["length"]), given)


def session_key(given: dict[str, Any]) -> dict[str, str]:
    """Operation `edhoc-session-key`."""
    suite, name = SUITES[given["suite"]], given["name"]
    length = {"k": suite.key, "i": suite.nonce, "s": 16}[name[0]]
    return answered(kdf(suite, bytes.fromhex(given["prk_exporter"]), KEY_LABELS[name], b"", length), given)


def expand_label(name: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of TLS 1.3."""
    full = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return expand(name, secret, info, length)


def tls_export(name: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """TLS-Exporter."""
    size = hashlib.new(name).digest_size
    derived = expand_label(name, secret, label, hashlib.new(name).digest(), size)
    return expand_label(name, derived, "exporter", hashlib.new(name, context).digest(), length)


def tls_exporter(given: dict[str, Any]) -> dict[str, str]:
    """Operation `tls-exporter`."""
    secret, context = bytes.fromhex(given["secret"]), bytes.fromhex(given["context"])
    return answered(tls_export(given["hash"], secret, given["label"], context, given["length"]), given)


def binder(given: dict[str, Any]) -> dict[str, str]:
    """Operation `binder`."""
    part = {name: bytes.fromhex(value) for name, value in given.items() if name not in ("binding", "role", "epoch")}
    digests = [hashlib.sha256(data).digest() for data in (
        part["attester"], part["relying_party"], part["hello_i"] + part["hello_r"],
    )]  # fmt: skip
    context = dump(["tc1-binder", given["role"], given["epoch"], part["nonce"], *digests])
    hashed = hashlib.sha256(context).digest()
    if given["binding"] == "edhoc":
        return answered(kdf(SUITES[3], part["secret"], BINDER_LABEL, hashed, 32), given)
    return answered(tls_export("sha256", part["secret"], TLS_BINDER, hashed, 32), given)


def records(given: dict[str, Any]) -> dict[str, Any]:
    """Operation `records`: frames of a stream of units."""
    left, number, stream = bytes.fromhex(given["octets"]), given["first"], b""
    frames: list[str] = []
    while len(left) >= 5:
        length, kind = int.from_bytes(left[:4], "big"), left[4]
        ensure(length and kind in (1, 2, 3), "len or kind of a unit")
        ensure(length <= UNIT, "a unit that is too long")
        if len(left) < 4 + length:
            break
        payload, left = left[5 : 4 + length], left[4 + length :]
        stream += open_record(given, number, payload, SUITES[given["suite"]])
        number += 1
        stream = _frames(stream, frames, FRAME[given["open"]])
    return {"frames": frames}


def open_record(given: dict[str, Any], number: int, payload: bytes, suite: Suite) -> bytes:
    """The plaintext of one record. Raises Refused."""
    iv = bytes.fromhex(given["iv"])
    tag = 8 if suite.aead == "AES-CCM-16-64-128" else 16
    ensure(number < given["limit"], "a record more than allowed")
    ensure(len(payload) - tag <= PLAINTEXT, "a plaintext that is too long")
    nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(8, "big").rjust(len(iv), b"\0"), strict=True))
    additional = b"\x03" + (1 + len(payload)).to_bytes(4, "big")
    return open_aead(suite.aead, bytes.fromhex(given["key"]), nonce, additional, payload)


def _frames(stream: bytes, frames: list[str], most: int) -> bytes:
    """Take whole frames off; what is left."""
    while len(stream) >= 3:
        length = int.from_bytes(stream[:3], "big")
        if length > most:
            raise Refused("a frame that is too long", "alert:13")
        if len(stream) < 3 + length:
            break
        frames.append(stream[3 : 3 + length].hex())
        stream = stream[3 + length :]
    return stream
