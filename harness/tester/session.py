"""An implementation under test of one role: what tests can ask of it, and what the tester can be to it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol

from ..crypto.random import SeededRandom
from ..identity.tester import TesterPki
from ..identity.world import World
from ..iut.usage import Usage
from ..peer.keylog import KeyLog
from ..verdict.transcript import Transcript
from .clock import TesterClock
from .conversation import Connection, Conversation
from .deviation import Deviation
from .handshake_only import completes
from .peer import TesterEndpoint

Role = Literal["device", "service"]
OPPOSITE: dict[str, Role] = {"device": "service", "service": "device"}
TIMEOUTS = {"handshake_timeout": 10, "verdict_timeout": 30, "expired_timeout": 30}
"""Seconds, as SES-20, SES-21 and SES-16 have them; an implementation may be set up with shorter ones."""


class NeedNotMet(Exception):
    """A test needs what this implementation does not offer: it is not exercised, and the message says why."""


class ControlFailed(Exception):
    """The same configuration does not work without the fault: nothing can be said about the fault."""


class Recorded(Protocol):
    """Something with a transcript."""

    @property
    def transcript(self) -> Transcript:
        """Every octet of it, also of those still to come."""


def _unnoticed(recorded: Recorded) -> None:
    """Nobody keeps it."""


class Iut(ABC):
    """An implementation under test of one role, and everything needed to talk to it again and again.

    What it cannot do raises `NeedNotMet`. `world` is the tester's honest world; what it remembers is shared.
    """

    role: str
    opposite: Role
    binding: str
    handshake_only = False
    """Whether nothing but the handshake can be asked of it."""
    make: Callable[..., TesterEndpoint] = staticmethod(TesterEndpoint)
    """What the tester is to it, unless a test says otherwise."""
    began: Callable[[Recorded], None] = staticmethod(_unnoticed)
    """Gets every conversation as it begins; whoever keeps them sets it."""
    pki: TesterPki
    world: World
    clock: TesterClock
    rng: SeededRandom
    reply: float
    silence: float
    key_log: KeyLog | None = None
    """Gets the secrets of all conversations."""
    _count = 0

    @abstractmethod
    def connect(self) -> Connection:
        """A connection with the implementation, whichever side dials."""

    @abstractmethod
    def retried(self, *, expected: bool) -> Connection | None:
        """The connection that a device dials by itself after the last one ended; None if it does not.

        One that is not expected is not waited for: the device is asked to dial, and would have dialled before that.
        """

    @abstractmethod
    def configured(self, **configuration: Any) -> AbstractContextManager[None]:
        """The implementation under another configuration, and back again."""

    @abstractmethod
    def later(self) -> AbstractContextManager[TesterClock]:
        """A clock that tests may advance; afterwards the time is what it was."""

    @abstractmethod
    def restart(self) -> None:
        """The implementation loses what a restart loses, and is ready again."""

    @abstractmethod
    def sends(self, conversation: Conversation, content: bytes) -> None:
        """Make the implementation send labelled data."""

    @abstractmethod
    def closes(self, conversation: Conversation) -> None:
        """Make the implementation send CLOSE."""

    @abstractmethod
    def moment(self) -> int:
        """A point in what the implementation tells its application, for `ending`."""

    @abstractmethod
    def hold_events(self) -> None:
        """Until the next `moment` nobody asks what it tells its application."""

    @abstractmethod
    def begun(self, since: int) -> None:
        """Wait until it has taken notice of a connection made after `since`."""

    @abstractmethod
    def ending(self, conversation: Conversation, since: int) -> Mapping[str, Any]:
        """How it told its application that the conversation begun after `since` ended: the event `closed`."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Whether it still runs; true where that cannot be seen."""

    @abstractmethod
    def need_feature(self, name: str, value: object = True) -> None:
        """Raises NeedNotMet unless the ICS declares the feature (or lists the value)."""

    @abstractmethod
    def close(self) -> None:
        """End everything that was started."""

    def declares(self, name: str, value: object = True) -> bool:
        """Whether the ICS declares the feature (or lists the value)."""
        try:
            self.need_feature(name, value)
        except NeedNotMet:
            return False
        return True

    def need_tpm(self) -> None:
        """Raises NeedNotMet unless it can be made to offer and to accept TPM evidence."""
        self.need_feature("evidence_formats", "tpm2")
        self.need_feature("evidence_accepted", "tpm2")

    def need_proofs(self) -> None:
        """Raises NeedNotMet unless it can be made to offer and to accept proofs of properties."""
        self.need_feature("evidence_formats", "pba")
        self.need_feature("evidence_accepted", "pba")

    def attesting_by_tpm(self) -> AbstractContextManager[None]:
        """The implementation offering and accepting TPM evidence, and back again.

        Raises:
            NeedNotMet: it does not do both.
        """
        self.need_tpm()
        return nullcontext()

    def showing_interface(self) -> AbstractContextManager[None]:
        """The implementation with its trusted user interface, or judging what one confirms, and back again.

        Raises:
            NeedNotMet: it does neither.
        """
        self.need_feature("trusted_user_interface")
        return nullcontext()

    def need_psa(self) -> None:
        """Raises NeedNotMet unless it can be made to offer and to accept PSA tokens."""
        self.need_feature("evidence_formats", "psa")
        self.need_feature("evidence_accepted", "psa")

    def attesting_by_psa(self) -> AbstractContextManager[None]:
        """The implementation offering and accepting PSA tokens, and back again.

        Raises:
            NeedNotMet: it does not do both.
        """
        self.need_psa()
        return nullcontext()

    def provisioned(self, change: Callable[[Path], None]) -> AbstractContextManager[None]:
        """The implementation with a copy of its credentials folder in which something was changed, and back again.

        Raises:
            NeedNotMet: it takes no folder.
            ControlRefused: it does not take this one.
        """
        raise NeedNotMet("it takes no other folder of credentials")

    def judged_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> AbstractContextManager[None]:
        """The implementation as one whose verifier answers so, from a request to a reply; None is no answer.

        `configuration` is as for `configured`.

        Raises:
            NeedNotMet: it asks no verifier.
        """
        raise NeedNotMet("feature verifier is not declared as True")

    def vouched_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> AbstractContextManager[None]:
        """The implementation as one that offers results about itself alone, and whose verifier for them answers so.

        Otherwise as `judged_by`.

        Raises:
            NeedNotMet: it presents no results.
        """
        raise NeedNotMet("feature evidence_formats is not declared as 'ear'")

    def usages(self) -> list[Usage]:
        """What the implementation held of the machine from its first connection on, by time; the last is of now.

        Raises:
            NeedNotMet: its process cannot be seen from here.
        """
        raise NeedNotMet("its process cannot be seen from here")

    # --- conversations -----------------------------------------------------------------------------------------------

    def went_well(self, conversation: Conversation) -> bool:
        """Bring an honest conversation to its end, and whether it came there."""
        if self.handshake_only:
            return completes(conversation)
        return conversation.until(lambda: conversation.peer.state == "OPEN") and conversation.finish()

    def stream(self, label: str) -> SeededRandom:
        """Randomness for something that happens once: another stream at every call."""
        self._count += 1
        return self.rng.child(f"{label} {self._count}")

    def fresh_world(self, **changes: Any) -> World:
        """The tester's honest world with fields replaced; what it remembers is shared by all conversations."""
        return dataclasses.replace(self.world, **changes)

    def converse(
        self,
        deviation: Deviation | None = None,
        *,
        world: World | None = None,
        label: str | None = None,
        make: Callable[..., TesterEndpoint] | None = None,
        connection: Connection | None = None,
        since: int | None = None,
        **options: Any,
    ) -> Conversation:
        """A conversation that has begun. `label` names its stream of randomness: the same label, the same octets.

        `since` is a `moment` before it, for the application to find the connection again.
        """
        self._count += 1
        rng = self.rng.child(label or f"conversation {self._count}")
        options["binding"] = self.binding
        if self.key_log is not None:
            options["key_log"] = self.key_log
        make = make or self.make
        peer = make(self.opposite, world or self.fresh_world(), deviation or Deviation(), rng=rng, **options)
        conversation = Conversation(
            peer, connection or self.connect(), reply=self.reply, silence=self.silence, since=since
        )
        self.began(conversation)
        conversation.start()
        return conversation

    def good(self, **options: Any) -> Conversation:
        """An honest conversation up to OPEN, closed again: only a peer that is open itself answers CLOSE by CLOSE.

        Raises:
            ControlFailed: it did not work.
        """
        conversation = self.converse(**options)
        try:
            if not self.went_well(conversation):
                raise ControlFailed(f"an honest conversation did not work: {why(conversation)}")
        finally:
            conversation.close()
        return conversation


def why(conversation: Conversation) -> str:
    """Where a conversation stands, in a few words."""
    seen = [o.action or o.name for o in conversation.peer.observations[-4:]]
    end = conversation.ended or ("silent" if conversation.timed_out else "open")
    return f"tester in {conversation.peer.state}, last seen {', '.join(seen) or 'nothing'}, connection {end}"
