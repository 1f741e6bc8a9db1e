"""What one end reports of one connection through its control plane, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ..iut.messages import Message
from ..tester.session import Role

ACCEPTED = 0
"""Code of a RECEIPT for data that was accepted."""


@dataclass(frozen=True, slots=True)
class View:
    """Empty fields were not reported. Digests are SHA-256, in hexadecimal digits."""

    role: Role
    identity: str
    """Its own, as the other end knows it."""
    peer: str = ""
    """Whom it authenticated."""
    sid: str = ""
    """The session's identifier once OPEN was reported."""
    suite: int | None = None
    sent: tuple[int, ...] = ()
    """Tiers of the verdicts that it gave."""
    received: tuple[int, ...] = ()
    """Tiers of the verdicts that it was given."""
    accepted: tuple[str, ...] = ()
    """Digests of the data that it accepted from its peer, in order."""
    sequences: tuple[int, ...] = ()
    """Sequence numbers of the labels among them."""
    confirmed: tuple[int, ...] = ()
    """Which of its own DATA, counted from 0, its peer was said to have accepted."""
    ended: str = ""
    """`clean`, `truncated` or `refused`."""
    refusals: tuple[str, ...] = ()
    """Why it refused, in its own words."""
    said: tuple[str, ...] = ()
    """Digests of the data that its application sent. Known to the tester, who asked for it."""
    asked_to_close: bool = False
    """Its application was asked to close."""

    @property
    def is_open(self) -> bool:
        """Whether it reported OPEN."""
        return bool(self.sid)

    @property
    def outcome(self) -> str:
        """In a few words."""
        reached = "open" if self.is_open else f"peer {self.peer}" if self.peer else "nothing"
        why = f" ({'; '.join(self.refusals)})" if self.refusals else ""
        return f"{self.role}: {reached}, {len(self.accepted)} data, {self.ended or 'no end'}{why}"


def view_of(role: Role, identity: str, events: Iterable[Message]) -> View:
    """The view that a connection's events add up to."""
    view = View(role, identity)
    for event in events:
        if (read := _READ.get(event["event"])) is not None:
            view = read(view, event)
    return view


def _verdict(view: View, event: Message) -> View:
    tier = event["tier"]
    if event["direction"] == "sent":
        return replace(view, sent=(*view.sent, tier))
    return replace(view, received=(*view.received, tier))


def _data(view: View, event: Message) -> View:
    numbered = (event["sequence"],) if "sequence" in event else ()
    return replace(view, accepted=(*view.accepted, event["digest"]), sequences=(*view.sequences, *numbered))


def _receipt(view: View, event: Message) -> View:
    if event["direction"] != "received" or event["code"] != ACCEPTED:
        return view
    return replace(view, confirmed=(*view.confirmed, event.get("count", len(view.confirmed))))


def _refusal(view: View, event: Message) -> View:
    why = event.get("check") or event["message"]
    return replace(view, refusals=(*view.refusals, why[:80]))


def _alert(name: str) -> str:
    return "ALERT" if name == "alert" else "EDHOC error"


def _told(view: View, event: Message) -> View:
    word = "sends" if event["direction"] == "sent" else "gets"
    return replace(view, refusals=(*view.refusals, f"{word} {_alert(event['event'])} {event['code']}"))


_READ: Mapping[str, Callable[[View, Message], View]] = {
    "peer": lambda view, event: replace(view, peer=event["identity"]),
    "open": lambda view, event: replace(view, sid=event["sid"], suite=event.get("suite")),
    "verdict": _verdict,
    "data": _data,
    "receipt": _receipt,
    "alert": _told,
    "edhoc_error": _told,
    "error": _refusal,
    "closed": lambda view, event: replace(view, ended=event["how"]),
}
