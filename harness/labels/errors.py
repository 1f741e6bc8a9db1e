"""Why signed data is refused: which label, which block, which field, and the requirement that says so."""

from __future__ import annotations


class LabelError(ValueError):
    """Signed data that is refused.

    `label` is the SHA-256 digest of the whole label (32 octets) or b"" where none is at hand; `block` counts from 0.
    """

    def __init__(
        self, requirement: str, field: str, reason: str, *, label: bytes = b"", block: int | None = None
    ) -> None:
        self.requirement, self.field, self.reason = requirement, field, reason
        self.label, self.block = label, block
        super().__init__(self._text())

    def _text(self) -> str:
        places = [f"label {short(self.label)}"] if self.label else []
        places += [f"block {self.block}"] if self.block is not None else []
        return ": ".join([*places, self.field, f"{self.reason} ({self.requirement})"])


def short(digest: bytes) -> str:
    """The first digits of a digest, enough to tell the labels of a chain apart."""
    return digest.hex()[:12]
