"""The two live implementations between which the tester stands, and what their control planes tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from ..deadline import Deadline
from ..iut.description import Description
from ..iut.messages import Message
from ..peer.keylog import KeyLog
from ..peer.tcp import TcpConnection
from ..tester.live import IutSession
from ..tester.session import OPPOSITE, NeedNotMet, Role
from .binding import Binding
from .edhoc import EdhocBinding
from .tls import TlsBinding
from .view import View, view_of

NEEDED = ("events", "send", "close")
"""The verbs without which nothing can be judged."""
LATEST = (1 << 32) - 1
"""No event has a higher number: asking for later ones is the smallest question."""
GRACE = 0.005
"""Seconds without an octet after which the control planes are asked whether anything is still under way."""
BINDINGS: Mapping[str, type[Binding]] = {"edhoc": EdhocBinding, "tls": TlsBinding}


class NotAPair(Exception):
    """The two descriptions do not belong together. The message is one line for the user."""


def _common_binding(descriptions: Mapping[str, Description]) -> Binding:
    names = {description.wire.binding for description in descriptions.values()}
    if len(names) > 1:
        raise NotAPair("the device and the service are described with different bindings")
    return binding_named(names.pop())


def binding_named(name: str) -> Binding:
    """The secure channel of that name. Raises NotAPair for one that is not known here."""
    if name not in BINDINGS:
        raise NotAPair(f"binding {name}: the man in the middle knows {', '.join(BINDINGS)}")
    return BINDINGS[name]()


class End:
    """One live implementation."""

    def __init__(self, session: IutSession) -> None:
        self.session = session
        self.role: Role = OPPOSITE[session.opposite]
        self.reconnects = session.description.wire.reconnects
        """It dials whenever it has no connection, asked or not."""
        self._noticed = 0

    @property
    def identity(self) -> str:
        """The identity that the other end was provisioned to accept."""
        policy = self.session.world.policy
        return policy.authorised_devices[0] if self.role == "device" else policy.intended_peer or ""

    def mark(self) -> int:
        """The number of the latest event; whatever was pushed before is there."""
        return self.session.moment()

    def barrier(self) -> None:
        """Returns when the control plane has answered: an adapter that serves one thing at a time has then read the
        wire too."""
        self.session.control.call("events", since=LATEST)

    def connect(self) -> tuple[TcpConnection, int]:
        """A new connection, whichever side dials, and the mark before it. Raises what `IutSession.connect` raises."""
        since = self._noticed if self.reconnects else self.mark()
        return self.session.connect(), since

    def redialled(self) -> TcpConnection | None:
        """A connection that a device has dialled by itself meanwhile."""
        if self.role != "device":
            return None
        return self.session.launched.dialled(Deadline.after(0))

    def connection_after(self, since: int) -> int:
        """The control plane's number of the first connection that it noticed after `since`. Raises ControlError."""
        event = self._wait(lambda e: e["event"] == "connected", "the event connected", since)
        self._noticed = int(event["seq"])
        return int(event["connection"])

    def ended(self, connection: int, since: int) -> None:
        """Wait until it has reported the end of a connection made after `since`. Raises ControlTimeout."""
        self._wait(lambda e: e["event"] == "closed" and e["connection"] == connection, "the event closed", since)

    def view(self, connection: int, since: int) -> View:
        """What it has reported about a connection made after `since`."""
        return view_of(self.role, self.identity, reversed(list(self._about(connection, since))))

    def reports(self, connection: int, since: int, event: str) -> bool:
        """Whether it has reported such an event about a connection made after `since`."""
        return any(e["event"] == event for e in self._about(connection, since))

    def _about(self, connection: int, since: int) -> Iterator[Message]:
        """The latest first."""
        for event in reversed(self.session.control.events):
            if event["seq"] <= since:
                return
            if event["connection"] == connection:
                yield event

    def _wait(self, matches: Any, what: str, since: int) -> Message:
        return self.session.control.wait_event(matches, Deadline.after(self.session.reply), what, since)


class Pair:
    """A device and a service that trust each other, both running. Use as a context manager."""

    def __init__(self, descriptions: Mapping[str, Description], seed: int, key_log: KeyLog | None = None) -> None:
        """Launches both at once. Raises NotAPair, and what `IutSession` raises."""
        self.binding = _common_binding(descriptions)
        with ThreadPoolExecutor(2) as pool:
            start = partial(IutSession, seed=seed, key_log=key_log)
            started = [pool.submit(start, descriptions[role]) for role in ("device", "service")]
        for future in started:
            if future.exception() is None:
                continue
            for running in started:
                if running.exception() is None:
                    running.result().close()
            future.result()
        self.device, self.service = (End(future.result()) for future in started)
        self.grace = GRACE

    def end(self, role: str) -> End:
        """The implementation of a role."""
        return self.device if role == "device" else self.service

    @property
    def ends(self) -> tuple[End, End]:
        """Both."""
        return self.device, self.service

    def unmet(self) -> str:
        """Why nothing can be judged; empty when it can."""
        for end in self.ends:
            try:
                for verb in NEEDED:
                    end.session.need_verb(verb)
            except NeedNotMet as need:
                return f"{end.role}: {need}"
        return ""

    def barrier(self) -> None:
        """Both control planes have answered."""
        for end in self.ends:
            end.barrier()

    @contextmanager
    def configured(self, configurations: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Each end under another configuration, and back again. Raises NeedNotMet."""
        with ExitStack() as stack:
            for role, configuration in configurations.items():
                stack.enter_context(self.end(role).session.configured(**configuration))
            yield

    def crashed(self) -> str:
        """Which end no longer runs; empty when both do."""
        return " and ".join(end.role for end in self.ends if not end.session.is_alive())

    def close(self) -> None:
        """End both."""
        for end in self.ends:
            end.session.close()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
