"""Honest sessions between the reference peers, stopped where a message is about to go out: what vectors start from."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...harness.codec import cbor
from ...harness.evaluator.errors import CheckFailed
from ...harness.evaluator.run import Run
from ...harness.identity.certificate import Certificate
from ...harness.identity.credentials import Credentials
from ...harness.identity.policy import PSA_TOKEN, TPM_FORMAT
from ...harness.identity.psa import on_psa, psa_party
from ...harness.identity.revocation import read_crl
from ...harness.identity.world import Memory, World
from ...harness.peer.endpoint import Endpoint
from ...harness.peer.parsing import rules_without
from ...harness.tester.conversation import Conversation
from ...harness.tester.deviation import Change, Deviation, Lie
from ...harness.tester.fields import Field, altered, fields
from ...harness.tester.local import LocalIut
from ...harness.tester.operators import operators
from ...harness.tester.peer import TesterEndpoint
from ...harness.tester.session import Role
from ...model.table import Message
from ...model.terms import Term
from ..vector import GeneratorError, Json, octets
from .seed import SEED

CONTENT = b"21.5 degrees"
Act = Callable[[Conversation], None]


def _sends_data(conversation: Conversation) -> None:
    conversation.peer.send_data(CONTENT, "text/plain")


def _reattests(conversation: Conversation) -> None:
    conversation.peer.reattest()


WHEN_OPEN: dict[str, Act] = {"DATA": _sends_data, "ATT_REQ": _reattests}
"""What the tester does in an open session to send a message of that kind; every other one goes out by itself."""


def lists(world: World) -> list[Json]:
    """Revocation lists that a party holds, with that of pseudonyms where it admits any."""
    theirs = {root.subject for root in world.anchors.anonymous_roots if not world.policy.admits_anonymous}
    return [octets(crl) for crl in world.anchors.crls if read_crl(crl).issuer not in theirs]


class Lies:
    """Several lies that belong together."""

    def __init__(self, *lies: Lie) -> None:
        self._lies = lies

    def attach(self, peer: TesterEndpoint) -> None:
        """Tell them all."""
        for lie in self._lies:
            lie.attach(peer)


class _Halt(Deviation):
    """Keeps what is about to be sent, and sends nothing more."""

    def __init__(self, message: str, lie: Lie | Lies | None) -> None:
        super().__init__()
        self._message, self._lie = message, lie
        self.kept: tuple[TesterEndpoint, Message, bytes] | None = None

    def attach(self, peer: TesterEndpoint) -> None:
        if self._lie is not None:
            self._lie.attach(peer)

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if self.kept is None and message.name == self._message:
            self.kept = (peer, message, data)
        elif self.kept is None:
            peer.put(message, data)


@dataclass(frozen=True, slots=True)
class Moment:
    """A message on its way from the tester to a receiver that waits for it."""

    iut: LocalIut
    sender: TesterEndpoint
    receiver: Endpoint
    message: Message
    frame: bytes

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.receiver.world.time()

    @property
    def world(self) -> World:
        """The receiver's."""
        return self.receiver.world

    @property
    def peer(self) -> Credentials:
        """The sender's credentials."""
        return self.sender.world.credentials

    def value(self, term: Term) -> Any:
        """A value of the receiver."""
        return self.receiver.run.value(term)

    def alterations(self) -> Iterator[tuple[Field, str, bytes]]:
        """The frame with each field changed by each operator, and what stands around it made anew."""
        knowledge = self.sender.knowledge()
        for field in fields(self.message, self.message.sender):
            for name, change in operators(field.term).items():
                data = altered(knowledge, self.message.term, field.path, change)
                if data != self.frame:
                    yield field, name, data

    def refusing(self, frame: bytes, off: frozenset[str] = frozenset()) -> str | None:
        """The check by which the receiver refuses a frame, without those that are `off`; None if it takes it."""
        receiver = _double(self.receiver, off)
        try:
            receiver.receive_frame(frame)
        except CheckFailed as failure:
            return failure.check.name
        return next((e.fields["check"] for e in receiver.events if e.name == "data_refused"), None)

    def is_the_only_reason(self, frame: bytes, *checks: str) -> bool:
        """Whether the receiver takes the frame once it does not make that check, or those of one rule."""
        return self.refusing(frame, frozenset(checks)) is None


def _double(receiver: Endpoint, off: frozenset[str]) -> Endpoint:
    """A receiver in the same state that remembers and sends for itself alone."""
    double = copy.copy(receiver)
    memory = Memory.restore(receiver.world.memory.save())
    memory.live = receiver.world.memory.live
    world = dataclasses.replace(receiver.world, memory=memory)
    double.provider = copy.copy(receiver.provider)
    double.provider.world = double.world = world
    double.off, double.events, double.timers = off, [], copy.copy(receiver.timers)
    double.run, double.machine = _run(receiver.run, double, off), copy.copy(receiver.machine)
    double.machine.run = double.run
    double.tam = copy.copy(receiver.tam)
    double.tam.run = _run(receiver.tam.run, double, frozenset())
    double.send_frame = _unsent  # type: ignore[method-assign]  # Of this copy alone.
    return double


def _unsent(frame: bytes) -> None:
    """What a double answers goes nowhere."""


def _run(run: Run, double: Endpoint, off: frozenset[str]) -> Run:
    doubled = copy.copy(run)
    doubled.values, doubled.bound = dict(run.values), set(run.bound)
    doubled.provider, doubled.off, doubled.rules = double.provider, off, rules_without(off)
    return doubled


@cache
def _reference(role: Role) -> LocalIut:
    return LocalIut(role, seed=SEED)


def reference(role: Role, off: frozenset[str] = frozenset()) -> LocalIut:
    """The reference peer of a role, as if it had never spoken with anybody."""
    if off:
        return LocalIut(role, seed=SEED, off=off)
    iut = _reference(role)
    iut.close()
    iut.forget()
    return iut


def moment(
    receiver: Role,
    message: str,
    *,
    lie: Lie | Lies | None = None,
    tpm: bool = False,
    psa: bool = False,
    waiver: bool = False,
    world: Callable[[LocalIut], World] | None = None,
    within: Callable[[LocalIut], AbstractContextManager[None]] | None = None,
) -> Moment:
    """The moment at which the tester is about to send a message; the same session each time.

    `world` makes the tester's, `within` is what the implementation is configured by meanwhile.

    Raises:
        GeneratorError: the session does not come there.
    """
    iut = reference(receiver)
    halt = _Halt(message, lie)
    with ExitStack() as stack:
        if tpm:
            stack.enter_context(iut.attesting_by_tpm())
        if psa:
            stack.enter_context(iut.attesting_by_psa())
        if within is not None:
            stack.enter_context(within(iut))
        sender = world(iut) if world else _waived(iut) if waiver else iut.fresh_world()
        if tpm:
            policy = dataclasses.replace(sender.policy, offered=(TPM_FORMAT,), accepted=(TPM_FORMAT,))
            sender = dataclasses.replace(sender, policy=policy)
        if psa:
            policy = dataclasses.replace(on_psa(sender.policy), offered=(PSA_TOKEN,), accepted=(PSA_TOKEN,))
            sender = dataclasses.replace(sender, policy=policy, credentials=psa_party(iut.pki, iut.opposite))
        conversation = iut.converse(halt, world=sender, label="vectors")
        act = WHEN_OPEN.get(message.rpartition("_")[0])
        if act is None:
            conversation.until(lambda: halt.kept is not None)
        elif conversation.until_open():
            act(conversation)
    if halt.kept is None or iut.latest is None:
        raise GeneratorError(f"no {message} came: {conversation.peer.observations[-3:]}")
    peer, kept, frame = halt.kept
    return Moment(iut, peer, iut.latest, kept, frame)


def _waived(iut: LocalIut) -> World:
    credentials = iut.world.credentials
    waiver = iut.pki.waiver(credentials.leaf).sign(iut.pki.waiver_authority)
    return iut.fresh_world(credentials=dataclasses.replace(credentials, waiver=waiver))


def lying(term: Term, change: bytes | Change, message: str, *, by_module: bool) -> Lie:
    """A lie that goes out with a message."""
    return Lie(term, change, message, tam=by_module)


@dataclass(frozen=True, slots=True)
class Opening:
    """The certificates and the HELLOs of a session."""

    device: Certificate
    service: Certificate
    hello_i: bytes
    hello_r: bytes


@cache
def opening() -> Opening:
    """Those of the honest session."""
    at = moment("service", "VERDICT_I")
    sent = at.sender.sent["HELLO_I"]
    received = next(o.data for o in at.sender.observations if o.name == "HELLO_R")
    return Opening(at.peer.leaf, at.world.credentials.leaf, sent, received)


__all__ = ["CONTENT", "Moment", "Opening", "cbor", "lying", "moment", "opening"]
