"""Sessions under pseudonyms that the implementation has: what it tells, and whether two of them can be linked.

The tester is both relying parties; a third device of the same make is the control.
"""

from __future__ import annotations

from typing import Any

from ..harness.codec import cbor
from ..harness.identity.tester import ANOTHER
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.linking import Seen, links
from ..harness.tester.session import Iut
from ..model.protocol.frames import FLAG_ANONYMOUS
from .bench import Bench, opened
from .case import Case, for_each
from .forging import observed
from .parties import LETTERS
from .pseudonyms import RELYING_PARTIES, THIRD, relying, seen, under_pseudonym
from .test_credentials import ROLES


def _session(iut: Iut, world: World, **options: Any) -> tuple[str, Seen | None]:
    """Open, let the implementation send twice, ask for evidence again: what went wrong, and what was seen."""
    conversation, name = iut.converse(world=world, **options), LETTERS[iut.role]
    try:
        if wrong := opened(conversation):
            return wrong, None
        for nth in (1, 2):
            iut.sends(conversation, b"data")
            if not _until(conversation, f"DATA_{name}", nth):
                return "no data came", None
        conversation.peer.reattest()
        conversation.flush()
        if not _until(conversation, f"ATT_{name}", 2):
            return "no second evidence came", None
        found = seen(conversation)
        return "" if conversation.finish() else "the session did not close", found
    finally:
        conversation.close()


def _until(conversation: Conversation, name: str, count: int) -> bool:
    return conversation.until(lambda: sum(o.name == name for o in conversation.peer.observations) == count)


@for_each(Case(role, ("ANO-01", "ANO-02", "ANO-03"), "send", "own-pseudonym") for role in ROLES)
def test_own_pseudonym(case: Case, bench: Bench) -> None:
    """The implementation under a pseudonym passes every check, says so, and tells nothing else: ANO-02, ANO-03."""
    iut = bench.iut
    iut.need_feature("anonymous")
    letter = LETTERS[iut.role]

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        flags = cbor.decode(observed(conversation, f"HELLO_{letter}"))[1][5]
        if not flags & FLAG_ANONYMOUS:
            return f"flags {flags} without 4"
        token = cbor.decode(cbor.decode(cbor.decode(observed(conversation, f"ATT_{letter}"))[1][2])[1])
        told = cbor.decode(token.value[2]).keys() & TELLING
        return f"claims {sorted(told)} tell of the platform" if told else ""

    with iut.provisioned(under_pseudonym(iut, "", RELYING_PARTIES[0])):
        bench.works(play, world=relying(iut), off=frozenset())


TELLING = {257, 258, 259, 260, 261, 262, 264, 268, 269, 270, 271}
"""Claims of RFC 9711 that tell one platform from others: sueids, maker, model, version, uptime, location, bootseed."""


@for_each(Case(role, ("ANO-02", "ANO-03", "ANO-04"), "send", "to-two-relying-parties") for role in ROLES)
def test_unlinkable(case: Case, bench: Bench) -> None:
    """Nothing is common to what two relying parties see of one device, and not to what one sees of another: ANO-04."""
    iut = bench.iut
    iut.need_feature("anonymous")
    sessions: list[Seen] = []
    with iut.later():  # At one moment: what all devices say of the time is the same.
        for label, party, world in (
            ("", RELYING_PARTIES[0], relying(iut)),
            ("", RELYING_PARTIES[1], relying(iut, ANOTHER)),
            (THIRD, RELYING_PARTIES[0], relying(iut)),
        ):
            if label:
                iut.restart()
            with iut.provisioned(under_pseudonym(iut, label, party)):
                wrong, found = _session(iut, world)
            if wrong or found is None:
                return bench.show(wrong)
            sessions.append(found)
    return bench.show("; ".join(links(*sessions)))


@for_each((Case(role, ("ANO-04",), "send", "connection-identifiers") for role in ROLES), only="edhoc")
def test_connection_identifiers(case: Case, bench: Bench) -> None:
    """In eight sessions under pseudonyms the connection identifier is not always the same: ANO-04."""
    iut = bench.iut
    iut.need_feature("anonymous")
    message, found = ("message_1", set[bytes]()) if iut.role == "device" else ("message_2", set[bytes]())
    from ..model.protocol.edhoc import C_I, C_R

    own = C_I if iut.role == "device" else C_R
    for party in RELYING_PARTIES:
        with iut.provisioned(under_pseudonym(iut, "", party)):
            for _ in range(4):
                found.add(iut.good(world=relying(iut)).peer.run.value(own))
    bench.show("" if len(found) > 1 else f"{message} always has {found.pop().hex()}")
