"""The attacker's end of one connection: it reads what it can, holds back what it would say, and says what it is told.

Towards each honest run the attacker plays the opposite role. Where he runs the handshake himself, his end is a peer
that refuses nothing. Where he passes a handshake on between two honest runs, he reads nothing until one of them, a
reference peer in this process, has the secret of that channel. It serves to watch and to pass frames on, which gives
the same octets; what he makes with it is what the trace says, and the verifier has shown that he can.
"""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from ...model.protocol.frames import HELLO, PONG
from ...model.table import NET, Message
from ...model.terms import Term
from ..bits import one_bit_other
from ..evaluator.errors import CheckFailed
from ..evaluator.matchers import match
from ..evaluator.run import Run
from ..peer.binding import DEFAULT
from ..peer.endpoint import Endpoint
from ..tester.peer import TesterEndpoint
from ..transport.units import Kind
from .handshakes import HANDSHAKES, SHARED, PassedOn
from .story import Inexpressible

AFTER_HANDSHAKE = {"device": "wait_HELLO_R", "service": "wait_HELLO_I"}
PROBE = b"tcprobe\x00"


class Mirror(TesterEndpoint):
    """With `passing` the handshake is passed on. `seen` and `told` are messages by name, as they came and went."""

    def __init__(self, *arguments: Any, passing: bool = False, **options: Any) -> None:
        self.passing = passing
        self.seen: dict[str, list[bytes]] = defaultdict(list)
        self.told: dict[str, int] = defaultdict(int)
        self._ready: dict[str, deque[bytes]] = defaultdict(deque)
        handshake = HANDSHAKES[options.get("binding", DEFAULT)]
        super().__init__(*arguments, channel=handshake.passing if passing else handshake.own, **options)

    # --- what comes --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if not self.passing:
            super().start()

    def observe(self, name: str, data: bytes) -> None:
        super().observe(name, data)
        self.seen[name].append(data)

    def receive_frame(self, frame: bytes) -> None:
        """The attacker loses his way nowhere: what his own state cannot take is only kept."""
        before = self.machine.state
        try:
            super().receive_frame(frame)
        except (CheckFailed, LookupError, ValueError):
            self.machine.state = before
        if self.observations and self.observations[-1].name == PONG[self.peer].name:
            self.machine.state = before

    def _refuse(self, failure: CheckFailed) -> None:
        """The attacker complains of nothing."""

    @property
    def passed(self) -> PassedOn:
        """The channel, where the handshake is passed on."""
        assert isinstance(self.channel, PassedOn)
        return self.channel

    def unlock(self, end: Endpoint) -> None:
        """The channel whose handshake was passed on can be read, with the keys that one of its ends has."""
        if self.channel_stands:
            return
        for term in SHARED:
            self.run.bind(term, end.run.value(term))
        self.machine.state = AFTER_HANDSHAKE[self.role]
        self._guarded(lambda: self.passed.unseal(end))

    # --- what goes ---------------------------------------------------------------------------------------------------

    def emit(self, message: Message, data: bytes) -> None:
        """What the table would send now waits until the trace asks for it."""
        self._ready[message.name].append(data)

    def tell(self, message: Message, data: bytes, *, damaged: bool = False) -> None:
        """Send octets as this message; a damaged one has a tag that does not fit.

        Both HELLOs go into what is signed later: whatever was said there counts as this end's own.
        """
        self.told[message.name] += 1
        self._ready[message.name].clear()
        if message.channel == NET:
            self.channel.send_handshake(message, one_bit_other(data) if damaged else data)
            return
        if message is HELLO[self.letter]:
            self.run.unbind(message.slots)
            match(self.run, message.term, data)
        if not damaged:
            self.send_frame(data)
            return
        for record in self.edhoc.protect().seal(data):
            self.send_unit(Kind.RECORD, one_bit_other(record))

    def make(self, message: Message, pins: Mapping[Term, bytes]) -> bytes:
        """A message with these values in it, and everything around them made over that.

        Raises:
            Inexpressible: a library makes it, and nobody else can.
            Unbound: something in it is not known here.
        """
        ready = self._ready[message.name]
        if message.by_library and (pins or not ready):
            raise Inexpressible(f"{message.name} with other values in it, or out of its turn, is no library's")
        return ready.popleft() if ready and not pins else valued(self.knowledge(), message.term, pins)

    def probe(self) -> None:
        """Ask for a sign of life."""
        self.put_frame(8, {1: PROBE})

    @property
    def answers(self) -> int:
        """Signs of life so far."""
        return len(self.seen[PONG[self.peer].name])

    @property
    def probe_is_legal(self) -> bool:
        return self.channel_stands and bool(self.told[HELLO[self.letter].name] and self.seen[HELLO[self.peer].name])


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
            way = (node.defs.get(run.role) or node.means) if node.op == "slot" else None
            inside = [contains(part) for part in ((way,) if way is not None else node.args)]
            found[node] = any(inside)
        return found[node]

    contains(term)
    return {node for node, yes in found.items() if yes}
