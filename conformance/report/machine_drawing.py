"""The state machine of a role drawn as SVG: the longest way from the start downwards, other states beside it.

Arrows are marked by what the tests took of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from .machine import END, MachineOf, Step

BOX, HEIGHT, COLUMN, LAYER, LEFT, MARGIN = 150, 36, 290, 84, 120, 12
SHOWN = 2
"""Messages that stand at an arrow; the table has all."""
FAILED = ("fail", "error", "inconc")
OMITTED = ("CLOSING", END)
"""Where nearly every state leads to."""
Place = Mapping[str, tuple[int, int]]
Arrow = tuple[str, str, tuple[Step, ...]]
Ways = Mapping[tuple[str, str], tuple[Step, ...]]


def drawn(machine: MachineOf) -> str:
    """An `svg` element. Left out are loops, closing and the end."""
    ways = _ways(machine)
    places = _places(machine, ways)
    width = max(x for x, _ in places.values()) + BOX + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    name = f"State machine of the {machine.role}: {len(machine.taken)} of {len(machine.transitions)} transitions taken"
    tips = "".join(
        f'<marker id="tip-{machine.role}-{look}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="tip {look}" d="M0,0 L8,4 L0,8 z"/></marker>'
        for look in ("pass", "none", "fail")
    )
    drawings = [_drawn(machine.role, (*way, steps), ways, places) for way, steps in ways.items()]
    return "\n".join([
        f'<svg class="machine" role="img" aria-label="{escape(name)}" viewBox="0 0 {width} {height}" width="{width}">',
        f"<defs>{tips}</defs>",
        *(line for line, _ in drawings),
        *(_box(state, place, machine) for state, place in places.items()),
        *(label for _, label in drawings),
        "</svg>",
    ])  # fmt: skip


def _ways(machine: MachineOf) -> Ways:
    """From state to state, the steps that lead there."""
    joined: dict[tuple[str, str], tuple[Step, ...]] = {}
    for step in machine.transitions:
        if step.target != step.state and step.target not in OMITTED and step.state not in OMITTED:
            joined[step.state, step.target] = (*joined.get((step.state, step.target), ()), step)
    return joined


def _places(machine: MachineOf, ways: Ways) -> Place:
    """The longest way through the states stands in the first column, the others as high as what leads to them."""
    spine = max(_paths([machine.states[0]], ways), key=len)
    cells = {state: (0, depth) for depth, state in enumerate(spine)}
    for state in machine.states:
        if state not in cells and state not in OMITTED:
            depth = max((cells[a][1] for a, b in ways if b == state and a in cells), default=0)
            column = 1
            while (column, depth) in cells.values():
                column += 1
            cells[state] = (column, depth)
    return {state: (LEFT + COLUMN * column, MARGIN + LAYER * depth) for state, (column, depth) in cells.items()}


def _paths(path: list[str], ways: Ways) -> Iterator[list[str]]:
    """Every way from the start that meets no state twice."""
    yield path
    for source, target in ways:
        if source == path[-1] and target not in path:
            yield from _paths([*path, target], ways)


def _look(steps: tuple[Step, ...]) -> str:
    found = {step.status for step in steps}
    return "fail" if found.intersection(FAILED) else "pass" if found == {"pass"} else "none"


def _drawn(role: str, arrow: Arrow, ways: Ways, places: Place) -> tuple[str, str]:
    """The line, and what stands at it: all labels come in front of all lines."""
    source, target, steps = arrow
    look = _look(steps)
    path, x, y, anchor = _route(places[source], places[target], both=(target, source) in ways)
    line = f'<path class="arrow {look}" d="{path}" marker-end="url(#tip-{role}-{look})"/>'
    return line, _label(list(dict.fromkeys(step.message for step in steps)), x, y, anchor)


def _route(source: tuple[int, int], target: tuple[int, int], *, both: bool) -> tuple[str, float, float, str]:
    """Path, place of the label and how it is anchored there; `both` says that an arrow leads back."""
    (x1, y1), (x2, y2) = source, target
    levels = (y2 - y1) // LAYER
    if x1 == x2 and abs(levels) == 1:
        down = levels > 0
        aside = both and down
        x = x1 + BOX / 2 + (0 if not both else -22 if down else 22)
        start, end = (y1 + HEIGHT, y2) if down else (y1, y2 + HEIGHT)
        path = f"M{x:.0f},{start} L{x:.0f},{end}"
        return path, x + (-6 if aside else 6), (start + end) / 2, "end" if aside else "start"
    if x1 == x2:
        bend = x1 - 34 - 13 * abs(levels)
        start, end = y1 + HEIGHT // 2 + 6, y2 + HEIGHT // 2 - 6
        path = f"M{x1},{start} C{bend},{start} {bend},{end} {x2},{end}"
        return path, x1 - 30 - 10 * abs(levels), (start + end) / 2, "end"
    right = x2 > x1
    shift = (-8 if right else 8) if both else 0
    start, end = y1 + HEIGHT // 2 + shift, y2 + HEIGHT // 2 + shift
    begin, finish = (x1 + BOX, x2) if right else (x1, x2 + BOX)
    along = 0.5 if not levels else 0.75 if abs(levels) == 1 else 0.25
    return (
        f"M{begin},{start} L{finish},{end}", begin + along * (finish - begin),
        start + along * (end - start) + (-9 if right else 11) * both, "middle",
    )  # fmt: skip


def _label(names: list[str], x: float, y: float, anchor: str) -> str:
    shown = names if len(names) <= SHOWN else [*names[: SHOWN - 1], f"{len(names) - SHOWN + 1} more"]
    return "".join(
        f'<text class="label" x="{x:.0f}" y="{y + 12 * row - 6 * len(shown) + 9:.0f}" text-anchor="{anchor}">'
        f"{escape(name)}</text>"
        for row, name in enumerate(shown)
    )


def _box(state: str, place: tuple[int, int], machine: MachineOf) -> str:
    x, y = place
    mine = [step for step in machine.transitions if step.state == state]
    taken = sum(step.status == "pass" for step in mine)
    failed = sum(step.status in FAILED for step in machine.steps if step.state == state)
    count = f"{taken} of {len(mine)}" + (f", {failed} failed" if failed else "")
    return (
        f'<g><rect class="state{" fail" if failed else ""}" x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x + BOX / 2:.0f}" y="{y + 16}" text-anchor="middle">{escape(state)}</text>'
        f'<text class="count" x="{x + BOX / 2:.0f}" y="{y + 29}" text-anchor="middle">{count}</text></g>'
    )
