"""Evidence that is judged step by step, by a relying party or by a verifier in its place; results of others are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..table import Message, Step
from ..terms import Term
from .attestation import EAT_FORMAT, EVIDENCE, appraisal_checks
from .forms import COLLECTION_FORMAT, PSA_FORMAT, TPM_FORMAT, Format
from .frames import Side


class Conveyed(Protocol):
    """What carries evidence of one attester."""

    @property
    def att(self) -> Message:
        """The frame."""

    @property
    def cmw(self) -> Term:
        """What it wraps the evidence in."""

    @property
    def endorsements(self) -> Term:
        """Proofs of status beside it."""


@dataclass(frozen=True)
class Judged:
    """Evidence of one type: what questions about it are called, its terms by the attester's letter, and the steps."""

    question: str
    evidence: Mapping[str, Conveyed]
    checks: Callable[[Side], tuple[Step, ...]]


def _tpm() -> Judged:
    from .tpm import BUNDLE, appraisal_checks

    return Judged("tpm_question", BUNDLE, appraisal_checks)


def _psa() -> Judged:
    from .psa import PSA, appraisal_checks

    return Judged("psa_question", PSA, appraisal_checks)


def _collection() -> Judged:
    from .collection import COLLECTED, appraisal_checks

    return Judged("collection_question", COLLECTED, appraisal_checks)


JUDGED: Mapping[Format, Callable[[], Judged]] = {
    EAT_FORMAT: lambda: Judged("question", EVIDENCE, appraisal_checks),
    TPM_FORMAT: _tpm,
    PSA_FORMAT: _psa,
    COLLECTION_FORMAT: _collection,
}
"""By evidence type. Terms are made when they are asked for."""
