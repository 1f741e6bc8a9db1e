"""Attacks on an implementation: what each came to, and what it should have."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...model.checks import CHECKS
from ...model.extract.committed import attacks
from ...model.table import NET
from ...model.verifier import charts
from ...model.verifier.attack import Attack
from ..iut.control import ControlError
from ..iut.launch import LaunchError
from ..peer.binding import BINDINGS, DEFAULT
from ..peer.tcp import TcpError
from ..tester.conversation import Conversation
from ..tester.local import LocalIut
from ..tester.session import Iut, NeedNotMet
from ..verdict.allowed import CERTIFICATE_RULES, Allowed, allowed_refusals
from ..verdict.verdict import Reaction
from .cast import Cast
from .handshakes import played_as
from .player import Lost, Performance, Played, configured
from .story import Inexpressible, Story

BESIDE = "beside.toml"
REPORTED_AS = {"commit_I": "open", "commit_R": "open"}
"""Events of claims by the name under which a reference peer reports them."""
REFUSALS = ("refused", "data_refused")


class Result(Enum):
    """What came of an attack."""

    REFUSED = "refused"
    """At the step where the missing check would stand, for its reason."""
    SUCCEEDED = "succeeded"
    """The implementation went on to the event that the claim forbids."""
    OTHERWISE = "otherwise"
    """It stopped elsewhere, or for another reason, or without a word."""
    BROKEN = "broken"
    """It crashed, or hangs."""
    UNPLAYED = "not played"
    """The attack has no octets, or the implementation cannot be brought into its mode."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Where octets are not quite the terms, `because` of what; `also` are further checks that stop the attack."""

    also: tuple[str, ...] = ()
    unplayed: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One attack on one implementation. `at` is the message that a complete one refuses, `seen` what it answered."""

    attack: str
    claim: str
    role: str
    result: Result
    at: str = ""
    seen: str = ""
    expected: tuple[str, ...] = ()
    reason: str = ""
    shown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@cache
def stories() -> Mapping[str, Story]:
    """Every attack of the removal matrix by its name, the missing checks."""
    return {name: Story(name, data) for name, data in attacks().items()}


@cache
def beside() -> Mapping[str, Beside]:
    """Attacks whose octets are not quite their terms."""
    data = tomllib.loads((files(__package__) / BESIDE).read_text(encoding="utf-8"))
    return {
        name: Beside(tuple(entry.get("also", ())), entry.get("unplayed", False), entry["because"])
        for name, entry in data.items()
    }


def missing(story: Story) -> frozenset[str]:
    """The checks without which the attack succeeds in octets."""
    return frozenset((*story.checks, *beside().get(story.name, Beside()).also))


def allowed(story: Story, binding: str, played: Played | None = None) -> Allowed:
    """The refusals of the missing checks at the step where they stand; none, once the implementation has gone on."""
    message, handshake = place(story, binding), story.refused.message.channel == NET
    if played is not None and played.conversation.peer.channel_stands:
        handshake = False  # What judges certificates behind the handshake refuses in the session.
    certificates = CERTIFICATE_RULES.get(binding, "")
    rules = [allowed_refusals(CHECKS[check], handshake=handshake, certificates=certificates) for check in story.reasons]
    specified = frozenset().union(*(rule.specified for rule in rules))
    if played is not None and played.later:
        return Allowed(frozenset(f"{action} to {message}" for action in specified), frozenset(), rules[0].because)
    tolerated = frozenset().union(*(rule.tolerated for rule in rules))
    return Allowed(specified, tolerated - specified, rules[0].because)


def place(story: Story, binding: str) -> str:
    """The message that a complete implementation refuses."""
    message = played_as(story.refused.message, binding)
    return message.name if message is not None else ""


def is_over(story: Story, binding: str) -> bool:
    """Whether each check that an attack needs gone is made over a binding."""
    return all(CHECKS[check].binding in ("", binding) for check in story.checks)


def perform(story: Story, iut: Iut) -> Played:
    """Play an attack on an implementation in the mode of its trace.

    Raises:
        NeedNotMet: the implementation does not offer what it takes.
        Inexpressible: the attack has no octets.
        Lost: a run of the suite's own does not follow the trace.
    """
    known = beside().get(story.name, Beside())
    if known.unplayed:
        raise Inexpressible(known.because)
    if not is_over(story, iut.binding):
        raise NeedNotMet(f"over {iut.binding} there is no {story.name}")
    with configured(story, iut):
        return Performance(story, iut).play()


def honest(story: Story, iut: Iut) -> Conversation:
    """An honest conversation in the mode of an attack.

    Raises:
        ControlFailed: it did not work.
        NeedNotMet: the implementation cannot be brought into this mode.
    """
    with configured(story, iut):
        return iut.good(world=Cast(story, iut, iut.stream("honest")).peer())


def attempt(story: Story, iut: Iut) -> Trial:
    """Play an attack, and say what came of it."""
    return _attempted(story, iut).trial


@dataclass(frozen=True, slots=True)
class _Attempt:
    trial: Trial
    played: Played | None = None


def _attempted(story: Story, iut: Iut) -> _Attempt:
    try:
        played = perform(story, iut)
    except (Inexpressible, NeedNotMet, Lost, TcpError, LaunchError, ControlError) as error:
        return _Attempt(Trial(story.name, story.claim, iut.role, Result.UNPLAYED, reason=str(error)))
    at, rule = place(story, iut.binding), allowed(story, iut.binding, played)
    expected = tuple(sorted(rule.specified))
    result, reason = _judged(played, rule)
    seen = played.outcome.action or played.outcome.reaction.value
    shown, notes = played.shown, played.notes
    return _Attempt(Trial(story.name, story.claim, iut.role, result, at, seen, expected, reason, shown, notes), played)


def _judged(played: Played, rule: Allowed) -> tuple[Result, str]:
    outcome = played.outcome
    if outcome.reaction is Reaction.ACCEPTED and played.reached:
        return Result.SUCCEEDED, ""
    if outcome.reaction in (Reaction.CRASHED, Reaction.HUNG):
        return Result.BROKEN, ""
    if not played.reached:
        return Result.OTHERWISE, "it stopped before the step"
    if outcome.action in rule.specified | rule.tolerated:
        return Result.REFUSED, ""
    return Result.OTHERWISE, f"expected {', '.join(sorted(rule.specified))}"


@dataclass(frozen=True, slots=True)
class Pair:
    """One attack on the reference peer without the checks, and on the complete one, which named `refused_by`.

    `violated` says that without the checks a run came to the event of which the claim says that it cannot.
    """

    story: Story
    without: Trial
    complete: Trial
    violated: bool
    refused_by: str

    @property
    def deviation(self) -> str:
        """What is not as it must be, nothing if all is: it succeeds without, and is refused by a missing check."""
        if self.without.result is Result.UNPLAYED:
            return "" if beside().get(self.story.name, Beside()).unplayed else self.without.reason
        if self.without.result is not Result.SUCCEEDED:
            return f"without the check it is {self.without.result.value}: {self.without.seen} {self.without.reason}"
        if not self.violated:
            return f"without the check no run comes to {self.story.event}"
        if self.complete.result is not Result.REFUSED:
            return f"with the check it is {self.complete.result.value}: {self.complete.seen} {self.complete.reason}"
        if self.refused_by not in self.story.reasons:
            return f"the complete peer refuses by {self.refused_by}"
        return ""


def both(story: Story, seed: int, binding: str = DEFAULT) -> Pair:
    """Play an attack against reference peers in this process: one without the checks, and a complete one."""
    try:
        role = story.victim.role
    except Inexpressible as error:
        trial = Trial(story.name, story.claim, "", Result.UNPLAYED, reason=str(error))
        return Pair(story, trial, trial, False, "")
    faulty, complete = (
        LocalIut(role, off=off, seed=f"attack/{seed}".encode(), binding=binding)
        for off in (missing(story), frozenset[str]())
    )
    without, refused = _attempted(story, faulty), _attempted(story, complete)
    honest_runs = without.played.honest if without.played is not None else {}
    claimant = honest_runs.get(story.claiming, faulty.latest)
    events = [event.name for event in claimant.events] if claimant is not None else []
    name, _, number = story.event.partition(" ")
    violated = events.count(REPORTED_AS.get(name, name)) >= int(number or 1)
    refusals = [e.fields["check"] for e in complete.latest.events if e.name in REFUSALS] if complete.latest else []
    return Pair(story, without.trial, refused.trial, violated, refusals[0] if refusals else "")


def found(file: Path) -> tuple[Story, ...]:
    """The attacks that `trustconn verify --matrix --json` has written, on tables that peers play.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    try:
        answers = json.loads(file.read_text(encoding="utf-8"))["answers"]
        played = [answer for answer in answers if answer.get("variant", DEFAULT) in BINDINGS]
        return tuple(_found(answer["without"], broken) for answer in played for broken in answer["broken"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not what `verify --matrix --json` writes: {type(error).__name__} {error}") from error


def _found(without: Iterable[str], broken: Mapping[str, Any]) -> Story:
    if unknown := [check for check in without if check not in CHECKS]:
        raise ValueError(f"no such check: {', '.join(map(str, unknown))}")
    text = charts.text(Attack.from_json(broken["attack"]))
    return Story(" + ".join(without), {**broken, "text": text})


def chosen(
    names: Iterable[str], role: str | None = None, among: Iterable[Story] | None = None, binding: str = DEFAULT
) -> tuple[Story, ...]:
    """Attacks that need all the named checks missing, which are made over a binding, on a `role` if one is given.

    They are `among` those of the removal matrix, unless others are given.
    """
    wanted = frozenset(names)
    known = stories().values() if among is None else among
    over = (s for s in known if is_over(s, binding))
    return tuple(s for s in over if wanted <= frozenset(s.checks) and _is_on(s, role))


def _is_on(story: Story, role: str | None) -> bool:
    """Whether an attack is on this role; one that cannot be read is shown with every role."""
    try:
        return role in (None, story.victim.role)
    except Inexpressible:
        return True
