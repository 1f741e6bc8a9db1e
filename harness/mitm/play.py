"""Plays scenarios and judges them: the same conversation works before and after, and what was to happen did happen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..iut.control import ControlError, ControlRefused
from ..iut.launch import LaunchError
from ..iut.process import ProcessError
from ..peer.tcp import TcpError
from ..tester.deviation import TesterFault
from ..tester.session import OPPOSITE, ControlFailed, NeedNotMet
from ..verdict.transcript import Transcript
from ..verdict.verdict import PASSING, Grade, Judgement, NotExercised, Verdict, Witness, judged
from .agreement import Allowed, disagreements, matching
from .cast import Cast
from .ends import GRACE, Pair
from .scenario import Expected, Scenario
from .scene import Scene
from .view import View
from .wire import Intruder

NO_CONVERSATION = (TcpError, LaunchError, ControlError, ControlFailed, ProcessError)
"""What keeps a scenario from coming to its point, without a fault of the tester."""
GROUP = 8
"""Scenarios that one good conversation before and one afterwards vouch for."""


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario with its judgement, what passed on the wire, and how long it took."""

    scenario: Scenario
    judgement: Judgement | NotExercised
    transcripts: Sequence[tuple[str, Transcript]] = ()
    seconds: float = 0.0

    @property
    def digest(self) -> str | None:
        """Of the first connection."""
        return self.transcripts[0][1].digest() if self.transcripts else None

    @property
    def waits(self) -> bool:
        """It would pass, if a good conversation worked afterwards."""
        if not isinstance(self.judgement, Judgement):
            return False
        if self.judgement.witness is None:
            return self.judgement.verdict is Verdict.PASS
        return self.judgement.grade in PASSING and self.judgement.witness.missing == ("alive_afterwards",)


class Player:
    """Plays on one pair. `suite` is what both ends choose when nobody interferes."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.cast = Cast(pair)
        self.suite: int | None = None
        self.closes_unasked = False
        self._why = ""
        """Why the latest honest conversation did not work."""

    # --- many --------------------------------------------------------------------------------------------------------

    def all(self, scenarios: Sequence[Scenario]) -> Iterator[Played]:
        """Every scenario, a group at a time; what a good conversation cannot vouch for is played again alone.

        Once an honest conversation fails, nothing else can be learnt: the rest is inconclusive, with the reason.
        """
        reason = self.pair.unmet()
        before = "" if reason else self._good()
        for start in range(0, len(scenarios), GROUP):
            group = scenarios[start : start + GROUP]
            if reason or not before:
                yield from (inconclusive(scenario, reason or self._why) for scenario in group)
                continue
            played = [self.play(scenario, before) for scenario in group]
            before = self._good()
            if before:
                yield from (_vouched(item, before) for item in played)
            else:
                yield from (self._alone(item.scenario) if item.waits else item for item in played)
                before = self._good()

    def _alone(self, scenario: Scenario) -> Played:
        before = self._good()
        return _vouched(self.play(scenario, before), self._good()) if before else inconclusive(scenario, self._why)

    def _good(self) -> str:
        """The digest of an honest conversation through the tester; empty when it did not work."""
        scene = Scene(self.pair, self.cast, "control")
        try:
            with self._configured({}):
                scene.through(Intruder())
                views = scene.end()
            if complaint := _not_working(views):
                raise ControlFailed(complaint)
        except NO_CONVERSATION as error:
            scene.abandon()
            self._why = f"an honest conversation did not work: {error}"
            return ""
        self.suite = self.suite or views[0].suite
        self.closes_unasked |= scene.closed_unasked
        return scene.legs[0].transcript.digest()

    # --- one ---------------------------------------------------------------------------------------------------------

    def play(self, scenario: Scenario, before: str) -> Played:
        """One scenario, between good conversations of which the first has the digest `before`."""
        started = time.monotonic()
        played, late = self._play(scenario, before)
        if late:
            self.pair.grace = self.pair.device.session.silence
            played, _ = self._play(scenario, before)
            self.pair.grace = GRACE
        return replace(played, seconds=time.monotonic() - started)

    def _play(self, scenario: Scenario, before: str) -> tuple[Played, bool]:
        scene = Scene(self.pair, self.cast, scenario.id)
        judgement: Judgement | NotExercised
        try:
            with self._configured(_configurations(scenario, self.cast)):
                scenario.play(scene)
                views = scene.end()
            judgement = self._judge(scenario, scene, views, before)
        except NeedNotMet as need:
            judgement = NotExercised(str(need))
        except NO_CONVERSATION as error:
            judgement = self._stopped(scenario, error)
        except (Exception, TesterFault) as error:  # The tester's own defect: told as such, and the run goes on.
            judgement = Judgement(Verdict.ERROR, _negative(scenario), reason=f"{type(error).__name__}: {error}")
        finally:
            scene.abandon()
        return Played(scenario, judgement, scene.transcripts()), scene.late

    def _stopped(self, scenario: Scenario, error: Exception) -> Judgement:
        reason = f"{type(error).__name__}: {error}"
        if crashed := self.pair.crashed():
            return Judgement(Verdict.FAIL, _negative(scenario), reason=f"the {crashed} no longer runs: {reason}")
        return Judgement(Verdict.INCONC, _negative(scenario), reason=reason)

    @contextmanager
    def _configured(self, configurations: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self.pair.configured(configurations))
            except ControlRefused as refused:
                raise NeedNotMet(str(refused)) from refused
            yield

    def _judge(self, scenario: Scenario, scene: Scene, views: Sequence[View], before: str) -> Judgement:
        verdict, grade, reason = self._concluded(scenario, scene, views)
        passes = verdict is Verdict.PASS
        if not _negative(scenario):
            return Judgement(verdict, False, reason="" if passes else reason)
        witness = Witness(before, scene.reached or None, reason if passes else None)
        if grade is not None and passes:
            return judged(verdict, grade, witness)
        return Judgement(verdict, True, grade, witness, reason)

    def _concluded(self, scenario: Scenario, scene: Scene, views: Sequence[View]) -> tuple[Verdict, Grade | None, str]:
        honest = frozenset(end.identity for end in self.pair.ends)
        insiders = {self.cast.identity(role): attests for role, attests in scenario.insiders.items()}
        allowed = Allowed(insiders, honest, self.suite, self.closes_unasked)
        seen = "; ".join(view.outcome for view in views)
        if crashed := self.pair.crashed():
            return Verdict.FAIL, Grade.CRASHED, f"the {crashed} no longer runs [{seen}]"
        if found := disagreements(views, allowed):
            return Verdict.FAIL, Grade.ACCEPTED, f"{'; '.join(found)} [{seen}]"
        if not scene.reached:
            return Verdict.INCONC, None, f"it did not come to that [{seen}]"
        if scene.unreported:
            return Verdict.INCONC, None, "; ".join(scene.unreported)
        if not _negative(scenario) and (wrong := _not_working(views)):
            return Verdict.FAIL, None, f"{wrong} [{seen}]"
        refused = any(view.refusals or view.ended != "clean" for view in views)
        return Verdict.PASS, Grade.SPECIFIED if refused else Grade.TOLERATED, seen


def _configurations(scenario: Scenario, cast: Cast) -> Mapping[str, Mapping[str, Any]]:
    """What each end is configured with."""
    found = {role: dict(values) for role, values in scenario.configurations.items()}
    for role in scenario.known:
        found.setdefault(OPPOSITE[role], {}).update(cast.introducing(role))
    return found


def inconclusive(scenario: Scenario, reason: str) -> Played:
    """Nothing could be learnt, for this reason."""
    return Played(scenario, Judgement(Verdict.INCONC, _negative(scenario), reason=reason))


def _vouched(played: Played, after: str) -> Played:
    """With the good conversation afterwards, or without it inconclusive."""
    if not played.waits:
        return played
    judgement = played.judgement
    assert isinstance(judgement, Judgement)
    if judgement.witness is None:
        dead = Judgement(Verdict.INCONC, judgement.negative, reason="no good conversation afterwards")
        return played if after else replace(played, judgement=dead)
    assert judgement.grade is not None
    witness = replace(judgement.witness, alive_afterwards=after or None)
    return replace(played, judgement=judged(Verdict.PASS, judgement.grade, witness))


def _negative(scenario: Scenario) -> bool:
    return scenario.expected is not Expected.WORKS


def _not_working(views: Sequence[View]) -> str:
    """What is missing of a conversation that works; empty when nothing is."""
    for view in views:
        match = matching(view, views)
        if not view.is_open or match is None:
            return f"the {view.role} is not open"
        if view.accepted != match.said or view.ended != "clean":
            return f"the {view.role} has accepted {len(view.accepted)} of {len(match.said)} data, end {view.ended}"
    return ""
