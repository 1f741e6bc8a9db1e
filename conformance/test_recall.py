"""What an implementation remembers of labels: all that it accepted, and nothing that it refused."""

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.keys import signer
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Tale, tell, tell_no_more
from ..model.protocol.frames import own
from ..model.terms import ITEM
from .bench import Bench
from .case import Case, fault, for_each
from .labelling import accepted, faulty, label_of, send, sequence_of, telling
from .parties import LETTERS
from .stages import StageNotReached

ROLES = ("device", "service")
BEHIND = 5
"""Labels between the first use of an identifier and its second one."""


@for_each(fault(role, "label_cti_is_new", "repeat", "cti-of-long-ago") for role in ROLES)
def test_identifier_of_long_ago(case: Case, bench: Bench) -> None:
    """Data refused solely because its label has the identifier of one that was accepted some labels before: LBL-11."""

    def first(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        tell(peer, {label_of(peer).cti: _identifier(peer)})
        accepted(conversation)
        tell_no_more(peer)
        for _ in range(BEHIND):
            accepted(conversation)

    again = telling(lambda peer: {label_of(peer).cti: _identifier(peer)})
    bench.refuses(Deviation(), faulty(again, after=first))


def _identifier(peer: TesterEndpoint) -> bytes:
    return peer.sid[::-1]


FAR_AHEAD = 100
REFUSED: dict[str, str] = {
    "signature": "a label that nobody signed",
    "sid": "a label of another session",
    "digest": "a label of other content",
}


@for_each(Case(role, ("LBL-09",), "accept", f"seq-behind-a-refused-{what}") for role in ROLES for what in REFUSED)
def test_number_of_a_refused_label(case: Case, bench: Bench) -> None:
    """A label that is refused uses up no number: the next good one, with a lower number, is accepted: LBL-09."""
    what = case.field.rpartition("-")[2]

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        try:
            accepted(conversation)
            number = sequence_of(conversation.peer)
            _refused(conversation, what)
            tell(conversation.peer, {label_of(conversation.peer).sequence: cbor.encode(number + 1)})
            accepted(conversation)
        except StageNotReached as error:
            return f"behind {REFUSED[what]}: {error}"
        return ""

    bench.works(play)


def _refused(conversation: Conversation, what: str) -> None:
    """Data under a label that is wrong in one thing and far ahead in its number."""
    peer = conversation.peer
    label = label_of(peer)
    terms = {"signature": label.signature, "sid": label.sid, "digest": label.digest}
    ahead: Tale = {label.sequence: cbor.encode(sequence_of(peer) + FAR_AHEAD)}
    tell(peer, {**ahead, terms[what]: lambda p, honest: one_bit_other(honest)})
    before, name = len(peer.observations), f"RECEIPT_{peer.peer}"
    send(peer)
    conversation.flush()
    tell_no_more(peer)
    if not conversation.until_seen(name, before):
        raise StageNotReached("no receipt for bad data")
    if (receipt := conversation.saw(name, before)) is None or receipt.code == 0:
        raise StageNotReached("bad data was accepted")


@for_each(fault(role, "label_signature_verifies", "label", "key-in-the-label") for role in ROLES)
def test_key_in_the_label(case: Case, bench: Bench) -> None:
    """Data refused solely because its label is signed by the key of a certificate that it brings itself: LBL-05."""
    iut = bench.iut
    other = iut.pki.party(iut.opposite, "another platform")
    assert other.key is not None
    sign = signer(other.key)
    chain = cbor.encode([other.leaf.der, *(issuer.der for issuer in other.chain)])

    def tale(peer: TesterEndpoint) -> Tale:
        label = label_of(peer)
        brought = own(LETTERS[iut.opposite], "LABEL_CHAIN", ITEM)
        return {brought: chain, label.signature: lambda p, honest: sign(p.run.value(label.tbs))}

    bench.refuses(Deviation(), faulty(telling(tale)))
