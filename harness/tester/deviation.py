"""Deviations: one thing that the tester does otherwise than the table says, and whether the conversation got there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...model.table import Message
from ...model.terms import Term
from .fields import Path, altered

if TYPE_CHECKING:
    from .peer import TesterEndpoint

Change = Callable[[bytes], bytes]


class TesterFault(BaseException):
    """The tester could not make its own deviation: the verdict is `error`, whatever the implementation does.

    Not an `Exception`, so that no peer code takes it for something that the other side did.
    """


class Deviation:
    """Nothing otherwise. `reached` becomes true when the fault has been sent."""

    def __init__(self) -> None:
        self.reached = False

    def attach(self, peer: TesterEndpoint) -> None:
        """Called once, before the conversation."""

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        """The tester is about to send a message."""
        peer.put(message, data)

    def unit(self, peer: TesterEndpoint, kind: int, payload: bytes) -> None:
        """The tester is about to send a unit."""
        peer.put_unit(kind, payload)

    def happened(self, peer: TesterEndpoint) -> None:
        """The fault goes out now; what is observed from here on is the reaction to it."""
        if not self.reached:
            self.reached = True
            peer.mark()


class OnMessage(Deviation):
    """A deviation at one sending of one message; `nth` counts from 0."""

    def __init__(self, message: str, nth: int = 0) -> None:
        super().__init__()
        self.message = message
        self._left = nth

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name != self.message:
            peer.put(message, data)
        elif self._left:
            self._left -= 1
            peer.put(message, data)
        elif self.reached:
            peer.put(message, data)
        else:
            self.happened(peer)
            self.deviate(peer, message, data)

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        """What is done instead of sending; here, nothing."""


class AlterInside(OnMessage):
    """One occurrence altered, everything around it computed over that: signed, hashed and encrypted by who sends it."""

    def __init__(self, message: str, path: Path, change: Change, otherwise: Change | None = None) -> None:
        """`otherwise` is the change where `change` would leave a value as it happens to be."""
        super().__init__(message)
        self._path, self._change, self._otherwise = path, change, otherwise

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        changed = altered(peer.knowledge(), message.term, self._path, self._change)
        if changed == data and self._otherwise is not None:
            changed = altered(peer.knowledge(), message.term, self._path, self._otherwise)
        peer.put(message, changed)


class AlterOctets(OnMessage):
    """The encoded message altered as octets, then protected as usual."""

    def __init__(self, message: str, change: Change, nth: int = 0) -> None:
        super().__init__(message, nth)
        self._change = change

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put(message, self._change(data))


class Lie(Deviation):
    """A term has another value for this party, wherever it stands: signatures and hashes are made over the lie.

    `at` is the message with which the lie goes out. `tam` makes the trust anchor module tell it.
    """

    def __init__(self, term: Term, value: bytes | Change, at: str, *, tam: bool = False) -> None:
        super().__init__()
        self._term, self._value, self._at, self._tam = term, value, at, tam

    def attach(self, peer: TesterEndpoint) -> None:
        run = peer.tam.run if self._tam else peer.run
        run.pinned[self._term] = self._value if isinstance(self._value, bytes) else _guarded(self._value)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name == self._at:
            self.happened(peer)
        peer.put(message, data)


def _guarded(change: Change) -> Change:
    """A lie that cannot be told is the tester's fault, wherever it is evaluated."""

    def guarded(value: bytes) -> bytes:
        try:
            return change(value)
        except Exception as error:
            raise TesterFault(f"a lie about {value.hex()}: {error!r}") from error

    return guarded


class Drop(OnMessage):
    """The message is not sent; whatever comes next is."""

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        pass


class Duplicate(OnMessage):
    """The message is sent twice."""

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put(message, data)
        peer.put(message, data)


class Instead(OnMessage):
    """Something else is sent in the message's place, built when the conversation is there."""

    def __init__(self, message: str, send: Callable[[TesterEndpoint], None], nth: int = 0) -> None:
        super().__init__(message, nth)
        self._send = send

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self._send(peer)


class After(OnMessage):
    """The message is sent, and something else right behind it."""

    def __init__(self, message: str, send: Callable[[TesterEndpoint], None], nth: int = 0) -> None:
        super().__init__(message, nth)
        self._send = send

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        peer.put(message, data)
        self._send(peer)


class Before(OnMessage):
    """Something else is sent right before the message; the conversation goes on as if it had not been."""

    def __init__(self, message: str, send: Callable[[TesterEndpoint], None], nth: int = 0) -> None:
        super().__init__(message, nth)
        self._send = send

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self._send(peer)
        peer.put(message, data)


class Stop(OnMessage):
    """From this message on the tester sends nothing by itself; `send` is what it sends in the message's place."""

    def __init__(self, message: str, send: Callable[[TesterEndpoint], None], nth: int = 0) -> None:
        super().__init__(message, nth)
        self._send = send

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if not self.reached:
            super().emit(peer, message, data)

    def deviate(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        self._send(peer)


class Hold(Deviation):
    """Messages with one of these names come late, at `release`; with `behind`, whatever follows the first one too."""

    def __init__(self, *messages: str, behind: bool = True) -> None:
        super().__init__()
        self._behind = behind
        self._messages = messages
        self.held: list[tuple[Message, bytes]] = []

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if (self.held and self._behind) or message.name in self._messages:
            self.held.append((message, data))
        else:
            peer.put(message, data)

    def hold(self, *messages: str) -> None:
        """From now on hold these back."""
        self._messages = messages

    def release(self, peer: TesterEndpoint) -> None:
        """Send what was held, and hold nothing more."""
        self._messages = ()
        held, self.held = self.held, []
        for message, data in held:
            peer.put(message, data)


class Swap(OnMessage):
    """The message is held back until the next one has been sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._held: tuple[Message, bytes] | None = None

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name == self.message and not self.reached and self._held is None:
            self._held = (message, data)
            return
        if self._held is not None:
            held, self._held = self._held, None
            self.happened(peer)
            peer.put(message, data)
            peer.put(*held)
            return
        peer.put(message, data)


class AlterUnit(Deviation):
    """The nth unit of a kind altered on its way; nothing around it is made anew. None drops it."""

    def __init__(self, kind: int, nth: int, change: Callable[[bytes], list[tuple[int, bytes]]]) -> None:
        super().__init__()
        self._kind, self._left, self._change = kind, nth, change

    def unit(self, peer: TesterEndpoint, kind: int, payload: bytes) -> None:
        if kind != self._kind or self.reached:
            peer.put_unit(kind, payload)
        elif self._left:
            self._left -= 1
            peer.put_unit(kind, payload)
        else:
            self.happened(peer)
            for changed_kind, changed in self._change(payload):
                peer.put_unit(changed_kind, changed)
