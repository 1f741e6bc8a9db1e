"""The kill matrix as a picture: requirements down, modules of tests across, the darker the more kills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from ..harness.faults import FAULTS
from .matrix import Row, tests_of

CELL, LEFT, TOP = 12, 60, 150
SHADES = ("#dbe9f6", "#9dc3e6", "#4a90c9", "#1f4e79")
"""For one kill, more than one, ten and a hundred."""


def as_svg(found: Sequence[Row], date: str) -> str:
    """The picture. A requirement that no fault of its own kills anywhere has an empty line."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        modules = (name.partition("::")[0] for name in one.killed_by)
        counts.update((FAULTS[one.fault].requirement, module) for module in modules)
    down = sorted({FAULTS[one.fault].requirement for one in found})
    across = sorted({test.id.partition("::")[0] for role in ("device", "service") for test in tests_of(role)})
    width, height = LEFT + CELL * len(across) + 10, TOP + CELL * len(down) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="9">',
        f"<title>Kill matrix of {escape(date)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for x, module in enumerate(across):
        at = LEFT + CELL * x + 9
        parts.append(f'<text transform="translate({at},{TOP - 6}) rotate(-90)">{escape(module)}</text>')
    for y, requirement in enumerate(down):
        top = TOP + CELL * y
        parts.append(f'<text x="4" y="{top + 9}">{escape(requirement)}</text>')
        for x, module in enumerate(across):
            if kills := counts[requirement, module]:
                parts.append(_cell(LEFT + CELL * x, top, kills, f"{requirement}, {module}: {kills}"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _cell(x: int, y: int, kills: int, said: str) -> str:
    shade = SHADES[sum(kills > limit for limit in (1, 10, 100))]
    side = CELL - 1
    return f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="{shade}"><title>{escape(said)}</title></rect>'
