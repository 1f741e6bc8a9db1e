"""The TLS handshake, message by message: order, signatures, Finished, and what comes where no data may be.

The tester's own transcript holds what it sends, so that only the one fault is there to be found.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ..harness.identity.keys import derive_key
from ..harness.tester.misbehaving import misbehaving_tls
from ..harness.tester.tls_messages import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CONTEXTS,
    HANDSHAKE,
    Change,
    Offer,
    Piece,
    Swapped,
    TlsFault,
    altered,
    before,
    certificate_verify,
    left_out,
    message,
    signed,
    twice,
    without_body,
)
from .bench import Bench
from .case import Case, citing, fault, for_each

ROLES = ("device", "service")
SENT = {
    "device": (
        "ServerHello",
        "EncryptedExtensions",
        "CertificateRequest",
        "Certificate",
        "CertificateVerify",
        "Finished",
    ),
    "service": ("Certificate", "CertificateVerify", "Finished"),
}  # fmt: skip
"""What the tester sends after ClientHello, by the role of the implementation."""
OPPOSITE = {"device": "service", "service": "device"}
SIDE = {"device": "r", "service": "i"}
"""The tester's side, as names of checks have it."""


def refuses(bench: Bench, deviation: TlsFault | Offer, **options: Any) -> None:
    """The implementation ends the handshake, before it says anything in the session."""
    bench.refuses(deviation, deferred=False, channel=partial(misbehaving_tls, **options))


@for_each((Case(role, ("TLS-02",), "complete", "handshake") for role in ROLES), handshake=True, only="tls")
def test_complete(case: Case, bench: Bench) -> None:
    """An honest handshake with certificates on both sides, and a sign that it was accepted: TLS-02."""
    bench.iut.good()
    bench.show("")


# --- order and form --------------------------------------------------------------------------------------------------

NO_FAULT = {
    ("service", "left-out", "Finished"),
    ("device", "left-out", "Finished"),
    ("device", "left-out", "ServerHello"),
}
"""A message that comes later is none that is missing: without the last one the implementation waits."""


def _order_cases() -> Iterator[Case]:
    for role in ROLES:
        for name in SENT[role]:
            for how in ("left-out", "twice", "swapped", "empty"):
                last = name == "Finished" and how == "swapped"
                if (role, how, name) in NO_FAULT or last or (name, how) == ("ServerHello", "swapped"):
                    continue
                check = "tls_message_is_expected"
                if (how, name) == ("left-out", "CertificateRequest"):
                    check = "certificate_is_requested"
                yield fault(role, check, how, name)
    yield fault("service", "tls_message_is_expected", "twice", "ClientHello")
    yield fault("service", "tls_message_is_expected", "empty", "ClientHello")


CHANGES: dict[str, Change] = {"left-out": left_out, "twice": twice}


@for_each(_order_cases(), handshake=True)
def test_order(case: Case, bench: Bench) -> None:
    """A message that is absent, repeated, early or empty ends the handshake: TLS-20, TLS-04."""
    if case.operator == "swapped":
        refuses(bench, Swapped(case.field))
    else:
        refuses(bench, TlsFault(case.field, CHANGES.get(case.operator) or without_body(case.field)))


FORMS: dict[str, tuple[str, Change]] = {
    "certificate-cut-short": ("Certificate", lambda handshake, octets: [Piece(message("Certificate", octets[4:-3]))]),
    "certificate-of-nothing": ("Certificate", lambda handshake, octets: [Piece(message("Certificate", bytes(4)))]),
    "finished-cut-short": ("Finished", lambda handshake, octets: [Piece(message("Finished", octets[4:-1]))]),
    "finished-too-long": ("Finished", lambda handshake, octets: [Piece(message("Finished", octets[4:] + b"\0"))]),
    "octets-behind-signature": (
        "CertificateVerify", lambda handshake, octets: [Piece(message("CertificateVerify", octets[4:] + b"\0"))],
    ),
}  # fmt: skip


def _form_cases() -> Iterator[Case]:
    for role in ROLES:
        for name in FORMS:
            nothing = name == "certificate-of-nothing" and role == "service"
            yield fault(role, "certificate_i_is_present" if nothing else "tls_message_is_expected", "malform", name)


@for_each(_form_cases(), handshake=True)
def test_form(case: Case, bench: Bench) -> None:
    """A message that is not what its grammar allows: TLS-20."""
    refuses(bench, TlsFault(*FORMS[case.field]))


@for_each(
    [citing(fault("service", "certificate_i_is_present", "answer", "empty-certificate"), "TLS-21")], handshake=True
)
def test_empty_certificate(case: Case, bench: Bench) -> None:
    """A client that answers the request with no certificate at all: TLS-03."""
    refuses(bench, Offer("Certificate"), certificates=False)


# --- signatures ------------------------------------------------------------------------------------------------------

SIGNATURES = (
    "absent", "other-key", "attestation-key", "bit", "empty", "zeros", "other-transcript", "context-of-the-other-side",
    "no-context", "scheme-sha1", "scheme-rsa", "scheme-of-nobody",
)  # fmt: skip
_NOT_OFFERED = {"scheme-sha1": 0x0203, "scheme-rsa": 0x0804, "scheme-of-nobody": 0xFE00}
_ZERO_SIGNATURE = bytes.fromhex("3006020100020100")


def _signature_change(case: Case, bench: Bench) -> Change:
    iut, what = bench.iut, case.field
    credentials = iut.world.credentials
    assert credentials.key is not None and credentials.ak_key is not None
    context = CONTEXTS[iut.opposite]
    if what in _NOT_OFFERED:
        return lambda handshake, octets: [Piece(octets[:4] + _NOT_OFFERED[what].to_bytes(2, "big") + octets[6:])]
    changes: dict[str, Change] = {
        "absent": left_out,
        "other-key": signed(derive_key(iut.pki.seed, "somebody else"), context),
        "attestation-key": signed(credentials.ak_key, context),
        "bit": altered(-1),
        "empty": lambda handshake, octets: [Piece(certificate_verify(b""))],
        "zeros": lambda handshake, octets: [Piece(certificate_verify(_ZERO_SIGNATURE))],
        "other-transcript": signed(credentials.key, context, lambda honest: bytes(len(honest))),
        "context-of-the-other-side": signed(credentials.key, CONTEXTS[iut.role]),
        "no-context": signed(credentials.key, b""),
    }
    return changes[what]


@for_each(
    (fault(role, f"certificate_verify_{SIDE[role]}_verifies", "sign", what) for role in ROLES for what in SIGNATURES),
    handshake=True,
)
def test_certificate_verify(case: Case, bench: Bench) -> None:
    """The right certificate, without proof that its key is there: TLS-19."""
    refuses(bench, TlsFault("CertificateVerify", _signature_change(case, bench)))


@for_each(
    (fault(role, f"certificate_verify_{SIDE[role]}_verifies", "order", "leaf-not-first") for role in ROLES),
    handshake=True,
)
def test_leaf_not_first(case: Case, bench: Bench) -> None:
    """The issuer's certificate in the leaf's place: what signed is not the first certificate's key (TLS-19)."""
    credentials = bench.iut.world.credentials
    chain = [*(item.der for item in credentials.chain), credentials.leaf.der]
    refuses(bench, Offer("Certificate"), chain=chain)


FINISHED: dict[str, Change] = {
    "bit": altered(0),
    "last-bit": altered(-1),
    "zeros": lambda handshake, octets: [Piece(message("Finished", bytes(len(octets) - 4)))],
    "hash-itself": lambda handshake, octets: [Piece(message("Finished", handshake.transcript()))],
}


@for_each(
    (fault(role, f"finished_{SIDE[role]}_verifies", "finish", what) for role in ROLES for what in FINISHED),
    handshake=True,
)
def test_finished(case: Case, bench: Bench) -> None:
    """verify_data that is not over this transcript with this key: TLS-19."""
    refuses(bench, TlsFault("Finished", FINISHED[case.field]))


# --- on the way ------------------------------------------------------------------------------------------------------


@for_each([fault("device", "flight_r_is_protected", "alter-on-the-way", "ServerHello.random")], handshake=True)
def test_altered_on_the_way(case: Case, bench: Bench) -> None:
    """A ServerHello that somebody else has touched: no record behind it can be opened (TLS-20)."""
    refuses(bench, TlsFault("ServerHello", altered(2, hashed=False)))


DATA = b"early"
EARLY: dict[str, tuple[int, bytes]] = {
    "application-data": (APPLICATION_DATA, DATA),
    "heartbeat": (24, DATA),
    "change-cipher-spec-of-two": (CHANGE_CIPHER_SPEC, b"\x02"),
    "unknown-alert": (ALERT, b"\x02\xfe"),
    "key-update": (HANDSHAKE, message("KeyUpdate", b"\0")),
}


def _early_cases() -> Iterator[Case]:
    for role in ROLES:
        for name in (*(["ClientHello"] if role == "service" else []), *SENT[role]):
            for what in EARLY:
                if what == "unknown-alert" or (what, name) == ("change-cipher-spec-of-two", "ServerHello"):
                    continue
                case = fault(role, "tls_message_is_expected", what, f"before-{name}", (name, what))
                yield citing(case, "TLS-05") if what == "application-data" else case


@for_each(_early_cases(), handshake=True)
def test_too_early(case: Case, bench: Bench) -> None:
    """Data before the handshake is complete, and what never belongs into one: TLS-05, TLS-20."""
    name, what = case.data
    refuses(bench, TlsFault(name, before(*EARLY[what])))
