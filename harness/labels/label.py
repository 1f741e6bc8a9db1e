"""Labels as octets (chapter 11): read strictly, and written for data outside a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ...spec import identifiers
from ..codec import cbor, cose
from . import blocks as tree_of
from .blocks import Blocks
from .errors import LabelError

_IDS = identifiers()
LABEL_TYPE: str = _IDS["media_type"]["label"]
LABEL_AAD: bytes = _IDS["external_aad"]["label"].encode()
HASH_ALG, CONTENT_TYPE, LABEL_MAP = (
    _IDS["cose"][name] for name in ("payload_hash_alg", "preimage_content_type", "label_map")
)
ENVIRONMENT, BLOCKS, SEQ, SID, ACTION, INPUTS, TUI = (
    _IDS["label"][name] for name in ("environment", "blocks", "seq", "sid", "action", "inputs", "tui")
)
ISS, SUB, IAT, CTI = 1, 2, 6, 7
HEADER = {cose.ALG, cose.CWT_CLAIMS, cose.TYP, cose.X5T, HASH_ALG, CONTENT_TYPE, LABEL_MAP}
DIGEST, ID, SIGNATURE = 32, 16, 64
NAME, AGENT, PARAMETERS = 1, 2, 3
MAX_TEXT = 1024
"""Octets of a name, an agent or a relation."""


@dataclass(frozen=True, slots=True)
class Action:
    """What was done: its name, who or what did it, and the digest of the parameters (32 octets)."""

    name: str
    agent: str
    parameters: bytes | None

    def encoded(self) -> dict[int, Any]:
        """As it stands in a label."""
        named: dict[int, Any] = {NAME: self.name, AGENT: self.agent}
        return named if self.parameters is None else named | {PARAMETERS: self.parameters}


@dataclass(frozen=True, slots=True)
class Input:
    """What something was made from: the relation, the digest of the input's whole label, and of its data."""

    relation: str
    label: bytes
    data: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A label that was read, not yet one that is trusted. `digest` is over its whole octets, `payload` over its data.

    `certificates` are DER, the signer's first, where the label brings them; `x5t` is SHA-256 of the signer's.
    """

    octets: bytes = field(repr=False)
    digest: bytes
    payload: bytes
    issuer: str
    subject: str
    issued_at: int
    id: bytes
    x5t: bytes
    content_type: str | int
    sequence: int
    sid: bytes | None
    environment: bytes | None
    blocks: Blocks | None
    action: Action | None
    inputs: tuple[Input, ...]
    confirms: bytes | None
    certificates: tuple[bytes, ...] = field(repr=False)
    message: cose.Sign1 = field(repr=False)


def parse(octets: bytes) -> Label:
    """A label of at most a frame. Raises LabelError, which names the field (LBL-04)."""
    digest = sha256(octets).digest()
    try:
        return _parsed(octets, digest)
    except LabelError as error:
        raise LabelError(error.requirement, error.field, error.reason, label=digest) from error
    except (cbor.CborError, cose.CoseError) as error:
        raise LabelError("LBL-04", "encoding", str(error), label=digest) from error


def _parsed(octets: bytes, digest: bytes) -> Label:
    message = cose.parse_sign1(octets)
    header = message.protected
    _require(set(header) == HEADER, "protected header", "not exactly the parameters of a label")
    for key, value, name in (
        (cose.ALG, cose.ES256, "alg"),
        (cose.TYP, LABEL_TYPE, "typ"),
        (HASH_ALG, cose.SHA_256, "payload-hash-alg"),
    ):
        _require(header[key] == value, name, f"{header[key]!r} where {value!r} is due")
    _require(set(message.unprotected) <= {cose.X5CHAIN}, "unprotected header", "holds more than x5chain")
    _require(_is_octets(message.payload, DIGEST), "payload", "not a digest of 32 octets")
    _require(_is_octets(message.signature, SIGNATURE), "signature", "not 64 octets")
    claims, fields = header[cose.CWT_CLAIMS], header[LABEL_MAP]
    _require(_keys(claims) == {ISS, SUB, IAT, CTI}, "claims", "not exactly iss, sub, iat and cti")
    _require(_is_text(claims[ISS]) and _is_text(claims[SUB]), "iss and sub", "not texts")
    _require(_is_unsigned(claims[IAT]), "iat", "not unix seconds")
    _require(_is_octets(claims[CTI], ID), "cti", "not 16 octets")
    content_type = header[CONTENT_TYPE]
    _require(_is_text(content_type) or _is_unsigned(content_type), "content type", "neither a text nor a number")
    known = _keys(fields)
    _require(SEQ in known <= {ENVIRONMENT, BLOCKS, SEQ, SID, ACTION, INPUTS, TUI}, "label map", "has unknown keys")
    assert message.payload is not None
    return Label(
        octets, digest, message.payload, claims[ISS], claims[SUB], claims[IAT], claims[CTI], _thumbprint(header),
        content_type, _unsigned(fields[SEQ], "seq"), _optional(fields, SID, ID, "sid"),
        _optional(fields, ENVIRONMENT, DIGEST, "environment"),
        tree_of.parse(fields[BLOCKS]) if BLOCKS in fields else None,
        _action(fields[ACTION]) if ACTION in fields else None,
        _inputs(fields[INPUTS]) if INPUTS in fields else (),
        _optional(fields, TUI, DIGEST, "trusted user interface"), _certificates(message), message,
    )  # fmt: skip


def _require(holds: bool, name: str, reason: str, requirement: str = "LBL-04") -> None:
    if not holds:
        raise LabelError(requirement, name, reason)


def _keys(value: object) -> set[Any]:
    return set(value) if isinstance(value, dict) else set()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value.encode()) <= MAX_TEXT


def _is_unsigned(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_octets(value: object, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _unsigned(value: Any, name: str) -> int:
    _require(_is_unsigned(value), name, "not an unsigned integer")
    number: int = value
    return number


def _optional(fields: dict[int, Any], key: int, length: int, name: str) -> bytes | None:
    value: bytes | None = fields.get(key)
    _require(key not in fields or _is_octets(value, length), name, f"not {length} octets")
    return value


def _thumbprint(header: dict[int | str, Any]) -> bytes:
    match header[cose.X5T]:
        case [cose.SHA_256, bytes(digest)] if len(digest) == DIGEST:
            return digest
    raise LabelError("LBL-06", "x5t", "not [-16, 32 octets]")


def _certificates(message: cose.Sign1) -> tuple[bytes, ...]:
    if cose.X5CHAIN not in message.unprotected:
        return ()
    return tuple(cose.parse_x5chain(message.unprotected[cose.X5CHAIN]))


def _action(value: object) -> Action:
    """An action as grammar lets it be; what a chain asks of it more is judged there."""
    keys = _keys(value)
    _require({NAME, AGENT} <= keys <= {NAME, AGENT, PARAMETERS}, "action", "not name, agent and parameters", "CHN-06")
    assert isinstance(value, dict)
    _require(_is_text(value[NAME]) and _is_text(value[AGENT]), "action", "name and agent are no texts", "CHN-06")
    return Action(value[NAME], value[AGENT], _optional(value, PARAMETERS, DIGEST, "action parameters"))


def _inputs(value: object) -> tuple[Input, ...]:
    _require(isinstance(value, list) and bool(value), "inputs", "not a list of at least one", "CHN-06")
    assert isinstance(value, list)
    return tuple(_input(item) for item in value)


def _input(item: object) -> Input:
    match item:
        case [str(relation), bytes(label), bytes(data)] if len(label) == len(data) == DIGEST and _is_text(relation):
            return Input(relation, label, data)
    raise LabelError("CHN-06", "inputs", "an input is no relation with the digests of a label and of data")


# --- writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signer says: of data with a digest, as its `sequence`th label, at a time; `id` is 16 octets."""

    payload: bytes
    content_type: str | int
    sequence: int
    issued_at: int
    id: bytes
    sid: bytes | None = None
    environment: bytes | None = None
    blocks: Blocks | None = None
    action: Action | None = None
    inputs: tuple[Input, ...] = ()
    confirms: bytes | None = None

    def label_map(self) -> dict[int, Any]:
        """The map of header -71910."""
        parts: dict[int, Any] = {
            ENVIRONMENT: self.environment,
            BLOCKS: self.blocks and self.blocks.encoded(),
            SEQ: self.sequence,
            SID: self.sid,
            ACTION: self.action and self.action.encoded(),
            INPUTS: [[item.relation, item.label, item.data] for item in self.inputs] or None,
            TUI: self.confirms,
        }
        return {key: value for key, value in parts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the platform and identity in its certificate, the certificates in DER, its own first, and its key."""

    platform: str
    identity: str
    certificates: tuple[bytes, ...]
    sign: Callable[[bytes], bytes] = field(repr=False)


def make(statement: Statement, signer: Signer, *, with_certificates: bool = True) -> bytes:
    """A label, tagged and encoded; with the signer's certificates unless its readers hold them."""
    protected = {
        cose.ALG: cose.ES256,
        cose.CWT_CLAIMS: {ISS: signer.platform, SUB: signer.identity, IAT: statement.issued_at, CTI: statement.id},
        cose.TYP: LABEL_TYPE,
        cose.X5T: cose.x5t(signer.certificates[0]),
        HASH_ALG: cose.SHA_256,
        CONTENT_TYPE: statement.content_type,
        LABEL_MAP: statement.label_map(),
    }
    unprotected = {cose.X5CHAIN: cose.x5chain(signer.certificates)} if with_certificates else {}
    return cose.sign1(signer.sign, protected, unprotected, statement.payload, LABEL_AAD)


def input_of(label: Label, relation: str) -> Input:
    """An input that names a label and its data."""
    return Input(relation, label.digest, label.payload)
