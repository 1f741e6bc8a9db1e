"""The system as a picture (SVG): trust zones as boxes, components in them, data flows as lines between components."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import wrap

from .system import Flow, System

WIDTH, HEIGHT, GAP, ROOM = 170, 58, 26, 190
"""Pixels: a component's box, the space below it, and the space between zones, where the names of flows stand."""
TOP, MARGIN = 64, 20
LETTERS = 24
"""Letters in a line of a box."""
LEGIBLE = 'fill="#1b1f24" stroke="#fff" stroke-width="5" stroke-linejoin="round" paint-order="stroke"'
"""Text that can be read where a line crosses it."""
Place = tuple[int, int]


def svg(system: System) -> str:
    """A standalone picture; what is cut short is whole in its tooltip."""
    zones = [name for name in system.zones if any(one.zone == name for one in system.components.values())]
    places = _places(system, zones)
    rows = max((sum(one.zone == zone for one in system.components.values()) for zone in zones), default=0)
    width = len(zones) * (WIDTH + 2 * MARGIN) + (len(zones) - 1) * ROOM + 2
    height = TOP + rows * (HEIGHT + GAP) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"',
        ' font-size="12">',
    ]
    for column, zone in enumerate(zones):
        parts += _zone(system, zone, column * (WIDTH + 2 * MARGIN + ROOM) + 1, height - 2)
    taken: dict[frozenset[str], int] = {}
    for flow in system.flows.values():
        ends = frozenset((flow.source, flow.target))
        taken[ends] = taken.get(ends, -1) + 1
        parts += _flow(flow, places[flow.source], places[flow.target], taken[ends])
    for name, place in places.items():
        component = system.components[name]
        parts += _box(place, component.title, component.role)
    return "\n".join([*parts, "</svg>"])


def _places(system: System, zones: list[str]) -> dict[str, Place]:
    """The middle of each component's box."""
    counts = dict.fromkeys(zones, 0)
    places = {}
    for name, component in system.components.items():
        column, row = zones.index(component.zone), counts[component.zone]
        x = column * (WIDTH + 2 * MARGIN + ROOM) + MARGIN + WIDTH // 2 + 1
        places[name] = (x, TOP + row * (HEIGHT + GAP) + HEIGHT // 2)
        counts[component.zone] += 1
    return places


def _zone(system: System, name: str, x: int, height: int) -> Iterator[str]:
    zone = system.zones[name]
    yield (
        f'<rect x="{x}" y="1" width="{WIDTH + 2 * MARGIN}" height="{height}" rx="8" fill="#f4f6fa" stroke="#7b8794" '
        'stroke-dasharray="6 4"/>'
    )
    middle = x + MARGIN + WIDTH // 2
    yield from _lines(middle, 20, zone.title, LETTERS + 6, 2, 'fill="#1b1f24" font-weight="bold"')
    yield f'<text x="{middle}" y="52" text-anchor="middle" fill="#505a65">trust {zone.trust} of 100</text>'


def _box(place: Place, title: str, role: str) -> Iterator[str]:
    x, y = place
    yield (
        f'<rect x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="#fff" '
        'stroke="#1b1f24"/>'
    )
    yield from _lines(x, y - 10, title, LETTERS, 2, 'fill="#1b1f24"')
    yield f'<text x="{x}" y="{y + 22}" text-anchor="middle" fill="#505a65" font-size="11">{escape(role)}</text>'


def _flow(flow: Flow, source: Place, target: Place, number: int) -> Iterator[str]:
    """A line, bent where it joins boxes of one column; a trusted connection is drawn strongly, others are dashed."""
    looks = (
        'stroke="#0b57a4" stroke-width="2.5"' if flow.channel != "other" else 'stroke="#7b8794" stroke-dasharray="3 3"'
    )
    (x, y), (to_x, to_y), shift = source, target, number * 18
    if x == to_x:
        side = x + WIDTH // 2
        bend = side + 34 + shift
        path = f"M{side},{y} C{bend},{y} {bend},{to_y} {side},{to_y}"
        label = (bend + 4, (y + to_y) // 2)
        anchor = "start"
    else:
        near, far = ((x, y), (to_x, to_y)) if x < to_x else ((to_x, to_y), (x, y))
        path = f"M{near[0] + WIDTH // 2},{near[1] + shift} L{far[0] - WIDTH // 2},{far[1] + shift}"
        label, anchor = ((near[0] + far[0]) // 2, (near[1] + far[1]) // 2 + shift), "middle"
    yield f'<path d="{path}" fill="none" {looks}/>'
    yield from _lines(label[0], label[1] - 18, flow.title, LETTERS, 2, LEGIBLE, anchor)


def _lines(x: int, y: int, text: str, letters: int, most: int, looks: str, anchor: str = "middle") -> Iterator[str]:
    """A text in at most `most` lines."""
    lines = wrap(text, letters) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: letters - 1] + "…"]
    spans = "".join(f'<tspan x="{x}" dy="{0 if not n else 14}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    yield f'<text x="{x}" y="{y}" text-anchor="{anchor}" {looks}>{spans}<title>{escape(text)}</title></text>'
