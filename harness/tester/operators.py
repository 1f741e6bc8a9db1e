"""General operators on the encoding of one field: what a verifier's input can suffer. Each changes one thing."""

from __future__ import annotations

from collections.abc import Callable

from ...model.terms import Term
from ..bits import one_bit_other
from ..codec import cbor

Operator = Callable[[bytes], bytes]


def is_item(term: Term) -> bool:
    """Whether a field's value is an encoded CBOR item, not bare octets."""
    return term.op == "const" or (term.op == "slot" and term.sort.size == "item")


def flip(data: bytes) -> bytes:
    """Another value of the same form: for octets one bit, for integers one more or less, for text another letter."""
    return one_bit_other(data) if data else data


def flip_item(data: bytes) -> bytes:
    """Another item of the same major type."""
    value = cbor.decode(data)
    if isinstance(value, bool) or value is None:
        return cbor.encode(not value)
    if isinstance(value, int):
        return cbor.encode(value + 1 if value >= 0 else value - 1)
    if isinstance(value, bytes):
        return cbor.encode(one_bit_other(value) if value else b"\x01")
    if isinstance(value, str):
        return cbor.encode(value[:-1] + ("b" if value.endswith("a") else "a"))
    if isinstance(value, list):
        return cbor.encode([*value[:-1], _other(value[-1])] if value else [0])
    if isinstance(value, dict) and value:
        key = max(value, key=cbor.encode)
        return cbor.encode({**value, key: _other(value[key])})
    return cbor.encode(0)


def _other(value: object) -> object:
    return cbor.decode(flip_item(cbor.encode(value)))


def empty_item(data: bytes) -> bytes:
    """The empty value of the same major type."""
    value = cbor.decode(data)
    for kind, nothing in ((bytes, b""), (str, ""), (list, []), (dict, {})):
        if isinstance(value, kind):
            return cbor.encode(nothing)
    return cbor.encode(0)


def retype(data: bytes) -> bytes:
    """An item of another major type."""
    value = cbor.decode(data)
    return cbor.encode("x" if not isinstance(value, str) else 7)


def absent(data: bytes) -> bytes:
    """No item at all: a map leaves the key out, an array or a sequence is one short."""
    return b""


def truncate(data: bytes) -> bytes:
    """One octet less."""
    return data[:-1]


def extend(data: bytes) -> bytes:
    """One octet more."""
    return data + b"\x00"


ITEM_OPERATORS: dict[str, Operator] = {"other": flip_item, "empty": empty_item, "retype": retype, "absent": absent}
OCTET_OPERATORS: dict[str, Operator] = {"other": flip, "truncate": truncate, "extend": extend}


def _where_present(operator: Operator) -> Operator:
    return lambda data: operator(data) if data else data


def operators(term: Term) -> dict[str, Operator]:
    """Operators that fit a field; on an absent optional item they change nothing."""
    fitting = ITEM_OPERATORS if is_item(term) else OCTET_OPERATORS
    return {name: _where_present(operator) for name, operator in fitting.items()}
