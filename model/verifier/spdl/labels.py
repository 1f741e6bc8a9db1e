"""Labels pair what is sent with what is received: claims of agreement compare no other messages."""

from __future__ import annotations

from .lexer import SpdlError
from .syntax import Event, ProtocolTree


def check_labels(protocol: ProtocolTree) -> None:
    """Each label of a protocol that is received is sent: both once. One that starts with `!` is free.

    Raises:
        SpdlError: with the place of the event that has no counterpart, or more than one.
    """
    events: dict[str, dict[str, list[Event]]] = {"send": {}, "recv": {}}
    for event in (item for role in protocol.roles for item in role.items if isinstance(item, Event)):
        if event.keyword in events and not event.label.startswith("!"):
            events[event.keyword].setdefault(event.label, []).append(event)
    for label, received in events["recv"].items():
        sent = events["send"].get(label)
        if sent is None:
            raise _error(f"nothing is sent as {label}: a label without counterpart starts with '!'", received[0])
        for event in (*sent[1:], *received[1:]):
            raise _error(f"there is a {event.keyword}_{label} already in protocol {protocol.name.value}", event)


def _error(message: str, event: Event) -> SpdlError:
    return SpdlError(message, event.at.line, event.at.column)
