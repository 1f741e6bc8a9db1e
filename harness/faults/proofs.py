"""Faults of properties in zero knowledge: relying parties that ask for less, provers that repeat themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.protocol.proving import PROVING
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..identity.errors import NoEvidence
from ..identity.world import World
from ..peer.property_evidence import commitment
from ..peer.provider import WorldProvider
from ..property.proving import make_proofs
from .fault import Fault, fault
from .operators import decoded, forgives, sees
from .peer import FaultyEndpoint
from .run import FaultyRun


def _first_alone(world: World, proofs: bytes, *others: bytes) -> tuple[bytes, ...]:
    return (cbor.encode(decoded(proofs)[:1]), *others)


def _same_masks(run: FaultyRun, honest: bytes) -> bytes:
    world = run.world
    letter = "I" if world.role == "device" else "R"
    proving = PROVING[letter]
    parts = run.value(proving.token) + run.value(proving.opening)
    return make_proofs(world.properties, parts, world.time(), SeededRandom(b"the same masks"))


class _OneOpening(WorldProvider):
    """Commits with the same opening again and again."""

    def given(self, label: str) -> Any:
        if not label.startswith("pba_commitment"):
            return super().given(label)
        drawn, self.rng = self.rng, SeededRandom(b"the same opening")
        try:
            return commitment(self)
        finally:
            self.rng = drawn


class _Committing(FaultyEndpoint):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.provider.__class__ = _OneOpening


class _Silent(FaultyEndpoint):
    """Says nothing where it cannot prove."""

    def _guarded(self, action: Any) -> None:
        def quiet() -> None:
            try:
                action()
            except NoEvidence:
                self.end("closed", clean=False, truncated=False, unconfirmed=0)

        super()._guarded(quiet)


def proof_faults() -> Iterator[Fault]:
    """All faults about properties in zero knowledge."""
    for name, requirement, check, operator, what, judge, sentence in (
        ("first_proof_alone", "PBA-13", "property_proofs_verify", "first of several", "proofs", sees(_first_alone),
         "Of several proofs only the first is verified."),
        ("some_properties_proved", "PBA-16", "proofs_answer_current_lists", "any of several", "properties",
         forgives("not one proof"), "Not every property that is demanded need be proved."),
        ("any_list_answered", "PBA-16", "proofs_answer_current_lists", "missing", "list", forgives("another list"),
         "A proof may answer any list."),
        ("withdrawn_property_passes", "PBA-16", "properties_are_not_withdrawn", "missing", "withdrawal",
         forgives("withdrawn"), "A property that the issuer has withdrawn still counts."),
        ("outdated_list_passes", "PBA-16", "properties_are_not_withdrawn", "missing", "end of a list",
         forgives("not current"), "A list counts for ever."),
    ):  # fmt: skip
        judges: dict[str, Any] = {check: judge}
        yield fault(name, sentence, requirement, operator, what, judges=judges)
    yield fault(
        "same_masks", "Every proof has the same masks.", "PBA-15", "state kept", "masks",
        lies={proving.proofs: _same_masks for proving in PROVING.values()},
    )  # fmt: skip
    yield fault(
        "same_opening", "Every commitment has the same opening.", "PBA-11", "state kept", "opening",
        endpoint=_Committing,
    )  # fmt: skip
    yield fault(
        "silent_without_proofs", "An attester that cannot prove ends the connection without a word.", "PBA-21",
        "missing message", "ALERT", endpoint=_Silent,
    )  # fmt: skip
