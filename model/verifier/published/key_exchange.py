"""Diffie-Hellman key exchanges, from none of the protections to all of them.

Each function gives a protocol of two roles, `I` and `R`, with the events `running` and `done` on (I, R, key). `K` is derived
from the shared secret; `x` and `y` are the exponents.
"""

from __future__ import annotations

from ..protocol import STANDARD, Event, Protocol, Recv, Role, Send, Step, Symbol, Template, key_family

GX, GY_I = ("dh", "x"), "Y"
GX_R, GY = "X", ("dh", "y")
SECRET = {"I": ("dh", "x", "Y"), "R": ("dh", "y", "X")}
FRESH = {"I": {"x": "exponent"}, "R": {"y": "exponent"}}
SHARES = {"I": {"Y": "group"}, "R": {"X": "group"}}
CONSTANTS = {"session": "label", "mac key": "label", "seal": "label"}


def key(role: str, label: str = "session") -> Template:
    """The key that a role derives from the shared secret."""
    return ("kdf", SECRET[role], label)


def _mark(role: str, name: str) -> Event:
    return Event(name, ("I", "R", key(role)))


def _protocol(name: str, initiator: tuple[Step, ...], responder: tuple[Step, ...], **more: object) -> Protocol:
    """Two roles; in a template `gx`, `gy` and `K` stand for each role's own view of the shares and the key."""
    roles = []
    for role, steps in (("I", initiator), ("R", responder)):
        views = {"gx": GX if role == "I" else "X", "gy": GY if role == "R" else "Y", "K": key(role)}
        views |= {"Km": key(role, "mac key"), "Ke": key(role, "seal")}
        done = tuple(_view(s, views) for s in steps)
        roles.append(Role(role, ("I", "R"), role, done, FRESH[role], SHARES[role]))
    return Protocol(name, tuple(roles), constants=CONSTANTS, **more)  # type: ignore[arg-type]


def _view(step: Step, views: dict[str, Template]) -> Step:
    if isinstance(step, Send | Recv):
        return type(step)(_fill(step.message, views), step.label, step.sender, step.receiver)
    return step


def _fill(template: Template, views: dict[str, Template]) -> Template:
    if isinstance(template, str):
        return views.get(template, template)
    return (template[0], *(_fill(t, views) for t in template[1:]))


def _exchange(
    name: str, first: Template, second: Template, third: Template | None, neutral_element: bool = False
) -> Protocol:
    """The responder is running when it answers, the initiator when it sends its last message."""
    running, done = "running", "done"
    initiator: tuple[Step, ...] = (Send(first, "1"), Recv(second, "2"), _mark("I", running))
    responder: tuple[Step, ...] = (Recv(first, "1"), _mark("R", running), Send(second, "2"))
    if third is not None:
        initiator += (Send(third, "3"),)
        responder += (Recv(third, "3"),)
    return _protocol(
        name, (*initiator, _mark("I", done)), (*responder, _mark("R", done)), neutral_element=neutral_element
    )


def unauthenticated() -> Protocol:
    """Two shares and nothing else."""
    return _exchange("dh", "gx", "gy", None)


def signed() -> Protocol:
    """Both sign both shares; no identities are in the signatures."""
    return _exchange(
        "signed-dh", "gx", ("tuple", "gy", _sign("R", "gx", "gy", tag="2")), _sign("I", "gx", "gy", tag="3")
    )


def _sign(by: str, *content: Template, tag: str = "") -> Template:
    return ("sign", ("tuple", *content), ("sk", by))


def iso() -> Protocol:
    """ISO 9798-3 key exchange: each signature names the peer."""
    return _exchange(
        "iso-dh", "gx", ("tuple", "gy", _sign("R", "gy", "gx", "I")), _sign("I", "gx", "gy", "R")
    )


def sts() -> Protocol:
    """Station to station: the signatures are encrypted under the session key, without identities."""
    return _exchange(
        "sts",
        "gx",
        ("tuple", "gy", ("senc", _sign("R", "gy", "gx"), "K")),
        ("senc", _sign("I", "gx", "gy"), "K"),
    )
