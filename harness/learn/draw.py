"""Machines drawn: DOT for other tools, and SVG of two machines side by side with their differences marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from .compare import differing_transitions
from .mealy import Mealy

WIDTH, HEIGHT, COLUMN, LAYER, MARGIN, HEAD = 210, 34, 270, 110, 60, 70
SHOWN = 3
"""Transitions whose names stand at an arrow; the others are in its tooltip."""
EVERYWHERE = ("restart", "app_close")
RED, GREY, INK = "#c01c28", "#8a8f98", "#1c1f24"
NOTE = "Red: differs. Left out where as it must be: loops, ends, restart, app_close. Point at a box or a line for all."
Place = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Arrow:
    """All transitions from one state to another that are drawn together."""

    source: str
    target: str
    steps: tuple[tuple[str, str], ...]
    marked: bool


def arrows(machine: Mealy, marked: set[tuple[str, str]]) -> list[Arrow]:
    """What is drawn: transitions between living states, and everything that is marked.

    Left out are loops, ends, restarts and closing that are as they must be: nearly every state has them.
    """
    final = _final(machine)
    grouped: dict[tuple[str, str, bool], list[tuple[str, str]]] = defaultdict(list)
    for (source, letter), (output, target) in machine.steps.items():
        differs = (source, letter) in marked
        plain = target in (source, final) or letter in EVERYWHERE
        if differs or not plain:
            grouped[source, target, differs].append((letter, output))
    return [Arrow(s, t, tuple(steps), differs) for (s, t, differs), steps in grouped.items()]


def _final(machine: Mealy) -> str | None:
    """The state after the end: only a restart leads out of it."""
    for state in machine.states:
        if all(machine.steps[state, letter][1] == state for letter in machine.alphabet if letter != "restart"):
            return state
    return None


def dot(machine: Mealy, name: str, marked: set[tuple[str, str]]) -> str:
    """A Graphviz file with every transition; marked ones are red."""
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=TB; node [shape=box, style=rounded];"]
    lines += [f"  start [shape=point]; start -> {_quoted(machine.states[0])};"]
    for (source, letter), (output, target) in machine.steps.items():
        colour = ", color=red, fontcolor=red" if (source, letter) in marked else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)} [label={_quoted(f'{letter} / {output}')}{colour}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- SVG -------------------------------------------------------------------------------------------------------------


def side_by_side(table: Mealy, learned: Mealy, title: str) -> str:
    """The table's machine on the left, the learned one on the right; states of one name stand at one height."""
    mine, theirs = differing_transitions(learned, table)
    places = layout(table, learned)
    width = max(x for x, _ in places.values()) + WIDTH + 2 * MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    verdict = f"{len(mine)} transitions differ" if mine else "no difference"
    body = [
        *_panel(table, theirs, places, 0, "the table's machine", set(learned.states)),
        *_panel(learned, mine, places, width, "the learned machine", set(table.states)),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width:.0f} {height:.0f}" '
            f'font-family="sans-serif" font-size="11">',
            f"<title>{escape(title)}</title>",
            _MARKERS,
            f'<rect width="{2 * width:.0f}" height="{height:.0f}" fill="white"/>',
            f'<text x="{MARGIN}" y="24" font-size="16" font-weight="bold" fill="{RED if mine else INK}">'
            f"{escape(f'{title}: {verdict}')}</text>",
            f'<line x1="{width:.0f}" y1="40" x2="{width:.0f}" y2="{height - 20:.0f}" stroke="{GREY}"/>',
            *body,
            f'<text x="{MARGIN}" y="{height - 14:.0f}" fill="{GREY}">{NOTE}</text>',
            "</svg>",
        ]
    )


_MARKERS = "<defs>" + "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" '
    f'markerUnits="userSpaceOnUse" orient="auto">'
    f'<path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
    for name, colour in (("plain", GREY), ("marked", RED))
) + "</defs>"  # fmt: skip


def layout(table: Mealy, learned: Mealy) -> Place:
    """A place for each name: as deep as its shortest word is long, states of one depth beside each other."""
    depth = {state: len(word) for state, word in learned.access.items()}
    depth |= {state: len(word) for state, word in table.access.items()}
    for machine in (table, learned):
        if (final := _final(machine)) is not None:
            depth[final] = max(depth.values()) + (depth[final] != max(depth.values()))
            break
    rows: dict[int, list[str]] = defaultdict(list)
    for state in sorted(depth, key=lambda s: depth[s]):
        rows[depth[state]].append(state)
    widest = max(map(len, rows.values()))
    places: Place = {}
    for level, (_, states) in enumerate(sorted(rows.items())):
        shift = (widest - len(states)) * COLUMN / 2 + (level % 2) * COLUMN / 8
        for column, state in enumerate(states):
            places[state] = (MARGIN + shift + column * COLUMN, HEAD + level * LAYER)
    return places


def _panel(
    machine: Mealy, marked: set[tuple[str, str]], places: Place, left: float, heading: str, known: set[str]
) -> Iterator[str]:
    yield f'<text x="{left + MARGIN:.0f}" y="46" font-size="13" fill="{INK}">{escape(heading)}</text>'
    drawn = arrows(machine, marked)
    lines = [_drawn(arrow, places, left) for arrow in sorted(drawn, key=lambda a: a.marked)]
    yield from (line for line, _ in lines)
    yield from _boxes(machine, places, left, known)
    yield from (labels for _, labels in lines)


def _boxes(machine: Mealy, places: Place, left: float, known: set[str]) -> Iterator[str]:
    for state in machine.states:
        x, y = places[state]
        strange = state not in known
        listed = "\n".join(f"{letter} / {machine.steps[state, letter][0]}" for letter in machine.alphabet)
        yield (
            f'<g><title>{escape(state)}\n{escape(listed)}</title><rect x="{left + x:.0f}" y="{y:.0f}" '
            f'width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{"#fbe3e4" if strange else "#eef3f8"}" '
            f'stroke="{RED if strange else INK}"/><text x="{left + x + WIDTH / 2:.0f}" y="{y + 21:.0f}" '
            f'text-anchor="middle" fill="{RED if strange else INK}"{_fit(state)}>{escape(state)}</text></g>'
        )


def _fit(text: str) -> str:
    """Names that are too long for their box are set closer."""
    return f' textLength="{WIDTH - 12}" lengthAdjust="spacingAndGlyphs"' if len(text) > 34 else ""


def _drawn(arrow: Arrow, places: Place, left: float) -> tuple[str, str]:
    """The line, and what stands at it: all labels come behind all lines."""
    path, (x, y) = _loop(places[arrow.source], left) if arrow.source == arrow.target else _curve(arrow, places, left)
    colour, marker = (RED, "marked") if arrow.marked else (GREY, "plain")
    steps = [f"{letter} / {output}" for letter, output in arrow.steps]
    listed = escape("\n".join([f"{arrow.source} → {arrow.target}", *steps]))
    line = (
        f'<g><title>{listed}</title><path d="{path}" fill="none" stroke="{colour}" '
        f'stroke-width="{2 if arrow.marked else 1}" marker-end="url(#{marker})"/></g>'
    )
    shown = steps if len(steps) <= SHOWN else [*steps[: SHOWN - 1], f"and {len(steps) - SHOWN + 1} more"]
    # Twice: a white border first, since not every viewer knows how to paint one behind the letters.
    labels = (
        f'<text x="{x:.0f}" y="{y + row * 11 - 5 * len(shown):.0f}" font-size="9" text-anchor="middle" {paint}>'
        f"{escape(label)}</text>"
        for row, label in enumerate(shown)
        for paint in ('fill="none" stroke="white" stroke-width="3"', f'fill="{RED if arrow.marked else INK}"')
    )
    return line, "".join(labels)


def _loop(place: tuple[float, float], left: float) -> tuple[str, tuple[float, float]]:
    x, y = left + place[0] + WIDTH, place[1] + HEIGHT / 2
    return f"M{x:.0f},{y - 8:.0f} C{x + 46:.0f},{y - 26:.0f} {x + 46:.0f},{y + 26:.0f} {x:.0f},{y + 8:.0f}", (
        x + 52,
        y + 14,
    )


def _curve(arrow: Arrow, places: Place, left: float) -> tuple[str, tuple[float, float]]:
    """Down to the next level straight, everything else bent: back to the left, far down to the right."""
    (x1, y1), (x2, y2) = places[arrow.source], places[arrow.target]
    levels = (y2 - y1) / LAYER
    start, end = (left + x1 + WIDTH / 2, y1 + HEIGHT), (left + x2 + WIDTH / 2, y2)
    bend = 0.0
    if levels <= 0:
        start, end = (start[0] - WIDTH / 4, y1), (end[0] - WIDTH / 4, y2 + HEIGHT)
        bend = -90.0 if levels else 0.0
        if not levels:
            start, end = (start[0], y1 + HEIGHT), (end[0], y2 + HEIGHT)
    elif levels > 1:
        bend = 60.0 + 24 * levels
    if arrow.marked:
        bend += 18
    cx, cy = (start[0] + end[0]) / 2 + bend, (start[1] + end[1]) / 2 + (40 if not levels else 0)
    middle = ((start[0] + 2 * cx + end[0]) / 4, (start[1] + 2 * cy + end[1]) / 4)
    return f"M{start[0]:.0f},{start[1]:.0f} Q{cx:.0f},{cy:.0f} {end[0]:.0f},{end[1]:.0f}", middle
