"""The bench of a verifier: asks it one altered request, between good ones, and judges what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ..harness.tester.session import Iut
from ..harness.tester.verifier_iut import Exchange, Question, VerifierIut
from ..harness.verdict.allowed import Allowed
from ..harness.verdict.verdict import Grade, Judgement, Outcome, Verdict, Witness, judge, judged
from ..model.checks import CHECKS
from ..model.refusals import Channel, Code, VerifierError
from .bench import Bench
from .case import Case

ROLE = "verifier"
ATTESTERS = ("device", "service")
_MALFORMED = f"verifier-error:{VerifierError.MALFORMED}"
_UNSUPPORTED = f"verifier-error:{VerifierError.UNSUPPORTED_EVIDENCE}"
MALFORMED = Allowed(frozenset({_MALFORMED}), frozenset({_UNSUPPORTED, "ear:contraindicated", "http:400"}), "VER-06")
"""A request, or evidence in it, of another form than its grammar gives it."""
TOO_LONG = Allowed(frozenset({_MALFORMED, "http:413"}), frozenset({"http:400", "close"}), "VER-07")
REFUSED = Allowed(frozenset({"ear:contraindicated"}), frozenset({"ear:warning", "ear:none"}), "VER-03")
"""Evidence that a check refuses."""
UNSUPPORTED = Allowed(frozenset({_UNSUPPORTED}), frozenset({_MALFORMED, *REFUSED.specified}), "VER-03")


def allowed(check: str) -> Allowed:
    """What a verifier may answer where a check refuses."""
    refusal = CHECKS[check].refusal
    if refusal.channel is Channel.VERIFIER:
        return Allowed(frozenset({f"verifier-error:{refusal.code}"}), frozenset(), CHECKS[check].requirement)
    return UNSUPPORTED if refusal.code == Code.UNSUPPORTED_EVIDENCE else REFUSED


class VerifierBench(Bench):
    """One test's view of a verifier under test."""

    def __init__(self, verifier: VerifierIut, case: Case, *arguments: Any, **options: Any) -> None:
        super().__init__(cast(Iut, verifier), case, *arguments, **options)
        self.verifier = verifier

    def answers_no(self, question: Question, allowed_here: Allowed | None = None) -> None:
        """The verifier must not affirm what is asked, and say so for the case's reason."""
        assert self.case.check is not None
        control = self.control()
        if control is None:
            self._give_up()
            return
        exchange = self.verifier.ask(question)
        self.main = exchange.transcript
        self._keep("fault", cast(Any, exchange))
        self._conclude(exchange, control, allowed_here or allowed(self.case.check))

    def _conclude(self, exchange: Exchange, control: str, allowed_here: Allowed) -> None:
        outcome = exchange.outcome(self.verifier.is_alive())
        verdict, grade = judge(outcome, allowed_here.specified, allowed_here.tolerated)
        reasoned = outcome.action if verdict is Verdict.PASS else None
        witness = Witness(control, exchange.transcript.digest(), reasoned)
        if self.waits and verdict is Verdict.PASS:
            self.missing_life, self._passing = witness, grade
            return
        alive = self.alive()
        if alive is None and not self.verifier.is_alive():
            verdict, grade = Verdict.FAIL, Grade.CRASHED
        reason = "" if verdict is Verdict.PASS else _reason(outcome, allowed_here)
        self.judgement = judged(verdict, grade, Witness(control, witness.fault_reached, reasoned, alive), reason)

    def answers_well(self, question: Question, wrong: Callable[[Exchange], str]) -> None:
        """The verifier must answer as it should; `wrong` says what it did not."""
        self.show_exchange(self.verifier.ask(question), wrong)

    def show_exchange(self, exchange: Exchange, wrong: Callable[[Exchange], str]) -> None:
        """The verdict of an exchange without a fault."""
        self.main = exchange.transcript
        said = wrong(exchange)
        verdict = Verdict.FAIL if said else Verdict.PASS
        self.judgement = Judgement(verdict, self.case.negative, reason=said)


def _reason(outcome: Outcome, allowed_here: Allowed) -> str:
    return f"seen {outcome.action or outcome.reaction.value}, specified {', '.join(sorted(allowed_here.specified))}"
