"""A party that tells something else: other values of terms for its software or for its trust anchor module.

Everything that is computed from them, signed and encrypted included, is made over what is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model.table import Message
from ...model.terms import Term
from ..evaluator.run import Run
from .deviation import Deviation, OnMessage, TesterFault
from .peer import TesterEndpoint

Tale = Mapping[Term, Any]
"""Term to its value, or to a function of the endpoint and the honest value."""


class Telling(Deviation):
    """The fault goes out with the message `at`, the `nth` of its name from 0.

    Without tales the fault lies in the tester's world.
    """

    def __init__(self, at: str, software: Tale | None = None, tam: Tale | None = None, *, nth: int = 0) -> None:
        super().__init__()
        self._at, self._left = at, nth
        self._software, self._tam = software or {}, tam or {}

    def attach(self, peer: TesterEndpoint) -> None:
        tell(peer, self._software, self._tam)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name == self._at:
            if not self._left:
                self.happened(peer)
            self._left -= 1
        peer.put(message, data)


def tell(peer: TesterEndpoint, software: Tale | None = None, tam: Tale | None = None) -> None:
    """From now on, until `tell_no_more`."""
    for run, tale in ((peer.run, software or {}), (peer.tam.run, tam or {})):
        run.forget(tale)
        run.pinned.update({term: _told(peer, value) for term, value in tale.items()})


def tell_no_more(peer: TesterEndpoint) -> None:
    """The truth again."""
    for run in (peer.run, peer.tam.run):
        _forget_tales(run)


def _forget_tales(run: Run) -> None:
    run.forget(run.pinned)
    run.pinned.clear()


def _told(peer: TesterEndpoint, value: Any) -> Any:
    """A tale that cannot be told is the tester's fault, wherever it is evaluated."""
    if not callable(value):
        return value
    tale: Callable[[TesterEndpoint, Any], Any] = value

    def told(honest: Any) -> Any:
        try:
            return tale(peer, honest)
        except Exception as error:
            raise TesterFault(f"a tale cannot be told: {error!r}") from error

    return told


class Forging(OnMessage):
    """A message changed as a whole, with what the endpoint knows at that moment; `nth` counts from 0."""

    def __init__(self, message: str, change: Callable[[TesterEndpoint, bytes], bytes], nth: int = 0) -> None:
        super().__init__(message, nth)
        self._change = change

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put(message, self._change(peer, data))
