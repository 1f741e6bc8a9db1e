"""The removal matrix: what breaks when a check is not made, and the smallest sets that break where one alone does not.

Every symbolic check is switched off alone. A check without which some claim has an attack carries that claim. One
without which everything is still proved is redundant under the powers of the claims: others protect the same.

Switching off only adds traces. So all redundant checks are switched off at once: a claim that holds even then holds
without any set of them. For the others `sets` finds all smallest sets. All nine modes are looked at.

A check that only one variant of the table has is left out of that one, every other of the table of EDHOC; sets stay
within one, with those checks of the first that protect the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from .removal import Removal, in_order, remove, symbolic_checks
from .sets import smallest_sets
from .variants import VARIANTS, variant_of
from .verdicts import TIME_LIMIT


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
        for name, variant in VARIANTS.items() if sets else ():
            own = [check for check in redundant if variant_of(check) == name or check in variant.shared]
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
