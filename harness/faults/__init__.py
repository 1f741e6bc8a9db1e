"""Faulty reference peers: named faults, each beside the seam of the code that it distorts.

`register.FAULTS` has them all. Names of checks are names of faults: the check is missing. `reference_peer` makes an
endpoint with the faults that it is told; without any it is the plain `Endpoint`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from ..identity.world import World
from .fault import Fault

if TYPE_CHECKING:
    from ..peer.endpoint import Endpoint
    from ..verifier.appraisal import Verifier


@cache
def faults_of(role: str, names: frozenset[str]) -> tuple[Fault, ...]:
    """The faults among `names` that a peer of this role can have."""
    if not names:
        return ()
    from .register import FAULTS

    return tuple(FAULTS[name] for name in sorted(names) if name in FAULTS and role in FAULTS[name].roles)


def reference_peer(
    role: Literal["device", "service"], world: World, *, off: frozenset[str] = frozenset(), **options: Any
) -> Endpoint:
    """A reference peer with the faults that `off` names; `options` are those of `Endpoint`."""
    faults = faults_of(role, off)
    missing = frozenset[str]().union(*(one.seams.off for one in faults))
    if all(one.seams.is_removal for one in faults):
        return _plain("ask" in options)(role, world, off=missing, **options)
    from .peer import faulty_endpoint

    return faulty_endpoint(faults, asking="ask" in options)(role, world, off=missing, **options)


def _plain(asking: bool) -> type[Endpoint]:
    if asking:
        from ..peer.asking import AskingEndpoint

        return AskingEndpoint
    from ..peer.endpoint import Endpoint

    return Endpoint


def reference_verifier(*arguments: Any, off: frozenset[str] = frozenset(), **options: Any) -> Verifier:
    """A reference verifier with the faults that `off` names; everything else is for `Verifier`."""
    from ..verifier.appraisal import Verifier

    faults = faults_of("verifier", off)
    missing = frozenset[str]().union(*(one.seams.off for one in faults))
    if all(one.seams.is_removal for one in faults):
        return Verifier(*arguments, off=missing, **options)
    from .peer import faulty_verifier

    return faulty_verifier(faults)(*arguments, off=missing, **options)


def kept(role: str, names: frozenset[str], saved: dict[str, Any]) -> dict[str, Any]:
    """What a restart of such a peer keeps of what it should keep."""
    for one in faults_of(role, names):
        saved = one.seams.kept(saved) if one.seams.kept else saved
    return saved


def complaint(without: Collection[str], faults: Collection[str]) -> str:
    """Which of the checks and faults that a command line names there are not; nothing if there are all."""
    from ...model.checks import CHECKS

    if unchecked := sorted(set(without) - CHECKS.keys()):
        return f"--without: no check {', '.join(unchecked)}"
    if not faults:
        return ""
    from .register import FAULTS

    faultless = sorted(set(faults) - FAULTS.keys())
    return f"--fault: no fault {', '.join(faultless)}" if faultless else ""
