"""The attacks that the symbolic verifier finds when a check is missing, played in octets: each must be refused."""

from __future__ import annotations

from ..harness.attack.story import Inexpressible, Story
from ..harness.attack.trial import allowed, honest, perform, stories
from ..harness.tester.session import ControlFailed, NeedNotMet
from ..model.checks import CHECKS
from .bench import Bench
from .case import Case, citing, fault, for_each


def _case(story: Story) -> Case:
    """On the role that lacks the check; further checks of a smallest set are cited too."""
    first, *others = story.made
    case = fault(story.victim.role, first, "attack", story.name.replace(" ", ""), story)
    return citing(case, *(CHECKS[check].requirement for check in others))


@for_each(map(_case, stories().values()))
def test_attack(case: Case, bench: Bench) -> None:
    """A trace that violates a claim where the check is missing, refused at the step where the check stands."""
    story: Story = case.data
    control = bench.control(f"mode {story.victim.mode}", lambda: _honest(story, bench))
    try:
        played = perform(story, bench.iut)
    except Inexpressible as error:
        raise NeedNotMet(str(error)) from error
    bench.main = played.conversation.transcript
    bench.conclude(played.outcome, control, played.conversation, allowed(story, bench.iut.binding, played))


def _honest(story: Story, bench: Bench) -> str:
    """Digest of an honest conversation in the mode of the attack, nothing if it does not work."""
    try:
        return honest(story, bench.iut).transcript.digest()
    except ControlFailed:
        return ""
