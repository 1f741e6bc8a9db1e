"""How long things take: each question, the search for each committed attack, and each published key exchange."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass

from ..verifier.clock import now
from ..verifier.published.rows import ROWS
from ..verifier.verify import PROOF, Verifier
from .committed import shown
from .variants import VARIANTS, variant_of_all
from .verdicts import all_questions, new_prover, questions

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
    provers = {name: new_prover(name) for name in VARIANTS if all_questions(variant=name)}
    states = 0
    for prover in provers.values():
        prover.gate()
        states += prover.verifier.gate_states
    yield Timed("preparation", "roles, and that each can end", "", states, now() - start)
    for question in all_questions():
        decision = provers[question.variant].decide(question)
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
    for name, attack in shown().items():
        gc.collect()  # What the provers before have left is no part of this search.
        checks = name.split(" + ")
        prover = new_prover(variant_of_all(checks), frozenset(checks))
        question = next(q for q in questions(attack["claim"]) if q.expected == PROOF)
        decision = prover.decide(question)
        yield Timed("attack", f"{attack['claim']} without {name}", decision.kind, decision.states, decision.searched)
