"""The learner against reference peers in this process."""

import pytest

from trustconn.harness.learn.learner import learn
from trustconn.harness.learn.letter import VERBS
from trustconn.harness.learn.letters import alphabet
from trustconn.harness.learn.system import System
from trustconn.harness.learn.table_machine import kept_machine
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.session import Role


def system(role: Role, binding: str) -> System:
    letters = alphabet(role, binding, full=False, verbs=VERBS)
    table = kept_machine(role, binding).restricted([letter.name for letter in letters])
    return System(LocalIut(role, binding=binding), letters, table)


@pytest.mark.parametrize("role", ["device", "service"])
@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_the_complete_peer_is_the_table(role: Role, binding: str) -> None:
    asked = system(role, binding)
    learned = learn(asked)
    assert learned.machine.steps == asked.table.steps
    assert set(learned.machine.states) == set(asked.table.states)
    assert learned.effort.resets < 500
