"""The traces of RFC 9529 and its invalid messages, as vectors of the same operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ...harness.codec.cbor import bstr
from ...harness.crypto.suites import SUITES
from ..keys import public_key
from ..vector import Group, Json, Vector, octets

FILE = Path(__file__).parents[1] / "published" / "rfc9529.json"
OUTPUTS = {
    "g_xy": "G_XY",
    "th_2": "TH_2",
    "prk_2e": "PRK_2e",
    "keystream_2": "KEYSTREAM_2",
    "prk_3e2m": "PRK_3e2m",
    "mac_2": "MAC_2",
    "th_3": "TH_3",
    "k_3": "K_3",
    "iv_3": "IV_3",
    "prk_4e3m": "PRK_4e3m",
    "mac_3": "MAC_3",
    "th_4": "TH_4",
    "k_4": "K_4",
    "iv_4": "IV_4",
    "prk_out": "PRK_out",
    "prk_exporter": "PRK_exporter",
}
"""Names of values to the names of the RFC, which gives them as raw octets."""
MESSAGES_1 = {
    "Surplus array encoding of message": 2,
    "Surplus bstr encoding of connection identifier": 2,
    "Surplus array encoding of ciphersuite": 2,
    "Text string encoding of ephemeral key": 2,
    "Error in length of ephemeral key": 24,
    "Error in elliptic curve representation": 2,
    "Error in elliptic curve point": 2,
    "Curve point of low order": 0,
    "Error in elliptic curve encoding": 2,
    "Unnecessary long encoding": 2,
    "Indefinite-length array encoding": 2,
}
"""Sections with an invalid message_1, and the suite of the responder."""
POINTS = ("Error in elliptic curve representation", "Error in elliptic curve point", "Curve point of low order")


@cache
def _file() -> Json:
    return json.loads(FILE.read_text(encoding="utf-8"))


class Trace:
    """One handshake of the RFC."""

    def __init__(self, name: str, section: str, method: int, suite: int) -> None:
        self.name, self.section, self.method, self.suite = name, section, method, suite

    def __call__(self, name: str, form: str = "raw") -> bytes:
        """The last item of that name and form."""
        items = _file()[self.name]["items"]
        return bytes.fromhex([i["hex"] for i in items if (i["name"], i["enc"]) == (name, form)][-1])

    def _credential(self, letter: str) -> Json:
        held = {"id_cred": octets(self(f"ID_CRED_{letter}", "cbor")), "cred": octets(self(f"CRED_{letter}", "cbor"))}
        if self.method == 0:
            return {**held, "public_key": public_key(Ed25519PublicKey.from_public_bytes(self(f"PK_{letter}")))}
        share = SUITES[self.suite].curve.load(self(f"SK_{letter}")).share
        return {**held, "static_share": octets(share)}

    def common(self) -> dict[str, Json]:
        """What both ends have."""
        return {
            "method": self.method,
            "suites": [self.suite],
            "credentials": [self._credential(x) for x in "IR"],
            "x": octets(self("X")),
            "y": octets(self("Y")),
        }

    def messages(self, count: int = 4) -> dict[str, Json]:
        """The first messages."""
        return {f"message_{n}": octets(self(f"message_{n}", "cbor")) for n in range(1, count + 1)}

    def vector(self) -> Vector:
        """The whole of it."""
        output = {name: octets(self(item)) for name, item in OUTPUTS.items()}
        output |= {f"plaintext_{n}": octets(self(f"PLAINTEXT_{n}", "cbor")) for n in (2, 3)}
        return Vector(
            "EDH-01", f"trace {self.section}", "published", True, "every value of the RFC", self.messages(), output
        )


TRACES = (Trace("trace1", "2", 0, 0), Trace("trace2", "3", 3, 2))


def groups() -> Iterator[Group]:
    """Both traces, and the messages of section 4."""
    for trace in TRACES:
        vectors = [trace.vector()]
        if trace.method == 3:
            vectors += _invalid(trace)
        yield Group(
            f"rfc9529-{trace.name}", "edhoc", f"RFC 9529 sections {trace.section} and 4", tuple(vectors), trace.common()
        )


def _invalid(trace: Trace) -> Iterator[Vector]:
    for item in _file()["invalid"]:
        section, data = item["section"], bytes.fromhex(item["hex"])
        comment = item["reason"].replace("{{I-D.ietf-lake-edhoc}}", "RFC 9528").replace("{{RFC9053}}", "RFC 9053")
        if section in MESSAGES_1:
            requirement = "EDH-06" if section in POINTS else "EDH-13"
            given = {"suites": [MESSAGES_1[section]], "method": data[0] & 3, "message_1": octets(data)}
        elif "message_2" in item["name"]:
            requirement, given = "EDH-13", {**trace.messages(1), "message_2": octets(data)}
        else:
            requirement, given = "EDH-13", {**trace.messages(1), "message_2": octets(_around(trace, data))}
        yield Vector(requirement, section, "published", False, comment, given, flags=("PublishedInvalid",))


def _around(trace: Trace, plaintext: bytes) -> bytes:
    """message_2 of the trace around another PLAINTEXT_2."""
    stream = SUITES[trace.suite].edhoc_kdf(trace("PRK_2e"), 0, trace("TH_2"), len(plaintext))
    return bstr(trace("G_Y") + bytes(a ^ b for a, b in zip(plaintext, stream, strict=True)))
