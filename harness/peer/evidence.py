"""Which kind of evidence each direction of a session has: what both HELLOs choose."""

from __future__ import annotations

from typing import Any

from ...model.protocol.forms import TPM_FORMAT, chosen
from ..codec import cbor
from ..identity.policy import Policy
from ..identity.world import LENIENT

OFFERED, ACCEPTED = 3, 4
"""Keys of HELLO."""


def tpm_evidence(policy: Policy, own: str, peer: str, hello: bytes) -> str:
    """Letters of those who attest by TPM evidence, in order; `own` is this party's letter, `hello` the peer's frame.

    What is no list of types counts as none: the row that takes the HELLO refuses it.
    """
    if TPM_FORMAT not in policy.offered and TPM_FORMAT not in policy.accepted:
        return ""
    body = _body(hello)
    directions = ((own, body.get(ACCEPTED), policy.offered), (peer, policy.accepted, body.get(OFFERED)))
    return "".join(
        sorted(
            letter
            for letter, accepted, offered in directions
            if isinstance(accepted, list | tuple)
            and isinstance(offered, list | tuple)
            and chosen(accepted, offered) == TPM_FORMAT
        )
    )


def _body(hello: bytes) -> dict[Any, Any]:
    try:
        frame = cbor.decode(hello, rules=LENIENT)
    except cbor.CborError:
        return {}
    return frame[1] if isinstance(frame, list) and len(frame) == 2 and isinstance(frame[1], dict) else {}
