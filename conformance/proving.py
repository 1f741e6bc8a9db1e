"""The tester as a party that proves properties in zero knowledge, and implementations that accept it."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ..harness.identity.policy import EAT_CWT, PBA_FORMAT
from ..harness.identity.world import World
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from .bench import Bench
from .parties import LETTERS
from .stages import Stage, at_once

if TYPE_CHECKING:
    from ..model.protocol.proving import Proving

IN_ATT = "properties in zero knowledge"
"""What the control conversation is about."""


def proving_of(iut: Iut) -> Proving:
    """Terms of the tester's evidence. Raises NeedNotMet where there is none to be spoken of."""
    iut.need_proofs()
    from ..model.protocol.proving import PROVING

    return PROVING[LETTERS[iut.opposite]]


def presenting(iut: Iut, **changes: Any) -> World:
    """The tester as one that offers proofs alone. Raises NeedNotMet."""
    iut.need_proofs()
    policy = dataclasses.replace(iut.world.policy, offered=(PBA_FORMAT,))
    return iut.fresh_world(policy=policy, **changes)


def accepting(iut: Iut, **further: Any) -> AbstractContextManager[None]:
    """The implementation accepts proofs before tokens."""
    return iut.configured(accepted=[PBA_FORMAT, EAT_CWT], **further)


def refuses(
    bench: Bench, deviation: Deviation, stage: Stage = at_once, world: World | None = None, **settings: Any
) -> None:
    """Refused where honest evidence is accepted."""
    iut = bench.iut
    iut.need_proofs()
    with accepting(iut, **settings):
        bench.refuses(
            deviation, stage, world=world or presenting(iut), configuration=IN_ATT,
            control=lambda: iut.good(world=presenting(iut)).transcript.digest(), deferred=False,
        )  # fmt: skip
