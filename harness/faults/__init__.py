"""Faulty reference peers: named faults, each beside the seam of the code that it distorts.

`FAULTS` is the register. Names of checks are names of faults: the check is missing. `reference_peer` makes an endpoint
with the faults that it is told; without any it is the plain `Endpoint`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from ..identity.world import World
from .attestation_keys import again_faults, key_faults
from .binders import binder_faults, giving_faults
from .claims import claim_faults
from .credentials import credentials
from .endings import ending_faults
from .fault import Fault, indexed
from .handshake import handshake_faults
from .labels import label_faults
from .measurements import measurement_faults
from .records import record_faults
from .removals import removals
from .session import session_faults
from .states import states
from .verifying import verifier_faults

if TYPE_CHECKING:
    from ..peer.endpoint import Endpoint
    from ..verifier.appraisal import Verifier

_MADE_BY = (
    removals, binder_faults, giving_faults, measurement_faults, claim_faults, key_faults, again_faults, states,
    credentials, handshake_faults, label_faults, session_faults, record_faults, ending_faults, verifier_faults,
)  # fmt: skip
FAULTS: dict[str, Fault] = indexed(chain.from_iterable(made() for made in _MADE_BY))
"""Every fault by its name."""


@cache
def faults_of(role: str, names: frozenset[str]) -> tuple[Fault, ...]:
    """The faults among `names` that a peer of this role can have."""
    return tuple(FAULTS[name] for name in sorted(names) if name in FAULTS and role in FAULTS[name].roles)


def reference_peer(
    role: Literal["device", "service"], world: World, *, off: frozenset[str] = frozenset(), **options: Any
) -> Endpoint:
    """A reference peer with the faults that `off` names; `options` are those of `Endpoint`."""
    from ..peer.endpoint import Endpoint
    from .peer import faulty_endpoint

    faults = faults_of(role, off)
    missing = frozenset[str]().union(*(one.seams.off for one in faults))
    if all(one.seams.is_removal for one in faults):
        return Endpoint(role, world, off=missing, **options)
    return faulty_endpoint(faults)(role, world, off=missing, **options)


def reference_verifier(*arguments: Any, off: frozenset[str] = frozenset(), **options: Any) -> Verifier:
    """A reference verifier with the faults that `off` names; everything else is for `Verifier`."""
    from ..verifier.appraisal import Verifier
    from .peer import faulty_verifier

    faults = faults_of("verifier", off)
    missing = frozenset[str]().union(*(one.seams.off for one in faults))
    make = Verifier if all(one.seams.is_removal for one in faults) else faulty_verifier(faults)
    return make(*arguments, off=missing, **options)


def kept(role: str, names: frozenset[str], saved: dict[str, Any]) -> dict[str, Any]:
    """What a restart of such a peer keeps of what it should keep."""
    for one in faults_of(role, names):
        saved = one.seams.kept(saved) if one.seams.kept else saved
    return saved


def unknown(names: Iterable[str]) -> list[str]:
    """Names of no fault."""
    return sorted(set(names) - FAULTS.keys())
