"""Each claim's questions and their answers: under the powers it is made for, and under each power that defeats it.

A claim is many queries: a statement for each side, a role for each way through the modes, an event for each time that
it happens. Queries that say the same are asked once: ways that are still one share their beginning, a secret is asked
for as soon as it exists, and an agreement follows from one with more data under more powers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from ..claims import STATEMENTS, fails_under, holds_under
from ..protocol.edhoc import SERVICE
from ..protocol.tables import BINDINGS
from ..statements import Agree, Meets, Order, Secret, Statement
from ..table import Table
from ..verifier.attack import Attack
from ..verifier.claims import HONEST, height
from ..verifier.clock import now
from ..verifier.pool import Stats
from ..verifier.verify import ATTACK, BOUNDED, OUT_OF_TIME, PROOF, VACUOUS, Verdict, Verifier
from .claims import ALL_OVER_OTHERS, COMPLETED, Scenario, TableClaim, Translator, scenario_under, scenarios
from .extract import Extracted, extract
from .modes import MODES, Mode
from .variants import DEFAULT, VARIANTS, variant_of_claim

Progress = Callable[[str], None]
TIME_LIMIT = 60.0
MAX_RUNS = 8
"""Runs in one pattern: a session of both sides in which both attest twice has six."""
EXECUTABILITY = "CLM-22"


@dataclass(frozen=True, slots=True)
class Question:
    """A claim under powers, and the answer that its chapter expects."""

    claim: str
    powers: tuple[str, ...]
    expected: str
    scenarios: tuple[tuple[Statement, Scenario], ...] = ()

    @property
    def id(self) -> str:
        """Name: the claim, and the power that defeats it."""
        return self.claim if self.expected == PROOF else f"{self.claim} {self.powers[0]}"

    @property
    def variant(self) -> str:
        """The table that it is asked over."""
        return variant_of_claim(self.claim)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a question. `states` patterns were looked at; an attack is that of `role` at `event`.

    `searched`: seconds of the search that found the attack.
    """

    question: Question
    kind: str
    states: int
    seconds: float
    runs: int = 0
    attack: Attack | None = None
    role: str = ""
    event: str = ""
    reason: str = ""
    searched: float = 0.0


def questions(claim: str) -> Iterator[Question]:
    """The questions of a claim: first all powers under which it holds, then each power that defeats it."""
    good: list[tuple[Statement, Scenario]] = []
    bad: dict[str, list[tuple[Statement, Scenario]]] = {}
    for statement in STATEMENTS[claim]:
        holds, fails = scenarios(claim, statement.role)
        good += [(statement, scenario) for scenario in holds]
        for scenario in fails:
            bad.setdefault(scenario.name, []).append((statement, scenario))
    yield Question(claim, tuple(power.name for power in holds_under(claim)), PROOF, tuple(good))
    for power, each in bad.items():
        yield Question(claim, (power,), ATTACK, tuple(each))


def question_under(claim: str, powers: tuple[str, ...]) -> Question:
    """A claim under powers of one's choice; expected is an attack where the chapter names one of them as fatal.

    Raises:
        ValueError: two of the powers are over the same party of the claim.
    """
    asked = tuple((s, scenario_under(powers, s.role)) for s in STATEMENTS[claim])
    fatal = any(power.name in powers for power in fails_under(claim))
    return Question(claim, tuple(powers), ATTACK if fatal else PROOF, asked)


@dataclass
class _Run:
    """What one question has used."""

    deadline: float
    states: int = 0
    runs: int = 0
    kind: str = PROOF
    reason: str = ""
    counted: set[object] = field(default_factory=set)


class _Gated(Verifier):
    """Gates its verdicts by roles that can be executed with whoever is honest, whether a claim names him or not."""

    gate_states = 0

    def stuck(self, max_runs: int, stats: Stats) -> str:
        """The names of roles that cannot come to their end."""
        if max_runs not in self._stuck:
            before = stats.states
            self._stuck[max_runs] = self.unable(self.engine(frozenset({HONEST})), max_runs, stats)
            self.gate_states = stats.states - before
        return self._stuck[max_runs]


class Prover:
    """A table with some checks off, and what has been decided about it."""

    def __init__(
        self,
        table: Table,
        without: frozenset[str] = frozenset(),
        modes: tuple[Mode, ...] = MODES,
        to_open: bool = False,
        hosted: bool = False,
        confirms: bool = False,
        chained: bool = False,
    ) -> None:
        self.extracted: Extracted = extract(
            table, without=without, modes=modes, to_open=to_open, hosted=hosted, confirms=confirms, chained=chained
        )
        self.verifier = _Gated(self.extracted.protocol)
        self._translator = Translator(self.extracted)
        self._decided: dict[object, Verdict] = {}
        self._agreed: list[tuple[Agree, Scenario]] = []
        self._checks = frozenset(table.checks)

    def decide(
        self, question: Question, *, time_limit: float = TIME_LIMIT, progress: Progress | None = None
    ) -> Decision:
        """Answer a question.

        A holding claim is answered by its first attack; a failing one too: one suffices.
        """
        start = now()
        if question.claim == EXECUTABILITY:
            return self._executability(question, start)
        self.gate()
        run = _Run(now() + time_limit)
        found = self._search(question, run, progress or (lambda _: None))
        decision = Decision(question, run.kind, run.states, now() - start, run.runs, reason=run.reason)
        if found is None:
            return decision
        claim, verdict = found
        decision = replace(decision, kind=verdict.kind, runs=verdict.bound, role=claim.role, event=claim.at)
        return replace(decision, attack=verdict.attack, searched=verdict.seconds)

    def gate(self) -> str:
        """The names of roles that cannot come to their end; what is said of the others then means nothing either.

        Raises:
            TimeLimit: it cannot be told in time.
        """
        return self.verifier.stuck(MAX_RUNS, Stats(deadline=now() + TIME_LIMIT))

    def _executability(self, question: Question, start: float) -> Decision:
        """Every way through the table to its end: then each event on it can be reached."""
        stuck = self.gate()
        kind, states = VACUOUS if stuck else PROOF, self.verifier.gate_states
        return Decision(question, kind, states, now() - start, MAX_RUNS, reason=stuck)

    def _search(self, question: Question, run: _Run, progress: Progress) -> tuple[TableClaim, Verdict] | None:
        for statement, scenario in question.scenarios:
            if isinstance(statement, Meets) and statement.check not in self._checks:
                continue  # It speaks of what this table does not negotiate.
            if self._follows(statement, scenario) or self._holds_early(statement, scenario, run):
                continue
            bounded = False
            for claim in self.claims(statement, scenario):
                claim = self._helped(claim, statement, scenario, run)
                progress(f"{question.id}: {claim.role}, {claim.at}, {run.states} states")
                verdict = self._ask(claim, scenario.powers, run)
                if verdict.kind in (ATTACK, VACUOUS):
                    return claim, verdict
                if verdict.kind == BOUNDED:
                    bounded, run.kind, run.reason = True, BOUNDED, verdict.reason
            if not bounded and isinstance(statement, Agree):
                self._agreed.append((statement, scenario))
        return None

    def _holds_early(self, statement: Statement, scenario: Scenario, run: _Run) -> bool:
        """Whether a secret is one at the end of the handshake already: whoever comes to OPEN has been there."""
        if not isinstance(statement, Secret):
            return False
        early = replace(statement, at=COMPLETED)
        try:
            claims = list(self.claims(early, scenario))
        except LookupError:
            return False  # It comes to be later.
        return all(self._ask(claim, scenario.powers, run).kind == PROOF for claim in claims)

    def claims(self, statement: Statement, scenario: Scenario) -> Iterator[TableClaim]:
        """The claims of a statement, each once."""
        seen: set[object] = set()
        for claim in self._translator.claims(statement, scenario):
            key = self._key(claim)
            if key not in seen:
                seen.add(key)
                yield claim

    def _helped(self, claim: TableClaim, statement: Statement, scenario: Scenario, run: _Run) -> TableClaim:
        """What is said of an environment object, or of when evidence was made, starts from that evidence if proved."""
        if isinstance(statement, Agree):
            claim = self._with_secrets(claim, scenario, run)
        if not (isinstance(statement, Order) or (isinstance(statement, Agree) and statement.where is not None)):
            return claim
        lemma = STATEMENTS["CLM-05" if statement.role == SERVICE else "CLM-06"][0]
        evidence = self._translator.evidence(claim, scenario, lemma)
        if evidence is None:
            return claim
        evidence = self._with_secrets(evidence, scenario, run)
        if self._ask(evidence, scenario.powers, run).kind != PROOF:
            return claim
        return replace(claim, lemma=evidence.alternatives)

    def _with_secrets(self, claim: TableClaim, scenario: Scenario, run: _Run) -> TableClaim:
        """The claim with the secrets of its session, if they are proved under all powers over others."""
        if not claim.unleaked or not scenario.powers <= ALL_OVER_OTHERS:
            return claim
        lemmas = self._translator.keys(claim, scenario)
        if not all(self._ask(lemma, ALL_OVER_OTHERS, run).kind == PROOF for lemma in lemmas):
            return claim
        return replace(claim, secrets=tuple(place for lemma in lemmas for place in lemma.learned))

    def _key(self, claim: TableClaim) -> object:
        role = self.extracted.protocol.role(claim.role)
        steps = role.steps[: height(role, claim.at)]
        return (
            steps, tuple(sorted(claim.classes.items())), claim.unleaked, claim.alternatives, claim.learned, claim.equal,
            claim.second, claim.late, claim.lemma, claim.secrets,
        )  # fmt: skip

    def _ask(self, claim: TableClaim, powers: frozenset[str], run: _Run) -> Verdict:
        key = (self._key(claim), powers)
        known = self._decided.get(key)
        if known is None:
            left = max(0.01, run.deadline - now())
            known = self.verifier.verify(claim, powers=powers, max_runs=MAX_RUNS, time_limit=left)
            if not known.reason.startswith(OUT_OF_TIME):
                self._decided[key] = known
        if key not in run.counted:
            run.counted.add(key)
            run.states += known.states
        run.runs = max(run.runs, known.bound)
        return known

    def _follows(self, statement: Statement, scenario: Scenario) -> bool:
        """Whether an agreement that was proved says more, under more powers."""
        if not isinstance(statement, Agree):
            return False
        for stronger, wider in self._agreed:
            same = replace(stronger, data=statement.data, injective=statement.injective) == statement
            more = set(statement.data) <= set(stronger.data) and statement.injective <= stronger.injective
            powers = scenario.powers <= wider.powers and dict(scenario.classes) == dict(wider.classes)
            if same and more and powers and scenario.own_leaks <= wider.own_leaks:
                return True
        return False


def new_prover(variant: str, without: frozenset[str] = frozenset(), modes: tuple[Mode, ...] = ()) -> Prover:
    """A prover of a variant without these checks, with nothing decided; `modes`: only these."""
    chosen = VARIANTS[variant]
    looks = (chosen.to_open, chosen.hosted, chosen.confirms, chosen.chained)
    return Prover(chosen.table(), without, modes or chosen.modes, *looks)


@cache
def prover(without: frozenset[str] = frozenset(), variant: str = DEFAULT) -> Prover:
    """The prover of a variant, without these checks."""
    return new_prover(variant, without)


def all_questions(claims: tuple[str, ...] = (), variant: str = "") -> tuple[Question, ...]:
    """The questions of these claims, or of all that the model decides; with a variant of those that are asked over it.

    What is asked over the first variant is asked over each binding.
    """
    over = DEFAULT if variant in BINDINGS else variant
    asked = (claim for claim in claims or STATEMENTS if over in ("", variant_of_claim(claim)))
    return tuple(q for claim in asked for q in questions(claim))


__all__ = ["Decision", "Prover", "Question", "all_questions", "prover", "question_under", "questions"]
