"""A name under a review: refused while a threat is not exercised or failed, and void when what was reviewed changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .review import Finding, Review

FORMAT = 1
FILE = "sign-off.json"


class Refused(Exception):
    """The review cannot be signed off; `blockers` say why, a sentence each."""

    def __init__(self, blockers: tuple[str, ...]) -> None:
        super().__init__("; ".join(blockers))
        self.blockers = blockers


def sign_off(review: Review, by: str, date: str) -> dict[str, Any]:
    """The record of a sign-off, with digests of everything that was reviewed. `date` as 2026-01-31.

    Raises:
        Refused: an applicable threat is not exercised, failed or undecided, or nobody decided about what is left of it.
    """
    if blockers := tuple(map(str, review.blockers())):
        raise Refused(blockers)
    return {
        "format": FORMAT,
        "by": by,
        "date": date,
        **_reviewed(review),
        "findings": [_finding(finding) for finding in review.findings],
    }


def holds(record: object, review: Review) -> bool:
    """Whether a sign-off is of this very description and these very results."""
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return False
    return all(record.get(name) == value for name, value in _reviewed(review).items())


def save(record: dict[str, Any], folder: Path) -> Path:
    """Write the record into a folder."""
    path = folder / FILE
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load(folder: Path, review: Review) -> dict[str, Any] | None:
    """The sign-off in a folder; none when there is none, or one of something else."""
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if holds(record, review) else None


def _reviewed(review: Review) -> dict[str, Any]:
    """What was reviewed; the runs in the order of their digests."""
    file = review.system.file
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    about = review.system.about
    return {
        "system": {"name": about.name, "version": about.version, "sha256": digest},
        "runs": [{"results": run.digest} for run in sorted(review.runs, key=lambda run: run.digest)],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    assert finding.decision is not None
    decision = {name: getattr(finding.decision, name) for name in ("choice", "reason", "by", "date")}
    tests = {one.component: {verdict.label: n for verdict, n in one.counts.items()} for one in finding.exercises}
    return {
        "threat": finding.threat.id, "element": finding.applies.element, "state": finding.state.value, "tests": tests,
        "left": list(finding.left), "decision": decision,
    }  # fmt: skip
