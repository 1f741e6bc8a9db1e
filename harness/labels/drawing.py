"""A processing chain drawn: numbered lines, a Mermaid flowchart, or an SVG picture; originals first, or on top."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .errors import short
from .label import Label
from .trust import shown
from .verify import Judged

WIDTH, HEIGHT, COLUMN, LAYER, MARGIN, LINE = 284, 92, 324, 150, 30, 16
LIMIT = 36
"""Characters of a line in a box; the whole text is in its tooltip."""


@dataclass(frozen=True, slots=True)
class Box:
    """A label, with what a verifier found where it was verified."""

    label: Label
    judged: Judged | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """What was done, by whom, when, to what; the label's digest last."""
        label, judged = self.label, self.judged
        name = f"{label.action.name} by {label.action.agent}" if label.action else "original"
        made = ", generated" if judged and judged.generative else ""
        proven = f", proven {shown(judged.existed)}" if judged and judged.existed is not None else ""
        blocks = f", {counted(label.blocks.count, 'block')}" if label.blocks else ""
        kind = label.content_type if isinstance(label.content_type, str) else f"content-format {label.content_type}"
        when = f"{shown(label.issued_at)}{proven}"
        return tuple(map(printable, (name + made, label.subject, when, kind + blocks, short(label.digest))))

    @property
    def details(self) -> tuple[str, ...]:
        """What else a verifier found: the platform's environment, and the parameters of the action."""
        judged = self.judged
        if judged is None:
            return ()
        around, told = judged.environment, judged.parameters
        found = [f"environment by its attestation key, boot count {around.bootcount}"] if around else []
        if told is None:
            named = "parameters: not kept with the data" if self.label.action else ""
        else:
            named = ", ".join(f"{name}={value}" for name, value in told.items() if isinstance(name, str))
        return tuple(map(printable, [*found, *([named] if named else [])]))


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def printable(words: str) -> str:
    """What a signer has chosen, without characters that steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in words)


def text(boxes: Sequence[Box]) -> str:
    """A numbered line for each label; what it was made from is named by number."""
    number = {box.label.digest: index for index, box in enumerate(boxes, 1)}
    rows = []
    for index, box in enumerate(boxes, 1):
        what, who, when, kind, digest = box.lines
        rows.append(f"{index:4}  {digest}  {what}; {kind}")
        rows.append(f"      {who}, {when}")
        rows += [f"      {line}" for line in box.details]
        made_from = [
            f"{printable(item.relation)} {number[item.label]}" for item in box.label.inputs if item.label in number
        ]
        if made_from:
            rows.append(f"      from {', '.join(made_from)}")
    return "\n".join(rows) + "\n"


def mermaid(boxes: Sequence[Box]) -> str:
    """A flowchart from the originals down to the label of the data."""
    number = {box.label.digest: index for index, box in enumerate(boxes, 1)}
    rows = ["flowchart TB"]
    for index, box in enumerate(boxes, 1):
        rows.append(f'    n{index}["{"<br>".join(map(_plain, box.lines))}"]')
    for index, box in enumerate(boxes, 1):
        for item in box.label.inputs:
            if item.label in number:
                rows.append(f'    n{number[item.label]} -->|"{_plain(item.relation)}"| n{index}')
    return "\n".join(rows) + "\n"


def _plain(words: str) -> str:
    """Mermaid reads these characters as its own."""
    return "".join(f"#{ord(c)};" if c in '"#;<>|[]{}`' else c for c in printable(words))


def svg(boxes: Sequence[Box]) -> str:
    """A standalone picture."""
    place = _places(boxes)
    columns = max((x for x, _ in place.values()), default=0) + 1
    layers = max((y for _, y in place.values()), default=0) + 1
    width, height = 2 * MARGIN + columns * COLUMN, 2 * MARGIN + layers * LAYER
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="12" role="img"><title>Processing chain</title>',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="8" refY="4" orient="auto">',
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for box in boxes:
        parts.extend(_arrows(box, place, width - MARGIN // 2))
    for box in boxes:
        parts.extend(_drawn(box, place))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _places(boxes: Sequence[Box]) -> dict[bytes, tuple[int, int]]:
    """Column and layer: just above the first label that was made from it, so that few lines pass others."""
    below: dict[bytes, int] = defaultdict(int)
    for box in reversed(boxes):
        for item in box.label.inputs:
            below[item.label] = max(below[item.label], below[box.label.digest] + 1)
    deepest = max((below[box.label.digest] for box in boxes), default=0)
    taken: dict[int, int] = defaultdict(int)
    place = {}
    for box in boxes:
        layer = deepest - below[box.label.digest]
        place[box.label.digest] = (taken[layer], layer)
        taken[layer] += 1
    return place


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return MARGIN + place[0] * COLUMN, MARGIN + place[1] * LAYER


def _arrows(box: Box, place: Mapping[bytes, tuple[int, int]], right: int) -> Iterator[str]:
    x2, y2 = _corner(place[box.label.digest])
    for item in box.label.inputs:
        if item.label not in place:
            continue
        x1, y1 = _corner(place[item.label])
        if place[box.label.digest][1] - place[item.label][1] > 1:
            # What leads past a layer goes around on the right: a curve comes three quarters of the way to its bends.
            start, end = (x1 + WIDTH, y1 + HEIGHT // 2), (x2 + WIDTH, y2 + HEIGHT // 2)
            bend = max(start[0], end[0]) + (right - max(start[0], end[0])) * 4 // 3
            way, x = f"C{bend} {start[1]} {bend} {end[1]} {end[0]} {end[1]}", right - 100
        else:
            start, end = (x1 + WIDTH // 2, y1 + HEIGHT), (x2 + WIDTH // 2, y2)
            way, x = f"L{end[0]} {end[1]}", (start[0] + end[0]) // 2 + 6
        yield f'<path d="M{start[0]} {start[1]} {way}" fill="none" stroke="#000" marker-end="url(#tip)"/>'
        y = (start[1] + end[1]) // 2
        named = escape(_cut(item.relation))
        yield f'<text x="{x}" y="{y}" stroke="#fff" stroke-width="4">{named}</text>'
        yield f'<text x="{x}" y="{y}" fill="#444">{named}</text>'


def _drawn(box: Box, place: Mapping[bytes, tuple[int, int]]) -> Iterator[str]:
    x, y = _corner(place[box.label.digest])
    yield f"<g><title>{escape(chr(10).join(box.lines))}</title>"
    yield f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fff" stroke="#1c1f24"/>'
    for row, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if row == 0 else ""
        yield f'<text x="{x + 8}" y="{y + 18 + row * LINE}"{weight}>{escape(_cut(line))}</text>'
    yield "</g>"


def _cut(line: str) -> str:
    """Begin and end of a long line: names of platforms differ in their last digits."""
    clean = printable(line)
    return clean if len(clean) <= LIMIT else f"{clean[: LIMIT - 9]}…{clean[-8:]}"


DRAW = {"text": text, "mermaid": mermaid, "svg": svg}
