"""What a role receives that does not come from the peer: its application, its TAM, the injected clock."""

from ..table import APP, TIMER, Message
from ..terms import ITEM, OCTETS, Term, seq, slot


def _app(label: str, *slots: Term) -> Message:
    return Message(f"app_{label}", APP, seq(*slots), "application")


def _timer(label: str) -> Message:
    return Message(f"timer_{label}", TIMER, seq(), "clock")


START = _app("start")
SEND = _app("send", slot("CONTENT", OCTETS), slot("CONTENT_TYPE", ITEM))
"""The application hands over data to be labelled and sent."""
CLOSE = _app("close")
REATTEST = _app("reattest")
PING = _app("ping", slot("PING", ITEM))

HANDSHAKE_TIMEOUT = _timer("handshake")
VERDICT_TIMEOUT = _timer("verdict")
VALIDITY_ENDS = _timer("validity")
EXPIRED_TIMEOUT = _timer("expired")
