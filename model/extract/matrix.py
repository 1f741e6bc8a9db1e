"""The removal matrix: what breaks when a check is not made, and the smallest sets that break where one alone does not.

Every symbolic check is switched off alone. A check without which some claim has an attack carries that claim. One
without which everything is still proved is redundant under the powers of the claims: others protect the same. Those are
tried in pairs, where they judge the same thing (`GROUPS`).

The matrix is computed over `MATRIX_MODES`: evidence both ways, waivers both ways, and nothing required. An attack
there is one in all modes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from ..checks import CHECKS, CheckClass
from ..protocol.tables import profile
from ..verifier.attack import Attack
from ..verifier.verify import ATTACK, PROOF
from .modes import MODES, Mode
from .verdicts import Decision, Prover, all_questions

MATRIX_MODES = tuple(mode for mode in MODES if str(mode) in ("aa", "ww", "nn"))
TIME_LIMIT = 10.0
"""Seconds for one claim. What is not decided in time is said, and never counted as redundant."""

GROUPS: tuple[tuple[str, ...], ...] = (
    ("cred_r_is_not_revoked_locally", "peer_leaf_is_not_revoked"),
    ("cred_i_is_not_revoked_locally", "peer_leaf_is_not_revoked"),
    ("cred_r_has_service_role", "cred_r_is_not_mine", "cred_r_is_intended"),
    ("cred_i_has_device_role", "cred_i_is_not_mine", "cred_i_is_authorised"),
    ("ak_is_for_eat", "ak_is_not_the_identity_key"),
    ("eat_nonce_is_binder", "cnf_is_peer_identity_key", "ueid_is_peer_device", "ak_names_peer_device"),
    ("message_3_tag_verifies", "message_4_tag_verifies", "record_tag_verifies"),
    ("g_x_is_valid", "signature_3_verifies"),
    ("g_y_is_valid", "signature_2_verifies"),
    ("record_is_in_sequence", "verdict_epoch_is_current", "att_req_epoch_is_next", "att_epoch_is_requested"),
    ("record_is_in_sequence", "label_seq_increases", "label_sid_is_this_session"),
    ("label_x5t_is_peer_leaf", "label_sid_is_this_session", "label_digest_is_content"),
    (
        "env_is_referred_to", "env_signature_verifies", "env_ak_is_the_attested_one", "env_cnf_is_label_signer",
        "env_sid_is_this_session", "env_epoch_is_attested_one",
    ),
)  # fmt: skip
"""Checks that judge the same thing: sets that break are looked for among the redundant ones of a group."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A claim that fails: where, with how many runs, and the attack."""

    claim: str
    role: str
    event: str
    attack: Attack


@dataclass(frozen=True, slots=True)
class Removal:
    """What happens without some checks. `undecided` are claims that the time did not suffice for."""

    checks: tuple[str, ...]
    breaches: tuple[Breach, ...]
    undecided: tuple[str, ...]
    states: int
    seconds: float

    @property
    def verdict(self) -> str:
        """`carries`, `redundant`, or `undecided`."""
        return "carries" if self.breaches else "undecided" if self.undecided else "redundant"


def symbolic_checks() -> tuple[str, ...]:
    """All checks that carry a claim or must be shown not to."""
    return tuple(name for name, check in CHECKS.items() if check.cls is CheckClass.SYMBOLIC)


def remove(
    checks: Sequence[str],
    claims: tuple[str, ...] = (),
    time_limit: float = TIME_LIMIT,
    modes: tuple[Mode, ...] = MATRIX_MODES,
) -> Removal:
    """Decide the claims without these checks."""
    prover = Prover(profile(), frozenset(checks), modes)
    asked = [question for question in all_questions(claims) if question.expected == PROOF]
    decisions = [prover.decide(question, time_limit=time_limit) for question in asked]
    decisions = [d if d.kind in (PROOF, ATTACK) else _narrower(d, checks, modes, time_limit) for d in decisions]
    breaches = tuple(
        Breach(d.question.claim, d.role, d.event, d.attack) for d in decisions if d.kind == ATTACK and d.attack
    )
    undecided = tuple(d.question.claim for d in decisions if d.kind not in (PROOF, ATTACK))
    states, seconds = sum(d.states for d in decisions), sum(d.seconds for d in decisions)
    return Removal(tuple(checks), breaches, undecided, states, seconds)


def _narrower(open_: Decision, checks: Sequence[str], modes: tuple[Mode, ...], time_limit: float) -> Decision:
    """An attack on a claim that was not decided in time, among the roles of one mode only; else what is known."""
    for mode in modes:
        decision = Prover(profile(), frozenset(checks), (mode,)).decide(open_.question, time_limit=time_limit / 4)
        if decision.kind == ATTACK:
            return decision
    return open_


def pairs(redundant: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of redundant checks that judge the same thing."""
    alone = set(redundant)
    found = (pair for group in GROUPS for pair in combinations([c for c in group if c in alone], 2))
    return tuple(dict.fromkeys(found))


def matrix(
    progress: Callable[[str], None] | None = None,
    *,
    processes: int = 0,
    checks: tuple[str, ...] = (),
    claims: tuple[str, ...] = (),
    time_limit: float = TIME_LIMIT,
) -> Iterator[Removal]:
    """Each check alone, then pairs of those that are redundant; in the order of the register."""
    tell = progress or (lambda _: None)
    with ProcessPoolExecutor(processes or os.cpu_count() or 1) as pool:
        work = partial(_all, pool, partial(remove, claims=claims, time_limit=time_limit), tell)
        singles = work([(check,) for check in checks or symbolic_checks()])
        yield from singles
        redundant = [r.checks[0] for r in singles if r.verdict == "redundant"]
        yield from work(list(pairs(redundant)))


def _all(
    pool: ProcessPoolExecutor, work: Callable[..., Removal], tell: Callable[[str], None], sets: list[tuple[str, ...]]
) -> list[Removal]:
    waiting = {pool.submit(work, one): one for one in sets}
    found: dict[tuple[str, ...], Removal] = {}
    for number, done in enumerate(as_completed(waiting), 1):
        removal = found[waiting[done]] = done.result()
        tell(f"{number} of {len(sets)}: without {' and '.join(removal.checks)}: {removal.verdict}")
    return [found[one] for one in sets]
