"""PSA tokens judged carelessly: the usual shortcuts, beside the checks that are missing whole."""

from __future__ import annotations

from collections.abc import Iterator

from ..identity.oids import EKU_PSA_AK
from ..identity.world import World
from .fault import GENERAL, Fault, fault
from .operators import Condition, accepts, decoded, forgives, refuses

_LIFECYCLE, _COMPONENTS = "psa_lifecycle_is_secured", "psa_components_match_reference_values"


def _major(*states: int) -> Condition:
    return lambda world, lifecycle: decoded(lifecycle) >> 8 in states


def _minor(world: World, lifecycle: bytes) -> bool:
    return bool(decoded(lifecycle) & 0xFF)


def _for_psa_too(world: World, chain: bytes) -> bool:
    return EKU_PSA_AK in world.x5chain(chain).leaf.eku


def _some_policy(world: World, id_cred: bytes) -> bool:
    return bool(world.credential(id_cred).leaf.policies)


def _not_zero(world: World, client: bytes) -> bool:
    return bool(decoded(client))


def _begins_alike(world: World, implementation: bytes) -> bool:
    return any(known.startswith(decoded(implementation)) for known in world.policy.implementations)


def _signed_alike(world: World, components: bytes) -> bool:
    signers = {item[1]: item[5] for item in decoded(components)}
    return all(signers[name].startswith(wanted) for name, wanted in world.policy.signers.items())


def _of_a_stranger(world: World, components: bytes) -> bool:
    return not {item[5] for item in decoded(components)} <= set(world.policy.signers.values())


def _includes_references(world: World, components: bytes) -> bool:
    measured = {item[1]: item[2] for item in decoded(components)}
    return all(measured.get(name) == digest for name, digest in world.policy.reference_values.items())


_ACCEPTING = (
    ("psa_debug_passes", "ATT-42", _LIFECYCLE, "one of several", "debug", _major(0x40),
     "A root of trust that cannot be recovered from debug is taken for secured."),
    ("psa_recoverable_debug_passes", "ATT-42", _LIFECYCLE, "one of several", "recoverable debug", _major(0x50),
     "A root of trust under recoverable debug is taken for secured."),
    ("psa_unprovisioned_passes", "ATT-42", _LIFECYCLE, "one of several", "provisioning", _major(0x00, 0x10, 0x20),
     "A root of trust that is not secured yet passes."),
    ("psa_any_caller_but_none", "ATT-41", "psa_client_is_secure", "sign ignored", "client ID", _not_zero,
     "A caller outside the secure processing environment passes."),
    ("psa_usage_among_others", "ATT-38", "psa_ak_is_for_psa", "one of several", "extended key usage", _for_psa_too,
     "An initial attestation key may be for other evidence as well."),
    ("psa_any_certificate_policy", "ATT-46", "psa_leaf_shows_custody", "any of several", "certificate policy",
     _some_policy, "Any certificate policy shows that the key is kept."),
    ("psa_implementation_by_prefix", "ATT-43", "psa_implementation_is_known", "prefix", "implementation ID",
     _begins_alike, "An implementation ID is compared as far as it goes."),
    ("psa_signer_by_prefix", "ATT-52", "psa_signers_are_the_named_ones", "prefix", "signer ID", _signed_alike,
     "A signer ID is compared as far as the named one goes."),
    ("psa_further_components_pass", "ATT-44", _COMPONENTS, "subset", "further component", _includes_references,
     "Components without a reference value are passed over."),
)  # fmt: skip
_FORGIVING = (
    ("psa_missing_component_passes", "ATT-44", _COMPONENTS, "subset", "missing component",
     "a component is not measured", "A component that is not measured is passed over."),
    ("psa_signer_is_not_asked_for", "ATT-44", _COMPONENTS, "exception as success", "component",
     "a component needs", "A component of another form is passed over."),
    ("psa_environment_of_any_signer", "LBL-36", "env_token_components_match_reference_values", "missing", "signer ID",
     "of another signer", "Under an environment object any signer of a component will do."),
)  # fmt: skip


def psa_faults() -> Iterator[Fault]:
    """Tokens accepted that show less than they must, and one refused that shows enough."""
    for name, requirement, check, operator, what, condition, sentence in _ACCEPTING:
        yield fault(
            name, sentence, requirement, operator, what, source=GENERAL, judges={check: accepts(condition)}
        )  # fmt: skip
    for name, requirement, check, operator, what, reason, sentence in _FORGIVING:
        yield fault(
            name, sentence, requirement, operator, what, source=GENERAL, judges={check: forgives(reason)}
        )  # fmt: skip
    yield fault(
        "psa_minor_state_refused", "Only lifecycle 0x3000 itself is taken for secured.", "ATT-34", "false reject",
        "lifecycle", source=GENERAL, judges={_LIFECYCLE: refuses(_minor)},
    )  # fmt: skip
    yield fault(
        "psa_signer_refused_unnamed", "A component whose signer policy does not name has to be of one that it names.",
        "ATT-52", "false reject", "signer ID", source=GENERAL,
        judges={"psa_signers_are_the_named_ones": refuses(_of_a_stranger)},
    )  # fmt: skip
