"""The faults of the reference peers as a table for readers: what each is, and which test kills it."""

from __future__ import annotations

from collections.abc import Iterator

from ..harness.faults.fault import REMOVAL, Fault
from ..harness.faults.flaws import UNEXPRESSED
from ..harness.faults.register import FAULTS
from .kills import ROLES, committed, excuse, key, pairs

HEAD = (
    "| fault | requirement | what is wrong | operator: field | source | killed by |",
    "|---|---|---|---|---|---|",
)


def fault_table() -> str:
    """Markdown, from the register of faults, the index of killers and the list of survivors."""
    triples = {fault.triple for fault in FAULTS.values()}
    lines = [
        "# Faults of the reference peers", "",
        f"{len(FAULTS)} faults, {len(triples)} distinct triples of requirement, operator and field. Each must fail a",
        "test that cites its requirement: `trustconn kill` shows it. A source such as C7 is a published flaw.", "",
        *HEAD, *map(_line, FAULTS.values()), "",
        "## Published flaws that no fault expresses", "", "| flaw | reason |", "|---|---|",
        *(f"| {flaw} | {reason} |" for flaw, reason in UNEXPRESSED.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _line(fault: Fault) -> str:
    source = "" if fault.source == REMOVAL else fault.source
    cells = (fault.name, fault.requirement, fault.sentence, f"{fault.operator}: {fault.field}", source)
    return f"| {' | '.join(cells)} | {'<br>'.join(_killers(fault))} |"


def _killers(fault: Fault) -> Iterator[str]:
    """The killer of each role, or why there is none."""
    for pair in pairs([fault.name], ROLES):
        killer = committed().get(key(pair))
        yield f"`{killer}`" if killer else f"{pair[1]}: {excuse(pair)}".replace("\n", " ")
