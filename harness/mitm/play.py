"""Plays scenarios and judges them: the same conversation works before and after, and what was to happen did happen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..iut.control import ControlError, ControlRefused
from ..iut.launch import LaunchError
from ..iut.process import ProcessError
from ..peer.tcp import TcpError
from ..tester.deviation import TesterFault
from ..tester.session import ControlFailed, NeedNotMet
from ..verdict.transcript import Transcript
from ..verdict.verdict import Grade, Judgement, NotExercised, Verdict, Witness, judged
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
    """A scenario with its judgement and what passed on the wire; `waits` for the good conversation afterwards."""

    scenario: Scenario
    judgement: Judgement | NotExercised
    transcripts: Sequence[tuple[str, Transcript]] = ()
    waits: bool = False
    seconds: float = 0.0

    @property
    def digest(self) -> str | None:
        """Of the first connection."""
        return self.transcripts[0][1].digest() if self.transcripts else None


class Player:
    """Plays on one pair. `suite` is what both ends choose when nobody interferes."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.cast = Cast(pair)
        self.suite: int | None = None
        self.closes_unasked = False

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
                yield from self._alone(group)
                before = self._good()

    def _alone(self, group: Sequence[Scenario]) -> Iterator[Played]:
        for scenario in group:
            before = self._good()
            if not before:
                yield inconclusive(scenario, self._why)
                continue
            played = self.play(scenario, before)
            yield _vouched(played, self._good())

    _why = ""

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
            with self._configured(self.cast.configurations(scenario)):
                scenario.play(scene)
                views = scene.end()
            judgement = self._judge(scenario, scene, views, before)
        except NeedNotMet as need:
            judgement = NotExercised(str(need))
        except NO_CONVERSATION as error:
            judgement = self._stopped(scenario, error)
        except (Exception, TesterFault) as error:
            judgement = Judgement(Verdict.ERROR, _negative(scenario), reason=f"{type(error).__name__}: {error}")
        finally:
            scene.abandon()
        waits = isinstance(judgement, Judgement) and judgement.verdict is Verdict.PASS
        return Played(scenario, judgement, scene.transcripts(), waits or _lacks_life(judgement)), scene.late

    def _stopped(self, scenario: Scenario, error: Exception) -> Judgement:
        if crashed := self.pair.crashed():
            return Judgement(Verdict.FAIL, _negative(scenario), reason=f"the {crashed} no longer runs: {error}")
        return Judgement(Verdict.INCONC, _negative(scenario), reason=f"{type(error).__name__}: {error}")

    @contextmanager
    def _configured(self, configurations: Any) -> Iterator[None]:
        try:
            manager = self.pair.configured(configurations)
            manager.__enter__()
        except ControlRefused as refused:
            raise NeedNotMet(str(refused)) from refused
        try:
            yield
        finally:
            manager.__exit__(None, None, None)

    def _judge(self, scenario: Scenario, scene: Scene, views: Sequence[View], before: str) -> Judgement:
        honest = frozenset(end.identity for end in self.pair.ends)
        allowed = Allowed(self.cast.insiders(scenario), honest, self.suite, self.closes_unasked)
        found = disagreements(views, allowed)
        seen = "; ".join(view.outcome for view in views)
        if found:
            return self._judgement(
                scenario, Verdict.FAIL, Grade.ACCEPTED, scene, before, f"{'; '.join(found)} [{seen}]"
            )
        if not scene.reached:
            return self._judgement(scenario, Verdict.INCONC, None, scene, before, f"it did not come to that [{seen}]")
        if scene.unreported:
            return self._judgement(scenario, Verdict.INCONC, None, scene, before, "; ".join(scene.unreported))
        if scenario.expected is Expected.WORKS:
            wrong = _not_working(views)
            return Judgement(Verdict.FAIL if wrong else Verdict.PASS, False, reason=wrong and f"{wrong} [{seen}]")
        refused = any(view.refusals or view.ended != "clean" for view in views)
        grade = Grade.SPECIFIED if refused else Grade.TOLERATED
        return self._judgement(scenario, Verdict.PASS, grade, scene, before, seen)

    def _judgement(
        self, scenario: Scenario, verdict: Verdict, grade: Grade | None, scene: Scene, before: str, seen: str
    ) -> Judgement:
        if scenario.expected is Expected.WORKS:
            return Judgement(verdict, False, reason=seen)
        witness = Witness(before, scene.reached or None, seen if verdict is Verdict.PASS else None)
        return (
            Judgement(verdict, True, grade, witness, seen) if verdict is not Verdict.PASS else _waiting(grade, witness)
        )


def inconclusive(scenario: Scenario, reason: str) -> Played:
    """Nothing could be learnt, for this reason."""
    return Played(scenario, Judgement(Verdict.INCONC, _negative(scenario), reason=reason))


def _waiting(grade: Grade | None, witness: Witness) -> Judgement:
    """A pass but for the sign of life afterwards."""
    assert grade is not None
    return judged(Verdict.PASS, grade, witness)


def _lacks_life(judgement: Judgement | NotExercised) -> bool:
    witness = judgement.witness if isinstance(judgement, Judgement) else None
    return witness is not None and witness.missing == ("alive_afterwards",)


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
    return replace(played, judgement=judged(Verdict.PASS, judgement.grade, witness), waits=False)


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
