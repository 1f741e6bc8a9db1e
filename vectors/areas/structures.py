"""Structures of a TPM: taken apart, or refused where their form is not what the profile allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ...harness.tpm.event_log import IPL, MAX_EVENTS, POST_CODE, LogEvent, read_log, replay, write_log
from ...harness.tpm.keys import IDK_ATTRIBUTES
from ...harness.tpm.structures import (
    SHA256,
    StructureError,
    read_attested,
    read_certified,
    read_public,
    read_quoted,
    read_signature,
    write_public,
    write_selections,
)
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .bundles import Maker, arriving
from .seed import stream

SOURCE = "generated; TCG TPM 2.0 Library part 2, sections 10.12, 11.2 and 12.2; TCG PC Client Platform Firmware Profile"
Read = Callable[[bytes], Mapping[str, Json]]


def _attest(data: bytes) -> Mapping[str, Json]:
    found = dataclasses.asdict(read_attested(data))
    return {name: octets(value) if isinstance(value, bytes) else str(value) for name, value in found.items()}


def _public(data: bytes) -> Mapping[str, Json]:
    found = read_public(data)
    numbers = found.key.public_numbers()
    x, y = (octets(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"attributes": found.attributes, "policy": octets(found.policy), "name": octets(found.name), "x": x, "y": y}


def _quote_info(data: bytes) -> Mapping[str, Json]:
    found = read_quoted(data)
    return {"selections": [[bank, list(pcrs)] for bank, pcrs in found.selections], "digest": octets(found.digest)}


def _certify_info(data: bytes) -> Mapping[str, Json]:
    found = read_certified(data)
    return {"name": octets(found.name), "qualified_name": octets(found.qualified_name)}


def _log(data: bytes) -> Mapping[str, Json]:
    events = read_log(data)
    registers = {str(pcr): octets(value) for pcr, value in sorted(replay(events).items())}
    return {"events": [[e.pcr, e.type, octets(e.digest), octets(e.text)] for e in events], "registers": registers}


READERS: dict[str, Read] = {
    "attest": _attest,
    "public": _public,
    "signature": lambda data: {"signature": octets(read_signature(data))},
    "quote-info": _quote_info,
    "certify-info": _certify_info,
    "event-log": _log,
}


def _good(kind: str, operator: str, data: bytes, comment: str) -> Vector:
    return Vector(_requirement(kind), kind, operator, True, comment, {"octets": octets(data)}, READERS[kind](data))


def _requirement(kind: str) -> str:
    return {"event-log": "TPM-17", "signature": "TPM-04"}.get(kind, "TPM-01")


def _bad(kind: str, field: str, operator: str, data: bytes, comment: str) -> Vector:
    try:
        READERS[kind](data)
    except StructureError:
        return Vector(_requirement(kind), field, operator, False, comment, {"octets": octets(data)})
    raise GeneratorError(f"{field} {operator} is accepted")


def _cut(kind: str, data: bytes, bounds: Mapping[str, int]) -> Iterator[Vector]:
    """The structure ending within each of its fields; `bounds` are where they end."""
    for field, end in bounds.items():
        yield _bad(kind, f"{kind}.{field}", "truncated", data[: end - 1], "the structure ends within the field")


def _replaced(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _attests(honest: Mapping[int, Any]) -> Iterator[Vector]:
    quote, certification = honest[4], honest[8]
    yield _good("attest", "quote", quote, "of a quote")
    yield _good("attest", "certification", certification, "of a certification")
    yield _good("attest", "any-magic", b"\x00" * 4 + quote[4:], "what it says is not judged here")
    yield _good(
        "attest", "empty-signer", quote[:6] + b"\x00\x00" + quote[8 + 34 :], "a name of no octets, as under ECDAA"
    )
    bounds = {
        "magic": 4,
        "type": 6,
        "qualifiedSigner": 42,
        "extraData": 76,
        "clock": 84,
        "resetCount": 88,
        "restartCount": 92,
        "safe": 93,
        "firmwareVersion": 101,
    }
    yield from _cut("attest", quote, bounds)
    yield _bad(
        "attest", "attest.qualifiedSigner", "declares-more", _replaced(quote, 6, b"\xff\xff"), "longer than any name"
    )
    yield _bad("attest", "attest.extraData", "declares-more", _replaced(quote, 42, b"\x00\x41"), "longer than any data")
    yield _bad("attest", "attest", "longer", quote + bytes(1024), "more than any structure of the profile")


def _publics(honest: Mapping[int, Any]) -> Iterator[Vector]:
    ak, idk = honest[2], honest[7]
    key = read_public(idk).key
    yield _good("public", "attestation-key", ak, "of an attestation key")
    yield _good("public", "identity-key", idk, "of an identity key")
    yield _good("public", "with-policy", write_public(key, IDK_ATTRIBUTES, stream("policy")(32)), "with a policy")
    fields = {
        "type": (0, "type", b"\x00\x01"),
        "nameAlg": (2, "name algorithm", b"\x00\x04"),
        "symmetric": (10, "symmetric algorithm", b"\x00\x06"),
        "scheme": (12, "scheme", b"\x00\x16"),
        "scheme.hashAlg": (14, "hash of the scheme", b"\x00\x0c"),
        "curveID": (16, "curve", b"\x00\x04"),
        "kdf": (18, "key derivation", b"\x00\x20"),
    }
    for field, (at, what, value) in fields.items():
        yield _bad(
            "public",
            f"public.{field}",
            "other-algorithm",
            _replaced(idk, at, value),
            f"another {what} than the profile's",
        )
    bounds = {
        "type": 2,
        "nameAlg": 4,
        "objectAttributes": 8,
        "authPolicy": 10,
        "scheme": 16,
        "unique.x": 54,
        "unique.y": 88,
    }
    yield from _cut("public", idk, bounds)
    short = write_public(key, IDK_ATTRIBUTES, stream("policy")(32))
    yield _bad(
        "public",
        "public.authPolicy",
        "shorter",
        short[:8] + b"\x00\x1f" + short[10:41] + short[42:],
        "a policy of 31 octets",
    )
    yield _bad("public", "public.unique", "no-point", one_bit_other(idk), "no point of the curve")
    yield _bad(
        "public", "public.unique.x", "longer", idk[:20] + b"\x00\x21\x00" + idk[22:], "a coordinate of 33 octets"
    )
    yield _bad("public", "public", "trailing-octet", idk + b"\x00", "an octet too many")


def _signatures(honest: Mapping[int, Any]) -> Iterator[Vector]:
    made = honest[5]
    yield _good("signature", "honest", made, "by ECDSA with SHA-256")
    short = made[:4] + b"\x00\x1f" + made[7:]
    yield _good("signature", "short-r", short, "an r of 31 octets, padded when it is used")
    yield _bad("signature", "signature.sigAlg", "other-algorithm", b"\x00\x14" + made[2:], "RSASSA")
    yield _bad("signature", "signature.sigAlg", "ecdaa", b"\x00\x1a" + made[2:], "ECDAA")
    yield _bad("signature", "signature.hash", "other-algorithm", made[:2] + b"\x00\x04" + made[4:], "SHA-1")
    yield _bad("signature", "signature.r", "longer", made[:4] + b"\x00\x21\x00" + made[6:], "an r of 33 octets")
    yield _bad("signature", "signature", "trailing-octet", made + b"\x00", "an octet too many")
    yield from _cut("signature", made, {"sigAlg": 2, "hash": 4, "r": 38, "s": 72})


def _infos(honest: Mapping[int, Any]) -> Iterator[Vector]:
    quoted = read_attested(honest[4]).attested
    yield _good("quote-info", "honest", quoted, "registers of one bank")
    two = write_selections([(SHA256, (0, 23)), (0x000C, (7,))]) + quoted[-34:]
    yield _good("quote-info", "two-banks", two, "registers of two banks")
    yield _good("quote-info", "none", write_selections([]) + quoted[-34:], "no registers: that is for a later check")
    yield _bad(
        "quote-info",
        "quote-info.count",
        "too-many",
        write_selections([(SHA256, (0,))] * 5) + quoted[-34:],
        "five selections",
    )
    yield _bad(
        "quote-info",
        "quote-info.count",
        "declares-more",
        _replaced(quoted, 0, b"\xff\xff\xff\xff"),
        "far more than there are",
    )
    yield _bad(
        "quote-info",
        "quote-info.hash",
        "other-algorithm",
        _replaced(quoted, 4, b"\x00\x12"),
        "a bank of an unknown hash",
    )
    yield _bad(
        "quote-info", "quote-info.sizeofSelect", "longer", _replaced(quoted, 6, b"\x04"), "a bitmap of four octets"
    )
    yield _bad(
        "quote-info",
        "quote-info.pcrDigest",
        "longer",
        quoted[:10] + b"\x00\x21" + quoted[12:] + b"\x00",
        "a digest of 33 octets",
    )
    yield _bad("quote-info", "quote-info", "trailing-octet", quoted + b"\x00", "an octet too many")
    yield from _cut("quote-info", quoted, {"count": 4, "hash": 6, "pcrSelect": 10, "pcrDigest": 44})


def _certifications(honest: Mapping[int, Any]) -> Iterator[Vector]:
    certified = read_attested(honest[8]).attested
    yield _good("certify-info", "honest", certified, "of an identity key")
    yield _bad("certify-info", "certify-info", "trailing-octet", certified + b"\x00", "an octet too many")
    yield _bad(
        "certify-info",
        "certify-info.name",
        "declares-more",
        _replaced(certified, 0, b"\xff\xff"),
        "longer than any name",
    )
    yield from _cut("certify-info", certified, {"name": 36, "qualifiedName": 72})


def _logs(honest: Mapping[int, Any]) -> Iterator[Vector]:
    log = honest[10]
    head, events = write_log(()), read_log(log)
    one = LogEvent(0, POST_CODE, bytes(32), b"firmware")
    yield _good("event-log", "honest", log, "of the last start")
    yield _good("event-log", "empty", head, "no events")
    yield _good("event-log", "most", write_log([one] * MAX_EVENTS), "as many events as allowed")
    yield _good(
        "event-log",
        "twice-in-one-register",
        write_log([one, one, LogEvent(8, IPL, b"\x01" * 32)]),
        "registers are folded on",
    )
    yield _bad("event-log", "event-log", "too-many", write_log([one] * (MAX_EVENTS + 1)), "an event more than allowed")
    yield _bad("event-log", "event-log.header", "absent", log[len(head) :], "no header")
    yield _bad(
        "event-log", "event-log.header", "other-version", log.replace(b"Event03", b"Event02", 1), "an older format"
    )
    yield _bad(
        "event-log",
        "event-log.header",
        "other-algorithm",
        _replaced(log, head.index(b"\x0b\x00\x20\x00"), b"\x04\x00\x14\x00"),
        "the SHA-1 bank",
    )
    at = len(head)
    yield _bad("event-log", "event.pcrIndex", "above", _replaced(log, at, b"\x18\x00\x00\x00"), "register 24")
    yield _bad("event-log", "event.count", "two", _replaced(log, at + 8, b"\x02\x00\x00\x00"), "two digests")
    yield _bad(
        "event-log",
        "event.algorithm",
        "other-algorithm",
        _replaced(log, at + 12, b"\x0c\x00"),
        "a digest of another bank",
    )
    yield _bad(
        "event-log", "event.size", "declares-more", _replaced(log, at + 46, b"\xff\xff\xff\x7f"), "words beyond the end"
    )
    big = LogEvent(0, POST_CODE, bytes(32), bytes(1025))
    yield _bad("event-log", "event.size", "longer", write_log([big]), "more words than allowed")
    first = LogEvent(events[0].pcr, events[0].type, events[0].digest, events[0].text)
    whole = write_log([first])
    yield _bad("event-log", "event", "truncated", whole[: at + 49], "ends within the head of an event")
    yield _bad("event-log", "event.text", "truncated", whole[:-1], "ends within the words")


def _groups() -> Iterator[Group]:
    honest = cbor.decode(Maker(arriving("service")).made())
    makers = {
        "attest": _attests,
        "public": _publics,
        "signature": _signatures,
        "quote-info": _infos,
        "certify-info": _certifications,
        "event-log": _logs,
    }
    for kind, make in makers.items():
        yield Group(kind, "tpm-structure", SOURCE, tuple(make(honest)), {"kind": kind})


AREA = Area(
    "tpm-structures", "One structure of a TPM 2.0, big-endian, or an event log: taken apart, or refused.", _groups
)
