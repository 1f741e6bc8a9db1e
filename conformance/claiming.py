"""Claims and headers of evidence, each with another value under a good signature, and the check that must see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.identity.keys import derive_key
from ..harness.tester.peer import TesterEndpoint
from ..model.protocol.attestation import Evidence
from ..model.protocol.frames import SIDES
from ..model.terms import Term
from ..spec import identifiers

FAR = 30
"""Seconds beyond a limit, so that clocks which differ a little do not matter."""

Change = Callable[[TesterEndpoint, Any], Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim or header parameter with another value; `change` is of the decoded honest value."""

    check: str
    term: Callable[[Evidence], Term]
    change: Change

    def tale(self, about: Evidence) -> dict[Term, Change]:
        """The tale for the module."""
        return {self.term(about): lambda peer, honest: cbor.encode(self.change(peer, cbor.decode(honest)))}


def now_of(peer: TesterEndpoint) -> int:
    return peer.world.now()


def max_age_of(peer: TesterEndpoint) -> int:
    """The greatest age that the implementation stated."""
    stated = cbor.decode(peer.run.value(SIDES[peer.peer].max_age))
    assert isinstance(stated, int)
    return stated


def _constant(value: Any) -> Change:
    return lambda peer, honest: value


def _without(key: int) -> Change:
    return lambda peer, honest: {k: v for k, v in honest.items() if k != key}


def _negated(key: int) -> Change:
    return lambda peer, honest: {**honest, key: not honest[key]}


def _as_number(key: int) -> Change:
    return lambda peer, honest: {**honest, key: int(honest[key])}


def _component(name: str, digest: bytes) -> list[object]:
    return [295, cbor.encode({1: [name], 2: [1, digest]})]


def _other_digest(peer: TesterEndpoint, honest: list[Any]) -> list[Any]:
    name = cbor.decode(honest[-1][1])[1][0]
    return [*honest[:-1], _component(name, bytes(32))]


def _other_name(peer: TesterEndpoint, honest: list[Any]) -> list[Any]:
    digest = cbor.decode(honest[-1][1])[2][1]
    return [*honest[:-1], _component("another component", digest)]


def _other_key(peer: TesterEndpoint, honest: object) -> object:
    return cose.cose_key(derive_key(b"somebody", "else").public_key())


def _ak(peer: TesterEndpoint, honest: object) -> object:
    key = peer.world.credentials.ak_key
    assert key is not None
    return cose.cose_key(key.public_key())


_TOKEN_CLAIMS: dict[str, dict[str, tuple[Callable[[Evidence], Term], Change]]] = {
    "eat_header_is_exact": {
        "alg-eddsa": (lambda e: e.token.alg, _constant(-8)),
        "alg-es384": (lambda e: e.token.alg, _constant(-35)),
        "alg-hmac": (lambda e: e.token.alg, _constant(5)),
        "typ-of-a-label": (lambda e: e.token.typ, _constant("application/vnd.tc.label+cose")),
        "typ-of-unsigned-claims": (lambda e: e.token.typ, _constant(267)),
    },
    "eat_x5t_is_the_ak": {
        "x5t-of-the-leaf": (lambda e: e.token.x5t, lambda peer, _: [-16, peer.world.credentials.leaf.sha256]),
        "x5t-of-the-issuer": (lambda e: e.token.x5t, lambda peer, _: [-16, peer.world.credentials.ak_chain[0].sha256]),
    },
    "eat_profile_is_this_one": {
        "eat_profile-of-psa": (lambda e: e.profile, _constant("tag:psacertified.org,2023:psa#tfm")),
        "eat_profile-of-next-version": (lambda e: e.profile, _constant("tag:trustconn.org,2026:tc2")),
        "eat_profile-longer": (lambda e: e.profile, lambda peer, honest: honest + "0"),
        "eat_profile-shorter": (lambda e: e.profile, lambda peer, honest: honest[:-1]),
        "eat_profile-upper-case": (lambda e: e.profile, lambda peer, honest: honest.upper()),
    },
    "cnf_is_peer_identity_key": {
        "cnf-of-another-key": (lambda e: e.token.cnf, _other_key),
        "cnf-of-the-attestation-key": (lambda e: e.token.cnf, _ak),
    },
    "ueid_is_peer_device": {
        "ueid-of-another-platform": (lambda e: e.ueid, lambda _, honest: one_bit_other(honest)),
        "ueid-of-another-type": (lambda e: e.ueid, lambda _, honest: b"\x02" + honest[1:]),
        "ueid-cut-short": (lambda e: e.ueid, lambda _, honest: honest[:-1]),
    },
    "key_attributes_show_custody": {
        f"key-attribute-{key}-{what}": (lambda e: e.attributes, change(key))
        for key in (1, 2, 3, 4)
        for what, change in (("negated", _negated), ("absent", _without), ("as-a-number", _as_number))
    },
    "eat_is_recent": {
        "iat-too-old": (lambda e: e.token.iat, lambda peer, _: now_of(peer) - max_age_of(peer) - FAR),
        "iat-in-the-future": (lambda e: e.token.iat, lambda peer, _: now_of(peer) + 60 + FAR),
        "iat-zero": (lambda e: e.token.iat, _constant(0)),
    },
    "eat_debug_is_disabled": {
        "dbgstat-enabled": (lambda e: e.debug, _constant(0)),
        "dbgstat-disabled-for-now": (lambda e: e.debug, _constant(1)),
        "dbgstat-unknown": (lambda e: e.debug, _constant(5)),
    },
    "measurements_match_reference_values": {
        "measurements-empty": (lambda e: e.token.measurements, _constant([])),
        "measurements-one-missing": (lambda e: e.token.measurements, lambda _, honest: honest[:-1]),
        "measurements-one-other": (lambda e: e.token.measurements, _other_digest),
        "measurements-one-renamed": (lambda e: e.token.measurements, _other_name),
        "measurements-one-twice": (lambda e: e.token.measurements, lambda _, honest: [*honest, honest[-1]]),
        "measurements-one-more": (
            lambda e: e.token.measurements,
            lambda _, honest: [*honest, _component("another component", bytes(32))],
        ),
        "measurements-of-another-format": (
            lambda e: e.token.measurements,
            lambda _, honest: [*honest[:-1], [0, honest[-1][1]]],
        ),
    },
}
_FORMS: dict[str, dict[str, object]] = {
    "bootseed": {"short": bytes(31), "long": bytes(33), "as-text": "0" * 32},
    "trusted_ui": {
        "as-an-array": [1],
        "of-an-unknown-environment": {1: 2},
        "with-a-short-digest": {1: 1, 3: bytes(31)},
        "with-a-further-key": {1: 1, 4: 0},
    },
    "iso19790": {
        "of-level-5": {1: 5, 2: "4321", 3: "module"},
        "without-module": {1: 3, 2: "4321"},
        "as-a-number": 3,
    },
}
FURTHER = {
    f"{claim}-{what}": cbor.encode(identifiers()["claim"][claim]) + cbor.encode(value)
    for claim, values in _FORMS.items()
    for what, value in values.items()
}
"""Claims that a token need not have, in a form that the grammar does not give them."""

CLAIMS = {field: Claim(check, *told) for check, fields in _TOKEN_CLAIMS.items() for field, told in fields.items()}
