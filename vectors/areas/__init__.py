"""The areas, one file of vectors each, in the order in which an implementer needs them."""

from __future__ import annotations

from ..vector import Area
from . import (
    blocks,
    bundles,
    certificates,
    chains,
    edhoc,
    encoding,
    evidence,
    grammar,
    hellos,
    labels,
    properties,
    psa,
    records,
    results,
    revocation,
    schedule,
    sessions,
    structures,
)
from .seed import SEED

AREAS: tuple[Area, ...] = (
    encoding.AREA,
    grammar.AREA,
    edhoc.AREA,
    schedule.AREA,
    records.AREA,
    certificates.AREA,
    revocation.AREA,
    hellos.AREA,
    evidence.AREA,
    psa.AREA,
    structures.AREA,
    bundles.AREA,
    results.AREA,
    properties.AREA,
    labels.AREA,
    blocks.AREA,
    chains.AREA,
    sessions.AREA,
)

__all__ = ["AREAS", "SEED"]
