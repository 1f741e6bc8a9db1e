"""Faults of what is asked again while a session is open: whether anything that it rests on is revoked by now."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.distort import at, changed, unchecked
from ..identity.credentials import TrustAnchors
from ..identity.footing import AGAIN
from .fault import Fault, fault
from .operators import forgives, sees
from .peer import FaultyEndpoint


def revocation_faults() -> Iterator[Fault]:
    """What is not asked again, or not of everything."""
    for name, message, what in (
        ("request_from_the_revoked", "ATT_REQ", "request"),
        ("later_evidence_of_the_revoked", "ATT", "later evidence"),
    ):
        yield fault(
            name, f"With a {what}, nobody asks whether the leaf is still good.", "REV-09", "two entry points", what,
            source="C17", table=changed(at(message, "OPEN", "EXPIRED"), unchecked(AGAIN)),
        )  # fmt: skip
    yield fault(
        "renewed_proof_unread", "Of the proofs beside later evidence none is read for the leaf.", "REV-09",
        "first of several", "renewed proof", judges={AGAIN: sees(lambda w, cred, proofs, renewed: (cred, proofs, b""))},
    )  # fmt: skip
    yield fault(
        "ended_proof_passes_later", "A proof that was good once is good for the whole session.", "REV-09", "state kept",
        "proof of HELLO", judges={AGAIN: forgives("no fresh proof of status")},
    )  # fmt: skip
    yield fault(
        "lists_for_new_sessions", "A list that revokes is heeded in new sessions only.", "REV-09", "missing message",
        "new list", endpoint=_Deaf,
    )  # fmt: skip
    yield fault(
        "lists_of_identities_only", "A list that comes while a session is open is looked up for identities alone.",
        "REV-09", "first of several", "new list", endpoint=_Narrow,
    )  # fmt: skip


class _Deaf(FaultyEndpoint):
    def learn(self, anchors: TrustAnchors) -> None:
        self.world.anchors = anchors


class _Narrow(FaultyEndpoint):
    def learn(self, anchors: TrustAnchors) -> None:
        self.provider.found.pop("ak_is_not_revoked", None)
        super().learn(anchors)
