"""Attacks as message sequence charts: text, Mermaid and SVG.

Every run has a lifeline, and so has the attacker, who is the network: a send goes to him, a receive comes from him.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from .attack import Attack, AttackEvent, AttackRun, Ground

ATTACKER = -1
COLUMN, ROW, TOP, MARGIN = 260, 44, 70, 130
LIMIT = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: an arrow from lifeline to lifeline, or a note when both are the same."""

    source: int
    target: int
    text: str


Names = Mapping[int, str]
"""Names by the identity of the terms that they stand for."""


def show(term: Ground, names: Names | None = None) -> str:
    """A term as people write it: `{m}k` for encryption, `g^(x*y)` for exponents; a term with a name by its name."""
    return names[id(term)] if names and id(term) in names else _spelled(term, names)


def _spelled(term: Ground, names: Names | None) -> str:
    if isinstance(term, str):
        return term
    head, args = str(term[0]), [show(t, names) for t in term[1:]]
    if head == "tuple":
        return "(" + ", ".join(args) + ")"
    if head == "dh":
        return "g^" + (args[0] if len(args) == 1 else "(" + "*".join(args) + ")")
    if head in ("enc", "senc", "aenc"):
        inner = args[0][1:-1] if args[0].startswith("(") else args[0]
        return "{" + inner + "}" + args[1]
    return f"{head}({', '.join(args)})"


def _by_term(attack: Attack) -> Names:
    return {id(term): name for name, term in attack.names.items()}


def title(run: AttackRun) -> str:
    """Heading of a lifeline: the role, the agent who plays it, and with whom."""
    agents = ", ".join(f"{name}={show(agent)}" for name, agent in run.agents.items())
    return f"{run.role}#{run.number} ({agents})"


def lines(attack: Attack) -> Iterator[Line]:
    """The lines of the chart, in order."""
    names = _by_term(attack)
    for event in attack.events:
        yield _line(event, names)
    for term in attack.learned:
        yield Line(ATTACKER, ATTACKER, f"knows {show(term, names)}")


def legend(attack: Attack) -> Iterator[str]:
    """What the names stand for, as far as the chart needs them."""
    names = _by_term(attack)
    needed = {n for line in lines(attack) for n in attack.names if n in line.text}
    for name in reversed(attack.names):
        if name in needed:
            text = _spelled(attack.names[name], names)
            needed |= {n for n in attack.names if n in text}
    for name, term in attack.names.items():
        if name in needed:
            yield f"{name} = {_spelled(term, names)}"


def _line(event: AttackEvent, names: Names) -> Line:
    term = show(event.term, names)
    label = f"{event.label}. " if event.label else ""
    if event.kind == "send":
        return Line(event.run, ATTACKER, label + term)
    if event.kind == "receive":
        return Line(ATTACKER, event.run, label + term)
    if event.kind == "leak":
        return Line(event.run, ATTACKER, f"leaks {term}")
    if event.kind == "reveal":
        return Line(ATTACKER, ATTACKER, f"is given {term}")
    return Line(event.run, event.run, event.label or "check")


def text(attack: Attack) -> str:
    """The chart as plain text, one line for each event; `?` is the attacker, who is the network."""
    rows = [f"[{r.number}] {title(r)}" for r in attack.runs]
    rows += ["[?] the attacker, who is the network", ""]
    rows += [f"{number:3}  {_arrow(line)}  {line.text}" for number, line in enumerate(lines(attack), 1)]
    explained = list(legend(attack))
    return "\n".join([*rows, *(["", *explained] if explained else [])]) + "\n"


def _arrow(line: Line) -> str:
    source, target = (("?" if n == ATTACKER else str(n)) for n in (line.source, line.target))
    return f"[{source}]       " if line.source == line.target else f"[{source}] --> [{target}]"


def mermaid(attack: Attack) -> str:
    """The chart as a Mermaid sequence diagram."""
    rows = ["sequenceDiagram"]
    rows += [f"    participant r{r.number} as {_plain(title(r))}" for r in attack.runs]
    rows.append("    participant attacker")
    names = {ATTACKER: "attacker"} | {r.number: f"r{r.number}" for r in attack.runs}
    for line in lines(attack):
        source, target = names[line.source], names[line.target]
        if line.source == line.target:
            rows.append(f"    Note over {source}: {_plain(line.text)}")
        else:
            rows.append(f"    {source}->>{target}: {_plain(line.text)}")
    return "\n".join(rows) + "\n"


def _plain(label: str) -> str:
    """Mermaid reads `;` and `#` as its own."""
    return label.replace(";", "\0").replace("#", "#35;").replace("\0", "#59;")


def svg(attack: Attack) -> str:
    """The chart as a standalone SVG picture; a text that is cut short is whole in its tooltip."""
    body = list(lines(attack))
    column = {r.number: MARGIN + r.number * COLUMN for r in attack.runs}
    column[ATTACKER] = MARGIN + len(attack.runs) * COLUMN
    width, height = column[ATTACKER] + MARGIN, TOP + ROW * (len(body) + 1)
    heads = {r.number: title(r) for r in attack.runs} | {ATTACKER: "attacker"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="12">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="8" refY="4" orient="auto">',
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for number, x in column.items():
        parts.append(f'<line x1="{x}" y1="{TOP - 20}" x2="{x}" y2="{height}" stroke="#999" stroke-dasharray="4 3"/>')
        parts.append(_label(x, TOP - 32, heads[number], bold=True))
    for number, line in enumerate(body):
        parts.extend(_drawn(line, column, TOP + ROW * number + ROW // 2))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(line: Line, column: dict[int, int], y: int) -> Iterator[str]:
    source, target = column[line.source], column[line.target]
    if source == target:
        yield f'<circle cx="{source}" cy="{y}" r="4"/>'
        yield _label(source, y - 8, line.text)
        return
    yield f'<line x1="{source}" y1="{y}" x2="{target}" y2="{y}" stroke="#000" marker-end="url(#tip)"/>'
    yield _label((source + target) // 2, y - 6, line.text)


def _label(x: int, y: int, label: str, bold: bool = False) -> str:
    short = label if len(label) <= LIMIT else label[: LIMIT - 1] + "…"
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="middle"{weight}>{escape(short)}<title>{escape(label)}</title></text>'
