"""One conversation with the implementation under test: the tester's endpoint on a TCP connection, driven by events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..deadline import Deadline
from ..peer.tcp import PeerFinished, PeerReset, TimedOut, TooManyBytes
from ..transport.pcap import Sender
from ..verdict.transcript import Transcript
from ..verdict.verdict import Outcome, Reaction
from .peer import Observation, TesterEndpoint

MOST_MESSAGES = 1000
"""Messages after a fault that are looked at for a reaction to it."""
PROBE = b"tcprobe\x00"
Condition = Callable[[], bool]


class Connection(Protocol):
    """What a conversation needs of its transport; see `TcpConnection`."""

    def send_all(self, data: bytes, deadline: Deadline) -> None:
        """Write everything."""

    def recv_some(self, deadline: Deadline) -> bytes:
        """At least one octet."""

    def half_close(self) -> None:
        """Send FIN."""

    def reset(self) -> None:
        """Send RST."""

    def close(self) -> None:
        """Close."""


class Conversation:
    """`reply` bounds every wait in seconds; `silence` is how long a missing answer is waited for.

    Every octet is kept in `transcript`. `since` is the moment on the control plane before it began, if somebody asked.
    """

    def __init__(
        self,
        peer: TesterEndpoint,
        connection: Connection,
        *,
        reply: float,
        silence: float,
        since: int | None = None,
    ) -> None:
        self.peer = peer
        self.connection = connection
        self.since = since
        self.transcript = Transcript()
        self.speech = peer.speech
        self.timed_out = False
        self._reply, self._silence = reply, silence
        self._started = time.monotonic()
        self._iut: Sender = "service" if peer.role == "device" else "device"

    @property
    def ended(self) -> str | None:
        """`finished` or `reset` once the implementation ended the connection, `flooded` when it sent without end."""
        return self.speech.ended

    @ended.setter
    def ended(self, how: str) -> None:
        self.speech.ended = how

    @property
    def silence(self) -> float:
        """Seconds after which an answer that may be missing is taken as missing."""
        return self._silence

    # --- moving octets -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: the tester's device speaks first."""
        self.peer.start()
        self.flush()

    def flush(self) -> None:
        """Send what the tester has to say."""
        data = self.peer.data_to_send()
        if not data or self.ended:
            return
        self.transcript.add(time.monotonic() - self._started, self.peer.role, data)
        try:
            self.connection.send_all(data, Deadline.after(self._reply))
        except PeerReset:
            self.ended = "reset"
        except TooManyBytes:
            self.ended = "flooded"
        except TimedOut:
            self.timed_out = True

    def receive(self, deadline: Deadline, then: Callable[[], None] | None = None) -> bool:
        """Take what comes, if anything does; false when the implementation ended or stayed silent.

        What `then` makes the tester say goes out with its answer, in one piece.
        """
        try:
            data = self.connection.recv_some(deadline)
        except PeerFinished:
            self.ended = "finished"
        except PeerReset:
            self.ended = "reset"
        except TooManyBytes:
            self.ended = "flooded"
        except TimedOut:
            self.timed_out = True
        else:
            self.transcript.add(time.monotonic() - self._started, self._iut, data)
            self.peer.receive_data(data)
            if then is not None:
                then()
            self.flush()
            return True
        return False

    def until(self, condition: Condition, seconds: float | None = None, then: Callable[[], None] | None = None) -> bool:
        """Go on until `condition`; false when the implementation ended, or was silent for too long.

        `then` is called after each message, before the answer to it goes out.
        """
        deadline = Deadline.after(self._reply if seconds is None else seconds)
        self.timed_out = False
        while not condition():
            if self.ended or self.timed_out or not self.receive(deadline, then):
                return condition()
        return True

    # --- what is waited for ------------------------------------------------------------------------------------------

    def saw(self, name: str, since: int = 0) -> Observation | None:
        """The first observation of that name."""
        return next((o for o in self.peer.observations[since:] if o.name == name), None)

    def until_seen(self, name: str, since: int = 0) -> bool:
        """Go on until an observation of that name has come."""
        return self.until(lambda: self.saw(name, since) is not None)

    def until_open(self) -> bool:
        """Go on until the tester's side is open and the implementation shows that its own is: it answers PING."""
        if self.peer.state == "OPEN":
            return self.probe()
        pinged: list[int] = []

        def ping() -> None:
            if self.peer.state == "OPEN" and not pinged:
                pinged.append(len(self.peer.observations))
                self.peer.ping(PROBE)

        return self.until(lambda: bool(pinged), then=ping) and self._answers(pinged[0])

    def probe(self) -> bool:
        """Whether the implementation answers PING."""
        before = len(self.peer.observations)
        self.peer.ping(PROBE)
        self.flush()
        return self._answers(before)

    def _answers(self, since: int) -> bool:
        return self.until_seen(f"PONG_{self.peer.peer}", since)

    def finish(self) -> bool:
        """CLOSE both ways."""
        self.peer.close()
        self.flush()
        return self.until_seen(f"CLOSE_{self.peer.peer}")

    # --- the reaction ------------------------------------------------------------------------------------------------

    def outcome(self, is_alive: Callable[[], bool], *, deferred: bool = False) -> Outcome:
        """What the implementation did once the deviation was out.

        The conversation goes on as an honest one would; where PING is legal it is sent, so that an implementation that
        accepts in silence shows it. With `deferred` the reaction may come later than with the next message: until the
        session is open. `is_alive` tells a crash from a closed connection. Octets that do not come to be a message are
        waited for no longer than a reply; who sends without end hangs.
        """
        probed, seen, patience = False, 0, Deadline.after(self._reply)
        while True:
            decided = self._decided(deferred)
            if decided is not None:
                if probed:
                    self._hear_out(decided)
                return decided if is_alive() else Outcome(Reaction.CRASHED)
            if self.ended == "flooded" or len(self.peer.reaction) > MOST_MESSAGES:
                return Outcome(Reaction.HUNG) if is_alive() else Outcome(Reaction.CRASHED)
            if self.ended:
                return self._wordless("close") if is_alive() else Outcome(Reaction.CRASHED)
            if not probed and self.peer.marked is not None and self._may_probe(deferred):
                probed = True
                self._send_probe()
            self.timed_out = False
            if len(self.peer.observations) > seen:
                seen, patience = len(self.peer.observations), Deadline.after(self._reply)
            if not self.receive(Deadline.after(min(self._silence, patience.remaining))) and not self.ended:
                return self._silent(probed, is_alive)

    def _may_probe(self, deferred: bool) -> bool:
        return self.peer.probe_is_legal and (not deferred or self.peer.state == "OPEN")

    def _send_probe(self) -> None:
        self.peer.put_frame(8, {1: PROBE})
        self.flush()

    def _hear_out(self, decided: Outcome) -> None:
        """A session that goes on after a receipt answers PING too: what it says belongs here, whenever it comes."""
        if (decided.action or "").startswith("receipt:"):
            pong = f"PONG_{self.peer.peer}"
            self.until(lambda: any(o.name == pong for o in self.peer.reaction), self._silence)

    def _decided(self, deferred: bool) -> Outcome | None:
        for observation in self.peer.reaction:
            action = observation.action
            if action is not None:
                return Outcome(Reaction.REFUSED, action)
            if not deferred or observation.name == f"PONG_{self.peer.peer}":
                return Outcome(Reaction.ACCEPTED)
        return None

    def _silent(self, probed: bool, is_alive: Callable[[], bool]) -> Outcome:
        if not is_alive():
            return Outcome(Reaction.CRASHED)
        return Outcome(Reaction.HUNG) if probed else self._wordless("drop")

    def _wordless(self, action: str) -> Outcome:
        return Outcome(Reaction.ACCEPTED) if self.peer.completed else Outcome(Reaction.REFUSED, action)

    def close(self) -> None:
        """End the connection from this side."""
        self.connection.close()
