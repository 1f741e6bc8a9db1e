"""A finding: what an implementation did wrong, with the trace that shows it, as a file that can be played again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .chart import chart, mermaid
from .oracle import Difference
from .record import Record
from .trace import Trace, read_trace

FORMAT = 1


class FindingError(ValueError):
    """A file that is no finding; the message says why."""


@dataclass(frozen=True)
class Finding:
    """`trace` shows `difference`. `without` and `faults` are those of the reference peers, where one was played to."""

    trace: Trace
    difference: Difference
    seed: int
    case: int
    implementation: Mapping[str, str]
    without: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    cases: int = 0
    seconds: float = 0.0
    chart: tuple[str, ...] = ()
    mermaid: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """One line for people."""
        found = self.difference
        return f"{found.requirement} {found.kind} ({self.trace.role}): {found.reason}"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            **asdict(self.difference),
            "implementation": dict(self.implementation),
            "seed": self.seed,
            "case": self.case,
            "without": list(self.without),
            "faults": list(self.faults),
            "found": {"cases": self.cases, "seconds": round(self.seconds, 3)},
            "trace": self.trace.plain(),
            "chart": list(self.chart),
            "mermaid": self.mermaid,
            "versions": dict(self.versions),
        }

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(json.dumps(self.plain(), indent=1) + "\n", encoding="utf-8")


def drawn(finding: Finding, expected: Record, seen: Record) -> Finding:
    """The finding with its charts and the versions of what found it."""
    versions = {name: version(name) for name in ("trustconn", "cryptography", "cbor2", "hypothesis")}
    trace, difference = finding.trace, finding.difference
    return Finding(
        trace, difference, finding.seed, finding.case, finding.implementation, finding.without, finding.faults,
        finding.cases, finding.seconds, tuple(chart(trace, expected, seen, difference)),
        mermaid(trace, expected, seen, difference), versions,
    )  # fmt: skip


def load(path: Path) -> Finding:
    """Read what `save` wrote.

    Raises:
        FindingError: the file is no finding.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain.get("format") != FORMAT:
            raise FindingError(f"format {plain.get('format')!r}, not {FORMAT}")
        difference = Difference(
            **{name: plain[name] for name in ("kind", "requirement", "reason", "where", "session", "check")}
        )
        return Finding(
            read_trace(plain["trace"]), difference, plain["seed"], plain["case"], plain["implementation"],
            tuple(plain["without"]), tuple(plain["faults"]),
        )  # fmt: skip
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FindingError(f"{path}: not a finding: {error}") from error
