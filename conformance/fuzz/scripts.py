"""Scripts, honest lives of a session, and the places in them where an attacker can do something else.

A script is played once to a complete peer; each message that goes out on the way is a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...harness.evaluator.errors import Unbound
from ...harness.evaluator.run import Run
from ...harness.tester.fields import Path
from ...harness.tester.local import LocalIut
from ...model.protocol.tables import profile
from ...model.table import Message
from ...model.terms import Term
from .player import Player
from .puppet import Pending
from .telling import CONTAINERS, fields_of, is_encoded, value_at
from .trace import Step, Trace, step
from .values import fitting

SHORT = 40
"""Seconds of validity in scripts whose session expires."""


@dataclass(frozen=True)
class Place:
    """A message about to go out: in which step of a script, made in which, and the values of its fields."""

    script: Trace
    at: int
    made: int
    name: str
    nth: int
    operators: dict[Path, list[str]]
    terms: dict[Path, Term]

    @property
    def before(self) -> tuple[Step, ...]:
        """The script up to the moment where this message is next."""
        return (*self.script.steps[: self.at], step("go", until=self.name, nth=self.nth or None))

    def followed(self, *steps: Step) -> Trace:
        """Something done there, and then what shows the reaction."""
        return self.script.with_steps((*self.before, *steps, *TAIL))

    def closely_followed(self, *steps: Step) -> Trace:
        """As `followed`, for what shows at once."""
        return self.script.with_steps((*self.before, *steps, *self.end))

    @property
    def end(self) -> tuple[Step, ...]:
        """The shortest end that shows what the implementation made of this message."""
        return END if self.name.startswith(("message", "HELLO")) else TAIL


END = (step("go"), step("ping"))
"""An honest peer goes on, and proves that the other side is there."""
TAIL = (*END, step("data"), step("go"))
"""It sends data too."""


def plain_life(**opening: Any) -> tuple[Step, ...]:
    """A life in which both sides send data and the tester asks for evidence again; `opening` is for its first step."""
    return (
        step("open", **opening), step("go"), step("ping"), step("data"), step("go"), step("their-data"), step("go"),
        step("reattest"), step("go"), step("data"), step("go"),
    )  # fmt: skip


def _asked(**opening: Any) -> tuple[Step, ...]:
    """A life in which the implementation asks for evidence again, before the first verdict ends."""
    return (
        step("open", **opening), step("go"), step("data"), step("go"), step("clock", seconds=100), step("go"),
        step("data"), step("go"), step("their-data"), step("go"),
    )  # fmt: skip


PLAIN, AGAIN = "life", "asked"
_AGAIN = {"reattest_interval": 100}


def scripts(role: str) -> dict[str, Trace]:
    """Honest lives of a session with an implementation of `role`, by name."""
    closing = (step("close"), step("go"))
    lives: dict[str, Trace] = {
        PLAIN: Trace(role, (*plain_life(), *closing)),
        AGAIN: Trace(role, (*_asked(), *closing), _AGAIN),
        "waived": Trace(role, (*plain_life(waiver=True), *closing)),
        "unasked": Trace(role, (*plain_life(requires=False), *closing)),
        "their-waiver": Trace(role, (*plain_life(), *closing), {"presents_waiver": True}),
        "their-trust": Trace(role, (*plain_life(), *closing), {"requires_evidence": False}),
        "suite-2": Trace(role, (*plain_life(suites=[2]), *closing), {"suites": [2]}),
        "known": Trace(role, (*plain_life(known=True, reference="x5t"), *closing)),
        "their-close": Trace(role, (*plain_life(), step("their-close"), step("go"))),
        "expired": Trace(
            role,
            (
                step("open", policy={"valid_for": SHORT}), step("go"), step("clock", seconds=SHORT), step("go"),
                step("frame", kind="DATA"), step("reattest"), step("go"), step("ping"),
            ),
        ),
    }  # fmt: skip
    return lives


# --- places ----------------------------------------------------------------------------------------------------------


class _Surveyor(Player):
    """Plays scripts and notes each message as it goes out."""

    def __init__(self, iut: LocalIut) -> None:
        super().__init__(iut)
        self.places: list[tuple[int, Pending, Run]] = []

    def release(self, playing: Any) -> None:
        head = playing.puppet.pending[0]
        if not head.message.by_library:  # There is nothing in it that a trace could name.
            self.places.append((self._at, head, playing.conversation.peer.tam.run))
        super().release(playing)


def places(surveyor: LocalIut, script: Trace) -> list[Place]:
    """Every message of the tester in a script."""
    player = _Surveyor(surveyor)
    player.play(script)
    now = surveyor.clock.now()
    found = []
    for at, pending, module in player.places:
        found.append(_place(script, at, pending.made, pending.message, pending.nth, pending.knowledge, now))
        if pending.message.name.startswith("ATT_") and not pending.message.name.startswith("ATT_REQ"):
            quote = profile().messages[f"quote_{pending.message.name[-1]}"]
            found.append(_place(script, at, pending.made, quote, pending.nth, module, now))
    return found


def _place(script: Trace, at: int, made: int, message: Message, nth: int, run: Run, now: int) -> Place:
    operators: dict[Path, list[str]] = {}
    terms: dict[Path, Term] = {}
    for path, item in fields_of(message.name).items():
        try:
            value = value_at(run, message, path)
        except (Unbound, LookupError, ValueError, TypeError):
            continue
        shallow = item.term.op in CONTAINERS
        operators[path] = fitting(value, item=is_encoded(item.term), now=now, shallow=shallow)
        terms[path] = item.term
    return Place(script, at, made, message.name, nth, operators, terms)
