"""Evidence of properties in a session: what the table leaves to `harness/property`, which few peers ever load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import WorldProvider

CHECKS = (
    "properties_are_not_withdrawn",
    "proofs_answer_current_lists",
    "property_proofs_verify",
)


def commitment(provider: WorldProvider) -> bytes:
    """The claim with a fresh one by the module; its opening is kept until the software is told. Raises NoEvidence."""
    from ..property.proving import make_commitment

    claim, provider.opening = make_commitment(provider.world.tam, provider.world.properties, provider.rng)
    return claim


def property_proofs(provider: WorldProvider, token_and_opening: bytes) -> bytes:
    """Proofs by the software about a token of its module. Raises NoEvidence."""
    from ..property.proving import make_proofs

    world = provider.world
    return make_proofs(world.properties, token_and_opening, world.time(), provider.rng)


def _judge(check: str) -> Callable[..., None]:
    def judge(provider: WorldProvider, *arguments: bytes) -> None:
        from ..property import judging

        judging.JUDGES[check](provider.world, *arguments)
        if check == "properties_are_not_withdrawn":
            provider.rests_on(check, judging.ends(provider.world))

    return judge


JUDGED: Mapping[str, Callable[..., None]] = {check: _judge(check) for check in CHECKS}
"""Raises ValueError."""
