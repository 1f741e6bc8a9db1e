"""One removal: what the claims say when some checks are not made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..checks import CHECKS, CheckClass
from ..verifier.attack import Attack
from ..verifier.verify import ATTACK, PROOF
from .modes import Mode
from .variants import DEFAULT, variant_of_all
from .verdicts import TIME_LIMIT, all_questions, new_prover


@dataclass(frozen=True, slots=True)
class Breach:
    """A claim that fails: where, with how many runs, and the attack."""

    claim: str
    role: str
    event: str
    attack: Attack
    variant: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Removal:
    """What happens without some checks. `undecided` are claims that the time did not suffice for."""

    checks: tuple[str, ...]
    breaches: tuple[Breach, ...]
    undecided: tuple[str, ...]
    states: int
    seconds: float
    variant: str = DEFAULT

    @property
    def verdict(self) -> str:
        """`carries`, `redundant`, or `undecided`."""
        return "carries" if self.breaches else "undecided" if self.undecided else "redundant"


def symbolic_checks() -> tuple[str, ...]:
    """All checks that carry a claim or must be shown not to."""
    return tuple(name for name, check in CHECKS.items() if check.cls is CheckClass.SYMBOLIC)


def in_order(checks: frozenset[str]) -> tuple[str, ...]:
    """A set of checks in the order of the register."""
    return tuple(name for name in symbolic_checks() if name in checks)


def remove(
    checks: Sequence[str],
    claims: tuple[str, ...] = (),
    time_limit: float = TIME_LIMIT,
    modes: tuple[Mode, ...] = (),
) -> Removal:
    """Decide the claims of a variant without these checks, which must be of one; `modes`: only these."""
    name = variant_of_all(checks)
    prover = new_prover(name, frozenset(checks), modes)
    asked = [question for question in all_questions(claims, name) if question.expected == PROOF]
    decisions = [prover.decide(question, time_limit=time_limit) for question in asked]
    breaches = tuple(
        Breach(d.question.claim, d.role, d.event, d.attack, name) for d in decisions if d.kind == ATTACK and d.attack
    )
    undecided = tuple(d.question.claim for d in decisions if d.kind not in (PROOF, ATTACK))
    states, seconds = sum(d.states for d in decisions), sum(d.seconds for d in decisions)
    return Removal(tuple(checks), breaches, undecided, states, seconds, name)
