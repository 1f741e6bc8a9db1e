"""The smallest sets of checks that break a claim, among checks that are redundant alone.

Switching off is monotone: a set that breaks the claim does so with more checks off as well. So every smallest set is
found by looking at large ones: take one that breaks, make it small, and look again with each of its members switched
on (Reiter, "A theory of diagnosis from first principles", 1987). What is left when nothing breaks any more proves that
there is no further set, of whatever size.

A set is made small by its attack: a check is not needed if the attack is also one while the check is made. The replayer
says that at once; what is then left is tried one by one.
"""

from __future__ import annotations

from ..verifier.protocol import ModelError
from ..verifier.query import Query
from ..verifier.replay import ReplayError, replay
from ..verifier.verify import PROOF
from .removal import Breach, in_order, remove
from .variants import VARIANTS
from .verdicts import Prover, new_prover, questions

Checks = frozenset[str]


def smallest_sets(redundant: Checks, claim: str, time_limit: float) -> set[Checks]:
    """All sets without which the claim has an attack, and none without a smaller one."""
    found: set[Checks] = set()
    made: list[Checks] = [frozenset()]
    holding: list[Checks] = []
    """Sets of which it is enough to make the checks."""
    for on in made:
        if any(enough <= on for enough in holding):
            continue
        off = redundant - on
        known = next((one for one in sorted(found, key=in_order) if one <= off), None)
        if known is None:
            breach = _breach(off, claim, time_limit)
            if breach is None:
                holding.append(on)
                continue
            known = _smallest(off, breach, time_limit)
            found.add(known)
        made += [more for check in in_order(known) if (more := on | {check}) not in made]
    return found


def _breach(off: Checks, claim: str, time_limit: float) -> Breach | None:
    return next(iter(remove(in_order(off), (claim,), time_limit).breaches), None)


def _smallest(off: Checks, breach: Breach, time_limit: float) -> Checks:
    """A set within `off` that breaks the claim, of which every member is needed."""
    off = _used(off, breach)
    for check in in_order(off):
        if check in off:
            other = _breach(off - {check}, breach.claim, time_limit)
            if other is not None:
                off = _used(off - {check}, other)
    return off


def _used(off: Checks, breach: Breach) -> Checks:
    """The checks that an attack passes only because they are not made."""
    for check in in_order(off):
        if is_attack(off - {check}, breach):
            off -= {check}
    return off


def is_attack(off: Checks, breach: Breach) -> bool:
    """Whether a trace is an attack on the same claim when only these checks are off."""
    taken = {run.role.partition(",")[0].rpartition(" ")[2] for run in breach.attack.runs}
    modes = tuple(mode for mode in VARIANTS[breach.variant].modes if str(mode) in taken)
    prover = new_prover(breach.variant, off, modes)
    question = next(q for q in questions(breach.claim) if q.expected == PROOF)
    for statement, scenario in question.scenarios:
        for claim in prover.claims(statement, scenario):
            if (claim.role, claim.at) == (breach.role, breach.event):
                queries = claim.queries(prover.extracted.protocol)
                if any(_replays(prover, breach, query, scenario.powers) for query in queries):
                    return True
    return False


def _replays(prover: Prover, breach: Breach, query: Query, powers: frozenset[str]) -> bool:
    if dict(query.classes) != breach.attack.classes:
        return False
    try:
        replay(prover.extracted.protocol, breach.attack, query, powers)
    except (ReplayError, ModelError, KeyError):
        return False
    return True
