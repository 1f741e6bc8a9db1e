"""The root of trust of a PSA platform, made of software: what its attestation API signs beside a challenge.

Nothing can be claimed through the API: the claims are of the platform. For tests only. Source: RFC 9783 section 4.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..codec import cbor
from .certificate import PublicKey
from .credentials import Credentials
from .keys import PrivateKey, signer
from .oids import EKU_PSA_AK, KEY_IN_HSM
from .pki import Issued, LeafSpec, issue_leaf, leaf_spec
from .policy import EAT_CWT, PSA_TOKEN, Policy
from .tam import Tam, platform_urn

if TYPE_CHECKING:
    from .tester import TesterPki

IMPLEMENTATION: Final = sha256(b"trustconn reference root of trust").digest()
"""Implementation ID of the reference peers, 32 octets."""
SIGNER: Final = sha256(b"trustconn reference vendor").digest()
SIGNED: Final = ("firmware",)
"""Components whose signer policies of the reference peers name; the others may be of any."""
SECURED: Final = 0x3000
"""The least value of the lifecycle state Secured; its low octet is the implementation's own."""
SECURE_CALLER: Final = 1
TYPE, VALUE, SIGNER_ID = 1, 2, 5
"""Keys of a software component."""


class SoftwarePsa:
    """The attestation API of a platform whose other half is a software module."""

    client, lifecycle, implementation = SECURE_CALLER, SECURED, IMPLEMENTATION

    def __init__(self, tam: Tam, key: PrivateKey) -> None:
        self._tam, self.sign = tam, signer(key)

    @property
    def boot_seed(self) -> bytes:
        """What tells this start from another, 32 octets."""
        return sha256(self._tam.ueid + self._tam.bootcount.to_bytes(4, "big")).digest()

    @property
    def components(self) -> list[dict[int, str | bytes]]:
        """What the platform has measured: the measurement type names the component."""
        measured = [cbor.decode(octets) for _, octets in self._tam.measurements() if isinstance(octets, bytes)]
        return [{TYPE: item[1][0], VALUE: item[2][1], SIGNER_ID: SIGNER} for item in measured]


def psa_ak_spec(pki: TesterPki, label: str) -> LeafSpec:
    """The specification of the certificate of an initial attestation key."""
    urn = platform_urn(pki.ueid(label))
    return replace(leaf_spec(pki.seed, pki.now, "attestation", (urn,), f"{label} PSA"), eku=(EKU_PSA_AK,))


def psa_leaf_spec(pki: TesterPki, role: str, label: str = "") -> LeafSpec:
    """The specification of an identity certificate whose issuer has seen to it that the key stays in its module.

    It takes the place of the usual one, serial number included.
    """
    return replace(pki.leaf_spec(role, label or role), policies=(KEY_IN_HSM,))


def psa_party(
    pki: TesterPki, role: str, label: str = "", *, key: PublicKey | None = None, with_waiver: bool = False
) -> Credentials:
    """Honest credentials of a party on a PSA platform; `key` is the foreign public key of its identity."""
    spec, issuer = psa_leaf_spec(pki, role, label), pki.branch(role).issuing
    leaf = issue_leaf(replace(spec, key=key or spec.key), issuer)
    waiver = pki.waiver(leaf.certificate).sign(pki.waiver_authority) if with_waiver else None
    return replace(
        pki.party(role, label),
        leaf=leaf.certificate,
        key=leaf.key,
        proofs=pki.staple(leaf.certificate, issuer),
        waiver=waiver,
        psa_ak=initial_attestation_key(pki, label or role),
    )


def initial_attestation_key(pki: TesterPki, label: str) -> Issued:
    """The key of a party's platform with its certificate."""
    return issue_leaf(psa_ak_spec(pki, label), pki.attestation.issuing)


def on_psa(policy: Policy) -> Policy:
    """The policy of a party that attests by PSA tokens, prefers them of its peer, and knows the reference peers'.

    Whoever accepts nothing that is offered gets an entity attestation token.
    """
    return knowing_psa(replace(policy, offered=(EAT_CWT, PSA_TOKEN), accepted=(PSA_TOKEN, EAT_CWT)))


def knowing_psa(policy: Policy) -> Policy:
    """The policy with the implementation ID of the reference peers, and with the signer of their firmware."""
    signers = {name: SIGNER for name in SIGNED if name in policy.reference_values}
    return replace(policy, implementations=(IMPLEMENTATION,), signers=MappingProxyType(signers))
