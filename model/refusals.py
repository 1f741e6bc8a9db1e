"""How a refusal is said: over which channel, and with which code of the specification's chapter on errors."""

from dataclasses import dataclass
from enum import Enum


class Channel(Enum):
    """Where a refusal is said; a verifier says it in its reply."""

    EDHOC = "edhoc-error"
    TLS = "tls-alert"
    ALERT = "alert"
    RECEIPT = "receipt"
    VERIFIER = "verifier-error"
    SILENT = "silent"
    """The message is dropped or the connection closed without a word."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a failed check is answered: `code` is an EDHOC error code, a TLS alert, an alert code or a receipt code.

    A check that the handshakes of both bindings make is declared with the EDHOC error.
    """

    channel: Channel
    code: int = 0


def edhoc_error(code: int) -> Refusal:
    """EDHOC error message, RFC 9528 section 6."""
    return Refusal(Channel.EDHOC, code)


def tls_alert(code: int) -> Refusal:
    """Fatal TLS alert, RFC 9846 section 6.2."""
    return Refusal(Channel.TLS, code)


def alert(code: int) -> Refusal:
    """Fatal ALERT frame with one of `AlertCode`."""
    return Refusal(Channel.ALERT, code)


def receipt(code: int) -> Refusal:
    """RECEIPT frame with a non-zero code; the session goes on."""
    return Refusal(Channel.RECEIPT, code)


def verifier_error(code: int) -> Refusal:
    """Reply of a verifier with one of `VerifierError` in place of a result."""
    return Refusal(Channel.VERIFIER, code)


SILENT = Refusal(Channel.SILENT)


class Code:
    """Alert and receipt codes of the specification (chapter on errors)."""

    UNEXPECTED_FRAME = 10
    DECODE_ERROR = 11
    VERSION = 12
    LIMITS = 13
    ATTESTATION_REQUIRED = 20
    UNSUPPORTED_EVIDENCE = 21
    ATTESTATION_FAILED = 22
    BINDER_MISMATCH = 23
    IDENTITY_MISMATCH = 24
    STALE = 25
    REVOKED = 26
    POLICY = 27
    WAIVER_DENIED = 28
    LABEL_INVALID = 30
    CHAIN_BROKEN = 31
    LABEL_REQUIRED = 32
    INTERNAL = 80


class VerifierError:
    """Errors that a verifier answers in place of a result (specification, chapter on attestation)."""

    REPLAY = 1
    UNKNOWN_POLICY = 2
    UNSUPPORTED_EVIDENCE = 3
    MALFORMED = 4
    INTERNAL = 5


ALERT_NAMES = {value: name.lower() for name, value in vars(Code).items() if name.isupper()}
"""Code to its name in the specification."""
