"""Frames for which a state has no row, as cases: read from the table, each with the state and the type of the frame."""

import dataclasses
from collections.abc import Iterator

from ..model.protocol.frames import FrameType, Tier
from ..model.protocol.tables import profile
from .case import Case, citing, fault
from .talk import AWAITED, PEER

ATTESTING = ("OPEN", "EXPIRED")
UNASKED = ("ATT", "VERDICT")
"""Legal in OPEN and EXPIRED, but only as an answer."""


def _kinds(role: str, state: str) -> list[str]:
    letter = PEER[role]
    without_row = [k.name for k in FrameType if not profile().candidates(role, state, f"{k.name}_{letter}")]
    return without_row + (list(UNASKED) if state in ATTESTING else [])


def unexpected(*states: str) -> Iterator[Case]:
    """Every such frame in these states; without any, in those before OPEN."""
    for role in AWAITED:
        for state in states or tuple(AWAITED[role]):
            for kind in _kinds(role, state):
                case = fault(role, "frame_is_expected", "unexpected", f"{state}.{kind}", (state, kind))
                unasked = state in ATTESTING and kind == "ATT"
                yield citing(case, "ATT-05") if unasked else case


def unexpected_after_rejection() -> Iterator[Case]:
    """Every such frame after each verdict that rejects; the data is the type of the frame, and the tier."""
    for case in unexpected("REFUSED"):
        for tier in (Tier.CONTRAINDICATED, Tier.WARNING):
            after = "" if tier is Tier.CONTRAINDICATED else "-by-warning"
            field = case.field.replace("REFUSED", f"REFUSED{after}")
            yield citing(dataclasses.replace(case, field=field, data=(case.data[1], tier)), "SES-08")
