"""Plausible faults of an implementer, written from the chapters of `spec/` alone.

They judge the suite, the fuzzer and the learner, none of which was looked at for them. A fault is blind where its role
never meets the requirement; `FAULTS[name].requirements` says which roles have it.
"""

from __future__ import annotations

import spec_faults_evidence
import spec_faults_identity
import spec_faults_labels
import spec_faults_session
import spec_faults_wire
from faulty_peer import FAULTS, FaultyIut, Role

__all__ = [
    "FAULTS",
    "faulty_iut",
    "spec_faults_evidence",
    "spec_faults_identity",
    "spec_faults_labels",
    "spec_faults_session",
    "spec_faults_wire",
]


def faulty_iut(name: str, role: Role, seed: bytes = b"local") -> FaultyIut:
    """The reference peer of `role` with the fault `name`, to be used like `LocalIut`.

    Raises:
        KeyError: no such fault, or not one of this role.
    """
    fault = FAULTS[name]
    if role not in fault.requirements:
        raise KeyError(f"{name} is no fault of a {role}")
    return FaultyIut(fault, role, seed)
