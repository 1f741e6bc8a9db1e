"""Playing a word to an implementation: letters become octets, and what comes back becomes outputs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from ..codec import cbor
from ..deadline import Deadline
from ..iut.control import ControlError, ControlRefused
from ..peer.endpoint import LETTER, NotOpen
from ..peer.tcp import PeerReset
from ..tester.frames import CONTENT_OCTETS
from ..tester.live import IutSession
from ..tester.local import LocalIut
from ..tester.peer import Observation
from ..tester.session import OPPOSITE, ControlFailed, Iut, why
from ..verdict.transcript import Transcript
from .bindings import BINDINGS
from .letter import VERBS, Letter, Past
from .puppet import Puppet, Withhold

SILENT, ENDED, END, HUNG, CRASHED = "silent", "ended", "end", "hung", "crashed"
"""Nothing while it lives on; nothing because it had ended; the end; neither answer nor end in time; it died."""
NOT_OPEN, RESTARTED, OPENED, NOT_OPENED = "not-open", "restarted", "opened-elsewhere", "not-opened-elsewhere"
NO_MESSAGES = frozenset({SILENT, ENDED, END, HUNG, CRASHED, NOT_OPEN, RESTARTED, OPENED, NOT_OPENED})
"""Words of an output that are no messages."""
AFFIRMING = 2
_PROBE = b"probe"


def answer(told: list[str], ended: bool) -> str:
    """An output: what was said in order, and the end."""
    return " ".join([*told, END] if ended else told) or SILENT


def messages(output: str) -> list[str]:
    """The messages of an output, in order."""
    return [word for word in output.split(" ") if word not in NO_MESSAGES]


def begin(iut: Iut) -> Past:
    """An honest session with the implementation, data included.

    What does not come about with it, because it is faulty, is taken from a session of reference peers.
    """
    sent = _honest(iut)
    if f"DATA_{LETTER[iut.opposite]}" not in sent:
        sent = {**_honest(LocalIut(OPPOSITE[iut.opposite], binding=iut.binding)), **sent}
    return Past(sent)


def _honest(iut: Iut) -> dict[str, bytes]:
    conversation = iut.converse()
    peer = conversation.peer
    try:
        if conversation.until(lambda: peer.state == "OPEN"):
            peer.send_data(CONTENT_OCTETS, "text/plain")
            conversation.flush()
            if conversation.until(lambda: conversation.saw(f"RECEIPT_{peer.peer}") is not None):
                conversation.finish()
    finally:
        conversation.close()
    return dict(peer.sent)


def verbs(iut: Iut) -> frozenset[str]:
    """What the control plane offers; in this process, everything."""
    if isinstance(iut, IutSession):
        return frozenset(iut.launched.hello["verbs"]) if iut.launched.control is not None else frozenset()
    return VERBS


def spell(observations: list[Observation]) -> list[str]:
    """Names of messages; a code where it matters, not that of a TLS alert, which a library chooses."""
    return [_spelled(o) for o in observations]


def _spelled(observation: Observation) -> str:
    code = observation.code if observation.name != "tls_alert" else None
    if observation.name.startswith("VERDICT"):
        with suppress(ValueError, LookupError, TypeError):
            tier = cbor.decode(observation.data)[1][1]
            code = None if tier == AFFIRMING else tier
    return f"{observation.name}:{code}" if code else observation.name


class Play:
    """One word being played. Use as a context manager: the clock is put back, and the connection closed."""

    def __init__(self, iut: Iut, past: Past) -> None:
        self.iut, self.past = iut, past
        self.transcripts: list[Transcript] = []
        self._seen = self._probes = 0
        self._undo = ExitStack()
        self._timing = False
        self._begin()

    def _begin(self) -> None:
        since = self._moment()
        deviation = Withhold()
        make = partial(Puppet, channel=BINDINGS[self.iut.binding].channel)
        self.conversation = self.iut.converse(deviation, make=make, since=since)
        self.transcripts.append(self.conversation.transcript)
        peer = self.conversation.peer
        assert isinstance(peer, Puppet)
        self.peer = peer
        if peer.role == "service" and not self.conversation.until(lambda: bool(peer.observations)):
            raise ControlFailed(f"the device does not begin: {why(self.conversation)}")
        if since is not None:
            self.iut.begun(since)
        self._seen = len(peer.observations)

    def _moment(self) -> int | None:
        """A mark behind the beginning of every connection so far: each was waited for, so nobody has to be asked."""
        iut = self.iut
        if isinstance(iut, IutSession):
            return iut.control.last_seq if "events" in verbs(iut) else None
        return iut.moment()

    def __enter__(self) -> Play:
        return self

    def __exit__(self, *error: object) -> None:
        self.conversation.close()
        try:
            self._undo.close()
        except ControlError:
            if self.iut.is_alive():
                raise  # The clock of one that died is nobody's business.

    @property
    def ended(self) -> bool:
        """Whether the implementation has ended the connection."""
        return self.conversation.ended is not None

    # --- letters -----------------------------------------------------------------------------------------------------

    def act(self, letter: Letter) -> list[str]:
        """Do a letter; what is known of the answer at once."""
        told = letter.act(self)
        self.conversation.flush()
        return [told] if told else []

    def sends(self) -> str | None:
        """Its application sends data, which is receipted as soon as it comes."""
        refused = self._asked(lambda: self.iut.sends(self.conversation, CONTENT_OCTETS))
        if refused is None:
            self.settle()
            for message, data in self.peer.take(f"RECEIPT_{self.peer.letter}"):
                self.peer.put(message, data)
        return refused

    def closes(self) -> str | None:
        """Its application closes."""
        return self._asked(lambda: self.iut.closes(self.conversation))

    def _asked(self, ask: object) -> str | None:
        assert callable(ask)
        try:
            ask()
        except (NotOpen, ControlRefused):
            return NOT_OPEN
        return None

    def advance(self, seconds: int) -> None:
        """Time passes for both sides, until the end of the word."""
        if not self._timing:
            self._undo.enter_context(self.iut.later())
            self._timing = True
        self.iut.clock.advance(seconds)

    def elsewhere(self) -> str:
        """A whole session on another connection."""
        other = self.iut.converse(since=self._moment())
        try:
            opened = other.until(lambda: other.peer.state == "OPEN") and other.finish()
            if other.since is not None:
                self.iut.begun(other.since)
        finally:
            other.close()
            self.transcripts.append(other.transcript)
        return OPENED if opened else NOT_OPENED

    def restarts(self) -> str:
        """The implementation restarts; the word goes on with a new connection."""
        self.iut.restart()
        self.conversation.close()
        self._begin()
        return RESTARTED

    # --- answers -----------------------------------------------------------------------------------------------------

    def fresh(self) -> list[str]:
        """What was observed since the last time, without answers to probes."""
        new, self._seen = self.peer.observations[self._seen :], len(self.peer.observations)
        return spell([o for o in new if not self._is_probe(o)])

    @property
    def pending(self) -> int:
        """Observations not yet taken by `fresh`."""
        return sum(not self._is_probe(o) for o in self.peer.observations[self._seen :])

    def _is_probe(self, observation: Observation) -> bool:
        return observation.name == f"PONG_{self.peer.peer}" and _PROBE in observation.data

    def send_probe(self) -> None:
        """PING behind what was sent, with a payload of its own."""
        self._probes += 1
        self.peer.put_frame(8, {1: self._payload})
        self.conversation.flush()

    @property
    def _payload(self) -> bytes:
        return _PROBE + self._probes.to_bytes(3)

    def await_probe(self) -> bool:
        """Whether PONG came; false when the implementation ended or hung."""
        payload, before = self._payload, self._seen
        return self.conversation.until(lambda: any(payload in o.data for o in self.peer.observations[before:]))

    def await_messages(self, count: int) -> bool:
        """Whether that many messages came."""
        return self.conversation.until(lambda: self.pending >= count)

    def await_end(self) -> bool:
        """Whether the implementation ended."""
        self.conversation.until(lambda: False)
        return self.ended

    def settle(self) -> None:
        """Until nothing more can come: PONG behind it, or the end."""
        if isinstance(self.iut, LocalIut):
            self.drain()
        else:
            self.send_probe()
            self.await_probe()

    def before_application(self, *, legal: bool) -> None:
        """What was sent on the connection has been read before the application or the clock acts.

        Where PING is not legal the control plane is asked something first: its requests are served in turn.
        """
        if legal:
            self.settle()
        elif self.conversation.since is not None:
            self.iut.moment()

    def drain(self) -> None:
        """Take what is there; in one process that is everything."""
        while not self.ended and self.conversation.receive(Deadline.after(0)):
            pass

    def finish(self) -> bool:
        """FIN, and everything until the implementation's end; whether that had come before, by itself."""
        since = self.conversation.since
        if since is None:
            # Without a control plane nothing but time tells its own end from its answer to ours.
            self.conversation.until(lambda: False, self.iut.silence)
        if self.ended or self._told_end():
            return self.await_end()
        with suppress(PeerReset):
            self.conversation.connection.half_close()
        if not self.await_end() or since is None:
            return False
        ending = self.iut.ending(self.conversation, since)
        return ending["how"] == "clean" or any(e["event"] in _CAUSES for e in self._told())

    def _told_end(self) -> bool:
        """It has told its application already that the connection is over."""
        if self.conversation.since is None:
            return False
        self.iut.moment()
        return any(e["event"] == "closed" for e in self._told())

    def _told(self) -> Iterator[Mapping[str, Any]]:
        """What it told its application about this connection so far."""
        since = self.conversation.since
        assert isinstance(self.iut, IutSession) and since is not None
        events = self.iut.control.events
        recent = events[bisect_right(events, since, key=lambda e: int(e["seq"])) :]
        own = next(e["connection"] for e in recent if e["event"] == "connected")
        return (e for e in recent if e["connection"] == own)


_CAUSES = frozenset({"error", "edhoc_error", "alert"})
