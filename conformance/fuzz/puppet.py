"""A tester that holds back every message that it has made, until the trace says what becomes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ...harness.evaluator.run import Run
from ...harness.tester.deviation import Deviation
from ...harness.tester.peer import TesterEndpoint
from ...harness.transport.units import Kind
from ...model.table import Message

Units = Callable[[int, bytes], list[bytes]]
"""Kind and payload of a unit to what is put on the transport in its place."""


@dataclass(frozen=True)
class Pending:
    """A message that is ready, what the tester knew when it made it, and its number among those of its name."""

    message: Message
    data: bytes
    knowledge: Run
    nth: int
    made: int = 0
    """The step of the trace in which it was made."""


class Puppet(Deviation):
    """Messages wait in `pending`; what went out is kept, so that it can be used again."""

    def __init__(self, prepare: Callable[[TesterEndpoint], None] = lambda peer: None) -> None:
        """`prepare` is called with the endpoint before it begins."""
        super().__init__()
        self._prepare = prepare
        self.pending: deque[Pending] = deque()
        self.history: list[Pending] = []
        """Every message made, sent or not."""
        self.sent: dict[str, list[bytes]] = {}
        self.records: list[bytes] = []
        self.at = 0
        """The step of the trace that is being played."""
        self.units: Units | None = None
        """Applied to the units of the next message alone."""
        self._names: list[str] = []
        self._made: dict[str, int] = {}

    def attach(self, peer: TesterEndpoint) -> None:
        self._prepare(peer)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        nth = self._made.get(message.name, 0)
        self._made[message.name] = nth + 1
        made = Pending(message, data, peer.knowledge(), nth, self.at)
        self.pending.append(made)
        self.history.append(made)

    def unit(self, peer: TesterEndpoint, kind: int, payload: bytes) -> None:
        if kind == Kind.RECORD:
            self.records.append(payload)
        if self.units is None:
            peer.put_unit(kind, payload)
            return
        for octets in self.units(kind, payload):
            peer.put_octets(octets)

    def took(self) -> list[str]:
        """Names of the messages that went out since the last call."""
        names, self._names = self._names, []
        return names

    def put(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        """A message goes out."""
        self.sent.setdefault(message.name, []).append(data)
        self._names.append(message.name)
        peer.put(message, data)
        self.units = None
