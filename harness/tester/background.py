"""The tester as the verifier of an implementation under test."""

from __future__ import annotations

from collections.abc import Callable

from ..identity.tester import TesterPki
from ..verifier import folder
from ..verifier.appraisal import Verifier
from ..verifier.ledger import Ledger


def honest_verifier(pki: TesterPki, now: Callable[[], int]) -> Verifier:
    """The verifier that implementations under test pin."""
    world = folder.make_world(pki.verifier(), folder.anchors(pki), now)
    return Verifier(world, {policy.id: policy for policy in folder.policies()}, Ledger(), folder.own_name())
