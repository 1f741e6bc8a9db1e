"""L# with the table's machine as reference: what an implementation's machine is, and what it took to know."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from aalpy.automata import MealyMachine
from aalpy.base import Oracle
from aalpy.learning_algs import run_adaptive_Lsharp
from aalpy.utils import bisimilar

from .mealy import Mealy, Word, matching
from .system import System

TESTS_A_STATE = 5
"""Words that look for a state that nobody has thought of, for each state of the table: an access word, a random middle
and a separating end."""
LONGEST_MIDDLE = 4


@dataclass(frozen=True)
class Effort:
    """Connections, words asked, letters asked, and seconds."""

    resets: int
    queries: int
    letters: int
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Learned:
    """The machine; its states are named like those of the table that the same words reach."""

    machine: Mealy
    effort: Effort


class TableOracle(Oracle):  # type: ignore[misc]  # AALpy is not typed.
    """Where the hypothesis differs from the table is asked first; then random words, few in all rounds together."""

    def __init__(self, system: System, table: MealyMachine[str, str], seed: int) -> None:
        super().__init__(list(system.letters), system)
        self._table, self._random = table, random.Random(seed)
        self._left = TESTS_A_STATE * len(table.states)
        self.rounds = 0

    def find_cex(self, hypothesis: MealyMachine[str, str]) -> Word | None:
        """A word that the implementation answers otherwise than the hypothesis; None if none is found."""
        self.rounds += 1
        difference = bisimilar(hypothesis, self._table, return_cex=True)
        if difference is not None and (word := self._refuted(hypothesis, difference)):
            return word
        hypothesis.compute_prefixes()
        ends: list[Word] = sorted(hypothesis.compute_characterization_set()) or [()]
        states = sorted(hypothesis.states, key=lambda s: (len(s.prefix), s.prefix))
        while self._left > 0:
            self._left -= 1
            state = self._random.choice(states)
            middle = self._random.choices(self.alphabet, k=self._random.randint(1, LONGEST_MIDDLE))
            word = self._refuted(hypothesis, (*state.prefix, *middle, *self._random.choice(ends)))
            if word:
                return word
        return None

    def _refuted(self, hypothesis: MealyMachine[str, str], word: Sequence[str]) -> Word | None:
        predicted = hypothesis.compute_output_seq(hypothesis.initial_state, list(word))
        answered = self.sul.query(word)
        differs = (n for n, pair in enumerate(zip(predicted, answered, strict=True), 1) if pair[0] != pair[1])
        return tuple(word[:n]) if (n := next(differs, None)) else None


def learn(system: System, *, seed: int = 0) -> Learned:
    """Learn an implementation. Raises `NonDeterministic` and what playing raises."""
    began = time.monotonic()
    alphabet, reference = list(system.letters), system.table.to_automaton()
    oracle = TableOracle(system, system.table.to_automaton(), seed)
    # Matching states as well would save no word that is worth its time.
    automaton = run_adaptive_Lsharp(
        alphabet, system, [reference], oracle, "mealy", extension_rule="SepSeq", state_matching=None,
        cache_and_non_det_check=False, print_level=0,
    )  # fmt: skip
    effort = Effort(system.resets, system.num_queries, system.num_steps, oracle.rounds, time.monotonic() - began)
    return Learned(_named(Mealy.of_automaton(automaton, alphabet), system.table), effort)


def _named(machine: Mealy, table: Mealy) -> Mealy:
    """Each state has the table's name of the state that the same words reach; others say after which word they come."""
    names, taken = {}, set[str]()
    matched, access = matching(machine, table), machine.access
    for state in machine.states:
        name = matched.get(state) or f"not in the table: {access[state][-1]}"
        while name in taken:
            name += "'"
        taken.add(name)
        names[state] = name
    return machine.renamed(names)
