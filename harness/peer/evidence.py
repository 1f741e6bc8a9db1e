"""Which kind of evidence each direction of a session has: what both HELLOs choose."""

from __future__ import annotations

from typing import Any

from ...model.protocol.attestation import EAT_FORMAT
from ...model.protocol.forms import BY_TOKENS, Format, Kinds, chosen
from ...model.protocol.tables import FORMS
from ..codec import cbor
from ..identity.policy import Policy
from ..identity.world import LENIENT

OFFERED, ACCEPTED = 3, 4
"""Keys of HELLO."""
_TOKENS_ALONE = {EAT_FORMAT}


def kinds_of_evidence(policy: Policy, own: str, hello: bytes) -> Kinds:
    """The evidence types of a session; `own` is this party's letter, `hello` the peer's frame.

    What is no list of types, or chooses none that is known, counts as tokens: the row that takes the HELLO refuses it.
    """
    if _TOKENS_ALONE.issuperset(policy.offered) and _TOKENS_ALONE.issuperset(policy.accepted):
        return BY_TOKENS
    body = _body(hello)
    mine, peers = _kind(body.get(ACCEPTED), policy.offered), _kind(policy.accepted, body.get(OFFERED))
    return (mine, peers) if own == "I" else (peers, mine)


def _kind(accepted: Any, offered: Any) -> Format:
    if isinstance(accepted, list | tuple) and isinstance(offered, list | tuple):
        found = chosen(accepted, offered)
        if isinstance(found, int | str) and found in FORMS:
            return found
    return EAT_FORMAT


def _body(hello: bytes) -> dict[Any, Any]:
    try:
        frame = cbor.decode(hello, rules=LENIENT)
    except cbor.CborError:
        return {}
    return frame[1] if isinstance(frame, list) and len(frame) == 2 and isinstance(frame[1], dict) else {}
