"""Grammar: every rule of `spec/trustconn.cddl`, an item that matches, and each thing that can be wrong with it.

Both are made from the rule; an implementation judges octets by its own reading of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...spec import cddl as source
from .. import cddl
from ..examples import Fault, faults, of_rule
from ..vector import Area, Group, Vector, octets

REQUIREMENTS = {
    "": "ERR-08",
    "edhoc": "EDH-13",
    "suite": "EDH-13",
    "connection_id": "EDH-13",
    "compact_id": "EDH-13",
    "id_cred": "IDN-09",
    "x5": "IDN-09",
    "certificate": "IDN-09",
    "ead": "EDH-13",
    "revocation": "REV-14",
    "proof_kind": "REV-14",
    "cmw": "ATT-06",
    "eat": "ATT-08",
    "es256": "ATT-08",
    "ak_unprotected": "ATT-08",
    "eat_claims": "ATT-29",
    "claim_key": "ATT-29",
    "cnf": "ATT-29",
    "cose_key": "ATT-29",
    "ec2_curve": "ATT-29",
    "key_attributes": "ATT-29",
    "iso19790": "ATT-29",
    "trusted_ui": "ATT-29",
    "ui_environment": "ATT-29",
    "measure": "ATT-30",
    "component": "ATT-30",
    "binder": "ATT-26",
    "verifier": "VER-08",
    "verifier_id": "VER-04",
    "ear": "VER-04",
    "trustworthiness": "VER-04",
    "tpm": "TPM-01",
    "pcr": "TPM-01",
    "waiver": "WVR-02",
    "empty": "WVR-02",
    "label": "LBL-04",
    "block": "LBL-04",
    "digests": "LBL-04",
    "action": "LBL-04",
    "input": "LBL-04",
    "environment": "LBL-22",
    "signed_environment": "LBL-22",
    "quoted": "LBL-31",
    "location": "LBL-29",
    "pba": "PBA-14",
    "pba_evidence": "PBA-19",
    "pba_list": "PBA-17",
    "pba_revoked": "PBA-19",
    "pba_commitment": "PBA-12",
}
"""How the name of a rule begins, and the requirement whose form it gives; the longest one counts."""
ENCODING = {"long-head": "ERR-05", "indefinite": "ERR-05", "unsorted": "ERR-05", "duplicate": "ERR-06"}
"""Operators that leave the grammar alone and bend the encoding."""
TOO_BIG = {
    "pba_modulus_proof",
    "pba_generators_proof",
    "pba_issuer_key",
    "pba_certificate",
    "pba_proof",
    "pba_inequalities",
}
"""Rules whose examples would be thousands of octets long, again and again; proofs have an area of their own."""
IN_COMMENTS = {
    *((field, "above") for field in ("compact_id", "connection_id", "edhoc_message_1[3]", "edhoc_plaintext_2[0]")),
    *((f"edhoc_{name}", "extra-element") for name in ("message_1", "plaintext_2", "plaintext_3")),
}
"""Faults that only comments of the grammar tell from what is right: the greatest compact identifier, EAD items."""


def requirement(rule: str) -> str:
    """The requirement that a rule gives a form to."""
    return REQUIREMENTS[max((prefix for prefix in REQUIREMENTS if rule.startswith(prefix)), key=len)]


def _vector(rule: str, field: str, operator: str, data: bytes, comment: str, valid: bool) -> Vector:
    sent = data
    if source.is_sequence(rule):
        sent = _without_head(data)
    needed = requirement(rule) if valid else ENCODING.get(operator, requirement(rule))
    return Vector(needed, field, operator, valid, comment, {"octets": octets(sent)})


def _without_head(data: bytes) -> bytes:
    """The elements of an array: a sequence has no head."""
    return data[1:] if data[0] < 0x98 else data


def _of_rule(rule: str) -> Iterator[Vector]:
    yield _vector(rule, rule, "full", of_rule(rule, rule, full=True), "everything that the rule allows", True)
    least = of_rule(rule, rule, full=False)
    if least != of_rule(rule, rule, full=True):
        yield _vector(rule, rule, "least", least, "the least that the rule allows", True)
    seen: set[tuple[str, str]] = set()
    for fault in faults(rule):
        if (key := (fault.field, fault.operator)) not in seen and _is_seen(rule, fault):
            seen.add(key)
            yield _vector(rule, *fault, False)


def _is_seen(rule: str, fault: Fault) -> bool:
    """Whether a sequence of items shows the fault: it has no head that could be bent."""
    if (fault.field, fault.operator) in IN_COMMENTS:
        return False
    return not (source.is_sequence(rule) and fault.field == rule and fault.operator != "extra-element")


def _groups() -> Iterator[Group]:
    for rule in cddl.rules():
        if rule not in TOO_BIG:
            made = tuple(_of_rule(rule))
            common = {"rule": rule, "sequence": source.is_sequence(rule)}
            yield Group(rule, "grammar", f"generated; spec/trustconn.cddl, rule {rule}", made, common)


AREA = Area("grammar", "An encoded item, or a sequence of them, and whether a rule of the grammar matches.", _groups)
