"""General operators: ways to judge a check wrongly, whichever check it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model.table import Equals, Form, Holds, Verifies
from ...model.terms import Term
from ..codec import cbor
from ..evaluator.errors import CheckFailed
from ..identity.deciding import Unfit
from ..identity.errors import Refused
from ..identity.world import LENIENT, World
from .run import FaultyRun, Judge, Lie

Condition = Callable[..., bool]
"""Of the world and the octets (or keys) that the check compares."""


def decoded(octets: bytes) -> Any:
    """An item whose encoding was judged where it was received."""
    return cbor.decode(octets, rules=LENIENT)


def terms_of(form: Form) -> tuple[Term, ...]:
    """What a check compares: arguments; slot and expected value; key, signature and message."""
    if isinstance(form, Holds):
        return form.arguments
    if isinstance(form, Verifies):
        return (form.key, form.slot, form.message)
    if isinstance(form, Equals):
        expected = form.expected if form.expected is not None else form.slot.means
        assert expected is not None
        return (form.slot, expected)
    return ()


def _holds(condition: Condition, run: FaultyRun, form: Form) -> bool:
    """What the condition cannot be asked about does not hold."""
    try:
        return condition(run.world, *map(run.value, terms_of(form)))
    except (ValueError, LookupError, TypeError, AttributeError, Refused):
        return False


_RELAXED: set[Judge] = set()


def _relaxed(judge: Judge) -> Judge:
    _RELAXED.add(judge)
    return judge


def only_relaxes(judge: Judge) -> bool:
    """Whether the judge differs from the honest one only where that one refuses."""
    return judge in _RELAXED


def accepts(condition: Condition) -> Judge:
    """What is refused passes all the same where the condition holds."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        try:
            honest()
        except CheckFailed:
            if not _holds(condition, run, form):
                raise

    return _relaxed(judge)


def refuses(condition: Condition) -> Judge:
    """What is good is refused where the condition holds."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        honest()
        if condition(run.world, *map(run.value, terms_of(form))):
            raise CheckFailed(name, "refused by mistake")

    return judge


def decides(condition: Condition) -> Judge:
    """The condition takes the place of the decision."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        if not condition(run.world, *map(run.value, terms_of(form))):
            raise CheckFailed(name, "refused by another rule")

    return judge


def forgives(*reasons: str) -> Judge:
    """A refusal for one of these reasons is only logged."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        try:
            honest()
        except CheckFailed as failure:
            if not any(reason in failure.reason for reason in reasons):
                raise

    return _relaxed(judge)


def forgives_exceptions(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
    """What was not decided but went wrong is read as success."""
    try:
        honest()
    except CheckFailed as failure:
        refused = failure.__cause__
        cause = refused.__cause__ if isinstance(refused, Refused) else refused
        if cause is None or isinstance(cause, Unfit):
            raise


def empty(index: int = 0) -> Judge:
    """An empty input passes."""
    return accepts(lambda world, *values: values[index] in (b"", b"\x40", b"\x80", b"\xa0"))


def sees(change: Callable[..., tuple[Any, ...]]) -> Judge:
    """A predicate is asked about other octets than those received."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        assert isinstance(form, Holds)
        run.provider.judge(name, change(run.world, *map(run.value, form.arguments)))

    return judge


def item(index: int) -> Judge:
    """Of several items in the first argument only one is judged; none, and there is nothing to refuse."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        assert isinstance(form, Holds)
        first, *others = map(run.value, form.arguments)
        items = cbor.split_sequence(first) if first else []
        if items:
            run.provider.judge(name, (items[index], *others))

    return judge


def prefix(octets: int) -> Judge:
    """Only the first octets are compared."""
    return accepts(lambda world, given, expected: given[:octets] == expected[:octets])


def remembers(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
    """What was accepted once is accepted ever after, in any session."""
    seen = _SEEN.setdefault(name, set())
    given = run.value(terms_of(form)[0])
    if given not in seen:
        honest()
        seen.add(given)


_SEEN: dict[str, set[Any]] = {}


def or_equals(expected: Callable[[FaultyRun], Any]) -> Judge:
    """Something else than what is meant passes too."""

    def judge(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
        if run.value(terms_of(form)[0]) != expected(run):
            honest()

    return _relaxed(judge)


def constant(value: Any) -> Lie:
    """Always the same."""
    return lambda run, honest: value


def number(change: Callable[[int], int]) -> Lie:
    """Another number than the honest one."""
    return lambda run, honest: cbor.encode(change(cbor.decode(honest)))


def policy(**changes: Callable[[Any], Any]) -> Callable[[World], World]:
    """A limit of the policy is another one."""
    from dataclasses import replace

    def world(honest: World) -> World:
        values = {name: change(getattr(honest.policy, name)) for name, change in changes.items()}
        return replace(honest, policy=replace(honest.policy, **values))

    return world
