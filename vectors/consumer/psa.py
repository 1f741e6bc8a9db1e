"""PSA tokens of section 6.5."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from .appraisal import FAILED, FOREIGN, UNBOUND, UNSUPPORTED, Trust
from .crypto import verify
from .identifiers import IDS, OID
from .pki import Certificate, read_chain
from .refusal import ensure
from .strict import Tag, dump, load, load_leniently

PROFILE = "tag:psacertified.org,2023:psa#tfm"
CLAIMS = {10, 256, 265, 268, 2394, 2395, 2396, 2399}


def evidence(given: dict[str, Any]) -> None:
    """Operation `psa-evidence`."""
    trust = Trust(given)
    kind, value, indicator = load(bytes.fromhex(given["cmw"]))
    ensure(type(kind) is int and kind == 10003, "type of evidence")
    ensure(type(indicator) is int and indicator == 4, "indicator", UNSUPPORTED)
    token = load(value)
    ensure(isinstance(token, Tag) and token.number == 18 and len(token.value) == 4, "no COSE_Sign1")
    header, unprotected, payload, signature = token.value
    protected = load(header)
    ensure(set(protected) == {1} and set(unprotected) == {33}, "headers")
    ensure(protected[1] in (-7, -9), "algorithm", FAILED)
    claims = load_leniently(payload)
    ensure(isinstance(claims, dict) and set(claims) >= CLAIMS, "claims")
    ensure(claims[265] == PROFILE, "profile", UNSUPPORTED)
    leaf = trust.attestation_key(read_chain(unprotected[33]), bytes.fromhex(given["endorsements"]), OID["eku_psa_ak"])
    verify(leaf.key, signature, dump(["Signature1", header, b"", payload]), FAILED)
    _claims(claims, trust, leaf, given)


def _claims(claims: dict[Any, Any], trust: Trust, leaf: Certificate, given: dict[str, Any]) -> None:
    ensure(isinstance(claims[10], bytes), "nonce")
    ensure(claims[10] == trust.binder, "binder", UNBOUND)
    platform = trust.leaf.platform
    ensure(isinstance(claims[256], bytes) and platform == IDS["urn"]["device"] + claims[256].hex(), "instance", FOREIGN)
    ensure(leaf.uris == [platform], "attestation key of another platform", FOREIGN)
    policies = trust.leaf.extension(ExtensionOID.CERTIFICATE_POLICIES) or x509.CertificatePolicies([])
    held = [policy.policy_identifier.dotted_string for policy in policies]
    ensure(OID["policy_key_in_hsm"] in held, "custody of the identity key", FOREIGN)
    ensure(type(claims[2394]) is int and claims[2394] > 0, "client", FAILED)
    ensure(type(claims[2395]) is int and 0x3000 <= claims[2395] <= 0x30FF, "lifecycle", FAILED)
    ensure(isinstance(claims[2396], bytes) and claims[2396].hex() in given["implementations"], "implementation", FAILED)
    _components(claims[2399], trust.references)
    signed = {item[1]: item[5].hex() for item in claims[2399]}
    ensure(all(signed[name] == signer for name, signer in given["signers"].items()), "signer of a component", FAILED)


def _components(listed: Any, references: dict[str, bytes]) -> None:
    ensure(isinstance(listed, list), "components", FAILED)
    found: dict[str, bytes] = {}
    for item in listed:
        name, digest, signer = item.get(1), item.get(2), item.get(5)
        ensure(isinstance(name, str) and name not in found, "name of a component", FAILED)
        ensure(isinstance(digest, bytes) and len(digest) == 32, "measurement of a component", FAILED)
        ensure(isinstance(signer, bytes) and len(signer) in (32, 48, 64), "signer of a component", FAILED)
        ensure(item.get(6, "sha-256") == "sha-256", "algorithm of a component", FAILED)
        found[name] = digest
    ensure(bool(references) and found == references, "components", FAILED)
