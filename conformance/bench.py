"""The bench: plays one case against the implementation under test and judges what it sees.

A fault passes only with its witness: the same configuration worked without the fault; the conversation reached the
fault and sent it; the refusal is one that the specification allows for this fault; a fresh good connection works
afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..harness.iut.launch import LaunchError
from ..harness.peer.tcp import TcpError
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import ControlFailed, Iut, why
from ..harness.verdict.allowed import CERTIFICATE_RULES, Allowed, allowed_refusals
from ..harness.verdict.transcript import Transcript
from ..harness.verdict.verdict import Grade, Judgement, Outcome, Reaction, Verdict, Witness, judge, judged
from ..model.checks import CHECKS
from .case import Case
from .health import Health
from .stages import Stage, StageNotReached, at_once

Keep = Callable[[str, Conversation], None]


class Bench:
    """One test's view of the implementation. `keep` names a conversation that is kept.

    `judgement` is set by exactly one of the methods below. With `waits`, a fault that was refused as it should be is
    not judged at once: `missing_life` stands until `vouch` says that the implementation lives on.
    """

    def __init__(
        self,
        iut: Iut,
        case: Case,
        controls: dict[str, str],
        keep: Keep,
        health: Health | None = None,
        *,
        waits: bool = False,
    ) -> None:
        self.waits = waits
        self.missing_life: Witness | None = None
        self._passing = Grade.SPECIFIED
        self.health = health or Health()
        self.iut = iut
        self.case = case
        self.judgement: Judgement | None = None
        self.main: Transcript | None = None
        self._controls = controls
        self._keep = keep

    # --- faults ------------------------------------------------------------------------------------------------------

    def refuses(
        self,
        deviation: Deviation,
        stage: Stage = at_once,
        *,
        allowed: Allowed | None = None,
        configuration: str = "default",
        control: Callable[[], str] | None = None,
        deferred: bool = True,
        **options: Any,
    ) -> None:
        """The implementation must refuse the deviation, for the case's reason.

        `configuration` names what the control conversation is about; `options` go to the tester's endpoint.
        """
        control_worked = self._control(configuration, control)
        if control_worked is None:
            self._give_up()
            return
        conversation = self.iut.converse(deviation, **options)
        self.main = conversation.transcript
        self._keep("fault", conversation)
        try:
            self._reach(stage, conversation)
            outcome = conversation.outcome(self.iut.is_alive, deferred=deferred and not self.iut.handshake_only)
        finally:
            conversation.close()
        self.conclude(outcome, control_worked, conversation, allowed)

    def conclude(
        self, outcome: Outcome, control_worked: str | None, conversation: Conversation, allowed: Allowed | None = None
    ) -> None:
        """Judge an outcome, with the rest of the witness."""
        assert self.case.check is not None
        handshake = not conversation.peer.channel_stands
        allowed = allowed or allowed_refusals(
            CHECKS[self.case.check], handshake=handshake, certificates=CERTIFICATE_RULES.get(self.iut.binding, "")
        )
        verdict, grade = judge(outcome, allowed.specified, allowed.tolerated)
        reached = conversation.peer.deviation.reached
        if not reached:
            verdict, grade = Verdict.INCONC, Grade.OTHERWISE
        reasoned = f"{outcome.action}" if verdict is Verdict.PASS else None
        witness = Witness(control_worked, conversation.transcript.digest() if reached else None, reasoned)
        if self.waits and verdict is Verdict.PASS and self.iut.is_alive():
            self.missing_life, self._passing = witness, grade
            return
        witness = replace(witness, alive_afterwards=self.alive())
        if witness.alive_afterwards is None and not self.iut.is_alive():
            verdict, grade = Verdict.FAIL, Grade.CRASHED
        self.judgement = judged(verdict, grade, witness, self._reason(outcome, allowed, conversation))

    def vouch(self, digest: str) -> None:
        """A fresh good connection worked after this test: its digest completes the witness."""
        assert self.missing_life is not None
        witness = replace(self.missing_life, alive_afterwards=digest)
        self.judgement, self.missing_life = judged(Verdict.PASS, self._passing, witness), None

    def _give_up(self) -> None:
        reason = f"the same configuration does not work without the fault: {self.health.last}"
        self.judgement = Judgement(Verdict.INCONC, self.case.negative, reason=reason)

    def _reach(self, stage: Stage, conversation: Conversation) -> None:
        try:
            stage(self.iut, conversation)
        except StageNotReached:
            if not conversation.peer.deviation.reached:
                raise

    def _reason(self, outcome: Outcome, allowed: Allowed, conversation: Conversation) -> str:
        seen = outcome.action or outcome.reaction.value
        expected = ", ".join(sorted(allowed.specified))
        if not conversation.peer.deviation.reached:
            return f"the fault was not reached: {why(conversation)}"
        if seen in allowed.specified:
            return ""
        return f"seen {seen}, specified {expected}"

    def control(self, configuration: str = "default", play: Callable[[], str] | None = None) -> str | None:
        """Digest of an honest conversation in this configuration, which `play` has where it is not the default one."""
        return self._control(configuration, play)

    def _control(self, configuration: str, control: Callable[[], str] | None) -> str | None:
        key = f"{self.case.role}/{configuration}"
        if not self._controls.get(key):
            self._controls[key] = control() if control else self._good("control")
        return self._controls[key] or None

    def _good(self, what: str) -> str:
        """Digest of an honest conversation; nothing if it does not work, or has failed too often to be tried."""
        if self.health.given_up:
            return ""
        try:
            conversation = self.iut.good()
        except (ControlFailed, TcpError, LaunchError) as error:
            self.health.failed(str(error))
            return ""
        self.health.worked()
        self._keep(what, conversation)
        return conversation.transcript.digest()

    def alive(self) -> str | None:
        """A fresh good connection works; it is the next test's control too."""
        digest = self._good("afterwards")
        self._controls[f"{self.case.role}/default"] = digest
        return digest or None

    # --- what must work ----------------------------------------------------------------------------------------------

    def works(self, play: Callable[[Conversation], str], **options: Any) -> None:
        """The implementation must do what it should; `play` returns what went wrong, or nothing."""
        if self.health.given_up:
            self._give_up()
            return
        conversation = self.iut.converse(**options)
        self.main = conversation.transcript
        try:
            wrong = play(conversation)
        finally:
            conversation.close()
        self.show(wrong, conversation)

    def show(self, wrong: str, conversation: Conversation | None = None) -> None:
        """The verdict of a test without a fault."""
        if not wrong:
            self.judgement = Judgement(Verdict.PASS, False)
        else:
            where = f" ({why(conversation)})" if conversation is not None else ""
            self.judgement = Judgement(Verdict.FAIL, False, reason=wrong + where)
            self._good("afterwards")


def opened(conversation: Conversation) -> str:
    """Open the session; what went wrong."""
    return "" if conversation.until_open() else "the session did not open"


__all__ = ["Bench", "Outcome", "Reaction", "TesterEndpoint", "opened"]
