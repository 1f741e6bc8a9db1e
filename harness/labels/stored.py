"""What is kept with data after a session (LBL-23): one file with its label and all that a later verifier needs.

CDDL: `stored_data`. Labels, environment objects, proofs, time stamps and parameters keep the octets that they came in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ..codec import cbor
from . import tree
from .errors import LabelError
from .label import Label, parse
from .trust import Proof

MAX_FILE = 1 << 26
"""Octets of a file that is read."""
LABEL, LABELS, ENVIRONMENTS, PROOFS, STAMPS, LEAVES, PARAMETERS = range(1, 8)


@dataclass(frozen=True, slots=True)
class Stored:
    """A label over data and what belongs to it.

    `labels` are those that its chain needs; `stamps` are RFC 3161 responses by the digest of the label that they are
    over; `leaves` are the digests of its blocks, where the label signs their root alone; `parameters` are of actions.
    """

    label: bytes
    labels: tuple[bytes, ...] = ()
    environments: tuple[bytes, ...] = ()
    proofs: tuple[Proof, ...] = ()
    stamps: tuple[tuple[bytes, bytes], ...] = ()
    leaves: tuple[bytes, ...] = ()
    parameters: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The file."""
        parts: dict[int, Any] = {
            LABEL: self.label,
            LABELS: list(self.labels),
            ENVIRONMENTS: list(self.environments),
            PROOFS: [list(item) for item in self.proofs],
            STAMPS: [list(item) for item in self.stamps],
            LEAVES: list(self.leaves),
            PARAMETERS: list(self.parameters),
        }
        return cbor.encode({key: value for key, value in parts.items() if value})

    def top(self) -> Label:
        """The label itself. Raises LabelError."""
        return parse(self.label)

    def by_digest(self, octets: Iterable[bytes]) -> dict[bytes, bytes]:
        """Octets by their SHA-256."""
        return {sha256(item).digest(): item for item in octets}

    def with_inputs(self, inputs: Iterable[Stored]) -> Stored:
        """With everything that the labels of inputs need; what several of them need stands once."""
        files = list(inputs)
        return replace(
            self,
            labels=_once(self.labels, *((item.label, *item.labels) for item in files)),
            environments=_once(self.environments, *(item.environments for item in files)),
            proofs=_once(self.proofs, *(item.proofs for item in files)),
            stamps=_once(self.stamps, *(item.stamps for item in files)),
            parameters=_once(self.parameters, *(item.parameters for item in files)),
        )


def _once(*groups: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def read(data: bytes) -> Stored:
    """A file as `encode` writes it. Raises LabelError, which names the part that is wrong."""
    try:
        value = cbor.decode(data)
    except cbor.CborError as error:
        raise LabelError("LBL-23", "stored label", str(error)) from error
    if not isinstance(value, dict) or LABEL not in value or not set(value) <= set(range(LABEL, PARAMETERS + 1)):
        raise LabelError("LBL-23", "stored label", "not the map that is kept with data")
    if not isinstance(value[LABEL], bytes):
        raise LabelError("LBL-23", "label", "not octets")
    return Stored(
        value[LABEL],
        _octets(value, LABELS, "labels"),
        _octets(value, ENVIRONMENTS, "environments"),
        tuple(_pairs(value, PROOFS, "proofs", int)),
        tuple(_pairs(value, STAMPS, "time stamps", bytes)),
        _octets(value, LEAVES, "block digests", tree.DIGEST),
        _octets(value, PARAMETERS, "parameters"),
    )


def _octets(value: dict[int, Any], key: int, field: str, length: int | None = None) -> tuple[bytes, ...]:
    items = value.get(key, [])
    fits = isinstance(items, list) and (key not in value or bool(items))
    if not fits or not all(isinstance(item, bytes) and length in (None, len(item)) for item in items):
        raise LabelError("LBL-23", field, "not a list of octets")
    return tuple(items)


def _pairs(value: dict[int, Any], key: int, field: str, first: type) -> Iterable[tuple[Any, bytes]]:
    items = value.get(key, [])
    if not isinstance(items, list) or (key in value and not items):
        raise LabelError("LBL-23", field, "not a list of pairs")
    for item in items:
        if not isinstance(item, list) or [type(part) for part in item] != [first, bytes]:
            raise LabelError("LBL-23", field, "not a list of pairs")
        yield item[0], item[1]
