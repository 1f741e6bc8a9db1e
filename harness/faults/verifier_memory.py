"""Faults of what the reference verifier remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from ...model.protocol.background import QUESTION
from ..evaluator.run import Run
from ..identity.world import World
from ..verifier.appraisal import Asked, Verifier
from ..verifier.ledger import Ledger
from ..verifier.provider import VerifierProvider
from .fault import VERIFIER, Fault, fault

LAST = 8
"""Binders that a forgetful verifier remembers."""


class _Ledger(Ledger):
    """Notes something else than the binder alone."""

    def __init__(self, honest: Ledger, noted: Callable[[bytes], bytes]) -> None:
        self._database, self._noted = honest._database, noted

    def use(self, binder: bytes) -> bool:
        return super().use(self._noted(binder))


def _noting(what: Callable[[Asked], str]) -> type[Verifier]:
    """Notes a binder together with something else of the request."""

    class Noting(Verifier):
        def provider(self, asked: Asked) -> VerifierProvider:
            provider = super().provider(asked)
            provider.ledger = _Ledger(self.ledger, lambda binder: sha256(binder + what(asked).encode()).digest())
            return provider

    return Noting


_ByPolicy, _ByAttester = _noting(lambda asked: asked.policy), _noting(lambda asked: asked.attester.letter)


class _ByRequest(Verifier):
    """Tells only whole requests apart."""

    def _answer(self, request: bytes) -> bytes:
        self.asking = sha256(request).digest()
        return super()._answer(request)

    def provider(self, asked: Asked) -> VerifierProvider:
        provider = super().provider(asked)
        provider.ledger = _Ledger(self.ledger, lambda binder: self.asking)
        return provider


class _Forgetful(Verifier):
    """Holds its binders in memory alone."""

    def __init__(self, world: World, policies: Any, ledger: Ledger, *others: Any, **options: Any) -> None:
        super().__init__(world, policies, Ledger(), *others, **options)


class _LastOnly(Ledger):
    """Forgets all but the last few."""

    def use(self, binder: bytes) -> bool:
        new = super().use(binder)
        kept = "SELECT count(*) FROM binders"
        if self._database.execute(kept).fetchone()[0] > LAST:
            self._database.execute("DELETE FROM binders WHERE binder != ?", (binder,))
        return new


class _Short(_Forgetful):
    """Remembers a few binders."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ledger = _LastOnly()


class _NotesAffirmed(Verifier):
    """Notes a binder only once evidence was affirmed."""

    def refuse(self, run: Run, provider: VerifierProvider, letter: str, failure: Any) -> bytes:
        reply = super().refuse(run, provider, letter, failure)
        if failure.check.name != "binder_is_new":
            self.ledger._database.execute("DELETE FROM binders WHERE binder = ?", (_asked(run, letter),))
        return reply


def _asked(run: Run, letter: str) -> bytes:
    asked: bytes = run.value(QUESTION[letter].asked)
    return asked


def memory_faults() -> Iterator[Fault]:
    """A binder accepted twice, under one circumstance or another."""
    for name, sentence, what, seam in (
        ("binders_lost_at_restart", "Binders are held in memory alone.", "restart", _Forgetful),
        ("binders_by_policy", "A binder is new again for another policy.", "policy", _ByPolicy),
        ("binders_by_attester", "A binder is new again for an attester of the other role.", "role", _ByAttester),
        (
            "binders_by_request",
            "Only a request that was asked before, octet for octet, is a replay.",
            "request",
            _ByRequest,
        ),
        ("binders_last_few", f"Only about {LAST} binders are remembered.", "count", _Short),
        ("binders_once_affirmed", "A binder is used only by evidence that was affirmed.", "affirmed", _NotesAffirmed),
    ):
        yield fault(name, sentence, "VER-01", "forget", what, VERIFIER, verifier=seam)
