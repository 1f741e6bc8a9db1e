"""The plan of field tests: which alteration of which field must be refused, and by which check.

The plan is made by the table: each candidate is played against a complete reference peer in this process, and the
check that refuses it there is what an implementation must show. Candidates that a complete peer accepts are no faults
(a sender may choose another nonce) and candidates that change nothing are none either; both are left out. The plan is
committed, so that a change of it is read by people; `python -m trustconn.conformance.generate --check` finds a stale
one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from ..harness.evaluator.errors import CheckFailed
from ..harness.tester.deviation import AlterInside, Deviation, Lie, TesterFault
from ..harness.tester.fields import Field, fields
from ..harness.tester.local import LocalIut
from ..harness.tester.operators import operators
from ..harness.tester.session import OPPOSITE
from ..harness.verdict.verdict import Reaction
from ..model.checks import CHECKS
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.labels import ENVIRONMENT
from ..model.protocol.tables import profile
from ..model.table import NET, RECORD, Message
from ..model.terms import Term
from .stages import StageNotReached, stage_of

UNTESTED_KINDS = ("ALERT", "CLOSE", "PONG")
"""Messages whose receiver ends the session whatever they say, or that the tester has no occasion to send."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One alteration. `how` is `altered` (this occurrence, on its way) or `lied` (by the party that signs it)."""

    role: str
    message: str
    field: str
    path: tuple[int, ...]
    how: str
    operator: str
    check: str

    @property
    def id(self) -> str:
        """Distinct name within the test."""
        return f"{self.role}-{self.field}-{self.how}-{self.operator}"

    @property
    def requirement(self) -> str:
        """Requirement of the check that must refuse it."""
        return CHECKS[self.check].requirement

    def deviation(self) -> Deviation:
        """The deviation to play."""
        message = profile().messages[self.message]
        found = next(f for f in fields(message, message.sender) if f.path == self.path)
        return deviation(message, found, self.how, self.operator, insist=True)


def deviation(message: Message, field: Field, how: str, operator: str, *, insist: bool = False) -> Deviation:
    """A deviation at one field. With `insist` a random value that is already what it would become is made another."""
    change = operators(field.term)[operator]
    if how == "altered":
        return AlterInside(message.name, field.path, change, operators(field.term)["other"] if insist else None)
    return Lie(field.term, change, message.name, tam=told_by_module(message, field.path))


def told_by_module(message: Message, path: tuple[int, ...]) -> bool:
    """Whether a field stands in a token that the trust anchor module signs, so that only the module can lie there."""
    letter = message.name.rpartition("_")[2]
    return _inside(message.term, path, message.sender, _tokens(letter))


def _tokens(letter: str) -> tuple[Term, ...]:
    return (EVIDENCE[letter].token.term, ENVIRONMENT[letter].token.term) if letter in EVIDENCE else ()


def _inside(term: Term, path: tuple[int, ...], role: str, tokens: tuple[Term, ...]) -> bool:
    """Whether a path leads through a token that the trust anchor module signs."""
    for position in path:
        if term in tokens:
            return True
        inner = (term.defs.get(role) or term.means) if term.op == "slot" else term.args[position]
        if inner is None:
            return False
        term = inner
    return term in tokens


def candidates(role: str) -> Iterator[tuple[Message, Field, str, str]]:
    """Every field of every message that an implementation of `role` receives, with every operator."""
    for message in profile().receivable(role):
        if message.channel not in (NET, RECORD) or message.name.rpartition("_")[0] in UNTESTED_KINDS:
            continue
        for field in fields(message, OPPOSITE[role]):
            for operator in operators(field.term):
                yield message, field, "altered", operator
                if field.term.op == "slot" and operator == "other":
                    yield message, field, "lied", operator


def make_plan() -> list[Planned]:
    """Play every candidate against a complete peer. Takes some seconds."""
    found: dict[str, Planned] = {}
    for role in ("device", "service"):
        iut = LocalIut(role)
        for message, field, how, operator in candidates(role):
            iut.forget_boot_counts()
            check = refusing_check(iut, message, field, how, operator)
            if check is not None:
                planned = Planned(role, message.name, field.name, field.path, how, operator, check)
                found.setdefault(planned.id, planned)
    return sorted(found.values(), key=lambda p: p.id)


def refusing_check(iut: LocalIut, message: Message, field: Field, how: str, operator: str) -> str | None:
    """The check by which a complete peer refuses a candidate; None if it is no fault."""
    try:
        made = deviation(message, field, how, operator)
        conversation = iut.converse(made)
        stage_of(message.name)(iut, conversation)
        outcome = conversation.outcome(iut.is_alive, deferred=True)
    except (TesterFault, StageNotReached, CheckFailed, LookupError):
        return None
    if not made.reached or outcome.reaction is not Reaction.REFUSED or iut.latest is None:
        return None
    refused = [e.fields["check"] for e in iut.latest.events if e.name in ("refused", "data_refused")]
    return refused[-1] if refused and refused[-1] in CHECKS else None


PLAN_FILE = "plan.json"


@cache
def plan() -> tuple[Planned, ...]:
    """The committed plan."""
    rows = json.loads((files(__package__) / PLAN_FILE).read_text(encoding="utf-8"))
    return tuple(Planned(**{**row, "path": tuple(row["path"])}) for row in rows)


def render(planned: list[Planned]) -> str:
    """The file's text: one line for each alteration."""
    lines = [json.dumps(asdict(p), separators=(", ", ": ")) for p in planned]
    return "[\n" + ",\n".join(lines) + "\n]\n"
