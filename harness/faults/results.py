"""Faults of results in ATT: relying parties that look less closely, attesters that spare themselves a question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ...model.protocol.frames import SIDES
from ...model.terms import Term
from ..codec import cbor
from ..identity.errors import Unanswered
from ..identity.policy import EAR_FORMAT
from ..identity.world import World
from .fault import Fault, fault
from .operators import accepts, decoded, prefix, remembers
from .peer import FaultyEndpoint
from .run import FaultyRun, Lie

STATUS = 1000


def _unlisted(run: FaultyRun, honest: bytes) -> bytes:
    return cbor.encode([item for item in decoded(honest) if item != EAR_FORMAT])


def _says(lie: Lie) -> dict[Term, Lie]:
    """Of what HELLO says is accepted."""
    return {side.accepted: lie for side in SIDES.values()}


def _one_property_affirmed(world: World, submods: bytes) -> bool:
    """Any of those that policy names."""
    found = decoded(submods)
    return any(found[name][STATUS] == 2 for name in world.policy.verifier_properties if name in found)


class _AsksOnce(FaultyEndpoint):
    """Keeps the first result for the epochs to come."""

    def _fetch(self, question: bytes) -> None:
        ask, kept = self.world.verifier, getattr(self, "_kept", b"")
        if kept or ask is None:
            self.world.verifier = lambda _: kept
            try:
                super()._fetch(question)
            finally:
                self.world.verifier = ask
            return
        self._kept = ask(question)
        self._fetch(question)


class _OwnBinder(FaultyEndpoint):
    """Lets the verifier name another binder than that of the session."""

    def _fetch(self, question: bytes) -> None:
        super()._fetch(cbor.encode({**cbor.decode(question), 2: bytes(32)}))


class _Rewriting(FaultyEndpoint):
    """Strips what it does not know of a result."""

    def _fetch(self, question: bytes) -> None:
        ask = self.world.verifier
        self.world.verifier = (lambda request: _stripped(ask(request))) if ask else None
        try:
            super()._fetch(question)
        finally:
            self.world.verifier = ask


def _stripped(reply: bytes) -> bytes:
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        body = cbor.decode(reply)
        parts = list(body[1].value)
        parts[2] = cbor.encode({key: value for key, value in cbor.decode(parts[2]).items() if key >= 0})
        return cbor.encode({1: type(body[1])(body[1].tag, parts)})
    return reply


class _Silent(FaultyEndpoint):
    """Says nothing where it has no result."""

    def _fetch(self, question: bytes) -> None:
        with suppress(Unanswered):
            super()._fetch(question)
            return
        self.end("closed", clean=False, truncated=False, unconfirmed=0)


def result_faults() -> Iterator[Fault]:
    """All faults about results in ATT."""
    for name, requirement, check, operator, what, judge, sentence in (
        ("cached_result_passes", "PBA-04", "ear_nonce_is_binder", "state kept", "binder of a result", remembers,
         "A result that was accepted once is accepted ever after."),
        ("result_binder_by_31_octets", "PBA-04", "ear_nonce_is_binder", "prefix", "binder of a result", prefix(31 + 2),
         "The last octet of a result's binder is not compared."),
        ("one_property_is_enough", "PBA-03", "ear_is_affirming", "any of several", "properties",
         accepts(_one_property_affirmed), "One property of those that policy names is enough."),
    ):  # fmt: skip
        judges: dict[str, Any] = {check: judge}
        yield fault(name, sentence, requirement, operator, what, judges=judges)
    yield fault(
        "results_unlisted", "Results are accepted in ATT, and HELLO does not say so.", "PBA-01", "omit",
        "type of results", lies=_says(_unlisted),
    )  # fmt: skip
    for name, operator, what, kind, sentence in (
        ("result_kept_for_later_epochs", "state kept", "own result", _AsksOnce,
         "The result of the first epoch is sent in those that follow."),
        ("result_for_another_binder", "another value", "binder in the question", _OwnBinder,
         "The verifier is asked about another binder than that of the session."),
        ("result_rewritten", "omit", "claims of no concern", _Rewriting,
         "Of a result only the claims that the attester knows are handed on."),
        ("silent_without_result", "missing message", "ALERT", _Silent,
         "An attester that is given no result ends the connection without a word."),
    ):  # fmt: skip
        yield fault(name, sentence, "PBA-20", operator, what, endpoint=kind)
