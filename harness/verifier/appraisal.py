"""The reference verifier, sans-IO: a request in, a reply out, time injected.

What it decides is in the table; this file connects the table's machine to the policies and to what must be remembered.
Whatever goes wrong is answered with an error: a result is affirming only where every check was made and none refused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...model.protocol.attestation import EVIDENCE, binder
from ...model.protocol.background import GIVEN, QUESTION, RESULT, VERIFIER, background, question_about
from ...model.protocol.forms import COLLECTION_FORMAT
from ...model.protocol.frames import SIDES, Side
from ...model.protocol.judged import JUDGED
from ...model.refusals import Channel, Code, VerifierError
from ...model.table import Table, holds
from ...model.terms import Term
from ...spec import identifiers
from ..codec import cbor
from ..crypto.random import Random, system_random
from ..evaluator.errors import CheckFailed, GrammarError
from ..evaluator.machine import Machine
from ..evaluator.run import Run
from ..identity.world import Memory, World
from ..peer.parsing import rules_without
from .ledger import Ledger
from .policy import AppraisalPolicy
from .provider import VerifierProvider

MAX_REQUEST: int = identifiers()["verifier"]["request_octets"]
RELYING_PARTY = {"I": "service", "R": "device"}
"""The role in whose place evidence of a side is judged."""
_LETTERS = {0: "I", 1: "R"}
_LOG = logging.getLogger(__name__)


class Malformed(ValueError):
    """A request that is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What must be known of a request before it can be judged."""

    attester: Side
    binder: bytes
    policy: str
    kind: int | str | None
    """The type of the evidence; None where it is none."""


def read(request: bytes, rules: cbor.Strictness = cbor.STRICT) -> Asked:
    """Whose evidence a request is about, its binder and its policy id. Raises ValueError; the rest is the table's."""
    match body := cbor.decode(request, rules=rules):
        case {2: bytes(asked), 3: bytes(context), 4: str(policy)}:
            match cbor.decode(context, rules=rules):
                case [_, int(role), *_] if type(role) is int and role in _LETTERS:
                    return Asked(SIDES[_LETTERS[role]], asked, policy, _kind(body.get(1), rules))
    raise Malformed("no request, or a context without the attester's role")


def _kind(evidence: object, rules: cbor.Strictness) -> int | str | None:
    match cbor.decode(evidence, rules=rules) if isinstance(evidence, bytes) else None:
        case [int(kind) | str(kind), *_]:
            return kind
        case {"__cmwc_t": _}:
            return COLLECTION_FORMAT  # Of which type it is, a check of the table decides.
    return None


class Verifier:
    """Answers requests one by one. `world` has the verifier's own key and its trust anchors, without a policy.

    `identity` is the developer (0) and the build (1) that results name; `off` names checks that are not made.
    """

    def __init__(
        self,
        world: World,
        policies: Mapping[str, AppraisalPolicy],
        ledger: Ledger,
        identity: Mapping[int, str],
        *,
        off: frozenset[str] = frozenset(),
        rng: Random = system_random,
        table: Table | None = None,
    ) -> None:
        self.world, self.policies, self.ledger, self.identity = world, policies, ledger, identity
        self.off, self.rng, self.table = off, rng, table or background()
        self.world.memory = Memory(time_floor=ledger.floor)

    def answer(self, request: bytes) -> bytes:
        """The reply. Never raises: what was not foreseen is an internal error."""
        try:
            return self._answer(request)
        except Exception:
            _LOG.exception("a request could not be answered")
            return error(VerifierError.INTERNAL)

    def _answer(self, request: bytes) -> bytes:
        if len(request) > MAX_REQUEST and "request_is_bounded" not in self.off:
            return error(VerifierError.MALFORMED)
        try:
            asked = read(request, rules_without(self.off))
        except ValueError:
            return error(VerifierError.MALFORMED)
        provider = self.provider(asked)
        reply = self._judge(asked, provider, request)
        if provider.world.memory.time_floor > self.ledger.floor:
            self.ledger.raise_floor(provider.world.memory.time_floor)
        return reply

    def provider(self, asked: Asked) -> VerifierProvider:
        """What one request is judged by."""
        policy = self.policies.get(asked.policy)
        world = replace(self.world, role=RELYING_PARTY[asked.attester.letter])
        if policy is not None:
            world.policy = policy.policy
        return VerifierProvider(world, self.rng, self.ledger, policy, self.identity)

    def new_run(self, provider: VerifierProvider) -> Run:
        """Values of one request."""
        return Run(VERIFIER, provider, self.rng, off=self.off, rules=rules_without(self.off))

    def _judge(self, asked: Asked, provider: VerifierProvider, request: bytes) -> bytes:
        letter, run = asked.attester.letter, self.new_run(provider)
        known = asked.kind in JUDGED and asked.kind in provider.world.policy.accepted
        question = question_about(asked.kind, letter) if known else QUESTION[letter]
        machine = Machine(self.table, VERIFIER, run)
        run.bind(binder(asked.attester), asked.binder)  # The exporter is the relying party's affair (VER-02).
        try:
            try:
                ((_, reply),) = machine.deliver(question.message, request).sends
                return reply
            except (GrammarError, cbor.CborError):
                _judge_type_of_evidence(run, letter)
                return error(VerifierError.MALFORMED)
            except CheckFailed as failure:
                return self.refuse(run, provider, letter, failure)
        except CheckFailed as failure:
            return error(_code(failure) or VerifierError.MALFORMED)

    def refuse(self, run: Run, provider: VerifierProvider, letter: str, failure: CheckFailed) -> bytes:
        """An error where the request cannot be answered, else a result that says what became of the evidence."""
        _LOG.info("refused by %s: %s", failure.check.name, failure.reason)
        if code := _code(failure):
            return error(code)
        if failure.check.refusal.channel is not Channel.ALERT:
            return error(VerifierError.MALFORMED)
        provider.refused = failure
        run.redraw(_decided(letter))
        reply: bytes = run.value(RESULT[letter].message.term)
        return reply


def error(code: int) -> bytes:
    """The reply without a result."""
    return cbor.encode({2: code})


def _code(failure: CheckFailed) -> int:
    """The verifier error that a check is answered with; 0 where a result says it."""
    refusal = failure.check.refusal
    if refusal.channel is Channel.VERIFIER:
        return refusal.code
    unsupported = refusal.channel is Channel.ALERT and refusal.code == Code.UNSUPPORTED_EVIDENCE
    return VerifierError.UNSUPPORTED_EVIDENCE if unsupported else 0


def _judge_type_of_evidence(run: Run, letter: str) -> None:
    """Evidence of a type that is not known is refused for its type, whatever the form of its value (VER-03)."""
    evidence = EVIDENCE[letter]
    if evidence.cmw_type in run.bound:
        run.judge(holds("cmw_type_was_accepted", evidence.cmw_type))


def _decided(letter: str) -> list[Term]:
    return [leaf for leaf in RESULT[letter].message.term.reach if leaf.op == "name" and leaf.label in GIVEN]
