"""The walk that decides about every octet of encoded CBOR, once, before any value is built.

Work and memory follow the octets present, never a length that they declare. Restriction of the profile on top of
RFC 8949: a map key is an integer or a string (section 5.6).
"""

from dataclasses import dataclass

from .cbor_build import ARRAY, BREAK, BSTR, MAP, NINT, SIMPLE, TAG, TSTR, UINT, build, encode_float, float_value


class CborError(ValueError):
    """Refused octets: `reason` says which rule they break, `offset` at which octet."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at octet {offset}")
        self.reason = reason
        self.offset = offset


class NotDeterministic(CborError):
    """Well-formed, but not the one encoding of RFC 8949 section 4.2.1."""


class DuplicateKey(CborError):
    """A map holds the same key twice (RFC 8949 section 5.6)."""


class TrailingBytes(CborError):
    """Octets follow the item."""


class TooDeep(CborError):
    """More arrays, maps and tags enclose an item than allowed."""


class Truncated(CborError):
    """The input ends inside an item, or an item declares more than the input holds."""


class Malformed(CborError):
    """Not well-formed or not valid: reserved head, stray break, ill-formed UTF-8 (RFC 8949 sections 5.3 and C)."""


class UnsupportedKey(CborError):
    """A map key that is neither an integer nor a string."""


class UnexpectedType(CborError):
    """A well-formed item of another major type than the caller asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class Strictness:
    """The rules beyond well-formedness, each of which can be switched off. Told apart by identity.

    * `deterministic`: shortest heads and floats, definite lengths, sorted keys.
    * `duplicate_keys`: refused; otherwise the last one wins.
    * `trailing`: octets after the item are refused; otherwise they are ignored.
    * `depth`: how many arrays, maps and tags may enclose an item. The interpreter's own stack stays a bound.
    * `definite`: definite lengths, where `deterministic` does not ask for them.
    """

    deterministic: bool = True
    duplicate_keys: bool = True
    trailing: bool = True
    depth: int = 16
    definite: bool = False


STRICT = Strictness()


def _leaf_size(first: int) -> int:
    major, minor = first >> 5, first & 31
    if minor >= 24 or major in (TSTR, ARRAY, MAP, TAG):
        return 0
    return 1 + minor if major == BSTR else 1


_LEAF_SIZES = bytes(_leaf_size(first) for first in range(256))
"""Octets of the item by its initial octet, where that decides alone and nothing else is to check; otherwise 0."""
_BSTR_OF_A_LENGTH_OCTET = BSTR << 5 | 24


def long_head(data: bytes, at: int, rules: Strictness) -> tuple[int, int]:
    """Argument (-1: indefinite length) and end of a head whose argument is not in its initial octet."""
    first = data[at]
    minor = first & 31
    if minor == 24:
        argument, end = data[at + 1], at + 2
        shortest = argument > 23
    elif minor < 28:
        size = 1 << (minor - 24)
        end = at + 1 + size
        if end > len(data):
            raise Truncated("input ends inside a head", len(data))
        argument = int.from_bytes(data[at + 1 : end], "big")
        shortest = argument >> (4 * size) > 0
    else:
        return _indefinite_head(data, at, rules)
    if rules.deterministic and not shortest and first < 0xE0:
        raise NotDeterministic("head is not the shortest", at)
    return argument, end


def _indefinite_head(data: bytes, at: int, rules: Strictness) -> tuple[int, int]:
    major, minor = data[at] >> 5, data[at] & 31
    if minor < 31 or major in (UINT, NINT, TAG):
        raise Malformed(f"reserved additional information {minor}", at)
    if data[at] == BREAK:
        raise Malformed("break outside an indefinite-length item", at)
    if rules.deterministic or rules.definite:
        raise NotDeterministic("indefinite length", at)
    return -1, at + 1


def _end(data: bytes, at: int, left: int, rules: Strictness) -> int:
    """End of the item at `at`, below which `left` more levels may open.

    The end of a byte string may lie beyond the input: whoever asked for the item compares it with the length.
    """
    first = data[at]
    size = _LEAF_SIZES[first]
    if size:
        return at + size
    if first == _BSTR_OF_A_LENGTH_OCTET and (length := data[at + 1]) > 23:
        return at + 2 + length
    major, argument = first >> 5, first & 31
    if argument < 24:
        end = at + 1
    else:
        argument, end = long_head(data, at, rules)
    if major < BSTR:
        return end
    if major == BSTR and argument >= 0:
        return end + argument
    if major < ARRAY:
        return _string_end(data, end, major, argument, rules)
    if major == SIMPLE:
        _check_simple(data, at, end, rules)
        return end
    if not left:
        raise TooDeep("nesting exceeds the limit", at)
    if major == TAG:
        return _end(data, end, left - 1, rules)
    bounds = (array_bounds if major == ARRAY else map_bounds)(data, end, argument, left - 1, rules)
    return bounds[-1] + (argument < 0)


def _string_end(data: bytes, at: int, major: int, length: int, rules: Strictness) -> int:
    if length < 0:
        return _chunks_end(data, at, major, rules)
    end = at + length
    if end > len(data):
        raise Truncated("string is longer than the input", len(data))
    if major == TSTR and not (text := data[at:end]).isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise Malformed("ill-formed UTF-8", at + error.start) from None
    return end


def _chunks_end(data: bytes, at: int, major: int, rules: Strictness) -> int:
    while data[at] != BREAK:
        if data[at] >> 5 != major or data[at] & 31 == 31:
            raise Malformed("chunk is not a definite-length string of the same type", at)
        at = _end(data, at, 0, rules)
    return at + 1


def _check_simple(data: bytes, at: int, end: int, rules: Strictness) -> None:
    encoded = data[at:end]
    if encoded[0] == 0xF8:
        if encoded[1] < 32:
            raise Malformed("reserved simple value", at)
    elif rules.deterministic and encoded != encode_float(float_value(encoded)):
        raise NotDeterministic("float is not in its shortest form", at)


def array_bounds(data: bytes, at: int, count: int, left: int, rules: Strictness) -> list[int]:
    """Start of the first item, then the end of each; a negative count stands for an indefinite length."""
    if count > len(data) - at:
        raise Truncated("array has more items than the input octets", len(data))
    bounds = [at]
    while count and (count > 0 or data[at] != BREAK):
        size = _LEAF_SIZES[data[at]]
        at = at + size if size else _end(data, at, left, rules)
        bounds.append(at)
        count -= 1
    return bounds


def map_bounds(data: bytes, at: int, count: int, left: int, rules: Strictness) -> list[int]:
    """Start of the first key, then the end of each key and value by turns."""
    if 2 * count > len(data) - at:
        raise Truncated("map has more items than the input octets", len(data))
    bounds = [at]
    previous, plain = b"", True
    while count and (count > 0 or data[at] != BREAK):
        first = data[at]
        if first > 0x7F:
            raise UnsupportedKey("map key is neither an integer nor a string", at)
        size = _LEAF_SIZES[first]
        end = at + size if size else _end(data, at, left, rules)
        key = data[at:end]
        if key <= previous:
            plain = False
            if rules.deterministic and end <= len(data):
                _check_order(previous, key, at, rules)
        elif size != 1:
            plain = False
        previous = key
        size = _LEAF_SIZES[data[end]]
        at = end + size if size else _end(data, end, left, rules)
        bounds += end, at
        count -= 1
    if rules.duplicate_keys and not rules.deterministic and not plain:  # Rising keys of one octet are distinct.
        _check_distinct(data, bounds)
    return bounds


def _check_order(previous: bytes, key: bytes, at: int, rules: Strictness) -> None:
    if key != previous:
        raise NotDeterministic("map keys are not in bytewise order", at)
    if rules.duplicate_keys:
        raise DuplicateKey("map key occurs twice", at)


def _check_distinct(data: bytes, bounds: list[int]) -> None:
    """Compare keys as values: without determinism one value has several encodings."""
    seen = set()
    for start, end in zip(bounds[:-1:2], bounds[1::2], strict=True):
        if end > len(data):
            raise Truncated("input ends inside an item", len(data))
        key, _ = build(data, start)
        if key in seen:
            raise DuplicateKey("map key occurs twice", start)
        seen.add(key)


def walk(data: bytes, at: int, rules: Strictness) -> int:
    try:
        end = _end(data, at, rules.depth, rules)
    except IndexError:
        end = len(data) + 1
    except RecursionError:
        raise TooDeep("nesting exceeds the stack", at) from None
    if end > len(data):
        raise Truncated("input ends inside an item", len(data))
    return end


def walk_whole(data: bytes, rules: Strictness) -> int:
    end = walk(data, 0, rules)
    if rules.trailing and end != len(data):
        raise TrailingBytes("octets follow the item", end)
    return end
