"""The answer for one claim: a proof, an attack, a bound, or that the model says nothing.

`proof` holds for any number of runs. `attack` comes with a trace that the independent replay has accepted. `bounded`
means that no attack has up to so many runs, or that time ran out; it is never a proof. `vacuous` means that a role
cannot come to its end at all, so that whatever is said of it means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from .attack import Attack
from .certificate import Certificate
from .claims import Claim, Executable
from .clock import now
from .engine import ATTACK, BOUNDED, PROOF, Answer, Engine, Progress
from .pool import SetAside, Stats, TimeLimit
from .protocol import Leak, Protocol, Send
from .query import Query

NETWORK: frozenset[str] = frozenset()
"""No power but that over the network, which an attacker always has."""

DEFAULT_POWERS = frozenset({"dishonest"})
VACUOUS = "vacuous"
OUT_OF_TIME = "time limit"
"""How the reason of a verdict begins that the time did not suffice for."""

ASIDE = 2000
"""States after which a query waits until all others of its claim are answered."""

ENOUGH = 8
"""Runs that every role must be able to end with, whatever the bound of a claim."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a claim: `states` patterns looked at in `seconds`.

    `bound`: runs of the attack, in the largest pattern of the proof, or up to which there is no attack.

    `reason` says why a verdict is `bounded` or `vacuous`.
    """

    kind: str
    states: int
    seconds: float
    bound: int
    attack: Attack | None = None
    reason: str = ""
    certificate: Certificate | None = None


class Verifier:
    """Verifies claims of one protocol, keeping what is common to them."""

    def __init__(self, protocol: Protocol, shortcuts: bool = True) -> None:
        self.protocol, self._shortcuts = protocol, shortcuts
        self._engines: dict[frozenset[str], Engine] = {}
        self._stuck: dict[int, str] = {}

    def engine(self, powers: frozenset[str]) -> Engine:
        """The engine for these powers."""
        found = self._engines.get(powers)
        if found is None:
            leaks = {step.power for role in self.protocol.roles for step in role.steps if isinstance(step, Leak)}
            like = next((e for e in self._engines.values() if not (e.powers ^ powers) & leaks), None)
            found = self._engines[powers] = Engine(self.protocol, powers, self._shortcuts, like)
        return found

    def stuck(self, max_runs: int, stats: Stats) -> str:
        """The names of roles that no honest trace of at most `max_runs` runs brings to their end; empty is good."""
        if max_runs not in self._stuck:
            plain = replace(self.protocol, neutral_element=False)
            self._stuck[max_runs] = self.unable(Engine(plain, NETWORK), max_runs, stats)
        return self._stuck[max_runs]

    @property
    def known_stuck(self) -> str:
        """The names of roles that were seen not to come to their end."""
        return next(iter(self._stuck.values()), "")

    def unable(self, engine: Engine, max_runs: int, stats: Stats) -> str:
        """The names of roles that cannot come to their end. A trace shows it of every role that ends in it."""
        ended: set[object] = set()
        stuck = []
        roles = [role for role in self.protocol.roles if role.steps and not role.helper]
        for role in sorted(roles, key=lambda role: isinstance(role.steps[-1], Send)):
            for query in Executable(role.name, "").queries(self.protocol):
                if _ending(role.name, query.premises[0].agents) not in ended:
                    attack = engine.solve(query, stats, max_runs, _silent, smallest=False).attack
                    ended |= set(self._ended(attack)) if attack else set()
                    if attack is None:
                        stuck.append(role.name)
        return ", ".join(role.name for role in roles if role.name in stuck)

    def _ended(self, trace: Attack) -> Iterator[object]:
        """The roles that end in a trace of honest agents, with their agents."""
        for run in trace.runs:
            steps = sum(event.run == run.number for event in trace.events)
            if steps == len(self.protocol.role(run.role).steps):
                yield _ending(run.role, run.agents)

    def verify(
        self,
        claim: Claim,
        *,
        powers: frozenset[str] = DEFAULT_POWERS,
        max_runs: int = 8,
        time_limit: float = 60.0,
        progress: Progress | None = None,
        certify: bool = False,
    ) -> Verdict:
        """Decide a claim. `states` and `seconds` do not count the check that roles can be executed.

        With `certify`, a proof brings its certificate. An attack has the fewest runs.

        Raises:
            ModelError: the protocol or the claim is not well formed, or is beyond the method.
        """
        gate = Stats(deadline=now() + time_limit)
        try:
            stuck = self.stuck(max(max_runs, ENOUGH), gate)
        except TimeLimit:
            return Verdict(VACUOUS, gate.states, time_limit, 0, reason="no time left to see that every role can end")
        engine, start = self.engine(powers), now()
        stats = Stats(deadline=start + time_limit)
        solve = partial(engine.solve, stats=stats, max_runs=max_runs, progress=progress or _silent, record=certify)
        verdict = self._decide(claim, solve, stats, max_runs, certify)
        if stuck and not isinstance(claim, Executable):
            verdict = replace(verdict, kind=VACUOUS, attack=None, reason=f"cannot come to its end: {stuck}")
        return replace(verdict, states=stats.states, seconds=now() - start)

    def _decide(
        self, claim: Claim, solve: Callable[[Query], Answer], stats: Stats, max_runs: int, certify: bool
    ) -> Verdict:
        answers: list[Answer] = []
        executable = isinstance(claim, Executable)
        try:
            for answer in self._answers(claim, solve, stats, in_order=certify):
                answers.append(answer)
                if executable and answer.kind == PROOF:
                    return Verdict(VACUOUS, 0, 0, answer.bound, reason="there is no such trace")
                if answer.kind == ATTACK and not executable:
                    return Verdict(ATTACK, 0, 0, answer.bound, answer.attack)
        except TimeLimit:
            done = min((stats.bound, *(a.bound for a in answers if a.kind == BOUNDED)))
            missing = len(list(islice(claim.queries(self.protocol), len(answers) + 2))) - len(answers)
            done = done if missing == 1 else 0
            return Verdict(BOUNDED, 0, 0, done, reason=f"{OUT_OF_TIME}{f', {_up_to(done)}' if done else ''}")
        bound = max(a.bound for a in answers)
        if any(a.kind == BOUNDED for a in answers):
            return Verdict(BOUNDED, 0, 0, max_runs, reason=_up_to(max_runs))
        witness = answers[0].attack if executable else None
        certificate = Certificate(tuple(a.trees for a in answers)) if certify and not executable else None
        return Verdict(PROOF, 0, 0, bound, witness, certificate=certificate)

    def _answers(
        self, claim: Claim, solve: Callable[[Query], Answer], stats: Stats, in_order: bool
    ) -> Iterator[Answer]:
        """The answers to all queries; unless `in_order`, last those that take long: another one may have an attack."""
        queries, late = claim.queries(self.protocol), list[Query]()
        query = next(queries, None)
        while query is not None:
            following = next(queries, None)
            stats.check()
            stats.aside = float("inf") if in_order or (following is None and not late) else stats.states + ASIDE
            try:
                yield solve(query)
            except SetAside:
                late.append(query)
            query = following
        stats.aside = float("inf")
        yield from map(solve, late)


def _ending(role: str, agents: Mapping[str, object]) -> object:
    return role, tuple(sorted((name, str(agent)) for name, agent in agents.items()))


def _up_to(runs: int) -> str:
    return f"no attack with up to {runs} runs"


def _silent(_: str) -> None:
    pass


def verify(
    protocol: Protocol,
    claim: Claim,
    *,
    powers: frozenset[str] = DEFAULT_POWERS,
    max_runs: int = 8,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    certify: bool = False,
) -> Verdict:
    """Decide one claim of a protocol; see `Verifier.verify`."""
    return Verifier(protocol).verify(
        claim, powers=powers, max_runs=max_runs, time_limit=time_limit, progress=progress, certify=certify
    )


__all__ = [
    "ATTACK", "BOUNDED", "DEFAULT_POWERS", "NETWORK", "OUT_OF_TIME", "PROOF", "VACUOUS", "Verdict", "Verifier", "verify"
]  # fmt: skip
