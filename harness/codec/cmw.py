"""Conceptual message wrappers in CBOR (RFC 9999): records and collections of them.

The profile sends no tag form. It is read only on request, because published messages use it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import cbor2

from . import cbor

_COLLECTION_TYPE = "__cmwc_t"
_FIRST_TAG = 0x63740101
"""Tag of content-format 0; RFC 9277 section 4.3 leaves out every 256th number."""
_MAX_CONTENT_FORMAT = 0xFFFF
_TOKEN = r"[0-9A-Za-z!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\[ -~])*"'
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?: *; *{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*")
_URI_OR_OID = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+|[0-2](?:\.(?:0|[1-9][0-9]*))+")


class Indicator(IntFlag):
    """What a record conveys (RFC 9999)."""

    REFERENCE_VALUES = 1
    ENDORSEMENTS = 2
    EVIDENCE = 4
    ATTESTATION_RESULTS = 8
    POLICY = 16


class CmwError(ValueError):
    """Refused conceptual message wrapper."""


class NotCmw(CmwError):
    """Neither a record nor a collection."""


class TagForm(CmwError):
    """The tag form, where only records and collections are read."""


class BadType(CmwError):
    """The type is neither a content-format, 0 to 65535, nor a media type."""


class BadValue(CmwError):
    """The value of a record is not a byte string."""


class BadIndicator(CmwError):
    """The indicator is not an integer of 1 to 31."""


class TooLarge(CmwError):
    """Collections deeper within each other than `MAX_DEPTH`, or more than `MAX_ITEMS` in all."""


class BadCollection(CmwError):
    """No entry, a label that is neither integer nor text, or a collection type that is neither URI nor OID."""


@dataclass(frozen=True, slots=True)
class Record:
    """One message: content-format or media type, its octets, and the `Indicator` bits or None. Raises `CmwError`.

    `tagged` says that it came, and will be encoded, in tag form: then the type is a content-format without indicator.
    """

    type: int | str
    value: bytes
    indicator: int | None = None
    tagged: bool = False

    def __post_init__(self) -> None:
        _check_type(self.type)
        if not isinstance(self.value, bytes):
            raise BadValue("the value is not a byte string")
        indicator = self.indicator
        if indicator is not None and not (_is_int(indicator) and 0 < indicator <= sum(Indicator)):
            raise BadIndicator(f"indicator {indicator!r}")
        if self.tagged and (isinstance(self.type, str) or indicator is not None):
            raise TagForm("the tag form conveys a content-format and no indicator")


@dataclass(frozen=True, slots=True)
class Collection:
    """Labelled records and collections, at least one; `type` is a URI, an OID or None. Raises `BadCollection`."""

    entries: Mapping[int | str, "Record | Collection"]
    type: str | None = field(default=None)

    def __post_init__(self) -> None:
        if not self.entries:
            raise BadCollection("a collection has at least one entry")
        if any(not (_is_int(label) or isinstance(label, str)) or label == _COLLECTION_TYPE for label in self.entries):
            raise BadCollection("a label is an integer or a text")
        if self.type is not None and not (isinstance(self.type, str) and _URI_OR_OID.fullmatch(self.type)):
            raise BadCollection(f"collection type {self.type!r} is neither URI nor OID")


Cmw = Record | Collection

MAX_DEPTH = 8
"""Collections within each other that are read."""
MAX_ITEMS = 64
"""Records and collections that a whole wrapper may have."""


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_type(value: object) -> None:
    if isinstance(value, str):
        if not _MEDIA_TYPE.fullmatch(value):
            raise BadType(f"{value!r} is no media type")
    elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_CONTENT_FORMAT:
        raise BadType(f"{value!r} is neither content-format nor media type")


def tag_of(content_format: int) -> int:
    """CBOR tag of a content-format (RFC 9277 section 4.3)."""
    return _FIRST_TAG + content_format // 255 * 256 + content_format % 255


def content_format_of(tag: int) -> int:
    """Content-format of a CBOR tag. Raises `BadType` for a tag that stands for none."""
    high, low = divmod(tag - _FIRST_TAG, 256)
    content_format = high * 255 + low
    if low == 255 or not 0 <= content_format <= _MAX_CONTENT_FORMAT:
        raise BadType(f"tag {tag} stands for no content-format")
    return content_format


def parse(data: bytes, *, tagged: bool = False, rules: cbor.Strictness = cbor.STRICT) -> Cmw:
    """The wrapper that is the whole of `data`; the tag form only if `tagged`. Raises `CmwError`, `cbor.CborError`."""
    return _from_value(cbor.decode(data, rules=rules), tagged)


def _from_value(value: Any, tagged: bool) -> Cmw:
    return _Reader(tagged).read(value, 0)


class _Reader:
    """Counts what it has read."""

    def __init__(self, tagged: bool) -> None:
        self._tagged, self._items = tagged, 0

    def read(self, value: Any, depth: int) -> Cmw:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise TooLarge(f"more than {MAX_ITEMS} items")
        match value:
            case [kind, content]:
                return Record(kind, content)
            case [kind, content, indicator]:
                if indicator is None:
                    raise BadIndicator("indicator null")
                return Record(kind, content, indicator)
            case dict():
                return self._collection(value, depth + 1)
            case cbor2.CBORTag():
                if not self._tagged:
                    raise TagForm(f"tag {value.tag}")
                return Record(content_format_of(value.tag), value.value, tagged=True)
        raise NotCmw("neither a record nor a collection")

    def _collection(self, value: dict[Any, Any], depth: int) -> Collection:
        if depth > MAX_DEPTH:
            raise TooLarge(f"more than {MAX_DEPTH} collections within each other")
        entries = {label: self.read(item, depth) for label, item in value.items() if label != _COLLECTION_TYPE}
        kind = value.get(_COLLECTION_TYPE)
        if kind is None and _COLLECTION_TYPE in value:
            raise BadCollection("collection type null")
        return Collection(entries, kind)


def encode(wrapper: Cmw) -> bytes:
    """Deterministic CBOR of a record or a collection."""
    return cbor.encode(_to_value(wrapper))


def _to_value(wrapper: Cmw) -> Any:
    if isinstance(wrapper, Collection):
        kind = {} if wrapper.type is None else {_COLLECTION_TYPE: wrapper.type}
        return kind | {label: _to_value(entry) for label, entry in wrapper.entries.items()}
    if wrapper.tagged:
        assert isinstance(wrapper.type, int)
        return cbor2.CBORTag(tag_of(wrapper.type), wrapper.value)
    return [wrapper.type, wrapper.value] + ([] if wrapper.indicator is None else [wrapper.indicator])
