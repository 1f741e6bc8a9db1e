"""Verdicts and the rules that give them.

Rules, in one place:

* A verdict never improves: TTCN-3 (ETSI ES 201 873-1, 24.1) orders none < pass < inconc < fail < error, and a later
  `pass` does not undo an earlier `fail`.
* A test that sends a fault passes only with a whole `Witness`. `Judgement` cannot be built otherwise, so no test can
  pass because its fault was never sent, because nothing was listening, or because everything is refused.
* A refusal is judged by what the specification allows there, never by being a refusal.
* What has no verdict has a standing that says why: not exercised, not implemented, not applicable.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from enum import Enum, IntEnum


class Verdict(IntEnum):
    """TTCN-3 verdicts, worst last."""

    NONE = 0
    PASS = 1
    INCONC = 2
    FAIL = 3
    ERROR = 4
    """The tester's own fault."""

    @property
    def label(self) -> str:
        """The TTCN-3 word."""
        return self.name.lower()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of parts taken together; `Verdict.NONE` of nothing."""
    return max(verdicts, default=Verdict.NONE)


class Grade(Enum):
    """How the implementation under test met a fault."""

    SPECIFIED = "specified"
    """Refused in a way that the specification names for this fault."""
    TOLERATED = "tolerated"
    """Refused in another way that the specification allows in this state."""
    OTHERWISE = "otherwise"
    """Refused, for a reason that is not this fault's."""
    SILENT = "silent"
    """Dropped or closed without a word where a word was expected."""
    ACCEPTED = "accepted"
    CRASHED = "crashed"
    HUNG = "hung"
    FLAKY = "flaky"
    """The same decisions gave different outcomes."""


PASSING = frozenset({Grade.SPECIFIED, Grade.TOLERATED})
"""The grades that a passing refusal can have."""
SILENT_ACTIONS = frozenset({"close", "drop"})
"""Refusals without a word."""


class Reaction(Enum):
    """What was seen after the fault was sent."""

    REFUSED = "refused"
    """With a word, or without one: the action tells."""
    ACCEPTED = "accepted"
    CRASHED = "crashed"
    HUNG = "hung"
    FLAKY = "flaky"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reaction. `action` says how it was refused, in the words of the specification's register of refusals.

    Those are `edhoc-error:1`, `alert:22`, `receipt:30`, `close-frame`, `close` (the transport, without a word) and
    `drop` (the session goes on as if nothing had come). Raises `ValueError` for a refusal without action or an action
    without refusal.
    """

    reaction: Reaction
    action: str = ""

    def __post_init__(self) -> None:
        if bool(self.action) != (self.reaction is Reaction.REFUSED):
            raise ValueError(f"outcome {self.reaction.value} with action {self.action!r}")


_FAILED = {
    Reaction.ACCEPTED: Grade.ACCEPTED,
    Reaction.CRASHED: Grade.CRASHED,
    Reaction.HUNG: Grade.HUNG,
    Reaction.FLAKY: Grade.FLAKY,
}


def judge(
    observed: Outcome,
    allowed_specified: Collection[str],
    allowed_tolerated: Collection[str] = (),
    alert_required: bool = False,
) -> tuple[Verdict, Grade]:
    """Verdict and grade of what was seen after a fault, by the actions that are allowed there.

    With `alert_required`, silence that is not allowed is a failure; without, it is inconclusive.
    """
    if grade := _FAILED.get(observed.reaction):
        return Verdict.FAIL, grade
    if observed.action in allowed_specified:
        return Verdict.PASS, Grade.SPECIFIED
    if observed.action in allowed_tolerated:
        return Verdict.PASS, Grade.TOLERATED
    if observed.action in SILENT_ACTIONS:
        return (Verdict.FAIL if alert_required else Verdict.INCONC), Grade.SILENT
    return Verdict.INCONC, Grade.OTHERWISE


@dataclass(frozen=True, slots=True)
class Witness:
    """What shows that a refusal means something. Each part is a short text, such as a transcript's hash, or absent."""

    control_worked: str | None = None
    """The same configuration worked without the fault."""
    fault_reached: str | None = None
    """The conversation came to the fault, and the fault was sent."""
    refused_for_reason: str | None = None
    """The refusal is one that the specification allows for this fault."""
    alive_afterwards: str | None = None
    """A fresh good connection works."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parts that are absent or empty."""
        return tuple(part.name for part in fields(self) if not getattr(self, part.name))


class UnwitnessedPass(ValueError):
    """A pass was claimed for a fault without a whole witness."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A test's verdict. `negative` tests send a fault; only they have a grade and a witness.

    Raises `UnwitnessedPass` when a negative test claims to pass with a part of its witness missing or with a grade
    that is not a refusal; `ValueError` when a test without a fault carries a grade or a witness, or when there is no
    verdict.
    """

    verdict: Verdict
    negative: bool
    grade: Grade | None = None
    witness: Witness | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict is Verdict.NONE:
            raise ValueError("a judgement has a verdict; what was not judged has a standing")
        if not self.negative and (self.grade or self.witness):
            raise ValueError("grade and witness belong to a test that sends a fault")
        if self.negative and self.verdict is Verdict.PASS:
            self._need_witness()

    def _need_witness(self) -> None:
        missing = (self.witness or Witness()).missing
        if missing:
            raise UnwitnessedPass(f"no pass without {', '.join(missing)}")
        if self.grade not in PASSING:
            raise UnwitnessedPass(f"no pass with grade {self.grade.value if self.grade else 'missing'}")


def judged(verdict: Verdict, grade: Grade, witness: Witness, reason: str = "") -> Judgement:
    """The judgement of a negative test. A pass without a whole witness becomes inconclusive, with what is missing."""
    if verdict is Verdict.PASS and witness.missing:
        return Judgement(Verdict.INCONC, True, grade, witness, f"not shown: {', '.join(witness.missing)}")
    return Judgement(verdict, True, grade, witness, reason)


@dataclass(frozen=True, slots=True)
class NotExercised:
    """Nothing was tested, for this reason: a missing feature, control verb or credential, or an interruption."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYetImplemented:
    """The suite has no test for it yet, or only an evaluation of documents can decide it."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The requirement does not bind this implementation."""

    reason: str


Standing = NotExercised | NotYetImplemented | NotApplicable
Status = Verdict | Standing


def requirement_status(tests: Iterable[Verdict | NotExercised | NotApplicable], otherwise: Standing) -> Status:
    """A requirement's status: its worst verdict, else the first reason why a test has none, else `otherwise`."""
    seen = list(tests)
    verdict = worst(test for test in seen if isinstance(test, Verdict))
    if verdict is not Verdict.NONE:
        return verdict
    reasons = [test for test in seen if not isinstance(test, Verdict)]
    return next((test for test in reasons if isinstance(test, NotExercised)), reasons[0] if reasons else otherwise)
