"""EDHOC error messages (RFC 9528 section 6): the sequence ERR_CODE, ERR_INFO.

Nothing protects them: a receiver may end the handshake for one and learn nothing from it that it can rely on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..codec.cbor import CborError, decode_sequence, encode

SUCCESS, UNSPECIFIED, WRONG_SUITE, UNKNOWN_CREDENTIAL = range(4)
"""ERR_CODE of RFC 9528 section 6; 0 is never sent."""


class MalformedError(ValueError):
    """No error message: another form, a code that is never sent, or information that the code does not have."""


@dataclass(frozen=True, slots=True)
class EdhocError:
    """A received error. `info` is a text for code 1, the tuple SUITES_R for 2, True for 3, any item for other codes."""

    code: int
    info: object


def unspecified(text: str) -> bytes:
    """Code 1 with a diagnostic text."""
    return encode(UNSPECIFIED) + encode(text)


def wrong_suite(suites_r: Sequence[int]) -> bytes:
    """Code 2 with the supported suites, the preferred one first (RFC 9528 section 6.3).

    Raises:
        ValueError: no suites.
    """
    if not suites_r:
        raise ValueError("SUITES_R holds at least one suite")
    return encode(WRONG_SUITE) + encode(suites_r[0] if len(suites_r) == 1 else list(suites_r))


def unknown_credential() -> bytes:
    """Code 3: the credential that ID_CRED_x names is not available (RFC 9528 section 6.4)."""
    return encode(UNKNOWN_CREDENTIAL) + encode(True)


def parse(message: bytes) -> EdhocError:
    """The error in a message.

    Raises:
        MalformedError: ends the handshake like any error, and says nothing.
    """
    try:
        items = decode_sequence(message)
    except CborError as error:
        raise MalformedError(str(error)) from error
    if len(items) != 2 or type(items[0]) is not int:
        raise MalformedError("an error is a code and its information")
    code, info = items
    if code == SUCCESS:
        raise MalformedError("code 0 is never sent")
    if code == WRONG_SUITE:
        return EdhocError(code, _suites_r(info))
    if (code == UNSPECIFIED and not isinstance(info, str)) or (code == UNKNOWN_CREDENTIAL and info is not True):
        raise MalformedError(f"code {code} does not carry a {type(info).__name__}")
    return EdhocError(code, info)


def _suites_r(info: object) -> tuple[int, ...]:
    suites = info if isinstance(info, list) else [info]
    one_in_an_array = isinstance(info, list) and len(info) < 2
    # `type` rather than `isinstance`: a boolean is an int to Python, and none here.
    if one_in_an_array or any(type(suite) is not int for suite in suites):
        raise MalformedError("SUITES_R is one integer, or two and more in an array")
    return tuple(suites)
