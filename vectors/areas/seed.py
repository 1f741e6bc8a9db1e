"""The one seed of all vectors. A stream belongs to a label, so that a new vector moves no other."""

from __future__ import annotations

from ...harness.crypto.random import SeededRandom

SEED = b"trustconn test vectors"
NOW = 1_800_000_000
"""Unix seconds at which vectors take place."""


def stream(label: str) -> SeededRandom:
    """Randomness that belongs to a label."""
    return SeededRandom(SEED).child(label)
