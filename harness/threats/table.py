"""The review as CSV (RFC 4180), a line for each threat at each element, for spreadsheets and issue trackers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from ..verdict.verdict import Verdict
from .review import Finding, Review, claim_verdicts, shown_attacks

COLUMNS = (
    "threat", "title", "element", "element title", "applies because", "stride", "emb3d", "powers", "claims", "state",
    "why", "tests", "passed", "failed", "inconclusive", "attack without", "residual risk", "impact", "decision",
    "reason", "by", "date",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(review: Review) -> str:
    """The table, with a head line; no cell of it begins as a spreadsheet's formula does."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for finding in review.findings:
        writer.writerow([_plain(cell) for cell in _cells(review, finding)])
    return text.getvalue()


def _plain(cell: object) -> str:
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(review: Review, finding: Finding) -> Iterator[object]:
    threat, element = finding.threat, finding.applies.element
    yield from (threat.id, threat.title, element, review.system.title(element), finding.applies.because)
    yield from (_listed(threat.stride), _listed(threat.emb3d), _listed(threat.powers))
    yield _listed(f"{claim.id} {claim.verdict}" for claim in claim_verdicts(threat.id))
    yield finding.state.value
    yield _listed(f"{one.component}: {one.why}" for one in finding.exercises)
    counts = {verdict: sum(one.counts.get(verdict, 0) for one in finding.exercises) for verdict in Verdict}
    yield from (sum(counts.values()), counts[Verdict.PASS], counts[Verdict.FAIL])
    yield counts[Verdict.INCONC] + counts[Verdict.ERROR]
    yield _listed(" and ".join(attack.removed) for attack in shown_attacks(threat.id))
    yield from (" ".join(finding.left), finding.impact)
    decision = finding.decision
    yield from (decision.choice, decision.reason, decision.by, decision.date) if decision else ("",) * 4


def _listed(texts: Iterable[str]) -> str:
    return "; ".join(texts)
