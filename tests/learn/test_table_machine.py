"""The kept machine is the table's: what the reference peer answers, letter by letter."""

import random
from itertools import product

import pytest

from trustconn.harness.learn.bindings import BINDINGS
from trustconn.harness.learn.letter import VERBS
from trustconn.harness.learn.letters import alphabet
from trustconn.harness.learn.table_machine import LocalSystem, kept_machine
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import OPPOSITE, Role

KEPT: list[tuple[Role, str]] = list(product(OPPOSITE.values(), BINDINGS))
Systems = dict[tuple[str, str], LocalSystem]
WORDS, LENGTH = 60, 14


@pytest.fixture(scope="module")
def systems() -> Systems:
    return {
        (role, binding): LocalSystem(LocalIut(role, binding=binding), alphabet(role, binding, full=True, verbs=VERBS))
        for role, binding in KEPT
    }


@pytest.mark.parametrize(("role", "binding"), KEPT)
def test_every_transition_is_answered_as_kept(role: str, binding: str, systems: Systems) -> None:
    machine = kept_machine(role, binding)
    for state, word in machine.access.items():
        for letter in machine.alphabet:
            longer = (*word, letter)
            outputs, _, name = systems[role, binding].play(longer)
            assert outputs == machine.run(longer), (state, longer)
            assert machine.after(longer).startswith(name) or name == "CLOSED", longer


@pytest.mark.parametrize(("role", "binding"), KEPT)
def test_random_words_are_answered_as_kept(role: str, binding: str, systems: Systems) -> None:
    machine, choose = kept_machine(role, binding), random.Random(role + binding)
    for _ in range(WORDS):
        # Words that live long: an access word, then letters at random.
        word = (*choose.choice(list(machine.access.values())), *choose.choices(machine.alphabet, k=LENGTH))
        assert systems[role, binding].play(word)[0] == machine.run(word), word


@pytest.mark.parametrize(("role", "binding"), KEPT)
def test_no_two_states_are_the_same_and_all_are_reached(role: str, binding: str) -> None:
    machine = kept_machine(role, binding)
    assert len(machine.minimal().states) == len(machine.states) == len(machine.access)
    assert machine.restricted(machine.alphabet).states == machine.states
