"""The areas, one file of vectors each, in the order in which an implementer needs them."""

from __future__ import annotations

from ..vector import Area
from . import edhoc, encoding, grammar
from .seed import SEED

AREAS: tuple[Area, ...] = (encoding.AREA, grammar.AREA, edhoc.AREA)

__all__ = ["AREAS", "SEED"]
