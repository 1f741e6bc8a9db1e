"""Every check that the reference peers make themselves, missing: its name switches it off."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.checks import CHECKS, Check
from ...model.protocol.background import background
from ...model.protocol.tables import profile
from ...model.refusals import Channel
from ..peer.binding import DEFAULT
from ..peer.tls_errors import DECIDED
from .fault import BOTH, DEVICE, REMOVAL, VERIFIER, Fault, Seams
from .flaws import MISSING_CHECKS

_INITIATOR_ONLY = ("suites_r_allow_a_retry",)


def removals() -> Iterator[Fault]:
    """A fault for each of them, called like it."""
    for check in (check for check in CHECKS.values() if check.name not in DECIDED):
        sentence = f"The peer does not make the check {check.name}."
        source = MISSING_CHECKS.get(check.name, REMOVAL)
        seams = Seams(off=frozenset({check.name}))
        yield Fault(check.name, sentence, check.requirement, "missing", check.name, _roles(check), source, seams)


def _roles(check: Check) -> tuple[str, ...]:
    """Roles of the rows that list it; both for what is beside the table, as far as they do it."""
    if check.name in _INITIATOR_ONLY:
        return DEVICE
    if check.refusal.channel is Channel.VERIFIER:
        return VERIFIER
    listed = {row.role for row in profile(check.binding or DEFAULT).checks.get(check.name, ())}
    peers = tuple(role for role in BOTH if role in listed or not listed)
    return peers + (VERIFIER if check.name in background().checks else ())
