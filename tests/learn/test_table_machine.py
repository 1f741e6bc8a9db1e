"""The kept machine is the table's: what the reference peer answers, letter by letter."""

import random

import pytest

from trustconn.harness.learn.letters import VERBS, alphabet
from trustconn.harness.learn.table_machine import LocalSystem, kept_machine
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role

ROLES: tuple[Role, ...] = ("device", "service")
WORDS, LENGTH = 60, 14


@pytest.fixture(scope="module")
def systems() -> dict[str, LocalSystem]:
    return {role: LocalSystem(LocalIut(role), alphabet(role, full=True, verbs=VERBS)) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_every_transition_is_answered_as_kept(role: str, systems: dict[str, LocalSystem]) -> None:
    machine = kept_machine(role)
    for state, word in machine.access.items():
        for letter in machine.alphabet:
            longer = (*word, letter)
            outputs, _, name = systems[role].play(longer)
            assert outputs == machine.run(longer), (state, longer)
            assert machine.after(longer).startswith(name) or name == "CLOSED", longer


@pytest.mark.parametrize("role", ROLES)
def test_random_words_are_answered_as_kept(role: str, systems: dict[str, LocalSystem]) -> None:
    machine, choose = kept_machine(role), random.Random(role)
    for _ in range(WORDS):
        # Words that live long: an access word, then letters at random.
        word = (*choose.choice(list(machine.access.values())), *choose.choices(machine.alphabet, k=LENGTH))
        assert systems[role].play(word)[0] == machine.run(word), word


@pytest.mark.parametrize("role", ROLES)
def test_no_two_states_are_the_same_and_all_are_reached(role: str) -> None:
    machine = kept_machine(role)
    assert len(machine.minimal().states) == len(machine.states) == len(machine.access)
    assert machine.restricted(machine.alphabet).states == machine.states
