"""The register of faults: it takes time and memory to read, which a peer without faults spares."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from ...model.protocol.background import background
from .anonymity import anonymity_faults
from .attestation_keys import again_faults, key_faults
from .binders import binder_faults, giving_faults
from .chains import chain_faults
from .claims import claim_faults
from .collection import collection_faults
from .credentials import credentials
from .endings import ending_faults
from .fault import BOTH, VERIFIER, Fault, indexed
from .handshake import handshake_faults
from .interfaces import interface_faults
from .labels import label_faults
from .measurements import measurement_faults
from .proofs import proof_faults
from .psa import psa_faults
from .records import record_faults
from .removals import removals
from .results import result_faults
from .revocation import revocation_faults
from .session import session_faults
from .shared_keys import shared_key_faults
from .states import states
from .tpm import tpm_faults
from .verifying import verifier_faults
from .virtual import virtual_faults

_MADE_BY = (
    removals, binder_faults, giving_faults, measurement_faults, claim_faults, key_faults, again_faults, states,
    credentials, tpm_faults, psa_faults, collection_faults, handshake_faults, label_faults, session_faults,
    record_faults, ending_faults, verifier_faults, virtual_faults, revocation_faults, result_faults, proof_faults,
    shared_key_faults, chain_faults, anonymity_faults, interface_faults,
)  # fmt: skip
_NOT_OF_A_VERIFIER = frozenset(
    {
        "binder_of_either_role", "binder_of_next_epoch", "binder_of_epoch_zero", "binder_of_first_nonce",
        "binder_of_attesters_nonce", "binder_of_zero_nonce", "nonce_itself", "session_id_as_binder",
        "nonce_accepted_before", "no_reference_values_pass", "old_evidence_by_a_second", "future_evidence_by_a_second",
    }
)  # fmt: skip
"""It computes no binder and sees each once, holds no policy without reference values, and a second is a blur."""


def _of_verifiers_too(one: Fault) -> Fault:
    """A verifier judges evidence by the same steps: it can judge as carelessly."""
    judges = one.seams.judges.keys()
    careless = judges and judges <= background().checks.keys() and one.seams.is_judging
    if not careless or one.roles != BOTH or one.name in _NOT_OF_A_VERIFIER:
        return one
    return replace(one, roles=(*one.roles, *VERIFIER))


FAULTS: dict[str, Fault] = indexed(map(_of_verifiers_too, chain.from_iterable(made() for made in _MADE_BY)))
"""Every fault by its name."""
