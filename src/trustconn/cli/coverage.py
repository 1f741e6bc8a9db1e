"""What each test covers: the snapshot `conformance/coverage.json`, committed so that a change is a reviewed diff."""

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Covered:
    """One test: what it cites, and what it does to which field."""

    requirements: tuple[str, ...]
    check: str | None
    operator: str
    field: str
    role: str


def coverage() -> dict[str, Covered]:
    """Test id to what it covers; empty when the snapshot is not there."""
    snapshot = files("trustconn.conformance") / "coverage.json"
    if not snapshot.is_file():
        return {}
    tests = json.loads(snapshot.read_text(encoding="utf-8"))
    return {
        name: Covered(tuple(test["requirements"]), test["check"], test["operator"], test["field"], test["role"])
        for name, test in tests.items()
    }


def test_ids() -> frozenset[str]:
    """Known test ids."""
    return frozenset(coverage())
