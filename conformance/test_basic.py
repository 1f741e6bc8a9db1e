"""The honest conversation, before anything else: what fails here leaves nothing to say about any fault."""

from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Hold
from .bench import Bench, opened
from .case import Case, citing, for_each
from .stages import CONTENT, REPLY_CONTENT

ROLES = ("device", "service")


def _whole(role: str) -> Case:
    case = Case(role, ("SES-01",), "converse", "session")
    return citing(case, "EDH-11") if role == "service" else case


@for_each(map(_whole, ROLES))
def test_session_opens_and_closes(case: Case, bench: Bench) -> None:
    """Handshake, both attestations, both verdicts, OPEN, CLOSE both ways."""

    def play(conversation: Conversation) -> str:
        return opened(conversation) or ("" if conversation.finish() else "CLOSE was not answered")

    bench.works(play)


@for_each([Case("device", ("SES-01",), "waits-for", "HELLO_R")])
def test_device_waits(case: Case, bench: Bench) -> None:
    """The device says nothing between message_4 and the service's HELLO."""
    hold = Hold("HELLO_R")

    def play(conversation: Conversation) -> str:
        if not conversation.until(lambda: bool(hold.held)):
            return "the handshake did not end"
        early = len(conversation.peer.observations)
        conversation.connection.half_close()  # All that it says comes before its own end.
        conversation.until(lambda: conversation.ended is not None)
        return "a frame came before the service's HELLO" if len(conversation.peer.observations) > early else ""

    bench.works(play, deviation=hold)


@for_each(Case(role, ("LBL-01",), "send", "label") for role in ROLES)
def test_label_is_accepted(case: Case, bench: Bench) -> None:
    """A good label gets a RECEIPT with code 0."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.send_data(CONTENT, "text/plain")
        conversation.flush()
        name = f"RECEIPT_{conversation.peer.peer}"
        if not conversation.until_seen(name):
            return "no RECEIPT for a label"
        receipt = conversation.saw(name)
        return "" if receipt is not None and receipt.code == 0 else f"RECEIPT {receipt and receipt.code} for a label"

    bench.works(play)


@for_each(Case(role, ("LBL-01",), "receive", "label") for role in ROLES)
def test_label_is_sent(case: Case, bench: Bench) -> None:
    """The implementation labels what it sends, and the label verifies."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        bench.iut.sends(conversation, REPLY_CONTENT)
        events = conversation.peer.events
        conversation.until(lambda: any(e.name in ("label_accepted", "data_refused", "refused") for e in events))
        accepted = [e for e in events if e.name == "label_accepted"]
        return "" if accepted and accepted[0].fields["content"] == REPLY_CONTENT.hex() else "no label that verifies"

    bench.works(play, off=frozenset())
