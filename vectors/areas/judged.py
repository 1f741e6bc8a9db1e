"""Frames that the reference receiver of a moment judges, as vectors: valid, or wrong for one reason alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..judging import refusals, requirement
from ..vector import GeneratorError, Json, Vector
from .honest import Moment

OF_FORM = frozenset(
    {
        "frame_matches_its_grammar",
        "frame_is_deterministic",
        "frame_has_no_duplicate_keys",
        "frame_has_no_trailing_bytes",
        "frame_depth_is_bounded",
        "frame_type_is_known",
        "eat_claims_have_their_types",
    }
)
"""Checks of the form, behind which nothing else has been looked at."""

TWINS = {"tpm_quote_is_over_the_binder": frozenset({"tpm_certification_is_over_the_binder"})}
"""Checks by which the same rule is enforced in another structure of the same evidence."""


class Candidate(NamedTuple):
    """A frame with something done to one field, and how a vector shows it."""

    field: str
    operator: str
    frame: bytes
    given: Mapping[str, Json]
    comment: str


def invalid(at: Moment, candidates: Iterable[Candidate], *, must: bool = False) -> Iterator[Vector]:
    """Vectors of those that are refused, and for one reason; the others are no faults, or more than one.

    Raises:
        GeneratorError: one that `must` be refused is not, or has two reasons.
    """
    seen: set[tuple[str, str]] = set()
    for field, operator, frame, given, comment in candidates:
        if (field, operator) in seen:
            continue
        check = at.refusing(frame)
        alone = check is not None and (check in OF_FORM or at.is_the_only_reason(frame, check, *TWINS.get(check, ())))
        if must and not alone:
            raise GeneratorError(f"{field} {operator}: refused by {check}, and not for one reason")
        if check is not None and alone:
            seen.add((field, operator))
            yield Vector(requirement(check), field, operator, False, comment, given, refusals=refusals(check))


def valid(at: Moment, needed: str, candidates: Iterable[Candidate]) -> Iterator[Vector]:
    """Vectors of frames that are taken. Raises GeneratorError for one that is not."""
    for field, operator, frame, given, comment in candidates:
        if (check := at.refusing(frame)) is not None:
            raise GeneratorError(f"{field} {operator} is refused by {check}")
        yield Vector(needed, field, operator, True, comment, given)
