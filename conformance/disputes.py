"""Accepted disputes: a test whose failures count as inconclusive until it or the specification is mended."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from ..harness.verdict.verdict import Judgement, Verdict

FILE = "disputed.toml"


@cache
def disputes() -> dict[str, str]:
    """Test id to the reason."""
    data = tomllib.loads((files(__package__) / FILE).read_text(encoding="utf-8"))
    return {entry["test"]: entry["because"] for entry in data.get("dispute", [])}


def heard(test: str, judgement: Judgement) -> Judgement:
    """The judgement, a failure of a disputed test turned into an inconclusive one that says so."""
    because = disputes().get(test)
    if because is None or judgement.verdict is not Verdict.FAIL:
        return judgement
    reason = f"disputed: {because}; {judgement.reason}"
    return Judgement(Verdict.INCONC, judgement.negative, judgement.grade, judgement.witness, reason)
