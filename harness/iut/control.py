"""The tester's side of the control plane: requests with replies, and waiting for events.

Blocking, with a deadline on every wait. The adapter is untrusted: whatever it writes ends in a `ControlError` that says
what was wrong; after anything but a plain refusal the plane is unusable and says the same again.
"""

import base64
import socket
from bisect import bisect_right
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn

from ..deadline import Deadline
from .address import Address
from .channel import ChannelClosed, ChannelTimeout, LineChannel, LineTooLong
from .messages import MAX_LINE, Message, MessageError, check, decode, encode

KEPT_EVENTS = 4096
"""Events kept at least; up to twice as many are."""
RECENT_EVENTS = 64
"""Events that an adapter is asked for that pushed none meanwhile: more than one conversation brings."""
MAX_EVENTS = 100_000
"""Events that one question may bring; more is a flood."""


LAST_EVENT = (1 << 32) - 1
"""Number after which no event can come (`seq` in the schema)."""


class ControlError(Exception):
    """The control plane failed or refused."""


class ControlTimeout(ControlError):
    """Nothing that was waited for came before the deadline."""


class ControlClosed(ControlError):
    """The adapter closed the control plane or ended."""


class ControlGarbage(ControlError):
    """The adapter wrote what is no message of the control plane."""


class ControlRefused(ControlError):
    """The adapter answered with an error; the plane stays usable."""

    def __init__(self, verb: str, code: str, message: str) -> None:
        self.verb, self.code, self.message = verb, code, message
        super().__init__(f"{verb}: {code}: {message}")


class ControlClient:
    """One adapter. `events` are the latest that it pushed; `timeout` in seconds bounds a reply unless told otherwise.

    `describe_end` says how the adapter ended, for the message of `ControlClosed`.
    """

    def __init__(self, channel: LineChannel, timeout: float, describe_end: Callable[[], str] = str) -> None:
        self.events: list[Message] = []
        self._channel, self._timeout, self._describe_end = channel, timeout, describe_end
        self._last_id = 0
        self._broken: ControlError | None = None

    def call(self, verb: str, deadline: Deadline | None = None, **arguments: Any) -> Message:
        """The reply's content to one request.

        Raises:
            ControlRefused: the adapter answered with an error.
            ControlError: no reply, or none that can be trusted.
            MessageError: the request itself does not match the schema: the caller's fault.
        """
        self._last_id += 1
        request = {"id": self._last_id, "verb": verb, **arguments}
        check(f"request.{verb}", request)
        deadline = deadline or Deadline.after(self._timeout)
        self._guard()
        try:
            self._channel.send(encode(request), deadline)
        except ChannelTimeout:
            self._break(ControlTimeout(f"the adapter does not read: {verb} could not be written"))
        except ChannelClosed as error:
            self._closed(error, verb)
        while (reply := self._next(deadline, f"the reply to {verb}")) is None:
            pass
        return self._judge(verb, reply)

    def wait_event(
        self, matches: Callable[[Message], bool], deadline: Deadline, what: str = "an event", since: int = 0
    ) -> Message:
        """The first event numbered above `since` that matches, already there or still to come.

        Raises:
            ControlTimeout: none came before the deadline; the plane stays usable.
            ControlError: the plane failed meanwhile.
        """
        while True:
            for event in self.events[bisect_right(self.events, since, key=lambda event: int(event["seq"])) :]:
                if matches(event):
                    return event
                since = int(event["seq"])
            if self._next(deadline, what, fatal_timeout=False) is not None:
                self._break(ControlGarbage("the adapter sent a reply that no request asked for"))

    @property
    def last_seq(self) -> int:
        """Number of the latest event, 0 before the first: a mark for `wait_event`."""
        return int(self.events[-1]["seq"]) if self.events else 0

    def hello(self) -> Message:
        """Protocol, role, name, version, verbs and features of the adapter."""
        return self.call("hello")

    def push_events(self, on: bool) -> None:
        """Whether events are pushed from now on; turned on, the latest of those that were not are here as well.

        For an adapter alone that said `holds_events`.
        """
        since = self.last_seq if on else LAST_EVENT
        for event in self.call("events", since=since, latest=RECENT_EVENTS, push=on)["events"]:
            if event["seq"] > self.last_seq:
                self._record(event)

    def provision(self, **configuration: Any) -> None:
        """Replaces the configuration for connections that begin later."""
        self.call("provision", **configuration)

    def start(self) -> Address:
        """Makes a service listen; where it does."""
        reply = self.call("start")
        return Address(reply["host"], reply["port"])

    def connect(self, address: Address) -> int:
        """Makes a device dial; the number of the connection."""
        return int(self.call("connect", host=address.host, port=address.port)["connection"])

    def send(self, connection: int, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Makes the implementation send signed data."""
        encoded = base64.b64encode(content).decode()
        self.call("send", connection=connection, content=encoded, content_type=content_type)

    def close_connection(self, connection: int) -> None:
        """Makes the implementation send CLOSE."""
        self.call("close", connection=connection)

    def events_since(self, since: int) -> list[Message]:
        """The events that the adapter has recorded after number `since`, however many lines it needs for them."""
        found: list[Message] = []
        while batch := self.call("events", since=since)["events"]:
            for event in batch:
                if event["seq"] <= since or len(found) >= MAX_EVENTS:
                    self._break(ControlGarbage(f"events: number {event['seq']} after {since}"))
                since = event["seq"]
                found.append(event)
        return found

    def set_clock(self, now: int) -> int:
        """Sets the implementation's time; the time that it has then."""
        return int(self.call("clock", now=now)["now"])

    def advance_clock(self, seconds: int) -> int:
        """Advances the implementation's time; the time that it has then."""
        return int(self.call("clock", advance=seconds)["now"])

    def restart(self) -> None:
        """Makes the implementation forget all but its persistent state."""
        self.call("restart")

    def stop(self) -> None:
        """Asks the adapter to end."""
        self.call("stop")

    def close(self) -> None:
        """Closes the tester's end."""
        self._channel.close()
        self._broken = self._broken or ControlClosed("the tester closed the control plane")

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _judge(self, verb: str, reply: Message) -> Message:
        if reply.get("id") != self._last_id:
            self._break(ControlGarbage(f"{verb}: a reply with id {reply.get('id')!r}, expected {self._last_id}"))
        try:
            check("error" if "error" in reply else f"reply.{verb}", reply)
        except MessageError as error:
            self._break(ControlGarbage(str(error)))
        if "error" in reply:
            raise ControlRefused(verb, reply["error"]["code"], reply["error"]["message"])
        content: Message = reply["ok"]
        return content

    def _next(self, deadline: Deadline, what: str, *, fatal_timeout: bool = True) -> Message | None:
        """Reads one line: a reply, or None after an event was recorded."""
        self._guard()
        try:
            message = decode(self._channel.receive(deadline))
            if "event" not in message:
                return message
            self._record(message)
        except ChannelTimeout:
            error = ControlTimeout(f"{what} did not come in time")
            if fatal_timeout:
                self._break(error)
            raise error from None
        except ChannelClosed as closed:
            self._closed(closed, what)
        except LineTooLong as long:
            self._break(ControlGarbage(f"a line of more than {MAX_LINE} bytes: {long}"))
        except MessageError as malformed:
            self._break(ControlGarbage(f"the adapter wrote {malformed}"))
        return None

    def _record(self, event: Message) -> None:
        check(f"event.{event['event']}", event)
        if event["seq"] <= self.last_seq:
            raise MessageError(f"event number {event['seq']} after {self.last_seq}")
        self.events.append(event)
        if len(self.events) > 2 * KEPT_EVENTS:
            del self.events[:KEPT_EVENTS]

    def _guard(self) -> None:
        if self._broken:
            raise type(self._broken)(*self._broken.args)

    def _closed(self, error: ChannelClosed, what: str) -> NoReturn:
        details = [part for part in (str(error), self._describe_end()) if part]
        self._break(ControlClosed(": ".join([f"the adapter closed the control plane before {what}", *details])))

    def _break(self, error: ControlError) -> NoReturn:
        self._broken = error
        raise error


class ControlListener:
    """Where an adapter dials in, for `[control] mode = "socket"`."""

    def __init__(self, address: Address) -> None:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._socket = socket.create_server(address, family=family, backlog=1)
        self.address = Address(*self._socket.getsockname()[:2])

    def accept(self, deadline: Deadline) -> LineChannel:
        """The adapter's connection. Raises `ControlTimeout` when none dials in time."""
        self._socket.settimeout(deadline.remaining or 1e-6)
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            raise ControlTimeout(f"no adapter dialled {self.address} in time") from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return LineChannel.of_socket(connection)

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()
