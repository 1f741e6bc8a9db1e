"""Two implementations, neither of them the suite's tester, in whole conversations with each other."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..deadline import Deadline
from . import node
from .control import ControlClient, ControlError
from .description import Description
from .features import BINDINGS
from .launch import LaunchedIut, LaunchError
from .process import ProcessError
from .reference import reference

CONTENT = b"set point 20.0"
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Implementation:
    """One that can play both roles: how it is described, what it speaks, and what it lacks to be started."""

    name: str
    bindings: tuple[str, ...]
    describe: Callable[[str, Path, str], Description]
    missing: Callable[[], str]


def _python(role: str, credentials: Path, binding: str) -> Description:
    return reference(role, credentials, binding=binding)


IMPLEMENTATIONS = (
    Implementation("Python", BINDINGS, _python, str),
    Implementation("Node.js", node.BINDINGS, node.node, node.missing),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How one pair did: `passed`, `failed` or `not available`, and why."""

    device: str
    service: str
    binding: str
    status: str
    reason: str = ""


def play(device: Implementation, service: Implementation, binding: str, credentials: Path) -> Result:
    """A conversation over one binding, with the folders `device` and `service` that `provision both` wrote."""
    lacks = "; ".join(dict.fromkeys(lack for each in (device, service) if (lack := each.missing())))
    names = (device.name, service.name, binding)
    if lacks:
        return Result(*names, "not available", lacks)
    described = (each.describe(role, credentials / role, binding) for each, role in _roles(device, service))
    try:
        with LaunchedIut(next(described)) as initiator, LaunchedIut(next(described)) as responder:
            assert initiator.control and responder.control, "both have a control plane"
            converse(initiator.control, responder.control, responder)
    except (ControlError, LaunchError, ProcessError, Disagreement) as error:
        return Result(*names, "failed", str(error))
    return Result(*names, "passed")


class Disagreement(Exception):
    """Both ends answered, and not the same."""


def _roles(device: Implementation, service: Implementation) -> tuple[tuple[Implementation, str], ...]:
    return (device, "device"), (service, "service")


def converse(device: ControlClient, service: ControlClient, responder: LaunchedIut) -> None:
    """Handshake, evidence of both, data with labels and receipts both ways, authenticated end.

    Raises:
        ControlError: an end refused, or an event that was due did not come.
        Disagreement: both ends differ about the session.
    """
    device.connect(responder.address)
    opened = [_event(plane, "open") for plane in (device, service)]
    if opened[0]["sid"] != opened[1]["sid"]:
        raise Disagreement("the two ends have different session ids")
    for sender, receiver in ((device, service), (service, device)):
        connection = _event(sender, "open")["connection"]
        sender.send(connection, CONTENT)
        data = _event(receiver, "data")
        if data["digest"] != sha256(CONTENT).hexdigest() or not data["labelled"]:
            raise Disagreement("data arrived otherwise than it was sent")
        if _event(sender, "receipt", direction="received")["code"]:
            raise Disagreement("data was refused")
    device.call("close", connection=opened[0]["connection"])
    for plane in (device, service):
        if (how := _event(plane, "closed")["how"]) != "clean":
            raise Disagreement(f"the session ended {how}")


def _event(plane: ControlClient, name: str, **fields: str) -> dict[str, Any]:
    """The first such event. What ends the connection before it came is the reason why it will not."""

    def matches(event: dict[str, Any]) -> bool:
        right = event["event"] == name and all(event.get(key) == value for key, value in fields.items())
        return right or event["event"] == "closed"

    event = plane.wait_event(matches, Deadline.after(_PATIENCE), name)
    if event["event"] != name:
        said = [str(each["message"]) for each in plane.events if each["event"] == "error"]
        raise Disagreement("; ".join([f"closed before {name}", *said]))
    return event
