"""Mealy machines as data: what is learned, what the table says, and words that tell two of them apart."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aalpy.automata import MealyMachine, MealyState

Word = tuple[str, ...]


@dataclass(frozen=True)
class Mealy:
    """Complete and deterministic. `states[0]` is the start; `steps` maps (state, letter) to (output, next state)."""

    alphabet: tuple[str, ...]
    states: tuple[str, ...]
    steps: dict[tuple[str, str], tuple[str, str]]

    def run(self, word: Sequence[str]) -> list[str]:
        """The outputs to a word."""
        return [output for output, _ in self.walk(word)]

    def walk(self, word: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Output and next state of each letter."""
        state = self.states[0]
        for letter in word:
            output, state = self.steps[state, letter]
            yield output, state

    def after(self, word: Sequence[str]) -> str:
        """The state that a word leads to."""
        state = self.states[0]
        for _, following in self.walk(word):
            state = following
        return state

    @cached_property
    def access(self) -> dict[str, Word]:
        """A shortest word to each state that can be reached."""
        found: dict[str, Word] = {self.states[0]: ()}
        queue = deque(found)
        while queue:
            state = queue.popleft()
            for letter in self.alphabet:
                _, following = self.steps[state, letter]
                if following not in found:
                    found[following] = (*found[state], letter)
                    queue.append(following)
        return found

    def renamed(self, names: dict[str, str]) -> Mealy:
        """The same machine with other names of states."""
        steps = {(names[s], letter): (output, names[t]) for (s, letter), (output, t) in self.steps.items()}
        return Mealy(self.alphabet, tuple(names[s] for s in self.states), steps)

    def minimal(self) -> Mealy:
        """The smallest machine with the same answers; a class has the name of its first state."""
        block = dict.fromkeys(self.states, 0)
        while True:
            signatures = {s: (block[s], *((o, block[t]) for o, t in self._row(s))) for s in self.states}
            numbers: dict[tuple[Any, ...], int] = {}
            finer = {s: numbers.setdefault(signatures[s], len(numbers)) for s in self.states}
            if len(numbers) == len(set(block.values())):
                break
            block = finer
        first: dict[int, str] = {}
        for state in self.states:
            first.setdefault(finer[state], state)
        kept = tuple(first.values())
        steps = {
            (s, letter): (self.steps[s, letter][0], first[finer[self.steps[s, letter][1]]])
            for s in kept
            for letter in self.alphabet
        }
        return Mealy(self.alphabet, kept, steps)

    def _row(self, state: str) -> Iterator[tuple[str, str]]:
        return (self.steps[state, letter] for letter in self.alphabet)

    # --- the learning library's form ---------------------------------------------------------------------------------

    def to_automaton(self) -> MealyMachine[str, str]:
        """For AALpy."""
        states = {name: MealyState(name) for name in self.states}
        for (source, letter), (output, target) in self.steps.items():
            states[source].transitions[letter] = states[target]
            states[source].output_fun[letter] = output
        automaton = MealyMachine(states[self.states[0]], list(states.values()))
        automaton.compute_prefixes()
        return automaton

    @classmethod
    def of_automaton(cls, automaton: MealyMachine[str, str], alphabet: Sequence[str]) -> Mealy:
        """From AALpy."""
        others = [s for s in automaton.states if s is not automaton.initial_state]
        states = [automaton.initial_state, *others]
        steps = {
            (str(s.state_id), letter): (s.output_fun[letter], str(s.transitions[letter].state_id))
            for s in states
            for letter in alphabet
        }
        return cls(tuple(alphabet), tuple(str(s.state_id) for s in states), steps)

    def to_data(self) -> dict[str, Any]:
        """As JSON: for each state, each letter's output and next state."""
        states = {s: {letter: list(self.steps[s, letter]) for letter in self.alphabet} for s in self.states}
        return {"alphabet": list(self.alphabet), "states": states}

    def to_json(self) -> str:
        """One line for each transition."""
        rows = ",\n".join(
            f"  {json.dumps(state)}: {{\n"
            + ",\n".join(f"   {json.dumps(k)}: {json.dumps(v)}" for k, v in row.items())
            + "}"
            for state, row in self.to_data()["states"].items()
        )
        return f'{{"alphabet": {json.dumps(list(self.alphabet))},\n "states": {{\n{rows}}}}}\n'

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Mealy:
        """What `to_data` gave."""
        steps = {
            (state, letter): (output, following)
            for state, row in data["states"].items()
            for letter, (output, following) in row.items()
        }
        return cls(tuple(data["alphabet"]), tuple(data["states"]), steps)

    def restricted(self, alphabet: Sequence[str]) -> Mealy:
        """Under fewer letters: states that these do not reach, or do not tell apart, are gone."""
        fewer = Mealy(tuple(alphabet), self.states, {k: v for k, v in self.steps.items() if k[1] in alphabet})
        reached = tuple(fewer.access)
        steps = {k: v for k, v in fewer.steps.items() if k[0] in reached}
        return Mealy(fewer.alphabet, reached, steps).minimal()


def matching(one: Mealy, other: Mealy) -> dict[str, str]:
    """States of `one` by the states of `other` that the same shortest words reach, as far as the answers agree."""
    found = {one.states[0]: other.states[0]}
    queue = deque(found)
    while queue:
        state = queue.popleft()
        for letter in one.alphabet:
            (output, target), (theirs, their_target) = one.steps[state, letter], other.steps[found[state], letter]
            if output == theirs and target not in found:
                found[target] = their_target
                queue.append(target)
    return found
