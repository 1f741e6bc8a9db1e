"""From what happens in a reference peer to the events of the control plane.

The table names its events for the proofs, and in more detail than an implementation of others could tell. The control
plane has few, with closed fields; what has no translation here is not told.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from .events import Event

Fields = Mapping[str, Any]
Told = tuple[str, dict[str, Any]]


def translate(event: Event) -> Told | None:
    """Name and fields on the control plane, or None for what is not told there."""
    tell = _TELL.get(event.name)
    return tell(event.fields) if tell else None


def _peer(fields: Fields) -> Told:
    return "peer", {"identity": fields["id_cred"]}


def _verdict(direction: str) -> Callable[[Fields], Told]:
    return lambda fields: ("verdict", {"direction": direction, "tier": fields["tier"]})


def _code(name: str, direction: str) -> Callable[[Fields], Told]:
    return lambda fields: (name, {"direction": direction, "code": fields["code"]})


def _receipt(fields: Fields) -> Told:
    return "receipt", {"direction": "received", "count": fields["count"], "code": fields["code"]}


def _open(fields: Fields) -> Told:
    suite = {} if fields["suite"] is None else {"suite": fields["suite"]}
    return "open", {"sid": fields["sid"], **suite}


def _digest(content: str) -> str:
    return sha256(bytes.fromhex(content)).hexdigest()


def _labelled(fields: Fields) -> Told:
    told = {"labelled": True, "digest": _digest(fields["content"])}
    return "data", {**told, "content_type": fields["content_type"], "sequence": fields["sequence"]}


def _closed(fields: Fields) -> Told:
    how = "truncated" if fields.get("truncated") else "clean" if fields["clean"] else "refused"
    return "closed", {"how": how, "unconfirmed": fields.get("unconfirmed", 0)}


_TELL: Mapping[str, Callable[[Fields], Told]] = {
    "state": lambda fields: ("state", {"state": fields["state"]}),
    "authenticated_i": _peer,
    "authenticated_r": _peer,
    "open": _open,
    "verdict_sent": _verdict("sent"),
    "verdict_received": _verdict("received"),
    "verdict_rejected": _verdict("received"),
    "label_accepted": _labelled,
    "data_accepted": lambda fields: ("data", {"labelled": False, "digest": _digest(fields["content"])}),
    "receipt": _receipt,
    "alert_sent": _code("alert", "sent"),
    "alert_received": _code("alert", "received"),
    "edhoc_error": _code("edhoc_error", "received"),
    "edhoc_error_sent": _code("edhoc_error", "sent"),
    "refused": lambda fields: ("error", {"message": fields["reason"][:1000], "check": fields["check"]}),
    "timeout": lambda fields: ("error", {"message": "a deadline has passed"}),
    "closed": _closed,
}
