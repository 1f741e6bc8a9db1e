"""Grammars of slots: what an encoding must look like before any check judges what it says."""

from __future__ import annotations

from collections.abc import Callable

from ..codec.cbor import ARRAY, BSTR, MAP, NINT, TSTR, UINT, Strictness, split_array, split_sequence

_INTS = (UINT, NINT)


def _major(data: bytes) -> int:
    return data[0] >> 5


def _require(condition: bool, expected: str) -> None:
    if not condition:
        raise ValueError(f"expected {expected}")


def _of(expected: str, *majors: int) -> Callable[[bytes, Strictness], None]:
    def check(data: bytes, rules: Strictness) -> None:
        _require(bool(data) and _major(data) in majors, expected)

    return check


def _sized(length: int) -> Callable[[bytes, Strictness], None]:
    head = bytes([(BSTR << 5) | length])

    def check(data: bytes, rules: Strictness) -> None:
        _require(data[:1] == head, f"a byte string of {length} octets")

    return check


def _identifier(data: bytes, rules: Strictness) -> None:
    """C_x: a string of the one octet that encodes an integer is sent as that integer (RFC 9528 section 3.3.2)."""
    major = _major(data)
    if major in _INTS:
        _require(len(data) == 1, "an identifier of one octet as integer")
        return
    _require(major == BSTR, "an identifier: integer or byte string")
    compact = len(data) == 2 and (data[1] < 0x18 or 0x20 <= data[1] < 0x38)
    _require(not (compact and rules.deterministic), "the integer form of a one-octet identifier")


def _suites(data: bytes, rules: Strictness) -> None:
    """SUITES_I: one integer, or two and more in an array (RFC 9528 section 5.2.1)."""
    if _major(data) in _INTS:
        return
    _require(_major(data) == ARRAY, "a suite or an array of suites")
    suites = split_array(data, rules=rules)
    _require(len(suites) >= 2 and all(_major(s) in _INTS for s in suites), "an array of two or more suites")


def _ead(data: bytes, rules: Strictness) -> None:
    """A sequence of ead_label and optional ead_value (RFC 9528 section 3.8)."""
    value_allowed = False
    for item in split_sequence(data, rules=rules):
        if _major(item) in _INTS:
            value_allowed = True
        else:
            _require(value_allowed and _major(item) == BSTR, "EAD items: label, optional byte string")
            value_allowed = False


def _formats(data: bytes, rules: Strictness) -> None:
    _require(_major(data) == ARRAY, "an array of evidence formats")
    items = split_array(data, rules=rules)
    _require(all(_major(i) in (UINT, TSTR) for i in items), "content-formats or media types")


def _proofs(data: bytes, rules: Strictness) -> None:
    _require(_major(data) == ARRAY, "an array of revocation proofs")
    proofs = split_array(data, rules=rules)
    _require(bool(proofs), "at least one revocation proof")
    for proof in proofs:
        _require(_major(proof) == ARRAY, "[kind, DER]")
        parts = split_array(proof, rules=rules)
        _require(len(parts) == 2 and parts[0] in (b"\x00", b"\x01") and _major(parts[1]) == BSTR, "[0 / 1, DER]")


GRAMMARS: dict[str, Callable[[bytes, Strictness], None]] = {
    "int": _of("an integer", *_INTS),
    "uint": _of("an unsigned integer", UINT),
    "text": _of("a text string", TSTR),
    "bytes": _of("a byte string", BSTR),
    "bytes_8": _sized(8),
    "list": _of("an array", ARRAY),
    "map": _of("a map", MAP),
    "identifier": _identifier,
    "suites": _suites,
    "ead": _ead,
    "formats": _formats,
    "proofs": _proofs,
}
"""Grammar name of a sort to its rule; each raises ValueError, of which CborError is one."""
