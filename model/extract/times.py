"""How long things take: each question, the search for each committed attack, and each published key exchange."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.tables import profile
from ..verifier.clock import now
from ..verifier.published.rows import ROWS
from ..verifier.verify import PROOF, Verifier
from .committed import attacks
from .verdicts import Prover, all_questions, questions

ROW_POWERS = frozenset({"dishonest", "stolen"})


@dataclass(frozen=True, slots=True)
class Timed:
    """What was decided, the verdict, the patterns that were looked at, and the seconds that the search took."""

    group: str
    name: str
    verdict: str
    states: int
    seconds: float


def times() -> Iterator[Timed]:
    """Everything in turn: `preparation`, then `claim`, `attack` and `key exchange`."""
    start = now()
    prover = Prover(profile())
    prover.gate()
    yield Timed("preparation", "roles, and that each can end", "", prover.verifier.gate_states, now() - start)
    for question in all_questions():
        decision = prover.decide(question)
        yield Timed("claim", question.id, decision.kind, decision.states, decision.seconds)
    yield from _attacks()
    gc.collect()
    for row in ROWS:
        verifier = Verifier(row.protocol)
        verdicts = [verifier.verify(claim, powers=ROW_POWERS) for claim, _ in row.claims.values()]
        kinds = "as published" if [v.kind for v in verdicts] == [kind for _, kind in row.claims.values()] else "differs"
        yield Timed("key exchange", row.name, kinds, sum(v.states for v in verdicts), sum(v.seconds for v in verdicts))


def _attacks() -> Iterator[Timed]:
    """The search that finds the attack that is shown for a check."""
    for name, shown in attacks().items():
        gc.collect()  # What the provers before have left is no part of this search.
        prover = Prover(profile(), frozenset(name.split(" + ")))
        question = next(q for q in questions(shown["claim"]) if q.expected == PROOF)
        decision = prover.decide(question)
        yield Timed("attack", f"{shown['claim']} without {name}", decision.kind, decision.states, decision.searched)
