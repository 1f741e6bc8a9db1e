"""A message in the names of the specification: its octets read along the table's pattern, as the dissector does it.

What stands there may be hostile or broken on purpose: what does not fit its pattern is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from cbor2 import CBORTag, undefined

from ...harness.codec import cbor
from ...harness.verdict.speech import FRAME, OCTETS, REPLY, REQUEST, UNIT, Spoken
from ...harness.wireshark import names
from ...model.protocol.frames import FrameType
from ...spec import identifiers

LENIENT = cbor.Strictness(deterministic=False, duplicate_keys=False, trailing=True, depth=32)
SHOWN = 64
"""Octets or characters of a value that are shown; the octets of the message have them all."""
Shape = Mapping[Any, Any]


class Field(NamedTuple):
    """A field: how deep it lies, its name, and its value in diagnostic notation (RFC 8949 section 8)."""

    depth: int
    name: str
    text: str


class Message(NamedTuple):
    """A message: what it is, its few telling words, and its fields."""

    title: str
    words: str
    fields: tuple[Field, ...]


def decode(spoken: Spoken) -> Message:
    """A message of a conversation, as far as it can be read."""
    name, data = _named(spoken)
    try:
        fields = tuple(_read(name, data))
    except (cbor.CborError, ValueError, LookupError, TypeError, AttributeError):
        fields = (Field(0, "not as its grammar says", f"{spoken.length} octets"),)
    words = ", ".join(TELLING[field.name] + field.text for field in fields if field.name in TELLING)
    return Message(_title(name), words, fields)


TELLING = {
    "ALERT_CODE": "", "RECEIPT_CODE": "", "RECEIPT_COUNT": "count ", "TIER": "", "ERR_CODE": "", "ALERT": "",
    "ATT_REQ_EPOCH": "epoch ", "ATT_EPOCH": "epoch ", "VERDICT_EPOCH": "epoch ", "LABEL_SEQ": "sequence number ",
}  # fmt: skip
"""Fields that stand beside the name of their message, and what stands before them."""


def _title(name: str) -> str:
    """The name without the letter of its sender: who sent it is shown otherwise."""
    head, _, letter = name.rpartition("_")
    return head if letter in ("I", "R") else name.replace("_", " ")


def _named(spoken: Spoken) -> tuple[str, bytes]:
    """Name and octets of a message; a frame that was made by hand has the name of its type."""
    if spoken.name == UNIT:
        kinds = {number: name for name, number in identifiers()["unit"].items()}
        kind = spoken.data[0] if spoken.data else 0
        return f"unit: {kinds.get(kind, f'kind {kind}')}", spoken.data[1:]
    if spoken.name == OCTETS:
        return "bare octets", spoken.data
    if spoken.name != FRAME:
        return spoken.name, spoken.data
    try:
        kind = cbor.decode(cbor.split_array(spoken.data, rules=LENIENT)[0], rules=LENIENT)
        return f"{FrameType(kind).name}_{'I' if spoken.sender == 'device' else 'R'}", spoken.data
    except (cbor.CborError, ValueError, LookupError, TypeError):
        return "frame of no known type", spoken.data


def _read(name: str, data: bytes) -> Iterator[Field]:
    if name == "edhoc_error":
        code, *info = cbor.decode_sequence(data, rules=LENIENT)
        yield Field(0, "ERR_CODE", _among(identifiers()["edhoc"]["error"], code))
        yield from (Field(0, "ERR_INFO", diagnosed(item)) for item in info)
    elif name == "tls_alert":
        yield Field(0, "ALERT", f"{data[1]}")
    elif name in (REQUEST, REPLY):
        item = _item(data)
        listed = item.items() if isinstance(item, Mapping) else [("item", item)]
        yield from (Field(0, str(key), diagnosed(value)) for key, value in listed)
    elif (shape := _shapes().get(name)) is not None:
        yield from _walk(cbor.decode_sequence(data, rules=LENIENT) if "q" in shape else _item(data), shape, 0)


@cache
def _shapes() -> Mapping[str, Any]:
    return {str(name): shape for name, shape in names.shapes().items()}


@cache
def _registers() -> Mapping[str, Mapping[str, int]]:
    """The register that names the values of a slot, by the slot's label."""
    found = ((str(label), spec) for label, spec in names.fields())
    return {label: names.registered(str(spec["register"])) for label, spec in found if isinstance(spec, Mapping)
            and "register" in spec}  # fmt: skip


def _item(data: bytes) -> Any:
    return cbor.decode(data, rules=LENIENT)


def _walk(value: Any, shape: Shape, depth: int) -> Iterator[Field]:
    """The fields of a decoded value; what does not fit its shape is a field without a name."""
    if "s" in shape:
        yield from _slot(value, shape, depth)
    elif "a" in shape or "q" in shape:
        yield from _list(value, list((shape.get("a") or shape["q"]).values()), depth)
    elif "m" in shape and isinstance(value, Mapping):
        yield from _map(value, shape, depth)
    elif "b" in shape and isinstance(value, bytes):
        yield from _inside(value, shape["b"], depth)
    elif "t" in shape and isinstance(value, CBORTag):
        yield from _walk(value.value, shape["t"], depth)
    elif "e" in shape or "c" in shape:
        yield Field(depth, "protected", diagnosed(value))
    elif "k" not in shape:
        yield Field(depth, "not as specified", diagnosed(value))


def _slot(value: Any, shape: Shape, depth: int) -> Iterator[Field]:
    label = str(shape["s"])
    name = label.removesuffix("_I").removesuffix("_R")
    inner = shape.get("inner")
    if inner is not None and not (isinstance(value, bytes) and "b" not in inner):
        yield Field(depth, name, "")
        yield from _walk(value, inner, depth + 1)
    elif label in _registers():
        yield Field(depth, name, _among(_registers()[label], value))
    else:
        yield Field(depth, name, diagnosed(value))


def _list(value: Any, shapes: Sequence[Shape], depth: int) -> Iterator[Field]:
    if not isinstance(value, list | tuple):
        yield Field(depth, "not as specified", diagnosed(value))
        return
    for item, shape in zip(value, shapes, strict=False):
        yield from _walk(item, shape, depth)
    yield from (Field(depth, "and", diagnosed(item)) for item in value[len(shapes) :])


def _map(value: Mapping[Any, Any], shape: Shape, depth: int) -> Iterator[Field]:
    for key, item in value.items():
        if isinstance(key, int | str) and key in shape["m"]:
            yield from _walk(item, shape["m"][key], depth)
        else:
            yield Field(
                depth, f"{shape.get('rest', 'key').removesuffix('_I').removesuffix('_R')} {key}", diagnosed(item)
            )


def _inside(value: bytes, shape: Shape, depth: int) -> Iterator[Field]:
    """What stands in a byte string."""
    if "s" in shape or "c" in shape or "e" in shape or not value:
        yield from _walk(value, shape, depth)
    else:
        yield from _walk(_item(value), shape, depth)


def _among(register: Mapping[str, int], value: Any) -> str:
    """A number with its name."""
    name = next((name for name, number in register.items() if number == value), None)
    return f"{value} {name.replace('_', ' ')}" if name else diagnosed(value)


def diagnosed(value: Any) -> str:
    """A value in diagnostic notation; long strings are cut, with their length."""
    match value:
        case bytes():
            return f"h'{value[:SHOWN].hex()}'" + (f"… ({len(value)} octets)" if len(value) > SHOWN else "")
        case str():
            return f'"{value[:SHOWN]}"' + (f"… ({len(value)} characters)" if len(value) > SHOWN else "")
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case Mapping():
            return "{" + ", ".join(f"{diagnosed(k)}: {diagnosed(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(diagnosed, value)) + "]"
        case CBORTag():
            return f"{value.tag}({diagnosed(value.value)})"
    return "undefined" if value is undefined else str(value)
