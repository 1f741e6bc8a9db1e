"""Examples of rules of the grammar, and each of them with one thing wrong, made from the rule alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..harness.codec import cbor
from .areas.seed import stream
from .cddl import (
    ENDLESS,
    Array,
    Choice,
    Embedded,
    Literal,
    Map,
    Member,
    Range,
    Ref,
    Simple,
    Tagged,
    Type,
    resolved,
    rules,
)

FOREIGN = {
    "integer": b"\x07",
    "bytes": b"\x41\x07",
    "text": b"\x61x",
    "null": b"\xf6",
}
"""An item of each type that may stand where it does not belong."""
UNKNOWN_KEY, UNKNOWN_NAME = 9999, "unknown"
SHORT, LONG = 3, 20
"""Octets of a string that may have any number of them."""

Replaced = Mapping[int, bytes | None]


class Fault(NamedTuple):
    """A field of a rule, what was done to it, the encoding, and a word on it."""

    field: str
    operator: str
    data: bytes
    comment: str


# --- examples --------------------------------------------------------------------------------------------------------


def example(type_: Type, label: str, *, full: bool) -> bytes:
    """An item of a type: the least that it allows, or with every option; octets in it belong to the label."""
    match type_:
        case Literal(value):
            return cbor.encode(value)
        case Range(least, most):
            return cbor.encode(most if full else least)
        case Simple():
            return _simple(type_, label, full)
        case Embedded(rule):
            return cbor.bstr(of_rule(rule, f"{label}/{rule}", full=full))
        case Ref(rule):
            return of_rule(rule, f"{label}/{rule}", full=full)
        case Choice(types):
            return example(types[-1 if full else 0], label, full=full)
        case Tagged(number, inner):
            return cbor.head(cbor.TAG, number) + example(inner, label, full=full)
        case Array(members):
            return array(members, label, full=full)
    return map_(type_.alternatives[-1 if full else 0], label, full=full)


def of_rule(rule: str, label: str, *, full: bool) -> bytes:
    """An item of a rule."""
    return example(rules()[rule], label, full=full)


def _simple(type_: Simple, label: str, full: bool) -> bytes:
    if type_.name in ("bstr", "tstr"):
        size = (
            (LONG if type_.most == ENDLESS else type_.most)
            if full
            else (SHORT if type_.most == ENDLESS else type_.least)
        )
        drawn = stream(f"example {label}")(size)
        return (
            cbor.encode(drawn)
            if type_.name == "bstr"
            else cbor.encode("".join("abcdefgh"[octet % 8] for octet in drawn))
        )
    return {"bool": cbor.encode(full), "any": b"\xf6", "number": b"\xf9\x3e\x00" if full else b"\x07"}.get(
        type_.name, cbor.encode(1000 if full else 0)
    )


def _elements(members: tuple[Member, ...], label: str, full: bool, replaced: Replaced) -> Iterator[bytes]:
    for place, member in enumerate(members):
        if place in replaced:
            if (data := replaced[place]) is not None:
                yield data
            continue
        count = min(member.least + full, member.most)
        for repeated in range(count):
            yield example(member.type, f"{label}[{place}.{repeated}]", full=full)


def array(members: tuple[Member, ...], label: str, *, full: bool, replaced: Replaced | None = None) -> bytes:
    """An array, elements replaced or left out by their place."""
    elements = list(_elements(members, label, full, replaced or {}))
    return cbor.head(cbor.ARRAY, len(elements)) + b"".join(elements)


def pairs(members: tuple[Member, ...], label: str, *, full: bool, replaced: Replaced | None = None) -> list[bytes]:
    """Encoded entries of a map in their order, values replaced or left out by the place of their member."""
    found = {}
    for place, member in enumerate(members):
        value = (replaced or {}).get(place, b"")
        if value is None or (value == b"" and member.least == 0 and not full):
            continue
        made = value or example(member.type, f"{label}[{member.key}]", full=full)
        found[_key(member, label)] = made
    return [key + found[key] for key in sorted(found)]


def _key(member: Member, label: str) -> bytes:
    if isinstance(member.key, int):
        return cbor.encode(member.key)
    if str(member.key).startswith('"'):
        return cbor.encode(str(member.key)[1:-1])
    return example(Ref(str(member.key)), f"{label} key", full=True)


def map_(members: tuple[Member, ...], label: str, *, full: bool, replaced: Replaced | None = None) -> bytes:
    """A map of `pairs`."""
    return joined(pairs(members, label, full=full, replaced=replaced))


def joined(entries: list[bytes]) -> bytes:
    """A map of encoded entries as they stand."""
    return cbor.head(cbor.MAP, len(entries)) + b"".join(entries)


# --- faults ----------------------------------------------------------------------------------------------------------


def faults(rule: str) -> Iterator[Fault]:
    """The full example of a rule with one thing wrong, for every thing that can be."""
    yield from _of_type(rules()[rule], rule, rule, lambda data: data)


def _of_type(type_: Type, field: str, label: str, around: Callable[[bytes], bytes]) -> Iterator[Fault]:
    """Faults of what is not behind another rule's name; `around` puts an item to where it stands."""
    yield from (fault._replace(data=around(fault.data)) for fault in _scalar(type_, field, label))
    if isinstance(type_, Tagged):
        inner = example(type_.type, label, full=True)
        yield Fault(field, "untagged", around(inner), "without its tag")
        yield Fault(field, "other-tag", around(cbor.head(cbor.TAG, type_.number - 1) + inner), "with another tag")
        tag = cbor.head(cbor.TAG, type_.number)
        yield from _of_type(type_.type, field, label, lambda data: around(tag + data))
    elif isinstance(type_, Array):
        yield from _of_array(type_, field, label, around)
    elif isinstance(type_, Map):
        for members in type_.alternatives:
            yield from _of_map(members, field, label, around, len(type_.alternatives) > 1)


def _of_array(type_: Array, field: str, label: str, around: Callable[[bytes], bytes]) -> Iterator[Fault]:
    whole = list(_elements(type_.members, label, True, {}))
    yield Fault(
        field,
        "long-head",
        around(b"\x98" + bytes([len(whole)]) + b"".join(whole)),
        "an array head that is not the shortest",
    )
    yield Fault(field, "indefinite", around(b"\x9f" + b"".join(whole) + b"\xff"), "an array of indefinite length")
    for place, member in enumerate(type_.members):
        name = f"{field}[{place}]"

        def placed(data: bytes | None, place: int = place) -> bytes:
            return around(array(type_.members, label, full=True, replaced={place: data}))

        if member.most == 1:
            yield Fault(name, "absent", placed(None), "the element is missing")
        else:
            yield from _counts(member, name, label, placed)
        for operator, data, comment in _wrong(member.type, f"{label}[{place}.0]"):
            yield Fault(name, operator, placed(data), comment)
    if all(member.most == 1 for member in type_.members):
        yield Fault(
            field,
            "extra-element",
            around(cbor.head(cbor.ARRAY, len(whole) + 1) + b"".join(whole) + b"\x00"),
            "an element too many",
        )


def _counts(member: Member, name: str, label: str, placed: Callable[[bytes | None], bytes]) -> Iterator[Fault]:
    one = example(member.type, f"{label} one", full=True)
    if member.least:
        fewer = one * (member.least - 1)
        yield Fault(
            name, "too-few", placed(fewer) if not fewer else _recount(one, member.least - 1), "an element too few"
        )
    if member.most != ENDLESS:
        yield Fault(name, "too-many", _recount(one, member.most + 1), "an element too many")


def _recount(one: bytes, count: int) -> bytes:
    return cbor.head(cbor.ARRAY, count) + one * count


def _of_map(
    members: tuple[Member, ...], field: str, label: str, around: Callable[[bytes], bytes], several: bool
) -> Iterator[Fault]:
    entries = pairs(members, label, full=True)
    yield from _bent_map(members, entries, field, around)
    for place, member in enumerate(members):
        name = f"{field}[{member.key}]"

        def placed(data: bytes | None, place: int = place) -> bytes:
            return around(map_(members, label, full=True, replaced={place: data}))

        if member.least and not several:
            yield Fault(name, "absent", placed(None), "the entry is missing")
        if not member.least and not member.cut and any(other.wild for other in members):
            continue  # Without a cut (RFC 8610 section 3.5.4) such an entry matches the wildcard, whatever its value.
        for operator, data, comment in _wrong(member.type, f"{label}[{member.key}]"):
            yield Fault(name, operator, placed(data), comment)


def _bent_map(
    members: tuple[Member, ...], entries: list[bytes], field: str, around: Callable[[bytes], bytes]
) -> Iterator[Fault]:
    if len(entries) < 24:
        long_head = bytes([0xB8, len(entries)]) + b"".join(entries)
        yield Fault(field, "long-head", around(long_head), "a map head that is not the shortest")
    yield Fault(field, "indefinite", around(b"\xbf" + b"".join(entries) + b"\xff"), "a map of indefinite length")
    if len(entries) > 1:
        yield Fault(field, "unsorted", around(joined([entries[-1], *entries[:-1]])), "the last key first")
    if entries:
        yield Fault(field, "duplicate", around(joined([entries[0], *entries])), "the first key twice")
    if not any(member.wild for member in members):
        unknown = sorted([*entries, cbor.encode(UNKNOWN_KEY) + b"\x00"])
        yield Fault(field, "unknown-key", around(joined(unknown)), "a key that the closed map does not have")
        named = sorted([*entries, cbor.encode(UNKNOWN_NAME) + b"\x00"])
        yield Fault(field, "text-key", around(joined(named)), "a text as key, which the closed map does not have")


def _wrong(type_: Type, label: str) -> Iterator[tuple[str, bytes, str]]:
    for fault in _scalar(type_, "", label):
        yield fault.operator, fault.data, fault.comment


def _scalar(type_: Type, field: str, label: str) -> Iterator[Fault]:
    """Another type, another value, another length in the place of an item."""
    majors = _majors(type_)
    for name, data in FOREIGN.items():
        if majors and name not in majors:
            yield Fault(field, f"type-{name}", data, f"{name} in place of {' or '.join(sorted(majors))}")
    known = resolved(type_)
    types = known.types if isinstance(known, Choice) else (known,)
    flat = [resolved(one) for one in types]
    yield from (Fault(field, *rest) for rest in _values(flat))
    sizes = [one for one in flat if isinstance(one, Simple) and one.name in ("bstr", "tstr")]
    if len(sizes) == 1 and not _has_embedded(flat):
        yield from (Fault(field, *rest) for rest in _lengths(sizes[0], label))
    if isinstance(known, Embedded):
        whole = of_rule(known.rule, f"{label}/{known.rule}", full=True)
        yield Fault(field, "embedded-trailing", cbor.bstr(whole + b"\x00"), "octets follow the embedded item")
        yield Fault(field, "embedded-truncated", cbor.bstr(whole[:-1]), "the embedded item ends early")
        yield Fault(field, "embedded-empty", cbor.bstr(b""), "no embedded item")
        yield Fault(field, "embedded-bare", whole, "the item itself, not in a byte string")


def _has_embedded(types: list[Type]) -> bool:
    return any(isinstance(one, Embedded) for one in types)


def _values(types: list[Type]) -> Iterator[tuple[str, bytes, str]]:
    numbers = [(one.value, one.value) for one in types if isinstance(one, Literal) and type(one.value) is int]
    numbers += [(one.least, one.most) for one in types if isinstance(one, Range)]
    if numbers and not any(isinstance(one, Simple) and one.name in ("int", "uint") for one in types):
        least, most = min(low for low, _ in numbers), max(high for _, high in numbers)
        yield "below", cbor.encode(least - 1), "an integer below those that are allowed"
        yield "above", cbor.encode(most + 1), "an integer above those that are allowed"
        between = next(
            (high + 1 for _, high in sorted(numbers) if high + 1 < most and not _within(high + 1, numbers)), None
        )
        if between is not None:
            yield "between", cbor.encode(between), "an integer between those that are allowed"
    if any(isinstance(one, Simple) and one.name == "uint" for one in types) and not numbers:
        yield "negative", cbor.encode(-1), "a negative integer"
    texts = [one.value for one in types if isinstance(one, Literal) and isinstance(one.value, str)]
    if texts and not any(isinstance(one, Simple) and one.name == "tstr" for one in types):
        yield "other-text", cbor.encode(texts[0] + "x"), "another text"
        if texts[0].upper() != texts[0]:
            yield "upper-case", cbor.encode(texts[0].upper()), "the text in upper case"


def _within(value: int, numbers: list[tuple[int, int]]) -> bool:
    return any(low <= value <= high for low, high in numbers)


def _lengths(type_: Simple, label: str) -> Iterator[tuple[str, bytes, str]]:
    def of(size: int) -> bytes:
        drawn = stream(f"length {label}")(size)
        return cbor.encode(drawn if type_.name == "bstr" else "a" * size)

    if type_.least:
        yield "shorter", of(type_.least - 1), "an octet too short"
        if type_.least > 1:
            yield "empty", of(0), "empty"
    if type_.most != ENDLESS:
        yield "longer", of(type_.most + 1), "an octet too long"


def _majors(type_: Type) -> frozenset[str]:
    """Types of items that a type admits; none where it admits all."""
    match resolved(type_):
        case Literal(value):
            return frozenset(
                {"text"} if isinstance(value, str) else {"bool"} if isinstance(value, bool) else {"integer"}
            )
        case Range():
            return frozenset({"integer"})
        case Simple(name):
            kinds = {"int": "integer", "uint": "integer", "bstr": "bytes", "tstr": "text", "bool": "bool"}
            return frozenset({"integer", "float"} if name == "number" else {kinds[name]} if name in kinds else ())
        case Embedded():
            return frozenset({"bytes"})
        case Choice(types):
            return frozenset().union(*(_majors(one) for one in types))
        case Tagged():
            return frozenset({"tag"})
        case Array():
            return frozenset({"array"})
    return frozenset({"map"})


__all__ = ["Fault", "example", "faults", "of_rule"]
