"""A session with an implementation that runs by itself: its process, its control plane and its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..crypto.random import SeededRandom
from ..deadline import Deadline
from ..identity.policy import EAR_FORMAT
from ..identity.provision import load_world
from ..identity.tester import TesterPki
from ..iut.address import Address
from ..iut.control import LAST_EVENT, ControlClient, ControlError
from ..iut.description import Description
from ..iut.launch import LaunchedIut
from ..iut.usage import Usage, usage
from ..peer.keylog import KeyLog
from ..peer.tcp import TcpConnection
from .clock import RealClock, TesterClock
from .conversation import Conversation
from .handshake_only import HandshakeEndpoint
from .session import OPPOSITE, TIMEOUTS, Iut, NeedNotMet

if TYPE_CHECKING:
    from .verifier_server import VerifierServer

NOTED_EVERY = 16
"""Connections after which it is noted again what an implementation holds."""


class IutSession(Iut):
    """An implementation that a description names, launched, or with `patience` in seconds started by hand meanwhile.

    With `slow`, real time passes where there is no clock to advance. Raises on construction what `LaunchedIut` raises,
    and `CredentialError` for the tester's folder.
    """

    def __init__(
        self,
        description: Description,
        seed: int,
        patience: float | None = None,
        *,
        slow: bool = False,
        key_log: KeyLog | None = None,
    ) -> None:
        self.description = description
        self._slow = slow
        self.role = description.iut.role
        self.opposite, self.binding = OPPOSITE[self.role], description.wire.binding
        if description.iut.scope == "handshake":
            self.handshake_only = True
            self.make = partial(HandshakeEndpoint, probe=description.wire.probe.encode())
        self.pki = TesterPki.load(description.credentials.tester)
        self.rng = SeededRandom(f"tester/{self.role}/{seed}".encode())
        self.reply, self.silence = description.timeouts.reply, description.timeouts.silence
        self.key_log = key_log
        self.launched = LaunchedIut(description, patience, key_log.path if key_log else None)
        self.launched.ready()
        self._connections, self._usages = 0, list[Usage]()
        self._pushes = True
        self._verifier: VerifierServer | None = None
        self.clock = TesterClock(self._synchronise())
        self.clock.followers.append(self._advance)
        self.world = load_world(description.credentials.tester / "peer", self.clock.now)
        self._configure()

    # --- what tests need ---------------------------------------------------------------------------------------------

    @property
    def control(self) -> ControlClient:
        """The control plane.

        Raises:
            NeedNotMet: this implementation has none.
        """
        if self.launched.control is None:
            raise NeedNotMet("no control plane")
        return self.launched.control

    def need_verb(self, verb: str) -> ControlClient:
        """The control plane, if it has this verb; raises NeedNotMet."""
        control = self.control
        if verb not in self._verbs():
            raise NeedNotMet(f"the control plane has no verb {verb}")
        return control

    def need_feature(self, name: str, value: object = True) -> None:
        declared = getattr(self.description.features, name)
        fits = value in declared if isinstance(declared, tuple) else declared == value
        if not fits:
            raise NeedNotMet(f"feature {name} is not declared as {value!r}")

    def _verbs(self) -> tuple[str, ...]:
        return tuple(self.launched.hello["verbs"]) if self.launched.control is not None else ()

    def _synchronise(self) -> int | None:
        """The implementation's clock set to the time of the credentials; None where it runs on its own."""
        control = self.launched.control
        if control is None:
            return None
        try:
            return control.set_clock(self.pki.now)
        except ControlError:
            return None

    def _advance(self, seconds: int) -> None:
        control = self.need_verb("clock")
        if seconds < 0:
            control.set_clock(self.clock.now())
        else:
            control.advance_clock(seconds)

    @contextmanager
    def configured(self, **configuration: Any) -> Iterator[None]:
        if configuration.get("presents_waiver"):
            self.need_feature("presents_waiver")
        if "provision" not in self._verbs() and _as_specified(configuration):
            yield
            return
        self._configure(needed=True, **configuration)
        try:
            yield
        finally:
            self._configure()

    @contextmanager
    def provisioned(self, change: Callable[[Path], None]) -> Iterator[None]:
        own, control = self.description.credentials.iut.absolute(), self.need_verb("provision")
        if not own.is_dir():
            raise NeedNotMet("its folder of credentials is not at hand")
        with TemporaryDirectory() as folder:
            changed = Path(folder) / "iut"
            copytree(own, changed)
            change(changed)
            try:
                control.provision(folder=str(changed))
                yield
            finally:
                control.provision(folder=str(own))
                self._configure()

    def _configure(self, needed: bool = False, **configuration: Any) -> None:
        """Evidence, not a waiver, unless the configuration says otherwise."""
        if needed or "provision" in self._verbs():
            self.need_verb("provision").provision(**{"presents_waiver": False, **configuration})

    @contextmanager
    def judged_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> Iterator[None]:
        self.need_feature("verifier")
        with self._asked("verifier", answer, configuration):
            yield

    @contextmanager
    def vouched_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> Iterator[None]:
        self.need_feature("evidence_formats", "ear")
        with self._asked("results", answer, {"offered": [EAR_FORMAT], **configuration}):
            yield

    @contextmanager
    def _asked(
        self, setting: str, answer: Callable[[bytes], bytes | None], configuration: Mapping[str, Any]
    ) -> Iterator[None]:
        """The tester's verifier answers so, and the setting is its URL."""
        self.need_verb("provision")
        if self._verifier is None:
            from .verifier_server import VerifierServer  # Few runs ask for it.

            self._verifier = VerifierServer(Address("127.0.0.1", 0))
        with self._verifier.answering(answer), self.configured(**{setting: self._verifier.url}, **configuration):
            yield

    @contextmanager
    def later(self) -> Iterator[TesterClock]:
        if self._slow and "clock" not in self._verbs():
            yield RealClock()
            return
        control = self.need_verb("clock")
        before = self.clock.now()
        try:
            yield self.clock
        finally:
            self.clock.rewind(before)
            control.set_clock(before)

    def restart(self) -> None:
        self.need_verb("restart")
        self.launched.restart()
        self._configure()

    # --- conversations -----------------------------------------------------------------------------------------------

    def connect(self) -> TcpConnection:
        if self._connections % NOTED_EVERY == 0:
            self._usages += self._usage()
        self._connections += 1
        return self.launched.connect() if self.role == "service" else self.launched.dial()

    def retried(self, *, expected: bool) -> TcpConnection | None:
        if expected:
            return self.launched.dialled(Deadline.after(self.reply))
        first = self.launched.dial()
        second = self.launched.dialled(Deadline.after(0))
        (second or first).close()
        return first if second else None

    def sends(self, conversation: Conversation, content: bytes) -> None:
        self.need_verb("send").send(self._connection(conversation), content)

    def closes(self, conversation: Conversation) -> None:
        self.need_verb("close").close_connection(self._connection(conversation))

    def hold_events(self) -> None:
        if self._pushes and self.launched.hello.get("holds_events"):
            self.control.push_events(False)
            self._pushes = False

    def moment(self) -> int:
        if not self._pushes:
            self.control.push_events(True)
            self._pushes = True
            return self.control.last_seq
        if self._slow and "events" not in self._verbs():
            return 0
        self.need_verb("events")
        self.control.call("events", since=LAST_EVENT)  # Asks for none: what was pushed before a reply is there with it.
        return self.control.last_seq

    def begun(self, since: int) -> None:
        if "events" in self._verbs():
            self._begun(since)

    def _begun(self, since: int) -> int:
        deadline, what = Deadline.after(self.reply), "the event connected"
        return int(self.control.wait_event(lambda e: e["event"] == "connected", deadline, what, since)["connection"])

    def ending(self, conversation: Conversation, since: int) -> Mapping[str, Any]:
        connection, deadline = self._begun(since), Deadline.after(self.reply)
        return self.control.wait_event(
            lambda e: e["event"] == "closed" and e["connection"] == connection, deadline, "the event closed", since
        )

    def _connection(self, conversation: Conversation) -> int:
        """The control plane's number of a connection.

        It is the first after a moment that was noted, else told by its session id; before OPEN it is the latest.
        """
        if conversation.since is not None:
            return self._begun(conversation.since)
        self.moment()
        sid = conversation.peer.sid.hex()
        events = list(reversed(self.control.events))
        opened = next((e for e in events if e["event"] == "open" and e.get("sid") == sid), None)
        return int((opened or next(e for e in events if e["event"] == "connected"))["connection"])

    def usages(self) -> list[Usage]:
        if not (now := self._usage()):
            raise NeedNotMet("its process was not started by this run, or the system does not tell what it holds")
        return [*self._usages, *now]

    def _usage(self) -> list[Usage]:
        process = self.launched.process
        noted = usage(process, self._connections) if process is not None else None
        return [] if noted is None else [noted]

    def is_alive(self) -> bool:
        process = self.launched.process
        return process is None or process.poll() is None

    def close(self) -> None:
        self.launched.close()
        if self._verifier is not None:
            self._verifier.close()


def _as_specified(configuration: Mapping[str, Any]) -> bool:
    """Whether a configuration asks for nothing but the timeouts of the specification, which everyone has."""
    return configuration.items() <= TIMEOUTS.items()
