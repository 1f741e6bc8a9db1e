"""Judges what an implementation did by what a complete reference peer did when it was told the same trace.

The first difference decides. A refusal may differ from the reference's where the specification allows another one for
the failed check; what an implementation accepts may not differ at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...harness.codec import cbor
from ...harness.identity.policy import Policy
from ...harness.verdict.allowed import allowed_refusals
from ...model.checks import CHECKS, CheckClass
from ...model.refusals import Channel
from .freshness import repeated
from .record import Record, Seen, Told
from .trace import Trace

FRESH = {"G": "EDH-14", "NONCE": "SES-02", "ATT": "SES-14", "LABEL": "LBL-11"}
"""Requirement that a kind of value is new, by the first word of its slot."""
ROBUST, ORDER, SILENCE = "ERR-01", "SES-03", "ERR-25"
REPLAYS = ("reuse", "record", "repeat", "replace", "lie-of")


@dataclass(frozen=True)
class Difference:
    """What is wrong. `kind` is the sort of finding, `where` the step of the trace in which it showed."""

    kind: str
    requirement: str
    reason: str
    where: int
    session: int = 0
    check: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two findings the same: the check that is missing, or what was seen in place of what."""
        return (self.kind, self.check or self.reason)


def difference(trace: Trace, expected: Record, seen: Record) -> Difference | None:
    """The first difference that matters; None where the implementation did as it must."""
    found = [d for n in sorted(expected.told) for d in _session(trace, expected, seen, n)]
    if seen.crashed is not None and expected.crashed is None:
        found.append(_crash(trace, seen))
    found += _freshness(seen)
    return min(found, key=lambda d: d.where, default=None)


def _crash(trace: Trace, seen: Record) -> Difference:
    assert seen.crashed is not None
    step = trace.steps[seen.crashed]
    return Difference("crash", ROBUST, f"no conversation any more at {step.do}: {seen.trouble}", seen.crashed)


def _freshness(seen: Record) -> Iterator[Difference]:
    values = [value for told in seen.told.values() for value in told.fresh]
    if same := repeated(values):
        requirement = FRESH.get(same.partition("_")[0], FRESH["NONCE"])
        yield Difference("repeated", requirement, same, len(seen.marks) - 1, check=same.split(" share")[0])


def _session(trace: Trace, expected: Record, seen: Record, number: int) -> Iterator[Difference]:
    theirs, ours = seen.told.get(number), expected.told[number]
    if theirs is None:
        return
    yield from _objections(ours, theirs, number)
    for position, reference in enumerate(ours.seen):
        if position >= len(theirs.seen):
            yield from _less(trace, expected, seen, number, position)
            return
        other = theirs.seen[position]
        if _same(reference, other):
            if wrong := _too_long(reference, other, theirs.seen):
                yield Difference("wrong-value", "SES-12", wrong, other.step, number)
            continue
        found = _unlike(trace, ours, reference, other, number)
        if found is not None:
            yield found
        if found is not None or not _is_receipt(reference, other):
            return
    yield from _more(trace, expected, seen, number)


def _same(reference: Seen, other: Seen) -> bool:
    return (reference.name, reference.action, reference.detail) == (other.name, other.action, other.detail)


def _is_receipt(*seen: Seen) -> bool:
    """Two receipts: whatever their codes, both sessions go on."""
    return all(item.name.startswith("RECEIPT") for item in seen)


# --- what the tester's own checks found ------------------------------------------------------------------------------


def _objections(ours: Told, theirs: Told, number: int) -> Iterator[Difference]:
    known = {check for _, check in ours.objections}
    for where, check in theirs.objections:
        if check not in known:
            requirement = CHECKS[check].requirement if check in CHECKS else ROBUST
            reason = f"what it sent does not pass {check}"
            yield Difference("bad-message", requirement, reason, where, number, check)
            return


def _too_long(reference: Seen, other: Seen, before: list[Seen]) -> str:
    """A verdict that outlives what it rests on."""
    if not other.name.startswith("VERDICT"):
        return ""
    limit, said = _entry(reference.data, 4), _entry(other.data, 4)
    interval = next((_entry(item.data, 7) for item in before if item.name.startswith("HELLO")), None)
    if isinstance(said, int) and isinstance(limit, int) and limit < Policy().valid_for and said > limit:
        return f"valid_for is {said}, and what it rests on ends in {limit}"
    if isinstance(said, int) and isinstance(interval, int) and said > interval:
        return f"valid_for is {said}, its re-attestation interval {interval}"
    return ""


def _entry(frame: bytes, key: int) -> Any:
    try:
        return cbor.decode(frame)[1].get(key)
    except (ValueError, LookupError, AttributeError, TypeError):
        return None


# --- one message unlike the other ------------------------------------------------------------------------------------


def _unlike(trace: Trace, ours: Told, reference: Seen, other: Seen, number: int) -> Difference | None:
    if reference.action and reference.action != "close-frame":
        check = _check_at(ours, reference)
        if other.action is None or other.action == "close-frame":
            return _accepted(trace, ours, check, reference, f"answers {other.name}", number, other.step)
        return _otherwise(reference.action, other.action, check, number, other)
    if other.action and other.action != "close-frame":
        return _strict(other.action, reference.name, number, other.step)
    said = f"{other.name} {_told(other)}" if other.detail != reference.detail else other.name
    reason = f"{said} in the place of {reference.name} {_told(reference)}"
    return Difference("wrong-message", _requirement_of(reference.name), reason, other.step, number)


def _told(seen: Seen) -> str:
    return " ".join(map(str, seen.detail))


def _check_at(ours: Told, reference: Seen) -> str:
    """The check with which the reference refused in that step."""
    return next((check for where, check in ours.refused if where == reference.step), "")


def _otherwise(expected: str, action: str, check: str, number: int, other: Seen) -> Difference | None:
    """Both refuse, in other words."""
    if check in CHECKS:
        allowed = allowed_refusals(CHECKS[check], handshake=other.name == "edhoc_error")
        if action in allowed.specified | allowed.tolerated:
            return None
    requirement = CHECKS[check].requirement if check in CHECKS else ROBUST
    reason = f"refuses by {action} in the place of {expected}"
    return Difference("wrong-refusal", requirement, reason, other.step, number, f"{check} {action}".strip())


def _accepted(
    trace: Trace, ours: Told, check: str, reference: Seen | None, how: str, number: int, where: int
) -> Difference:
    known = CHECKS.get(check)
    said = reference.action if reference is not None else "the end of the connection"
    kind = "accepted"
    if any(step.do in REPLAYS for step in trace.steps[: where + 1]):
        kind = "replay"
    elif known and known.cls is CheckClass.SYMBOLIC and "OPEN" not in ours.states:
        kind = "authentication-bypass"
    requirement = known.requirement if known else _refusing(reference.action or "") if reference else ORDER
    return Difference(kind, requirement, f"{how} where {check or 'the order'} wants {said}", where, number, check)


def _strict(action: str, wanted: str, number: int, where: int) -> Difference:
    named = _refusing(action)
    reason = f"refuses by {action} where {wanted} is due"
    return Difference("over-strict", named, reason, where, number)


def _refusing(action: str) -> str:
    """The requirement of the first check that refuses in these words: the rule that was misapplied."""
    words = {
        f"{check.refusal.channel.value}:{check.refusal.code}": check.requirement
        for check in reversed(CHECKS.values())
        if check.refusal.channel is not Channel.SILENT
    }
    return words.get(action, ROBUST)


_OWN = {
    "HELLO": "SES-02", "VERDICT": "SES-07", "RECEIPT": "SES-17", "PONG": "SES-18", "CLOSE": "SES-27", "ATT": "SES-06",
    "ATT_REQ": "SES-14", "DATA": "LBL-01",
}  # fmt: skip


def _requirement_of(name: str) -> str:
    """The requirement by which a message has to come."""
    return _OWN.get(name.rpartition("_")[0], "EDH-01")


# --- one more, or one less -------------------------------------------------------------------------------------------


def _less(trace: Trace, expected: Record, seen: Record, number: int, position: int) -> Iterator[Difference]:
    """The reference said something more."""
    ours, theirs, reference = expected.told[number], seen.told[number], expected.told[number].seen[position]
    refuses = bool(reference.action) and reference.action != "close-frame"
    check = _check_at(ours, reference) if refuses else ""
    if theirs.ended is not None:
        if not refuses:
            yield _strict("close", reference.name, number, theirs.ended)
        elif not _allows(check, "close"):
            reason = f"closes without {reference.action}"
            requirement = CHECKS[check].requirement if check in CHECKS else SILENCE
            yield Difference("wrong-refusal", requirement, reason, theirs.ended, number, f"{check} close")
    elif seen.stalled is not None and seen.stalled[1] == number:
        if refuses:
            if not _allows(check, "drop"):
                yield _accepted(trace, ours, check, reference, "is silent", number, seen.stalled[0])
        else:
            reason = f"is silent where {reference.name} is due"
            yield Difference("silent", _requirement_of(reference.name), reason, seen.stalled[0], number)


def _allows(check: str, action: str) -> bool:
    if check not in CHECKS:
        return False
    return any(
        action in allowed.specified | allowed.tolerated
        for allowed in (allowed_refusals(CHECKS[check], handshake=h) for h in (True, False))
    )


def _more(trace: Trace, expected: Record, seen: Record, number: int) -> Iterator[Difference]:
    """Everything that the reference said was said."""
    ours, theirs = expected.told[number], seen.told[number]
    extra = theirs.seen[len(ours.seen) :]
    check = next((c for where, c in ours.refused if where == ours.ended), "")
    if extra and ours.ended is not None and ours.ended <= extra[0].step:
        if extra[0].action and _allows(check, extra[0].action):
            return
        yield _accepted(trace, ours, check, None, f"answers {extra[0].name}", number, extra[0].step)
    elif extra and extra[0].action:
        yield _strict(extra[0].action, "nothing", number, extra[0].step)
    elif extra:
        reason = f"{extra[0].name} where nothing is due"
        yield Difference("wrong-message", _requirement_of(extra[0].name), reason, extra[0].step, number)
    elif ours.ended is None and theirs.ended is not None:
        yield _strict("close", "nothing", number, theirs.ended)
    elif ours.ended is not None and theirs.ended is None and seen.stalled and seen.stalled[1] == number:
        yield _accepted(trace, ours, check, None, "goes on", number, seen.stalled[0])
