"""TPM structures, read with a cursor, and evidence of a TPM: chapter 7."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from . import grammar, ima
from .appraisal import FAILED, FOREIGN, UNBOUND, UNSUPPORTED, Trust
from .crypto import CURVES, verify
from .identifiers import IDS, OID
from .pki import Certificate
from .refusal import Refused, ensure
from .strict import load

SHA1, SHA256, SHA384 = 0x0004, 0x000B, 0x000C
SIZES = {SHA1: 20, SHA256: 32, SHA384: 48}
BIT = {name: 1 << place for name, place in IDS["tpm"]["attribute"].items()}
LOG_HEAD = (
    bytes(4)
    + (3).to_bytes(4, "little")
    + bytes(20)
    + (33).to_bytes(4, "little")
    + b"Spec ID Event03\0"
    + bytes(4)
    + bytes([0, 2, 0, 2])
    + (1).to_bytes(4, "little")
    + b"\x0b\x00\x20\x00"
    + b"\0"
)


class Cursor:
    """Octets from the front."""

    def __init__(self, octets: bytes, order: Any = "big") -> None:
        ensure(len(octets) <= 16_384, "too long")
        self.octets, self.at, self.order = octets, 0, order

    def take(self, count: int) -> bytes:
        """The next ones. Raises Refused."""
        ensure(self.at + count <= len(self.octets), "ends early")
        self.at += count
        return self.octets[self.at - count : self.at]

    def number(self, width: int) -> int:
        """An unsigned integer."""
        return int.from_bytes(self.take(width), self.order)

    def sized(self, most: int) -> bytes:
        """A TPM2B."""
        length = self.number(2)
        ensure(length <= most, "longer than it may be")
        return self.take(length)

    def exactly(self, width: int, value: int) -> None:
        """A constant."""
        ensure(self.number(width) == value, "another algorithm")

    def end(self) -> None:
        """Nothing is left."""
        ensure(self.at == len(self.octets), "octets too many")


def attest(octets: bytes) -> dict[str, Any]:
    """TPMS_ATTEST."""
    ensure(len(octets) <= 1024, "too long")
    cursor = Cursor(octets)
    found: dict[str, Any] = {"magic": cursor.number(4), "type": cursor.number(2)}
    found |= {"signer": cursor.sized(66), "extra": cursor.sized(64)}
    for name, width in (("clock", 8), ("reset_count", 4), ("restart_count", 4), ("safe", 1), ("firmware", 8)):
        found[name] = cursor.number(width)
    found["attested"] = octets[cursor.at :]
    return found


def public(octets: bytes) -> dict[str, Any]:
    """TPMT_PUBLIC of a P-256 key for ECDSA with SHA-256."""
    cursor = Cursor(octets)
    cursor.exactly(2, 0x0023)
    cursor.exactly(2, SHA256)
    attributes, policy = cursor.number(4), cursor.sized(32)
    ensure(len(policy) in (0, 32), "a policy of another length")
    for constant in (0x0010, 0x0018, SHA256, 0x0003, 0x0010):
        cursor.exactly(2, constant)
    x, y = (cursor.sized(32).rjust(32, b"\0") for _ in range(2))
    cursor.end()
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVES["P-256"], b"\x04" + x + y)
    name = SHA256.to_bytes(2, "big") + hashlib.sha256(octets).digest()
    return {"attributes": attributes, "policy": policy, "name": name, "x": x, "y": y, "key": key}


def signature(octets: bytes) -> bytes:
    """r and s of a TPMT_SIGNATURE."""
    cursor = Cursor(octets)
    cursor.exactly(2, 0x0018)
    cursor.exactly(2, SHA256)
    r, s = cursor.sized(32), cursor.sized(32)
    cursor.end()
    return r.rjust(32, b"\0") + s.rjust(32, b"\0")


def quote_info(octets: bytes) -> dict[str, Any]:
    """TPMS_QUOTE_INFO."""
    cursor, selections = Cursor(octets), []
    count = cursor.number(4)
    ensure(count <= 4, "too many selections")
    for _ in range(count):
        bank = cursor.number(2)
        ensure(bank in SIZES, "an unknown bank")
        cursor.exactly(1, 3)
        bits = int.from_bytes(cursor.take(3), "little")
        selections.append([bank, [index for index in range(24) if bits & 1 << index]])
    found = {"selections": selections, "digest": cursor.sized(32)}
    cursor.end()
    return found


def certify_info(octets: bytes) -> dict[str, Any]:
    """TPMS_CERTIFY_INFO."""
    cursor = Cursor(octets)
    found = {"name": cursor.sized(66), "qualified_name": cursor.sized(66)}
    cursor.end()
    return found


def event_log(octets: bytes) -> dict[str, Any]:
    """A crypto-agile log of one bank, and the registers that it replays to."""
    cursor = Cursor(octets, "little")
    ensure(cursor.take(len(LOG_HEAD)) == LOG_HEAD, "another log")
    events: list[list[Any]] = []
    registers: dict[int, bytes] = {}
    while cursor.at < len(octets):
        pcr, kind = cursor.number(4), cursor.number(4)
        cursor.exactly(4, 1)
        cursor.exactly(2, SHA256)
        digest, size = cursor.take(32), cursor.number(4)
        ensure(pcr < 24 and size <= 1024 and len(events) < 64, "an event out of bounds")
        events.append([pcr, kind, digest, cursor.take(size)])
        if kind != 3:
            registers[pcr] = hashlib.sha256(registers.get(pcr, bytes(32)) + digest).digest()
    return {"events": events, "registers": registers}


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_shown(item) for item in value] if isinstance(value, list) else value


def structure(given: dict[str, Any]) -> dict[str, Any]:
    """Operation `tpm-structure`."""
    kind, octets = given["kind"], bytes.fromhex(given["octets"])
    if kind == "ima-list":
        return ima.shown(octets)
    if kind == "signature":
        return {"signature": signature(octets).hex()}
    readers = {
        "attest": attest,
        "public": public,
        "quote-info": quote_info,
        "certify-info": certify_info,
        "event-log": event_log,
    }
    found = {name: _shown(value) for name, value in readers[kind](octets).items() if name != "key"}
    if kind == "attest":
        return {name: value if isinstance(value, str) else str(value) for name, value in found.items()}
    if kind == "event-log":
        found["registers"] = {str(pcr): _shown(value) for pcr, value in sorted(found["registers"].items())}
    return found


# --- evidence --------------------------------------------------------------------------------------------------------


def evidence(given: dict[str, Any]) -> None:
    """Operation `tpm-evidence`."""
    bundle(given, Trust(given), load(bytes.fromhex(given["cmw"])))


def bundle(given: dict[str, Any], trust: Trust, wrapper: Any) -> tuple[Certificate, dict[str, Any]]:
    """The attestation key and the quote of a bundle in a record of its own, judged. Raises Refused."""
    kind, value, indicator = wrapper
    ensure(kind == IDS["media_type"]["tpm2_evidence"], "type of evidence", UNSUPPORTED)
    ensure(type(indicator) is int and indicator == 4, "indicator", UNSUPPORTED)
    parts = grammar.check("tpm_bundle", value)
    chain = [Certificate(der) for der in parts[3]]
    leaf = trust.attestation_key(chain, bytes.fromhex(given["endorsements"]), OID["eku_tcg_ak"])
    ak, idk = public(parts[2]), public(parts[7])
    ensure(ak["key"] == leaf.key, "a public area of another key", FAILED)
    wanted = BIT["restricted"] | BIT["sign"] | BIT["fixed_tpm"]
    ensure(ak["attributes"] & wanted == wanted and not ak["attributes"] & BIT["decrypt"], "attributes", FAILED)
    quote, certification = attest(parts[4]), attest(parts[8])
    for made, signed, raw in ((parts[4], parts[5], quote), (parts[8], parts[9], certification)):
        verify(leaf.key, signature(signed), made, FAILED)
        ensure(raw["magic"] == IDS["tpm"]["magic"], "not generated", FAILED)
    ensure(quote["type"] == 0x8018 and certification["type"] == 0x8017, "types", FAILED)
    ensure(quote["extra"] == trust.binder and certification["extra"] == trust.binder, "binder", UNBOUND)
    ensure(len(quote["signer"]) == 34 and quote["signer"][:2] == SHA256.to_bytes(2, "big"), "name of signer", FAILED)
    for name in ("signer", "reset_count", "restart_count", "firmware"):
        ensure(quote[name] == certification[name], name, FAILED)
    _identity(certify_info(certification["attested"]), idk, leaf, trust)
    references = {int(pcr): bytes.fromhex(value) for pcr, value in given["reference_pcrs"].items()}
    _registers(quote_info(quote["attested"]), parts, references, given["event_types"])
    _files(quote_info(quote["attested"]), parts, {n: bytes.fromhex(d) for n, d in given.get("files", {}).items()})
    return leaf, quote


def _identity(certified: dict[str, Any], idk: dict[str, Any], leaf: Certificate, trust: Trust) -> None:
    ensure(certified["name"] == idk["name"], "another key was certified", FOREIGN)
    ensure(idk["key"] == trust.leaf.key, "not the key of the leaf", FOREIGN)
    wanted = BIT["sign"] | BIT["fixed_tpm"] | BIT["fixed_parent"] | BIT["sensitive_data_origin"]
    ensure(idk["attributes"] & wanted == wanted and not idk["attributes"] & BIT["restricted"], "custody", FOREIGN)
    ensure(leaf.uris == [trust.leaf.platform], "another platform", FOREIGN)


def _registers(
    quoted: dict[str, Any], bundle: dict[int, Any], references: dict[int, bytes], types: dict[str, int]
) -> None:
    values = bundle[6]
    check_quoted(quoted, values, references, FAILED)
    ensure(all(values[SHA256].get(pcr) == value for pcr, value in references.items()), "reference values", FAILED)
    if 10 in bundle:
        log = event_log(bundle[10])
        ensure(all(types.get(str(event[0])) == event[1] != 3 for event in log["events"]), "types of events", FAILED)
        expected = {int(pcr): values[SHA256].get(int(pcr)) for pcr in types}
        ensure(log["registers"] == expected, "the log does not replay", FAILED)


def check_quoted(quoted: dict[str, Any], values: Any, references: Collection[int], code: str) -> None:
    """What a quote shows is over these values, and covers the registers that policy names. Raises Refused."""
    chosen = [(bank, pcr) for bank, pcrs in quoted["selections"] for pcr in pcrs]
    ensure(chosen and all(bank != SHA1 for bank, _ in quoted["selections"]), "banks", code)
    ensure(references and all((SHA256, pcr) in chosen for pcr in references), "registers that are not quoted", code)
    ensure(len({bank for bank, _ in quoted["selections"]}) == len(quoted["selections"]), "a bank twice", code)
    try:
        ensure(all(len(values[bank][pcr]) == SIZES[bank] for bank, pcr in chosen), "length of a value", code)
        joined = b"".join(values[bank][pcr] for bank, pcr in chosen)
    except KeyError:
        raise Refused("a value is missing", code) from None
    ensure(hashlib.sha256(joined).digest() == quoted["digest"], "other values were quoted", code)


def _files(quoted: dict[str, Any], parts: dict[int, Any], named: dict[str, bytes]) -> None:
    """A measurement list, if there is one, and what policy says of files."""
    files: list[tuple[str, bytes]] = []
    if 11 in parts:
        ensure(_quotes(quoted, ima.REGISTER), "not quoted", FAILED)
        files = ima.judge(parts[11], parts[6][SHA256].get(ima.REGISTER), FAILED)
    if named:
        ensure(files, "no measurement list", FAILED)
        ensure(all(named.get(name) == digest for name, digest in files), "a file that policy does not name so", FAILED)


def _quotes(quoted: dict[str, Any], register: int) -> bool:
    return any(bank == SHA256 and register in registers for bank, registers in quoted["selections"])
