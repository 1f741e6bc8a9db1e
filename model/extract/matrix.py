"""The removal matrix: what breaks when a check is not made, and the smallest sets that break where one alone does not.

Every symbolic check is switched off alone. A check without which some claim has an attack carries that claim. One
without which everything is still proved is redundant under the powers of the claims: others protect the same.

Switching off only adds traces. So all redundant checks are switched off at once: a claim that holds even then holds
without any set of them. For the others `sets` finds all smallest sets. All nine modes are looked at.

A check that only the TLS table has is left out of that one, every other of the table of EDHOC; sets stay within one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

from ..checks import CHECKS, CheckClass
from ..protocol.tables import BINDINGS, profile
from ..verifier.attack import Attack
from ..verifier.verify import ATTACK, PROOF
from .modes import MODES, Mode
from .verdicts import TIME_LIMIT, Prover, all_questions

DEFAULT = next(iter(BINDINGS))
"""The binding whose table decides what both have."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A claim that fails: where, with how many runs, and the attack."""

    claim: str
    role: str
    event: str
    attack: Attack
    binding: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Removal:
    """What happens without some checks. `undecided` are claims that the time did not suffice for."""

    checks: tuple[str, ...]
    breaches: tuple[Breach, ...]
    undecided: tuple[str, ...]
    states: int
    seconds: float
    binding: str = DEFAULT

    @property
    def verdict(self) -> str:
        """`carries`, `redundant`, or `undecided`."""
        return "carries" if self.breaches else "undecided" if self.undecided else "redundant"


def symbolic_checks() -> tuple[str, ...]:
    """All checks that carry a claim or must be shown not to."""
    return tuple(name for name, check in CHECKS.items() if check.cls is CheckClass.SYMBOLIC)


def binding_of(check: str) -> str:
    """The binding over whose table a check is left out; one beside the table belongs to both."""
    return next((b for b in BINDINGS if check in profile(b).checks), DEFAULT)


def in_order(checks: frozenset[str]) -> tuple[str, ...]:
    """A set of checks in the order of the register."""
    return tuple(name for name in symbolic_checks() if name in checks)


def remove(
    checks: Sequence[str],
    claims: tuple[str, ...] = (),
    time_limit: float = TIME_LIMIT,
    modes: tuple[Mode, ...] = MODES,
) -> Removal:
    """Decide the claims without these checks, which must be of one binding."""
    binding = binding_of(checks[0]) if checks else DEFAULT
    prover = Prover(profile(binding), frozenset(checks), modes)
    asked = [question for question in all_questions(claims) if question.expected == PROOF]
    decisions = [prover.decide(question, time_limit=time_limit) for question in asked]
    breaches = tuple(
        Breach(d.question.claim, d.role, d.event, d.attack, binding) for d in decisions if d.kind == ATTACK and d.attack
    )
    undecided = tuple(d.question.claim for d in decisions if d.kind not in (PROOF, ATTACK))
    states, seconds = sum(d.states for d in decisions), sum(d.seconds for d in decisions)
    return Removal(tuple(checks), breaches, undecided, states, seconds, binding)


def matrix(
    progress: Callable[[str], None] | None = None,
    *,
    processes: int = 0,
    checks: tuple[str, ...] = (),
    claims: tuple[str, ...] = (),
    time_limit: float = TIME_LIMIT,
    sets: bool = True,
) -> Iterator[Removal]:
    """Each check alone, in the order of the register, as soon as it is decided.

    With `sets`, then all redundant ones at once, and each smallest set of them that breaks a claim.
    """
    tell = progress or (lambda _: None)
    pool = ProcessPoolExecutor(processes or os.cpu_count() or 1)
    try:
        redundant: list[str] = []
        for removal in _alone(pool, checks or symbolic_checks(), claims, time_limit, tell):
            redundant += removal.checks if removal.verdict == "redundant" else ()
            yield removal
        for binding in BINDINGS if sets else ():
            own = [check for check in redundant if binding_of(check) == binding]
            if len(own) > 1:
                yield from _together(pool, own, claims, time_limit, tell)
    finally:
        pool.shutdown(cancel_futures=True)


def _together(
    pool: ProcessPoolExecutor,
    redundant: list[str],
    claims: tuple[str, ...],
    time_limit: float,
    tell: Callable[[str], None],
) -> Iterator[Removal]:
    from .sets import smallest_sets

    tell(f"without all {len(redundant)} redundant checks")
    together = pool.submit(remove, redundant, claims, time_limit).result()
    yield together
    broken = [breach.claim for breach in together.breaches]
    searches = [(c, pool.submit(smallest_sets, frozenset(redundant), c, time_limit)) for c in broken]
    found: set[frozenset[str]] = set()
    for number, (claim, search) in enumerate(searches, 1):
        found |= search.result()
        tell(f"{number} of {len(broken)}: smallest sets that break {claim}")
    ordered = sorted((in_order(one) for one in found), key=lambda one: (len(one), one))
    yield from (f.result() for f in [pool.submit(remove, one, claims, time_limit) for one in ordered])


def _alone(
    pool: ProcessPoolExecutor,
    checks: tuple[str, ...],
    claims: tuple[str, ...],
    time_limit: float,
    tell: Callable[[str], None],
) -> Iterator[Removal]:
    waiting: list[Future[Removal]] = [pool.submit(remove, (check,), claims, time_limit) for check in checks]
    for number, future in enumerate(waiting, 1):
        tell(f"{number} of {len(checks)}: without {checks[number - 1]}")
        yield future.result()
