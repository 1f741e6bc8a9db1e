"""`tc1_names.lua`: every number, name and shape that the dissector knows, from the table and the registers.

A shape is a Lua table with one letter: `s` slot (`as` its type, `inner` the shape of its octets), `a` array, `m` map by
key, `rest` the slot of its further keys, `b` byte string, `t` tag, `q` sequence, `c` concatenation, `e` ciphertext.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ...model.protocol.tables import profile
from ...model.table import NET, RECORD, Message
from ...model.terms import Term
from ...spec import identifiers
from ..crypto.suites import SUITES, Suite
from ..transport.frames import LIMIT_AFTER_OPEN
from ..transport.pcap import SERVICE_PORT
from ..transport.units import Kind

DISSECTOR = Path(__file__).parent / "tc1.lua"
FILE = Path(__file__).parent / "tc1_names.lua"
_OPENED = {slot: pattern for row in profile().rows for slot, pattern in row.opens}
_TYPES = {"uint": "uint", "int": "int", "text": "text", "bytes": "bytes", "bytes_8": "bytes"}
_NAMED = {"TIER": "tier", "ALERT_CODE": "code", "RECEIPT_CODE": "receipt", "DEBUG": "dbgstat"}
"""Slot, without the sender's letter, to the register that names its values."""
Lua = str | int | Mapping[object, "Lua"]


def render() -> str:
    """The text of the file."""
    head = "-- Written by `python -m trustconn.conformance.generate` from the table and the registers: change those."
    entries = "".join(f"  {key} = {_lines(value)},\n" for key, value in _content().items())
    return f"{head}\nreturn {{\n{entries}}}\n"


def _content() -> dict[str, Lua]:
    numbers = identifiers()
    return {
        "alpn": numbers["tls"]["alpn"],
        "port": SERVICE_PORT,
        "frame_limit": LIMIT_AFTER_OPEN,
        "kinds": {kind.value: kind.name.lower() for kind in Kind},
        "frames": {number: name.upper() for name, number in numbers["frame"].items() if name != "ignored_from"},
        "edhoc_errors": _by_number(numbers["edhoc"]["error"]),
        "suites": {number: _suite(suite) for number, suite in SUITES.items()},
        "registers": {register: _by_number(registered(register)) for register in sorted(set(_NAMED.values()))},
        "fields": dict(fields()),
        "shapes": shapes(),
    }


def _suite(suite: Suite) -> dict[object, Lua]:
    return {"aead": suite.aead.number, "tag": suite.aead.tag_length, "share": suite.curve.share_length}


def registered(name: str) -> Mapping[str, int]:
    """The names of a slot's values, with their numbers. Raises KeyError for no such register."""
    numbers = identifiers()
    return {"accepted": 0, **numbers["code"]} if name == "receipt" else numbers[name]


def _by_number(register: Mapping[str, int]) -> dict[object, Lua]:
    return {number: name for name, number in register.items()}


def _messages() -> list[Message]:
    """What is sent from peer to peer."""
    return [message for message in profile().messages.values() if message.channel in (NET, RECORD)]


def shapes() -> dict[object, Lua]:
    """The shape of each message, by its name."""
    return {message.name: _shape(message.term, inside=False) for message in _messages()}


# --- shapes ----------------------------------------------------------------------------------------------------------


def _shape(term: Term, *, inside: bool) -> dict[object, Lua]:
    """The shape of a pattern; `inside` a byte string a slot without a size in CBOR is bare octets."""
    match term.op:
        case "slot":
            return _slot(term, inside=inside)
        case "const":
            return {"k": 1}
        case "bstr":
            return {"b": _shape(term.args[0], inside=True)}
        case "array" | "seq" | "concat":
            letter = {"array": "a", "seq": "q", "concat": "c"}[term.op]
            return {letter: _listed(_shape(part, inside=inside and letter == "c") for part in term.args)}
        case "tag":
            return {"t": _shape(term.args[0], inside=False)}
        case "map":
            return _map(term)
        case "stream" | "aead":
            return {"e": _shape(term.args[-1], inside=False)}
        case "compact":
            return _shape(term.args[0], inside=False)
    raise ValueError(f"no shape for {term.op}")


def _slot(term: Term, *, inside: bool) -> dict[object, Lua]:
    shape: dict[object, Lua] = {"s": term.label}
    if term.sort.size == "items":
        shape["as"] = "items"
    elif inside and term.sort.size != "item":
        shape["as"] = "octets"
    if opened := _OPENED.get(term):
        shape["inner"] = _shape(opened, inside=False)
    return shape


def _map(term: Term) -> dict[object, Lua]:
    mandatory, optional, further = term.params
    assert isinstance(mandatory, tuple) and isinstance(optional, tuple)
    keys = (*mandatory, *optional)
    members: dict[object, Lua] = {key: _shape(value, inside=False) for key, value in zip(keys, term.args, strict=False)}
    return {"m": members, **({"rest": term.args[-1].label} if further else {})}


# --- fields ----------------------------------------------------------------------------------------------------------


def fields() -> Iterator[tuple[object, Lua]]:
    """Every slot once: its name, then its type and the register of its values."""
    slots = {slot.label: slot for message in _messages() for slot in _slots(message.term)}
    for name in sorted(slots):
        slot = slots[name]
        register = _NAMED.get(name.removesuffix("_I").removesuffix("_R"))
        yield name, {"type": _type(slot), **({"register": register} if register else {})}


def _slots(term: Term) -> Iterator[Term]:
    if term.op == "slot":
        yield term
        if term in _OPENED:
            yield from _slots(_OPENED[term])
    elif term.op in ("stream", "aead"):
        yield from _slots(term.args[-1])
    else:
        for part in term.args:
            yield from _slots(part)


def _type(slot: Term) -> str:
    if slot.sort.size not in ("item", "items"):
        return "bytes"
    return _TYPES.get(slot.sort.grammar or "", "item")


# --- Lua -------------------------------------------------------------------------------------------------------------


def _listed(items: Iterable[Lua]) -> dict[object, Lua]:
    return dict(enumerate(items, 1))


def _lines(value: Lua) -> str:
    """As `_lua`, with a line for each entry that is a table."""
    if isinstance(value, str | int) or not any(isinstance(item, Mapping) for item in value.values()):
        return _lua(value)
    return "{\n" + "".join(f"    {_key(key)} = {_lua(item)},\n" for key, item in value.items()) + "  }"


def _lua(value: Lua) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, int):
        return str(value)
    if list(value) == list(range(1, len(value) + 1)):
        return "{" + ", ".join(map(_lua, value.values())) + "}"
    return "{" + ", ".join(f"{_key(key)} = {_lua(item)}" for key, item in value.items()) + "}"


def _key(key: object) -> str:
    return str(key) if isinstance(key, str) else f"[{key}]"
