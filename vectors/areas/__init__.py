"""The areas, one file of vectors each, in the order in which an implementer needs them."""

from __future__ import annotations

from ..vector import Area
from . import certificates, edhoc, encoding, evidence, grammar, records, revocation, schedule
from .seed import SEED

AREAS: tuple[Area, ...] = (
    encoding.AREA,
    grammar.AREA,
    edhoc.AREA,
    schedule.AREA,
    records.AREA,
    certificates.AREA,
    revocation.AREA,
    evidence.AREA,
)

__all__ = ["AREAS", "SEED"]
