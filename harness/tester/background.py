"""The tester as the verifier of an implementation under test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..identity.tester import TesterPki
from ..verifier import folder
from ..verifier.appraisal import Verifier
from ..verifier.ledger import Ledger


def honest_verifier(
    pki: TesterPki, now: Callable[[], int], references: Mapping[str, Mapping[str, bytes]] | None = None
) -> Verifier:
    """The verifier that implementations under test pin; `references` are other reference values of policies, by id."""
    world = folder.make_world(pki.verifier(), folder.anchors(pki), now)
    policies = {policy.id: policy for policy in folder.policies()}
    for name, values in (references or {}).items():
        limits = replace(policies[name].policy, reference_values=values)
        policies[name] = replace(policies[name], policy=limits)
    return Verifier(world, policies, Ledger(), folder.own_name())
