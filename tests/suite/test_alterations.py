"""An alteration that happens to change nothing is no fault: the tester makes it one."""

from trustconn.harness.tester.deviation import AlterInside
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.tester.operators import flip_item
from trustconn.harness.verdict.verdict import Reaction
from trustconn.model.protocol.edhoc import C_I, handshake

PATH = (handshake(0).message_1.args.index(C_I),)


def reaction(deviation: AlterInside) -> Reaction:
    iut = LocalIut("service")
    return iut.converse(deviation).outcome(iut.is_alive, deferred=True).reaction


def test_what_changes_nothing_is_changed_otherwise() -> None:
    assert reaction(AlterInside("message_1", PATH, lambda value: value)) is Reaction.ACCEPTED
    assert reaction(AlterInside("message_1", PATH, lambda value: value, flip_item)) is Reaction.REFUSED
