"""The areas, one file of vectors each, in the order in which an implementer needs them."""

from __future__ import annotations

from ..vector import Area
from . import (
    blocks,
    bundles,
    certificates,
    chains,
    collected,
    edhoc,
    encoding,
    environments,
    evidence,
    grammar,
    hellos,
    ima,
    labels,
    passport,
    properties,
    psa,
    pseudonyms,
    records,
    results,
    revocation,
    schedule,
    sessions,
    structures,
    virtual,
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
    virtual.AREA,
    hellos.AREA,
    evidence.AREA,
    psa.AREA,
    structures.AREA,
    bundles.AREA,
    ima.AREA,
    collected.AREA,
    results.AREA,
    passport.AREA,
    properties.AREA,
    labels.AREA,
    environments.AREA,
    pseudonyms.AREA,
    blocks.AREA,
    chains.AREA,
    sessions.AREA,
)

__all__ = ["AREAS", "SEED"]
