"""Other values for a value: what an attacker may put in its place. An operator is a short text, such as `int+1`.

Operators on encoded CBOR items are offered by what the item is: numbers around their limits, times around the present,
lists and maps with parts missing, doubled or in another order, strings cut, grown or altered, encodings that are not
the shortest. Operators on bare octets are offered by their length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cbor2 import CBORTag

from ...harness.codec import cbor
from ...harness.crypto.curves import P_256
from ...harness.tester.operators import ITEM_OPERATORS, OCTET_OPERATORS, flip_item
from ..encodings import map_of, pairs_of

TIME_AROUND = 40 * 366 * 86400
"""Seconds from the present within which a number looks like a time."""
OFFSETS = (1, -1, 5, -5, 59, 60, 61, -60, -61, 299, -299, -300, -301, -360, -361, 3600, -3600, 86400, -86400)
"""Seconds around the present; limits of the profile are among them."""
NUMBERS = (
    0, 1, 2, 3, 4, 5, 7, 8, 16, 23, 24, 32, 96, 100, 127, 128, 200, 201, 255, 256, 65535, 65536, 2**31, 2**32 - 1,
    2**32, 2**53, 2**63, 2**64 - 1, -1, -2, -9, -24, -25, -2**31,
)  # fmt: skip
SMALL = 12
"""Elements of a list or keys of a map that are altered one by one."""


class Unfit(Exception):
    """An operator that does not fit the value."""


def change_of(operator: str, *, item: bool, now: int) -> Callable[[bytes], bytes]:
    """The operator as a function of octets. `item`: they are one encoded CBOR item. `now`: Unix seconds.

    The function raises `Unfit` for octets that it does not fit.
    """

    def change(data: bytes) -> bytes:
        try:
            changed = _item(operator, data, now) if item else _octets(operator, data)
        except (ValueError, LookupError, TypeError, OverflowError) as error:
            raise Unfit(f"{operator}: {error}") from error
        if changed == data:
            raise Unfit(f"{operator} changes nothing")
        return changed

    return change


def fitting(data: bytes, *, item: bool, now: int, shallow: bool = False) -> list[str]:
    """Operators that make something else of these octets, the plainest first; `shallow`: of it as a whole."""
    offered = _item_operators(data, now) if item else _octet_operators(data)
    if shallow:
        offered = (name for name in (*_AROUND, *offered) if not name.startswith(("at:", "key:")))
    return [name for name in dict.fromkeys(offered) if _fits(name, data, item, now)]


_AROUND = ("doubled", "further", "unsorted", "long", "indefinite", "further-text", "trailing")
"""What a map or list suffers whose parts are altered one by one anyway."""


def _fits(name: str, data: bytes, item: bool, now: int) -> bool:
    try:
        change_of(name, item=item, now=now)(data)
    except Unfit:
        return False
    return True


# --- bare octets -----------------------------------------------------------------------------------------------------


_FURTHER = ("20", "2041ff", "3903e7", "00", "18a0", "1903e84100", "1a000115594100", "3a00011559", "f6", "6178", "81")
"""What may stand where more items are allowed: EAD items of known and unknown labels, critical or not, and no items."""


def _octet_operators(data: bytes) -> Iterator[str]:
    yield from (f"add:{digits}" for digits in _FURTHER if not data)
    yield from OCTET_OPERATORS
    yield from ("first-bit", "zero", "ones", "none", "half", "twice", "backwards", "middle-bit", "high-s", "r-zero")


def _octets(operator: str, data: bytes) -> bytes:
    if operator.startswith("add:"):
        return data + bytes.fromhex(operator[4:])
    if operator in OCTET_OPERATORS:
        return OCTET_OPERATORS[operator](data)
    return _STRINGS[operator](data)


def _bit(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _high_s(data: bytes) -> bytes:
    """The other S of an ES256 signature, which verifies as well."""
    if len(data) != 64:
        raise ValueError("no ES256 signature")
    return data[:32] + (P_256.order - int.from_bytes(data[32:], "big")).to_bytes(32, "big")


def _r_zero(data: bytes) -> bytes:
    if len(data) != 64:
        raise ValueError("no ES256 signature")
    return bytes(32) + data[32:]


_STRINGS: dict[str, Callable[[bytes], bytes]] = {
    "first-bit": lambda data: _bit(data, 0),
    "middle-bit": lambda data: _bit(data, len(data) // 2),
    "last-bit": lambda data: _bit(data, len(data) - 1),
    "zero": lambda data: bytes(len(data)),
    "ones": lambda data: b"\xff" * len(data),
    "none": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "cut": lambda data: data[:-1],
    "cut-first": lambda data: data[1:],
    "grow": lambda data: data + b"\x00",
    "grow-first": lambda data: b"\x00" + data,
    "twice": lambda data: data + data,
    "backwards": lambda data: data[::-1],
    "high-s": _high_s,
    "r-zero": _r_zero,
}

# --- CBOR items ------------------------------------------------------------------------------------------------------


def _item_operators(data: bytes, now: int) -> Iterator[str]:
    if not data:
        yield from ("put:00", "put:a0", "put:80", "put:40", "put:f6")
        return
    yield from ITEM_OPERATORS
    value = cbor.decode(data)
    if isinstance(value, bool):
        yield from ("int:0", "int:1")
    elif isinstance(value, int):
        yield from _number_operators(value, now)
    elif isinstance(value, bytes):
        yield from (f"bytes:{name}" for name in ("grow", "cut", *_STRINGS))
    elif isinstance(value, str):
        yield from (f"text:{name}" for name in ("grow", *_TEXTS))
    elif isinstance(value, list):
        yield from _list_operators(value, now)
    elif isinstance(value, dict):
        yield from _map_operators(value, now)
    yield from ("null", "true", "tagged", "wrapped", "long", "indefinite", "text")


def _number_operators(value: int, now: int) -> Iterator[str]:
    yield from ("int+1", "int-1", "or:8", "or:1", "or:2", "or:16")
    if abs(value - now) < TIME_AROUND:
        yield from (f"now{offset:+d}" for offset in OFFSETS)
    else:
        yield from ("int+2", "int+10", "int-2")
    yield from (f"int:{number}" for number in NUMBERS)
    yield from ("bignum", "float")


def _list_operators(value: list[Any], now: int) -> Iterator[str]:
    yield from ("drop-first", "drop-last", "backwards", "twice-first", "twice-last", "more", "only-first", "only-last")
    for position in _ends(len(value)):
        yield from (f"at:{position}:{inner}" for inner in _inner(value[position], now))


def _map_operators(value: dict[Any, Any], now: int) -> Iterator[str]:
    keys = sorted(value, key=cbor.encode)[:SMALL]
    yield from (f"without:{position}" for position in range(len(keys)))
    yield from ("further", "further-text", "doubled", "unsorted")
    if _Y in value:
        yield from ("mirrored-key", "another-key")
    for position, key in enumerate(keys):
        yield from (f"key:{position}:{inner}" for inner in _inner(value[key], now))


def _ends(count: int) -> list[int]:
    return sorted({*range(min(count, 3)), *range(max(0, count - 2), count)})


def _inner(value: Any, now: int) -> list[str]:
    data = cbor.encode(value)
    names = [n for n in _item_operators(data, now) if not n.startswith(("absent", "long", "indefinite", "bignum"))]
    return names[:40]


_TEXTS: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[:-1],
    "grow": lambda text: text + "0",
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "nul": lambda text: text + "\x00",
    "space": lambda text: text + " ",
    "half": lambda text: text[: len(text) // 2],
    "slash": lambda text: text.rstrip("/") if text.endswith("/") else text + "/",
    "wildcard": lambda text: "*",
    "percent": lambda text: text.replace("e", "%65", 1),
    "cut-first": lambda text: text[1:],
}


def _item(operator: str, data: bytes, now: int) -> bytes:
    if operator.startswith("put:"):
        return bytes.fromhex(operator[4:])
    if not data:
        raise ValueError("nothing there")
    if operator in ITEM_OPERATORS:
        return ITEM_OPERATORS[operator](data)
    if operator in _ENCODINGS:
        return _ENCODINGS[operator](data)
    value = cbor.decode(data)
    if operator.startswith("at:"):
        return cbor.encode(_at(operator, value, now))
    if operator.startswith("key:"):
        return cbor.encode(_key(operator, value, now))
    return cbor.encode(_other_value(operator, value, now))


def _at(operator: str, value: Any, now: int) -> list[Any]:
    _, position, inner = operator.split(":", 2)
    index = int(position)
    return [*value[:index], _inside(inner, value[index], now), *value[index + 1 :]]


def _key(operator: str, value: Any, now: int) -> dict[Any, Any]:
    _, position, inner = operator.split(":", 2)
    key = sorted(value, key=cbor.encode)[int(position)]
    return {**value, key: _inside(inner, value[key], now)}


def _inside(operator: str, value: Any, now: int) -> Any:
    return cbor.decode(_item(operator, cbor.encode(value), now))


def _other_value(operator: str, value: Any, now: int) -> Any:
    if operator.startswith("now"):
        return now + int(operator[3:])
    if operator.startswith("or:"):
        return _number(value) | int(operator[3:])
    if operator.startswith("int:"):
        return int(operator[4:])
    if operator.startswith("int"):
        return _number(value) + int(operator[3:])
    if operator.startswith("bytes:"):
        return _STRINGS[operator[6:]](_typed(value, bytes))
    if operator.startswith("text:"):
        return _TEXTS[operator[5:]](_typed(value, str))
    if operator.startswith("without:"):
        left = sorted(_typed(value, dict), key=cbor.encode)
        del left[int(operator[8:])]
        return {key: value[key] for key in left}
    return _WHOLES[operator](value)


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"no {kind.__name__}")
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("no number")
    return value


_Y = -3
"""Label of the second coordinate of a COSE_Key (RFC 9053 section 7.1.1)."""
_ANOTHER = {
    label: bytes.fromhex(digits)
    for label, digits in (
        (-2, "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        (-3, "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    )
}
"""The generator of P-256: somebody else's key."""


def _mirrored(coordinate: bytes) -> bytes:
    """The second coordinate of the point with the same first one."""
    return (P_256.prime - int.from_bytes(coordinate, "big")).to_bytes(32, "big")


_WHOLES: dict[str, Callable[[Any], Any]] = {
    "null": lambda value: None,
    "true": lambda value: True,
    "tagged": lambda value: CBORTag(55799, value),
    "wrapped": lambda value: [value],
    "text": str,
    "float": lambda value: float(_number(value)),
    "drop-first": lambda value: _typed(value, list)[1:],
    "drop-last": lambda value: _typed(value, list)[:-1],
    "backwards": lambda value: _typed(value, list)[::-1],
    "twice-first": lambda value: [*value[:1], *_typed(value, list)],
    "twice-last": lambda value: [*_typed(value, list), *value[-1:]],
    "only-first": lambda value: _typed(value, list)[:1],
    "only-last": lambda value: _typed(value, list)[-1:],
    "more": lambda value: [*_typed(value, list), _like(value[-1:])],
    "mirrored-key": lambda value: {**_typed(value, dict), _Y: _mirrored(value[_Y])},
    "another-key": lambda value: {**_typed(value, dict), **_ANOTHER},
    "further": lambda value: {**_typed(value, dict), 99: 0},
    "further-text": lambda value: {**_typed(value, dict), "a": 0},
}


def _like(last: list[Any]) -> Any:
    return cbor.decode(flip_item(cbor.encode(last[0]))) if last else 0


def _long(data: bytes) -> bytes:
    """The same with a longer head than needed."""
    small = data[0] & 31
    if small < 24:
        return bytes([data[0] | 24, small]) + data[1:]
    if small == 24:
        return bytes([data[0] + 1, 0]) + data[1:]
    if small == 25:
        return bytes([data[0] + 1, 0, 0]) + data[1:]
    raise ValueError("long enough")


def _indefinite(data: bytes) -> bytes:
    major = data[0] >> 5
    if major in (2, 3):
        return bytes([major << 5 | 31]) + data + b"\xff"
    if major in (4, 5) and data[0] & 31 < 24:
        return bytes([major << 5 | 31]) + data[1:] + b"\xff"
    raise ValueError("no string, list or map")


def _bignum(data: bytes) -> bytes:
    value = _number(cbor.decode(data))
    number = value if value >= 0 else -1 - value
    return bytes([0xC2 if value >= 0 else 0xC3]) + cbor.bstr(
        number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")
    )


def _doubled(data: bytes) -> bytes:
    pairs = pairs_of(data)
    return map_of([pairs[0], *pairs])


def _unsorted(data: bytes) -> bytes:
    pairs = pairs_of(data)
    return map_of([pairs[-1], *pairs[:-1]])


_ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "long": _long,
    "indefinite": _indefinite,
    "bignum": _bignum,
    "doubled": _doubled,
    "unsorted": _unsorted,
    "trailing": lambda data: data + b"\x00",
}
