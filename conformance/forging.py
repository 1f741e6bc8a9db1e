"""Evidence as no honest party would make it: tokens changed and signed again, binders over something else."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cbor2 import CBORTag

from ..harness.codec import cbor, cose
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.peer import TesterEndpoint
from ..model.protocol.attestation import BINDER_LABEL, CHANNEL_SECRET, binder
from ..model.protocol.frames import SIDES

EAT_AAD = b"tc1-eat"

Parts = list[Any]
"""A COSE_Sign1: protected map, unprotected map, payload, signature; maps and payload decoded."""


def observed(conversation: Conversation, name: str, nth: int = 0) -> bytes:
    """An encoded frame that the implementation sent.

    Raises:
        IndexError: it has not sent so many.
    """
    return [o.data for o in conversation.peer.observations if o.name == name][nth]


def token_in(att: bytes) -> bytes:
    """The token inside an encoded ATT."""
    _, value, _ = cbor.decode(cbor.decode(att)[1][2])
    assert isinstance(value, bytes)
    return value


def with_cmw(att: bytes, change: Callable[[list[Any]], Any]) -> bytes:
    """An ATT whose conceptual message wrapper, [type, value, indicator], is changed."""
    kind, body = cbor.decode(att)
    return cbor.encode([kind, {**body, 2: cbor.encode(change(cbor.decode(body[2])))}])


def with_token(att: bytes, token: bytes) -> bytes:
    """An ATT with another token in the same wrapper."""
    return with_cmw(att, lambda cmw: [cmw[0], token, cmw[2]])


def resigned(world: World, token: bytes, change: Callable[[Parts], None], aad: bytes = EAT_AAD) -> bytes:
    """A token with its parts changed and signed again by the tester's attestation key."""
    tagged = cbor.decode(token)
    protected, unprotected, payload, _ = tagged.value
    parts: Parts = [cbor.decode(protected), unprotected, cbor.decode(payload), b""]
    change(parts)
    header, claims = cbor.encode(parts[0]) if parts[0] else b"", cbor.encode(parts[2])
    signature = parts[3] or world.tam.sign_attestation(cose.sig_structure(header, aad, claims))
    return cbor.encode(CBORTag(tagged.tag, [header, parts[1], claims, signature]))


def binder_over(peer: TesterEndpoint, component: int | None = None, value: object = None, **other: Any) -> bytes:
    """The encoded binder of the tester's evidence, with one component of its context replaced.

    `of` is a peer whose channel exports it, `label` another exporter label, `length` another number of octets.
    """
    context = binder(SIDES[peer.letter]).args[1].args[0]
    items = [cbor.decode(peer.run.value(item)) for item in context.args]
    if component is not None:
        items[component] = value
    run, digest = other.get("of", peer).run, sha256(cbor.encode(items)).digest()
    label, length = other.get("label", BINDER_LABEL), other.get("length", 32)
    return cbor.bstr(run.exporter(run, run.value(CHANNEL_SECRET), label, digest, length))
