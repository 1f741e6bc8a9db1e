"""The one retry of an initiator whose cipher suite was refused (RFC 9528 section 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

from ..crypto.signatures import ES256
from ..crypto.suites import SUITES
from .edhoc_errors import EdhocError


def retry_after(
    error: EdhocError, suites_i: Sequence[int], supported: Sequence[int], off: frozenset[str] = frozenset()
) -> tuple[int, ...] | None:
    """SUITES_I of the retry after an error; None where its code is not 2, and where `retry_suites` gives up."""
    return retry_suites(suites_i, error.info, supported, off) if isinstance(error.info, tuple) else None


def retry_suites(
    suites_i: Sequence[int], suites_r: Sequence[int], supported: Sequence[int], off: frozenset[str] = frozenset()
) -> tuple[int, ...] | None:
    """SUITES_I of the retry: the most preferred suite of `supported` that SUITES_R holds, behind all preferred to it.

    None gives up: SUITES_R, which nothing authenticates, holds no suite that is supported, or holds the one that was
    refused. Without `suites_r_allow_a_retry` the first suite of SUITES_R that can be computed with is believed.
    """
    if "suites_r_allow_a_retry" in off:
        usable = (s for s in suites_r if s in SUITES and SUITES[s].signature is ES256)
        return next(((suite,) for suite in usable), None)
    selected = next((suite for suite in supported if suite in suites_r), None)
    if selected is None or suites_i[-1] in suites_r:
        return None
    return tuple(supported[: supported.index(selected) + 1])
