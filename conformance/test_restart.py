"""What survives a restart of the implementation, and what must not. Where it cannot be restarted, not exercised."""

import dataclasses
from collections.abc import Iterator

from ..harness.codec import cbor
from ..harness.identity.world import Memory
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Lie
from ..harness.tester.session import Iut
from ..model.protocol.labels import LABEL
from .bench import Bench
from .case import Case, citing, fault, for_each
from .stages import Stage, when_open
from .talk import PEER, Talk, Wrong, tell, works_again

ROLES = ("device", "service")
SESSIONS_LATER = 1000
"""Labels that the tester skips, so that a number is new whatever was sent before."""


def _used_sequences() -> Iterator[Case]:
    for role in ROLES:
        for how, less in (("same", 0), ("less", 1)):
            case = fault(role, "label_seq_increases", f"{how}-after-restart", "LABEL.sequence", less)
            yield citing(case, "SES-31")


def starting_at(iut: Iut, sequence: int) -> Memory:
    """The tester's memory as it was when its next label had this number."""
    return dataclasses.replace(iut.world.memory, own_sequence=sequence)


def first_label(bench: Bench, sequence: int, deviation: Deviation | None = None) -> None:
    """A label with this number is accepted; then the implementation restarts."""
    conversation = bench.iut.converse(deviation, world=bench.iut.fresh_world(memory=starting_at(bench.iut, sequence)))
    talk = Talk(bench.iut, conversation)
    try:
        talk.open()
        talk.send_data()
    finally:
        conversation.close()
    bench.iut.world.memory.sent_sequence(sequence)
    bench.iut.restart()


def sending(deviation: Deviation) -> Stage:
    """Open, then send a label, which is the fault."""

    def send(iut: Iut, conversation: Conversation) -> None:
        deviation.happened(conversation.peer)
        conversation.peer.send_data(b"21.5 degrees", "text/plain")

    return when_open(send)


@for_each(_used_sequences())
def test_used_sequence(case: Case, bench: Bench) -> None:
    """A new label with a number that was used before the restart (LBL-09, SES-31)."""
    sequence = bench.iut.world.memory.own_sequence + SESSIONS_LATER
    first_label(bench, sequence)
    world = bench.iut.fresh_world(memory=starting_at(bench.iut, sequence - case.data))
    deviation = Deviation()
    bench.refuses(deviation, sending(deviation), world=world)


def _used_identifiers() -> Iterator[Case]:
    for role in ROLES:
        yield citing(fault(role, "label_cti_is_new", "same-after-restart", "LABEL.cti"), "SES-31")


@for_each(_used_identifiers())
def test_used_identifier(case: Case, bench: Bench) -> None:
    """A label with a new number and the identifier of one from before the restart (LBL-11, SES-31)."""
    letter = PEER[case.role]
    identifier = LABEL[letter].cti.defs[bench.iut.opposite]
    cti = bench.iut.rng.child(f"cti {bench.iut.world.memory.own_sequence}")(16)

    def same() -> Lie:
        return Lie(identifier, cti, f"DATA_{letter}")

    first_label(bench, bench.iut.world.memory.own_sequence, same())
    bench.refuses(
        same(), when_open(lambda iut, conversation: conversation.peer.send_data(b"21.5 degrees", "text/plain"))
    )


@for_each(Case(role, ("LBL-09", "SES-31"), "continues", "LABEL.sequence") for role in ROLES)
def test_own_sequence_goes_on(case: Case, bench: Bench) -> None:
    """The implementation's own labels count on where they were before the restart."""
    numbers: list[int] = []

    def script(talk: Talk) -> None:
        talk.open()
        talk.receive_data()
        numbers.append(cbor.decode(talk.peer.run.value(LABEL[talk.peer.peer].sequence)))

    tell(bench, script)
    bench.iut.restart()
    tell(bench, script)
    if len(numbers) < 2 or numbers[1] <= numbers[0]:
        bench.show(f"labels before and after the restart: {numbers}")


@for_each(Case(role, ("SES-31",), "ends", "session") for role in ROLES)
def test_no_session_survives(case: Case, bench: Bench) -> None:
    """After a restart the old connection carries nothing any more, and a new one works."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.iut.restart()
        talk.put("PING")
        talk.expect_end()
        if wrong := works_again(talk.iut):
            raise Wrong(wrong)

    tell(bench, script)
