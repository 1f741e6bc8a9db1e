"""Who holds what before the first message, and what the linter is told to accept.

A name is declared here or drawn in a row; a template that needs anything else is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..table import Transition
from ..terms import Term
from .attestation import TAM_NAME
from .frames import ROLE_NAME, SIDES

_SOFTWARE = (
    "id_cred", "sk", "c", "offered", "accepted", "flags", "max_age", "reattest_interval", "proofs", "waiver", "purpose",
    "endorsements", "reason", "att_req_accepted", "data_plain", "data_inputs", "sequence", "label_iss", "label_sub",
    "label_chain", "label_blocks", "label_action", "label_inputs", "label_tui", "question_policy",
    "own_policy",
)  # fmt: skip
_ONE_SIDED = {"I": ("suites_i", "ead_1", "ead_3"), "R": ("ead_2", "ead_4", "tls_parameters_r")}
_TAM = (
    "ak", "ak_chain", "idk", "ueid", "debug", "key_attributes", "tpm_ak", "tpm_ak_chain", "tpm_ak_public",
    "tpm_idk_public", "tpm_signer", "tpm_safe", "tpm_firmware", "tpm_certified", "psa_ak", "psa_ak_chain", "psa_client",
    "psa_implementation",
)  # fmt: skip


def _labels(role: str) -> tuple[str, str, frozenset[str]]:
    """Letter, owner and labels of what a role holds."""
    for letter in SIDES:
        suffix, owner = letter.lower(), ROLE_NAME[letter]
        if role == owner:
            return letter, owner, frozenset({f"{label}_{suffix}" for label in _SOFTWARE} | {*_ONE_SIDED[letter]})
        if role == TAM_NAME[letter]:
            return letter, owner, frozenset(f"{label}_{suffix}" for label in _TAM)
    raise KeyError(role)


def given(rows: Iterable[Transition], role: str) -> dict[Term, str]:
    """What `role` holds, and whose it is: software and TAM of one platform have one owner.

    Raises:
        KeyError: no such role.
    """
    _, owner, labels = _labels(role)
    return {term: owner for term in _names(rows) if term.label in labels}


def drawn(rows: Iterable[Transition], role: str) -> tuple[Term, ...]:
    """What `role` draws once for every run: the nonce of its HELLO."""
    letter, _, _ = _labels(role)
    return tuple(term for term in _names(rows) if term.label == f"nonce_{letter.lower()}")


def _names(rows: Iterable[Transition]) -> list[Term]:
    """Names in the order of their labels."""
    terms = {t for row in rows for t in (row.receives.term, *(m.term for m in row.sends), *(p for _, p in row.opens))}
    found = {leaf for term in terms for leaf in term.reach if leaf.op == "name"}
    return sorted(found, key=lambda term: term.label)


_BY_THE_SOFTWARE = "the TAM cannot judge what its software asks about; the relying party does"

WAIVED: dict[str, str] = {
    "blind-forwarding device PING_R": "PONG is an echo",
    "blind-forwarding service PING_I": "PONG is an echo",
    **{
        f"blind-forwarding {TAM_NAME[letter]} QUOTE_{what}_{letter}": _BY_THE_SOFTWARE
        for letter in SIDES
        for what in ("BINDER", "EPOCH", "SID")
    },
    "guard-overlap service:wait_VERDICT_I:VERDICT_I": "a rejecting tier comes first, whatever the directions",
    "state-timer device:CLOSING": "nothing is owed any more: the application may drop the transport at once",
    "state-timer service:CLOSING": "nothing is owed any more: the application may drop the transport at once",
}
"""Findings of the linter that the profile allows, each with its reason."""
