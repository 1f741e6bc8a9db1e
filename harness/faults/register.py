"""The register of faults: it takes time and memory to read, which a peer without faults spares."""

from __future__ import annotations

from itertools import chain

from .attestation_keys import again_faults, key_faults
from .binders import binder_faults, giving_faults
from .claims import claim_faults
from .credentials import credentials
from .endings import ending_faults
from .fault import Fault, indexed
from .handshake import handshake_faults
from .labels import label_faults
from .measurements import measurement_faults
from .records import record_faults
from .removals import removals
from .session import session_faults
from .states import states
from .tpm import tpm_faults
from .verifying import verifier_faults

_MADE_BY = (
    removals, binder_faults, giving_faults, measurement_faults, claim_faults, key_faults, again_faults, states,
    credentials, tpm_faults, handshake_faults, label_faults, session_faults, record_faults, ending_faults,
    verifier_faults,
)  # fmt: skip
FAULTS: dict[str, Fault] = indexed(chain.from_iterable(made() for made in _MADE_BY))
"""Every fault by its name."""
