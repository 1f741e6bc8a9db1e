"""Message sequence charts of a trace: the attacker on the left, the implementation on the right."""

from __future__ import annotations

from collections.abc import Iterator

from .oracle import Difference
from .record import Record, Told
from .trace import Trace

QUIET = ("go", "send")
"""Steps that show by their messages alone."""


def chart(trace: Trace, expected: Record, seen: Record, difference: Difference) -> Iterator[str]:
    """The chart in text, a line for each action and message."""
    yield f"{'attacker':16}{'':28}{trace.role}"
    for kind, text in _events(trace, expected, seen, difference):
        if kind == "sent":
            yield f"{'':8}| {text:-<24}> |"
        elif kind == "seen":
            yield f"{'':8}| <{text:->24} |"
        else:
            yield f"{'':8}{'! ' if kind == 'wrong' else '* '}{text}"


def mermaid(trace: Trace, expected: Record, seen: Record, difference: Difference) -> str:
    """The chart as a Mermaid diagram."""
    lines = ["sequenceDiagram", "  participant A as attacker", f"  participant I as {trace.role}"]
    arrows = {"sent": "A->>I: ", "seen": "I->>A: "}
    for kind, text in _events(trace, expected, seen, difference):
        plain = text.replace(";", ",").replace("#", "no. ")
        lines.append(f"  {arrows[kind]}{plain}" if kind in arrows else f"  Note over A,I: {plain}")
    return "\n".join(lines) + "\n"


def _events(trace: Trace, expected: Record, seen: Record, difference: Difference) -> Iterator[tuple[str, str]]:
    """Kind (`sent`, `seen`, `done`, `wrong`) and text, in order."""
    last = max(difference.where, len(seen.marks) - 1)
    for at, item in enumerate(trace.steps[: last + 1]):
        if item.do not in QUIET and at not in seen.passed_over:
            yield "done", str(item)
        for number in sorted(seen.told):
            yield from ((kind, text) for where, kind, text in seen.told[number].log if where == at)
        if at == difference.where:
            yield "wrong", f"{difference.kind}: {difference.reason} [{difference.requirement}]"
    if wanted := _wanted(expected.told.get(difference.session), seen.told.get(difference.session)):
        yield "done", f"a complete peer: {wanted}"


def _wanted(ours: Told | None, theirs: Told | None) -> str:
    """What the complete peer did at the first difference."""
    if ours is None:
        return ""
    count = len(theirs.seen) if theirs else 0
    for position, reference in enumerate(ours.seen):
        other = theirs.seen[position] if theirs and position < count else None
        if other is None or (other.name, other.action) != (reference.name, reference.action):
            return reference.action or reference.name
    return "ends the connection" if ours.ended is not None else "says nothing"
