"""Vectors put to a program, and what is made of its answers.

An invalid vector passes only where the witness of its group passed: who refuses everything has shown nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..harness.iut.process import ProcessError
from .program import NoReply, Program, Reply
from .store import Stored
from .vector import Json

PASS, FAIL, INCONCLUSIVE, NOT_EXERCISED = "pass", "fail", "inconclusive", "not exercised"
MOST_STARTS = 20
"""How often a program is started again before the rest is given up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A vector and what came of it; `how` it failed: `accepted`, `refused`, `output`, `died`, `hung`, `garbage`."""

    vector: Stored
    verdict: str
    how: str = ""
    text: str = ""

    def record(self) -> dict[str, Json]:
        """As the results file has it."""
        vector = self.vector
        return {
            "id": vector.id, "area": vector.area, "requirement": vector.requirement, "flags": list(vector.flags),
            "verdict": self.verdict, "how": self.how, "text": self.text,
        }  # fmt: skip


def play(
    vectors: Iterable[Stored], command: Sequence[str], seconds: float, heard: Callable[[Outcome], None] = lambda _: None
) -> Iterator[Outcome]:
    """Outcomes in the order of the vectors; `heard` gets each as it comes. Raises ProcessError."""
    witnesses: dict[str, str] = {}
    for outcome in _asked(vectors, command, seconds):
        vector = outcome.vector
        if vector.id == vector.witness:
            witnesses[vector.id] = outcome.verdict
        elif not vector.valid and outcome.verdict == PASS and witnesses.get(vector.witness) in (FAIL, INCONCLUSIVE):
            outcome = Outcome(vector, INCONCLUSIVE, "witness", f"its witness failed: {vector.witness}")
        heard(outcome)
        yield outcome


def with_witnesses(chosen: Iterable[Stored], all_vectors: Iterable[Stored]) -> list[Stored]:
    """The chosen vectors, each group's witness before what it is the witness for."""
    wanted = {vector.id for vector in chosen}
    needed = wanted | {vector.witness for vector in all_vectors if vector.id in wanted}
    return [vector for vector in all_vectors if vector.id in needed]


def _asked(vectors: Iterable[Stored], command: Sequence[str], seconds: float) -> Iterator[Outcome]:
    left = iter(vectors)
    for _ in range(MOST_STARTS):
        with Program(command, seconds) as program:
            for vector in left:
                try:
                    yield _judged(vector, program.ask(vector))
                except NoReply as silence:
                    yield Outcome(vector, FAIL, silence.kind, str(silence))
                    break
            else:
                return
    for vector in left:
        yield Outcome(vector, INCONCLUSIVE, "given up", f"not asked: the program was started {MOST_STARTS} times")


def _judged(vector: Stored, reply: Reply) -> Outcome:
    if reply.result == "unsupported":
        return Outcome(
            vector, NOT_EXERCISED, "unsupported", f"the program does not know the operation {vector.operation}"
        )
    if reply.result == "valid":
        return _accepted(vector, reply)
    if vector.valid:
        return Outcome(vector, FAIL, "refused", f"refused: {reply.reason or 'no reason given'}")
    if reply.refusal and vector.refusals and reply.refusal not in vector.refusals:
        expected = " or ".join(vector.refusals)
        return Outcome(vector, FAIL, "refusal", f"refused as {reply.refusal}, where {expected} is specified")
    return Outcome(vector, PASS)


def _accepted(vector: Stored, reply: Reply) -> Outcome:
    if not vector.valid:
        return Outcome(vector, FAIL, "accepted", "accepted what must be refused")
    for name, expected in vector.output.items():
        if name not in reply.output:
            return Outcome(vector, FAIL, "output", f"no {name} in the output")
        if reply.output[name] != expected:
            return Outcome(vector, FAIL, "output", f"{name} is {reply.output[name]}, not {expected}")
    return Outcome(vector, PASS)


def counts(outcomes: Iterable[Outcome], of: Callable[[Outcome], Iterable[str]]) -> dict[str, Counter[str]]:
    """Verdicts by whatever `of` names: requirement, flag or area."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for name in of(outcome):
            found.setdefault(name, Counter())[outcome.verdict] += 1
    return found


__all__ = [
    "FAIL",
    "INCONCLUSIVE",
    "NOT_EXERCISED",
    "PASS",
    "Outcome",
    "ProcessError",
    "counts",
    "play",
    "with_witnesses",
]
