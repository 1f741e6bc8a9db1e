"""The verifier's symbols, made from the algebra that the table's symbols declare.

Beside them stand what certificates, trust anchors and platforms are to the algebra: keys that belong to an agent, and
who gives them away under which power (`POWERS` of the model names the powers; an honest agent gives nothing away).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..symbols import SYMBOLS
from ..verifier.protocol import Opening, Symbol

KEEPS: Mapping[str, tuple[int, ...]] = {"aead": (0, 3), "extract": (1,)}
"""Arguments that remain. Nonce and external_aad of an EDHOC message come from the same secret and transcript as its
key; what is derived from PRK_2e has TH_2 in its own context, so that the salt adds nothing."""
MACS = (2, 6)
"""Labels of MAC_2 and MAC_3: their context stands beside them under the same signature."""

OCTETS_16, OCTETS_32, OCTETS_64 = "octets 16", "octets 32", "octets 64"
SIZES: Mapping[int | str, str] = {
    16: OCTETS_16, "key": OCTETS_16, "mac": OCTETS_16, 32: OCTETS_32, "hash": OCTETS_32, "share": OCTETS_32,
    64: OCTETS_64, "signature": OCTETS_64,
}  # fmt: skip
"""Sizes to sorts: what a hole of a known size accepts. Lengths of the suite are those of AES-128, SHA-256 and P-256."""
RESULTS = {
    "hash": OCTETS_32, "sha256": OCTETS_32, "extract": OCTETS_32, "leaf_digest": OCTETS_32, "sign": OCTETS_64,
    "succ": "number",
}  # fmt: skip
PRIVATE_KEY, CREDENTIAL = "private key", "credential"

HAS_IDENTITY_KEY = frozenset({
    "network", "device-software", "other-tenant", "other-identity-key", "stolen-identity-key", "own-identity-key",
    "revoked-certificate", "hostile-tam", "exploited-software", "host-identity-key",
    IMPORTED_KEY := "imported-identity-key",
})  # fmt: skip
HAS_ATTESTATION_KEY = frozenset({"other-attestation-key", "hostile-tam", REVOKED_AK := "revoked-attestation-key"})
HAS_MEASURED_SOFTWARE = frozenset({"exploited-software", "hostile-tam", IMPORTED_KEY})
HAS_OTHER_SOFTWARE = HAS_MEASURED_SOFTWARE | {"other-tenant", "device-software"}
REVOKED_HOST = "revoked-physical-root"
EVERYBODY = HAS_IDENTITY_KEY | HAS_ATTESTATION_KEY | {"honest", "other-physical-root", "hostile-host", REVOKED_HOST}
EVERYBODY |= {HOSTILE_INTERFACE := "hostile-interface"}


def made_from(name: str, arity: int | None = None) -> Symbol:
    """A declared symbol with its algebra; `arity` for one that takes what is derived on the way as well."""
    declared = SYMBOLS[name]
    kept = KEEPS.get(name, tuple(range(declared.arity)))
    place = {old: new for new, old in enumerate(kept)}
    builds = tuple(place[i] for i in (declared.builds or kept) if i in place)
    opens = tuple(Opening(place[o.yields], tuple(place[i] for i in o.needs if i in place)) for o in declared.opens)
    weak = None if declared.weak is None else tuple(place[i] for i in declared.weak)
    size = len(kept) if arity is None else arity
    return Symbol(
        name, size, (builds if arity is None else tuple(range(size)),), opens, weak=weak, sort=RESULTS.get(name, "")
    )


def derived(name: str, arity: int, sort: str) -> Symbol:
    """A chain of key derivations in one step: the root, then the context of every step that has one."""
    return Symbol(name, arity, (tuple(range(arity)),), sort=sort)


def local(name: str) -> Symbol:
    """A message between the software and the TAM of a platform."""
    return Symbol(f"local {name}", 2, ((0, 1),), (Opening(1, (0,)),))


def _owned(name: str, powers: frozenset[str], *, arity: int = 1, sort: str = "") -> Symbol:
    return Symbol(name, arity, owners=(arity - 1,), revealed_by=powers, sort=sort or name)


WORLD: tuple[Symbol, ...] = (
    # Anybody can write a certificate of any key down, or the public key itself; the key that a valid certificate
    # certifies is its owner's.
    Symbol("cert", 3, ((0, 1),), sort=CREDENTIAL),
    Symbol("akcert", 2, ((0,),), sort=CREDENTIAL),
    Symbol("cose_key", 1, ((0,),), sort="public key"),
    Symbol("public key", 1, ((),)),
    Symbol("leaf_digest", 1, ((0,),), sort=OCTETS_32),
    _owned("sk", HAS_IDENTITY_KEY, arity=2, sort=PRIVATE_KEY),
    _owned("ak", HAS_ATTESTATION_KEY, sort=PRIVATE_KEY),
    _owned("tam", frozenset({"other-tenant", "hostile-tam"})),
    _owned("rogue", HAS_OTHER_SOFTWARE),
    _owned("exploited", HAS_MEASURED_SOFTWARE),
    _owned("loose ak", HAS_OTHER_SOFTWARE),
    _owned("keeps its key", EVERYBODY - {IMPORTED_KEY}),
    Symbol("virtual root", 4, ((0, 1, 2),), sort=CREDENTIAL),
    _owned("endorsement key", frozenset({"other-physical-root", "hostile-host", REVOKED_HOST}), sort=PRIVATE_KEY),
    _owned("host_not_revoked", EVERYBODY - {REVOKED_HOST}),
    _owned("not_revoked", EVERYBODY - {"revoked-certificate"}),
    _owned("ak_not_revoked", EVERYBODY - {REVOKED_AK}),
)
"""Keys and statements of the world. Identity and attestation keys; the way to a TAM from software as it should be
(`tam`), from any other (`rogue`), and from software that was taken over after it had been measured (`exploited`); a key
of a TPM that signs whatever software gives it; the key of an endorsement authority; the word that an identity key was
made where it is; what revocation data says of a leaf, of an attestation key and of a physical root."""
