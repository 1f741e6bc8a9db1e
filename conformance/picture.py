"""The kill matrix as a picture: requirements down, modules of tests across, the darker the more kills.

Behind each line stands how many of the faults that break its requirement are killed by a test that cites it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from ..harness.faults.register import FAULTS
from .matrix import Row, citing, tests_of

CELL, LEFT, TOP, RIGHT = 13, 60, 190, 60
SHADES = {1: "#cfe2f3", 10: "#9dc3e6", 100: "#4a90c9", 0: "#1f4e79"}
"""The most kills that have a shade; none for the last one."""
BAND, ALIVE, PALE = "#f6f6f6", "#b00020", "#777"


def as_svg(found: Sequence[Row], date: str) -> str:
    """The picture. A requirement that no fault of its own kills anywhere has an empty line."""
    down = sorted({FAULTS[one.fault].requirement for one in found})
    across = sorted({_module(test.id) for role in ("device", "service") for test in tests_of(role)})
    width, height = LEFT + CELL * len(across) + RIGHT, TOP + CELL * len(down) + 10
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="9">',
        f"<title>Kill matrix of {escape(date)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        *_heading(date),
        *_bands(down, CELL * len(across)),
        *(_text(0, 0, module, f' transform="translate({LEFT + CELL * x + 10},{TOP - 6}) rotate(-90)"')
          for x, module in enumerate(across)),
        *_cells(found, down, across),
        *_tally(found, down, LEFT + CELL * len(across) + 6),
        "</svg>",
    ]) + "\n"  # fmt: skip


def _module(test_id: str) -> str:
    return test_id.partition("::")[0].removeprefix("test_")


def _text(x: int, y: int, said: str, more: str = "") -> str:
    place = "" if "transform" in more else f' x="{x}" y="{y}"'
    return f"<text{place}{more}>{escape(said)}</text>"


def _square(x: int, y: int, shade: str, inside: str = "") -> str:
    side = CELL - 1
    return f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="{shade}">{inside}</rect>'


def _heading(date: str) -> Iterator[str]:
    """What is drawn, and what the shades mean."""
    yield _text(6, 18, f"Kill matrix, {date}", ' font-size="14" font-weight="bold"')
    yield _text(6, 34, "Tests that fail because of the faults that break a requirement, by module of the suite;")
    yield _text(6, 46, "on the right how many of these faults a test kills that cites the requirement.")
    least = 1
    for x, (most, shade) in enumerate(SHADES.items()):
        yield _square(6 + 80 * x, 56, shade)
        said = f"{least} to {most}" if most > least else f"{least}" if most else f"{least} and more"
        yield _text(22 + 80 * x, 66, said)
        least = most + 1


def _bands(down: Sequence[str], width: int) -> Iterator[str]:
    """Every second line on grey, and its name."""
    for y, requirement in enumerate(down):
        top = TOP + CELL * y
        if y % 2:
            yield f'<rect x="0" y="{top}" width="{LEFT + width + RIGHT}" height="{CELL}" fill="{BAND}"/>'
        yield _text(6, top + 10, requirement)


def _cells(found: Sequence[Row], down: Sequence[str], across: Sequence[str]) -> Iterator[str]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        counts.update((FAULTS[one.fault].requirement, _module(name)) for name in one.killed_by)
    for y, requirement in enumerate(down):
        for x, module in enumerate(across):
            if kills := counts[requirement, module]:
                said = f"<title>{escape(f'{requirement}, {module}: {kills}')}</title>"
                yield _square(LEFT + CELL * x, TOP + CELL * y, _shade(kills), said)


def _shade(kills: int) -> str:
    return next(shade for most, shade in SHADES.items() if kills <= most or not most)


def _tally(found: Sequence[Row], down: Sequence[str], x: int) -> Iterator[str]:
    """Killed of all, in red where some live."""
    whole = Counter(FAULTS[one.fault].requirement for one in found)
    dead = Counter(FAULTS[one.fault].requirement for one in found if citing(one))
    for y, requirement in enumerate(down):
        colour = PALE if dead[requirement] == whole[requirement] else ALIVE
        said = f"{dead[requirement]} of {whole[requirement]}"
        yield _text(x, TOP + CELL * y + 10, said, f' fill="{colour}"')
