"""The attacker's end of one connection: it reads what it can, holds back what it would say, and says what it is told.

Towards each honest run the attacker plays the opposite role. Where he runs the handshake himself, his end is a peer that
refuses nothing. Where he passes a handshake on between two honest runs, he reads nothing until the secret of that
channel is his; what he then makes is what the trace says, and the verifier has shown that he can.
"""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from ...model.protocol.attestation import CHANNEL_SECRET
from ...model.protocol.edhoc import INITIATOR, RESPONDER, SUITES_I
from ...model.protocol.frames import HELLO
from ...model.table import NET, Message
from ...model.terms import Term
from ..evaluator.errors import CheckFailed
from ..evaluator.matchers import match
from ..evaluator.run import Run
from ..peer.endpoint import Endpoint
from ..tester.peer import TesterEndpoint
from ..transport.units import Kind, Unit

SHARED = (SUITES_I, INITIATOR.id_cred, RESPONDER.id_cred)
"""What a handshake leaves behind beside its secret."""
HANDSHAKE = {"device": ("message_1", "message_3"), "service": ("message_2", "message_4")}
AFTER_HANDSHAKE = {"device": "wait_HELLO_R", "service": "wait_HELLO_I"}
PROBE = b"tcprobe\x00"


class Mirror(TesterEndpoint):
    """`passing` ends only pass the handshake on. `seen` and `told` are messages by name, as they came and went."""

    def __init__(self, *arguments: Any, passing: bool = False, **options: Any) -> None:
        self.passing = passing
        self.seen: dict[str, list[bytes]] = defaultdict(list)
        self.told: dict[str, int] = defaultdict(int)
        self.ready: dict[str, deque[bytes]] = defaultdict(deque)
        self.released = False
        self._records: list[Unit] = []
        super().__init__(*arguments, **options)

    # --- what comes --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if not self.passing:
            super().start()

    def _unit(self, unit: Unit) -> None:
        if unit.kind == Kind.EDHOC_ERROR:
            self.observe("edhoc_error", unit.payload)
        elif not self.passing:
            super()._unit(unit)
        elif unit.kind == Kind.EDHOC_MESSAGE:
            self.observe(HANDSHAKE[self._peer_role][min(1, self._handshake_messages())], unit.payload)
        elif self._protection is None:
            self._records.append(unit)
        else:
            super()._unit(unit)

    @property
    def _peer_role(self) -> str:
        return "service" if self.role == "device" else "device"

    def _handshake_messages(self) -> int:
        return sum(len(self.seen[name]) for name in HANDSHAKE[self._peer_role])

    def observe(self, name: str, data: bytes) -> None:
        super().observe(name, data)
        self.seen[name].append(data)

    def _frame(self, frame: bytes) -> None:
        """The attacker answers no PONG, and loses his way nowhere: what his own state cannot take is only kept."""
        before = self.machine.state
        try:
            super()._frame(frame)
        except (CheckFailed, LookupError, ValueError):
            self.machine.state = before
        if self.observations and self.observations[-1].name.startswith("PONG"):
            self.machine.state = before

    def _refuse(self, failure: CheckFailed) -> None:
        """The attacker complains of nothing."""

    def unlock(self, of: Endpoint) -> None:
        """The secret of the channel whose handshake was passed on becomes known, as one of its ends has it."""
        if self.channel_stands:
            return
        for term in SHARED:
            self.run.bind(term, of.run.value(term))
        self.run.assign(())
        self.run.values[CHANNEL_SECRET] = of.run.value(CHANNEL_SECRET)
        self.run.bound.add(CHANNEL_SECRET)
        self.machine.state = AFTER_HANDSHAKE[self.role]
        self.protect()
        records, self._records = self._records, []
        for unit in records:
            self._guarded(lambda u=unit: self._unit(u))  # type: ignore[misc]

    # --- what goes ---------------------------------------------------------------------------------------------------

    def emit(self, message: Message, data: bytes) -> None:
        """What the table would send now is held until the trace, or the end of it, asks for it."""
        if self.released:
            self.tell(message, data)
        else:
            self.ready[message.name].append(data)

    def tell(self, message: Message, data: bytes, *, damaged: bool = False) -> None:
        """Send octets as this message; a damaged one has a tag that does not fit."""
        self.told[message.name] += 1
        if message.channel == NET:
            self.send_unit(Kind.EDHOC_MESSAGE, _flipped(data) if damaged else data)
            return
        for record in self.protect().seal(data):
            self.send_unit(Kind.RECORD, _flipped(record) if damaged else record)

    def pass_on(self, message: Message, data: bytes, *, damaged: bool = False) -> None:
        """Send what another run sent: from now on it counts as this end's own."""
        if message.channel != NET:
            self.run.unbind(message.slots)
            match(self.run, message.term, data)
        self.ready[message.name].clear()
        self.tell(message, data, damaged=damaged)

    def make(self, message: Message, pins: Mapping[Term, bytes]) -> bytes:
        """A message with these values in it, and everything around them made over that."""
        if not pins and self.ready[message.name]:
            return self.ready[message.name].popleft()
        self.ready[message.name].clear()
        return valued(self.knowledge(), message.term, pins)

    def release(self, table_messages: Mapping[str, Message]) -> None:
        """The trace has ended: say what was held back, and go on as the table does."""
        self.released = True
        for name, waiting in self.ready.items():
            while waiting:
                self.tell(table_messages[name], waiting.popleft())

    def probe(self) -> None:
        """Ask for a sign of life."""
        self.put_frame(8, {1: PROBE})

    @property
    def probe_is_legal(self) -> bool:
        return self.channel_stands and bool(self.told[HELLO[self.letter].name] and self.seen[HELLO[self.peer].name])


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def valued(run: Run, term: Term, pins: Mapping[Term, bytes]) -> bytes:
    """Octets of `term` where some terms inside have other values: what contains them is computed anew.

    Raises:
        Unbound: something in it is not known here.
    """
    shadow = copy.copy(run)
    shadow.values = dict(run.values)
    for around in _around(run, term, frozenset(pins)):
        shadow.values.pop(around, None)
    shadow.values.update(pins)
    made: bytes = shadow.value(term)
    return made


def _around(run: Run, term: Term, inner: frozenset[Term]) -> set[Term]:
    """The terms below `term`, itself included, that one of `inner` stands in."""
    found: dict[Term, bool] = {}

    def contains(node: Term) -> bool:
        if node in inner:
            return True
        if node not in found:
            found[node] = False
            way = node.defs.get(run.role) or node.means if node.op == "slot" else None
            below = (way,) if way is not None else node.args
            found[node] = any([contains(part) for part in below])
        return found[node]

    contains(term)
    return {node for node, yes in found.items() if yes}
