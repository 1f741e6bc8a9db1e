"""The system as a picture (SVG): trust zones as boxes, components in them, data flows as lines between components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from textwrap import wrap

from .system import Flow, System

WIDTH, HEIGHT, GAP, ROOM = 170, 58, 26, 90
"""Pixels: a component's box, the space below it, and the space between zones."""
TOP, MARGIN, LANE, AROUND = 64, 24, 26, 12
"""Pixels: the head of a zone, its margin, a lane below the boxes, and the distance at which lines go around them."""
STRIDE = WIDTH + 2 * MARGIN + ROOM
"""Pixels from zone to zone."""
LETTERS = 24
"""Letters in a line of a box."""
Place = tuple[int, int]


def svg(system: System) -> str:
    """A standalone picture; flows have the numbers of their order. What is cut short is whole in its tooltip."""
    zones = [name for name in system.zones if any(one.zone == name for one in system.components.values())]
    places = _places(system, zones)
    rows = max((sum(one.zone == zone for one in system.components.values()) for zone in zones), default=0)
    width, bottom = len(zones) * STRIDE - ROOM + 2, TOP + rows * (HEIGHT + GAP)
    lines, lanes = _routed(system, places, bottom)
    height = bottom + lanes * LANE + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [head, ' font-family="sans-serif" font-size="12">']
    for column, zone in enumerate(zones):
        parts += _zone(system, zone, column * STRIDE + 1, height - 2)
    parts += lines
    for name, place in places.items():
        component = system.components[name]
        parts += _box(place, component.title, component.role)
    return "\n".join([*parts, "</svg>"])


def _routed(system: System, places: Mapping[str, Place], bottom: int) -> tuple[list[str], int]:
    """The lines of all flows, and how many lanes below the boxes they take."""
    parts: list[str] = []
    taken: Counter[frozenset[str]] = Counter()
    lanes = 0
    for number, flow in enumerate(system.flows.values(), 1):
        ends, names = (places[flow.source], places[flow.target]), frozenset((flow.source, flow.target))
        lane = bottom + lanes * LANE + LANE // 2 if abs(ends[0][0] - ends[1][0]) > STRIDE else None
        shift = lanes * 6 if lane else taken[names] * 22
        parts += _flow(number, flow, ends, shift, lane)
        taken[names] += 1
        lanes += lane is not None
    return parts, lanes


def _places(system: System, zones: list[str]) -> dict[str, Place]:
    """The middle of each component's box."""
    counts = dict.fromkeys(zones, 0)
    places = {}
    for name, component in system.components.items():
        column, row = zones.index(component.zone), counts[component.zone]
        x = column * STRIDE + MARGIN + WIDTH // 2 + 1
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


def _flow(number: int, flow: Flow, ends: tuple[Place, Place], shift: int, lane: int | None) -> Iterator[str]:
    """A line with the number: straight to the next column, bent within one, and by a lane below past other columns."""
    known = flow.channel != "other"
    looks = 'stroke="#0b57a4" stroke-width="2.5"' if known else 'stroke="#606b76" stroke-dasharray="4 3"'
    (x, y), (far_x, far_y) = sorted(ends)
    right, left = x + WIDTH // 2, far_x - WIDTH // 2
    if x == far_x:
        bend = right + 30 + shift
        path, middle = f"M{right},{y} C{bend},{y} {bend},{far_y} {right},{far_y}", (bend - 7, (y + far_y) // 2)
    elif lane is None:
        path = f"M{right},{y + shift} L{left},{far_y + shift}"
        middle = ((right + left) // 2, (y + far_y) // 2 + shift)
    else:
        out, back = right + AROUND + shift, left - AROUND - shift
        path = f"M{right},{y} H{out} V{lane} H{back} V{far_y} H{left}"
        middle = ((out + back) // 2, lane)
    yield f'<path d="{path}" fill="none" {looks}><title>{escape(flow.title)}</title></path>'
    yield f'<circle cx="{middle[0]}" cy="{middle[1]}" r="10" fill="#fff" {looks.partition(" stroke-")[0]}/>'
    yield f'<text x="{middle[0]}" y="{middle[1] + 4}" text-anchor="middle" fill="#1b1f24">{number}</text>'


def _lines(x: int, y: int, text: str, letters: int, most: int, looks: str) -> Iterator[str]:
    """A text in at most `most` lines."""
    lines = wrap(text, letters) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: letters - 1] + "…"]
    spans = "".join(f'<tspan x="{x}" dy="{0 if not n else 14}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    yield f'<text x="{x}" y="{y}" text-anchor="middle" {looks}>{spans}<title>{escape(text)}</title></text>'
