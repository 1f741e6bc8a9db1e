"""The learner against reference peers in this process."""

import pytest

from trustconn.harness.learn.learner import learn
from trustconn.harness.learn.letters import VERBS, alphabet
from trustconn.harness.learn.system import System
from trustconn.harness.learn.table_machine import kept_machine
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role


def system(role: Role, *, off: frozenset[str] = frozenset()) -> System:
    letters = alphabet(role, full=False, verbs=VERBS)
    table = kept_machine(role).restricted([letter.name for letter in letters])
    return System(LocalIut(role, off=off), letters, table)


@pytest.mark.parametrize("role", ["device", "service"])
def test_the_complete_peer_is_the_table(role: Role) -> None:
    asked = system(role)
    learned = learn(asked)
    assert learned.machine.steps == asked.table.steps
    assert set(learned.machine.states) == set(asked.table.states)
    assert learned.effort.resets < 500
