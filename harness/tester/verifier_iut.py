"""A verifier under test: what can be asked of it, as relying parties of either role would ask."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...model.protocol.attestation import EAT_FORMAT
from ...model.protocol.forms import Format
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..identity.certificate import Certificate
from ..identity.tester import TesterPki, opposite
from ..identity.world import World
from ..verdict.transcript import Transcript
from ..verdict.verdict import Outcome, Reaction
from ..verifier import folder
from .attesting import Attester, Tale
from .result import AFFIRMING, read_reply
from .session import ControlFailed, Recorded

BINDER_CONTEXT = "tc1-binder"
ROLE_NUMBER = {"device": 0, "service": 1}
POLICY = {"device": folder.DEVICE_POLICY, "service": folder.SERVICE_POLICY}
EVIDENCE, BINDER, CONTEXT, POLICY_ID, LEAF, ENDORSEMENTS = 1, 2, 3, 4, 5, 6
"""Keys of a request."""


@dataclass(slots=True)
class Question:
    """A request as it is going to be sent: `body` may be changed key by key, `raw` takes its place if it is set."""

    role: str
    attester: Attester
    leaf: Certificate
    body: dict[int, Any]
    context: list[Any]
    raw: bytes | None = None

    @property
    def binder(self) -> bytes:
        """What evidence must carry."""
        binder: bytes = self.body[BINDER]
        return binder

    def encoded(self) -> bytes:
        """The octets of the request."""
        return cbor.encode(self.body) if self.raw is None else self.raw


@dataclass(slots=True)
class Exchange:
    """A question and what came back: `reply` is None where nothing did, `how` then says what happened instead.

    In the transcript the relying party is the device, the verifier the service.
    """

    question: Question
    transcript: Transcript = field(default_factory=Transcript)
    reply: bytes | None = None
    how: str = ""

    @property
    def action(self) -> str:
        """`ear:` and a tier, `verifier-error:` and a code, `http:` and a status, `close`; `garbage` for no reply."""
        return read_reply(self.reply) if self.reply is not None else self.how

    def outcome(self, alive: bool) -> Outcome:
        """The reaction to a fault: an affirming result accepts it, whatever else is said refuses it."""
        action = self.action
        if action == AFFIRMING:
            return Outcome(Reaction.ACCEPTED)
        if action == "silent":
            return Outcome(Reaction.HUNG)
        return Outcome(Reaction.REFUSED, action) if alive or action != "close" else Outcome(Reaction.CRASHED)


def _unnoticed(recorded: Recorded) -> None:
    """Nobody keeps it."""


class VerifierIut(ABC):
    """A verifier, and everything needed to ask it again and again. What it cannot do raises `NeedNotMet`."""

    role, binding, handshake_only = "verifier", "", False
    began: Callable[[Recorded], None] = staticmethod(_unnoticed)
    """Gets every exchange as it begins; whoever keeps them sets it."""
    _count = 0

    def __init__(self, pki: TesterPki, rng: SeededRandom, now: Callable[[], int]) -> None:
        self.pki, self.rng, self.now = pki, rng, now
        self.certificate = pki.verifier().certificate
        """The certificate whose key signs results."""
        self._worlds: dict[str, World] = {}

    @abstractmethod
    def send(self, request: bytes) -> tuple[bytes | None, str]:
        """The reply, or None and what happened instead: `http:` and a status, `close`, `silent`."""

    @abstractmethod
    def restart(self) -> None:
        """It loses what a restart loses, and is ready again."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Whether it still runs; true where that cannot be seen."""

    @abstractmethod
    def need_feature(self, name: str, value: object = True) -> None:
        """Raises NeedNotMet unless the ICS declares the feature (or lists the value)."""

    @abstractmethod
    def close(self) -> None:
        """End everything that was started."""

    @abstractmethod
    def send_beside(self, request: bytes, begun: bytes) -> tuple[bytes | None, str]:
        """As `send`, while the request of another relying party stands still that has `begun` on a connection.

        Raises NeedNotMet where there is one connection alone.
        """

    # --- asking ------------------------------------------------------------------------------------------------------

    def world(self, role: str) -> World:
        """The honest world of an attester of that role."""
        if role not in self._worlds:
            credentials = self.pki.party(role)
            anchors = self.pki.anchors(role)
            policy = self.pki.policy(role, self.pki.party(opposite(role)).leaf)
            tam = self.pki.tam(role, credentials)
            self._worlds[role] = World(role, self.now, credentials, anchors, policy, tam)
        return self._worlds[role]

    def question(
        self,
        role: str = "device",
        *,
        world: World | None = None,
        tales: Tale | None = None,
        policy: str | None = None,
        binder: bytes | None = None,
        endorsements: bytes = b"",
        kind: Format = EAT_FORMAT,
    ) -> Question:
        """A request about an attester of a role; the same in every run with the same seed and the same order.

        `kind` is the type of the evidence.
        """
        self._count += 1
        rng = self.rng.child(f"question {self._count}")
        world = world or self.world(role)
        attester = Attester(role, world, rng, world.policy.max_age)
        binder = binder or rng(32)
        leaf, party = world.credentials.leaf, self.world(opposite(role)).credentials.leaf
        context = [BINDER_CONTEXT, ROLE_NUMBER[role], 0, rng(32), leaf.sha256, party.sha256, rng(32)]
        body = {
            EVIDENCE: attester.conveyed(binder, tales, kind=kind),
            BINDER: binder,
            CONTEXT: cbor.encode(context),
            POLICY_ID: policy or POLICY[role],
            LEAF: leaf.der,
        }
        if endorsements:
            body[ENDORSEMENTS] = cbor.decode(endorsements)
        return Question(role, attester, leaf, body, context)

    def ask(self, question: Question) -> Exchange:
        """Send it, and wait for the reply."""
        exchange = Exchange(question)
        self.began(exchange)
        request = question.encoded()
        exchange.transcript.add(float(self.now()), "device", request)
        exchange.reply, exchange.how = self.send(request)
        exchange.transcript.add(float(self.now()), "service", exchange.reply or exchange.how.encode())
        return exchange

    def good(self) -> Exchange:
        """An honest request that is answered by an affirming result.

        Raises:
            ControlFailed: it is not.
        """
        return self.affirmed(self.question())

    def affirmed(self, question: Question) -> Exchange:
        """Ask, for what comes after a request that was answered by an affirming result. Raises ControlFailed."""
        exchange = self.ask(question)
        if exchange.action != AFFIRMING:
            raise ControlFailed(f"an honest request was answered by {exchange.action}")
        return exchange

    def answered(self, question: Question) -> Exchange:
        """Ask, for what comes after a request that was answered, whatever the reply. Raises ControlFailed."""
        exchange = self.ask(question)
        if exchange.reply is None:
            raise ControlFailed(f"a request was answered by {exchange.action}")
        return exchange

    def with_credentials(self, role: str, **changes: Any) -> World:
        """An attester's world with other credentials, and a module with their keys."""
        world = self.world(role)
        credentials = dataclasses.replace(world.credentials, **changes)
        return dataclasses.replace(world, credentials=credentials, tam=self.pki.tam(role, credentials))


def context_named(question: Question, index: int, value: object) -> None:
    """Put another value into the context of the binder: 1 role, 2 epoch, 3 nonce, 4 and 5 certificates, 6 HELLOs."""
    question.context[index] = value
    question.body[CONTEXT] = cbor.encode(question.context)
