"""PSA tokens as no honest platform would make them: tales for the tester's root of trust, by the check they meet.

The terms are asked for only when a test is played: whoever speaks no PSA tokens shall not pay for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cbor2 import dumps

from ...model.terms import Term
from ..bits import one_bit_other
from ..codec import cbor
from ..codec.cose import sig_structure
from ..identity.psa import SIGNED
from ..identity.psa import SIGNER as VENDOR

if TYPE_CHECKING:
    from ...model.protocol.psa import PsaToken

Tell = Callable[["PsaToken"], Mapping[Term, Any]]
"""Whoever tells has a `world`, and a `tam` with a run."""
TYPE, VALUE, VERSION, SIGNER, DESCRIPTION = 1, 2, 4, 5, 6
OLD_PROFILE, OTHER_PROFILE = "PSA_IOT_PROFILE_1", "tag:psacertified.org,2023:psa#aes-mac"
LIFECYCLES = {
    "unknown": 0x0000,
    "assembly": 0x1000,
    "provisioning": 0x2000,
    "just-before-secured": 0x2FFF,
    "just-after-secured": 0x3100,
    "debug": 0x4000,
    "recoverable-debug": 0x5000,
    "decommissioned": 0x6000,
    "secured-in-the-low-octet": 0x0030,
}


@dataclass(frozen=True, slots=True)
class PsaFault:
    """The check that must meet it, and what the root of trust tells."""

    check: str
    tell: Tell


def bit(peer: Any, honest: bytes) -> bytes:
    """The last bit turned."""
    return one_bit_other(honest)


def _encoded(change: Callable[[Any], Any]) -> Callable[[Any, bytes], bytes]:
    """Another value of an item."""
    return lambda peer, honest: cbor.encode(change(cbor.decode(honest)))


def _components(change: Callable[[list[dict[int, Any]]], Iterable[Any]]) -> Tell:
    return lambda t: {t.components: _encoded(lambda items: list(change(items)))}


def _last(**values: Any) -> Callable[[list[dict[int, Any]]], list[dict[int, Any]]]:
    """The last component with other values, None for one that is left out."""

    def change(items: list[dict[int, Any]]) -> list[dict[int, Any]]:
        changed = {**items[-1], **{_KEYS[name]: value for name, value in values.items()}}
        return [*items[:-1], {key: value for key, value in changed.items() if value is not None}]

    return change


_KEYS = {"type": TYPE, "value": VALUE, "version": VERSION, "signer": SIGNER, "description": DESCRIPTION}


def _signed(context: bytes) -> Tell:
    """Signed with another external_aad."""

    def signature(t: PsaToken) -> Callable[[Any, bytes], bytes]:
        def sign(peer: Any, honest: bytes) -> bytes:
            run = peer.tam.run
            assert t.signature.means is not None
            made: bytes = run.value(t.signature.means.args[0])(
                sig_structure(cbor.encode({1: -7}), context, run.value(t.claims))
            )
            return made

        return sign

    return lambda t: {t.signature: signature(t)}


def _by_identity(t: PsaToken) -> Mapping[Term, Any]:
    return {t.signature: lambda peer, honest: peer.world.tam.sign_identity(peer.tam.run.value(t.tbs))}


def _signatures() -> dict[str, Tell]:
    return {
        "signature-bit": lambda t: {t.signature: bit},
        "signature-zero": lambda t: {t.signature: bytes(64)},
        "signature-by-the-identity-key": _by_identity,
        "signature-as-of-an-eat": _signed(b"tc1-eat"),
        "claims-bit": lambda t: {t.tbs: bit},
    }


def _challenges() -> dict[str, Tell]:
    return {
        "nonce-zero": lambda t: {t.nonce: cbor.encode(bytes(32))},
        "nonce-bit": lambda t: {t.nonce: bit},
        "nonce-longer": lambda t: {t.nonce: _encoded(lambda nonce: nonce + bytes(16))},
        "nonce-cut": lambda t: {t.nonce: _encoded(lambda nonce: nonce[:31])},
    }


def _software() -> dict[str, Tell]:
    return {
        "component-other": _components(_last(value=bytes(32))),
        "component-missing": _components(lambda items: items[:-1]),
        "component-twice": _components(lambda items: [*items, items[-1]]),
        "component-further": _components(lambda items: [*items, {**items[-1], TYPE: "another"}]),
        "component-renamed": _components(_last(type="another")),
        "component-without-type": _components(_last(type=None)),
        "component-without-value": _components(_last(value=None)),
        "component-without-signer": _components(_last(signer=None)),
        "component-cut": _components(lambda items: _last(value=items[-1][VALUE][:31])(items)),
        "component-of-sha-384": _components(_last(value=bytes(48), description="sha-384")),
        "component-said-to-be-of-sha-384": _components(_last(description="sha-384")),
        "no-components": _components(lambda items: ()),
        "components-of-nothing": lambda t: {t.components: cbor.encode(None)},
    }


def _firmware(signer: bytes) -> Tell:
    """Policy names the signer of the firmware; here another one has signed it."""

    def changed(items: list[dict[int, Any]]) -> list[dict[int, Any]]:
        return [{**item, SIGNER: signer} if item[TYPE] in SIGNED else item for item in items]

    return _components(changed)


def _number(value: int) -> bytes:
    return cbor.encode(value)


def _faults() -> dict[str, PsaFault]:
    lifecycle = {f"lifecycle-{name}": value for name, value in LIFECYCLES.items()}
    return {
        "header-of-es384": PsaFault("psa_header_is_exact", lambda t: {t.alg: _number(-35)}),
        "header-of-eddsa": PsaFault("psa_header_is_exact", lambda t: {t.alg: _number(-8)}),
        **{
            f"profile-{name}": PsaFault("psa_profile_is_tfm", _profile(value))
            for name, value in (
                ("old", OLD_PROFILE),
                ("other", OTHER_PROFILE),
                ("of-tokens", "tag:trustconn.org,2026:tc1"),
            )
        },
        **{name: PsaFault("psa_signature_verifies", tell) for name, tell in _signatures().items()},
        **{name: PsaFault("psa_nonce_is_binder", tell) for name, tell in _challenges().items()},
        "instance-of-another": PsaFault("psa_instance_is_peer_device", _instance),
        "instance-cut": PsaFault(
            "psa_instance_is_peer_device", lambda t: {t.instance: _encoded(lambda ueid: ueid[:32])}
        ),
        "client-non-secure": PsaFault("psa_client_is_secure", lambda t: {t.client: _number(-1)}),
        "client-zero": PsaFault("psa_client_is_secure", lambda t: {t.client: _number(0)}),
        **{name: PsaFault("psa_lifecycle_is_secured", _lifecycle(value)) for name, value in lifecycle.items()},
        "implementation-other": PsaFault("psa_implementation_is_known", lambda t: {t.implementation: bit}),
        "implementation-cut": PsaFault(
            "psa_implementation_is_known", lambda t: {t.implementation: _encoded(lambda known: known[:31])}
        ),
        **{name: PsaFault("psa_components_match_reference_values", tell) for name, tell in _software().items()},
        "signer-other": PsaFault("psa_signers_are_the_named_ones", _firmware(bytes(32))),
        "signer-longer": PsaFault("psa_signers_are_the_named_ones", _firmware(VENDOR + bytes(32))),
    }


def _profile(value: str) -> Tell:
    return lambda t: {t.profile: cbor.encode(value)}


def _lifecycle(value: int) -> Tell:
    return lambda t: {t.lifecycle: _number(value)}


def _instance(t: PsaToken) -> Mapping[Term, Any]:
    return {t.instance: lambda peer, honest: cbor.encode(b"\x01" + bytes(32))}


FAULTS: dict[str, PsaFault] = _faults()
"""Tokens with one thing wrong, by what it is."""


def _in_another_order(peer: Any, honest: bytes) -> bytes:
    """As RFC 9783 has them: keys not sorted."""
    return dumps(dict(reversed(cbor.decode(honest).items())))


def _with_long_heads(peer: Any, honest: bytes) -> bytes:
    """The head of the map, and that of its first key, longer than they need be."""
    return bytes([0xB8, honest[0] & 31, 0x18, honest[1]]) + honest[2:]


GOOD: dict[str, Tell] = {
    "lifecycle-of-an-implementation": _lifecycle(0x3042),
    "lifecycle-last": _lifecycle(0x30FF),
    "client-greatest": lambda t: {t.client: _number(2**31 - 1)},
    "header-of-esp256": lambda t: {t.alg: _number(-9)},
    "keys-in-another-order": lambda t: {t.claims: _in_another_order},
    "heads-not-the-shortest": lambda t: {t.claims: _with_long_heads},
    "further-claims": lambda t: {
        t.claims: _encoded(lambda claims: {**claims, 2398: "0604565272829-10010", 2400: "https://verifier.example/"})
    },
    "components-in-another-order": _components(reversed),
    "components-with-versions": _components(
        lambda items: [{**item, VERSION: "1.2.3", DESCRIPTION: "sha-256"} for item in items]
    ),
    "signer-of-sha-512": _components(_last(signer=bytes(64))),
}
"""Tokens that differ from the usual in what the profile leaves open."""


def _twice(peer: Any, honest: bytes) -> bytes:
    """The nonce, which comes first, a second time."""
    nonce = honest[1:36]
    return bytes([honest[0] + 1]) + nonce + honest[1:]


def _indefinite(peer: Any, honest: bytes) -> bytes:
    return b"\xbf" + honest[1:] + b"\xff"


_KEYS_OF_CLAIMS = {
    "nonce": 10, "instance": 256, "profile": 265, "boot-seed": 268, "client": 2394, "lifecycle": 2395,
    "implementation": 2396, "components": 2399,
}  # fmt: skip


def _without(key: int) -> Tell:
    return lambda t: {t.claims: _encoded(lambda claims: {k: v for k, v in claims.items() if k != key})}


MALFORMED: dict[str, Tell] = {
    "claims-of-indefinite-length": lambda t: {t.claims: _indefinite},
    "claims-cut": lambda t: {t.claims: lambda peer, honest: honest[:-1]},
    "nonce-twice": lambda t: {t.claims: _twice},
    "nonces-as-array": lambda t: {t.nonce: _encoded(lambda nonce: [nonce])},
    **{f"without-{name}": _without(key) for name, key in _KEYS_OF_CLAIMS.items()},
}
"""Tokens of another form than the grammar gives them."""
