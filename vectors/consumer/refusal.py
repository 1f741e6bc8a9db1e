"""How this program says no."""

from __future__ import annotations

from cryptography.x509 import DuplicateExtension


class Refused(Exception):
    """Octets or a claim that must not be accepted; `code` is the refusal in the words of the vectors, if known."""

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code


def ensure(holds: object, reason: str, code: str | None = None) -> None:
    """Raises Refused unless it holds."""
    if not holds:
        raise Refused(reason, code)


REFUSALS = (Refused, DuplicateExtension, ValueError, KeyError, TypeError, IndexError, AttributeError)
"""What hostile input may raise here: none of it is success (ERR-01)."""
