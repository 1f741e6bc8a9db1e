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


class Token:
    """A token, taken apart. Raises Refused."""

    def __init__(self, item: Any, foreign: str) -> None:
        ensure(isinstance(item, Tag) and item.number == 18 and len(item.value) == 4, "no COSE_Sign1")
        self.header, unprotected, self.payload, self.signature = item.value
        protected = load(self.header)
        ensure(set(protected) == {1} and set(unprotected) == {33}, "headers")
        ensure(protected[1] in (-7, -9), "algorithm", FAILED if foreign == UNSUPPORTED else foreign)
        self.claims = load_leniently(self.payload)
        ensure(isinstance(self.claims, dict) and set(self.claims) >= CLAIMS, "claims")
        ensure(self.claims[265] == PROFILE, "profile", foreign)
        ensure(isinstance(self.claims[10], bytes), "nonce")
        self.chain = read_chain(unprotected[33])

    def verify(self, key: Certificate, code: str) -> None:
        """Signed by that key."""
        verify(key.key, self.signature, dump(["Signature1", self.header, b"", self.payload]), code)

    def judge_caller(self, leaf: Certificate, foreign: str, failed: str) -> None:
        """Which platform it is, who asked, and in which state of life."""
        instance, client, lifecycle = (self.claims[key] for key in (256, 2394, 2395))
        ensure(isinstance(instance, bytes), "instance", foreign)
        ensure(leaf.platform == IDS["urn"]["device"] + instance.hex(), "instance", foreign)
        ensure(type(client) is int and client > 0, "client", failed)
        ensure(type(lifecycle) is int and 0x3000 <= lifecycle <= 0x30FF, "lifecycle", failed)


def evidence(given: dict[str, Any]) -> None:
    """Operation `psa-evidence`."""
    trust = Trust(given)
    kind, value, indicator = load(bytes.fromhex(given["cmw"]))
    ensure(type(kind) is int and kind == 10003, "type of evidence")
    ensure(type(indicator) is int and indicator == 4, "indicator", UNSUPPORTED)
    token = Token(load(value), UNSUPPORTED)
    leaf = trust.attestation_key(token.chain, bytes.fromhex(given["endorsements"]), OID["eku_psa_ak"])
    token.verify(leaf, FAILED)
    ensure(token.claims[10] == trust.binder, "binder", UNBOUND)
    ensure(leaf.uris == [trust.leaf.platform], "attestation key of another platform", FOREIGN)
    token.judge_caller(trust.leaf, FOREIGN, FAILED)
    policies = trust.leaf.extension(ExtensionOID.CERTIFICATE_POLICIES) or x509.CertificatePolicies([])
    held = [policy.policy_identifier.dotted_string for policy in policies]
    ensure(OID["policy_key_in_hsm"] in held, "custody of the identity key", FOREIGN)
    implementation = token.claims[2396]
    known = isinstance(implementation, bytes) and implementation.hex() in given["implementations"]
    ensure(known, "implementation", FAILED)
    check_components(token.claims[2399], trust.references, given["signers"], FAILED)


def check_components(listed: Any, references: dict[str, bytes], signers: dict[str, str], code: str) -> None:
    """Components are those of the references, each once and by its signer. Raises Refused."""
    ensure(isinstance(listed, list), "components", code)
    found: dict[str, bytes] = {}
    for item in listed:
        name, digest, signer = item.get(1), item.get(2), item.get(5)
        ensure(isinstance(name, str) and name not in found, "name of a component", code)
        ensure(isinstance(digest, bytes) and len(digest) == 32, "measurement of a component", code)
        ensure(isinstance(signer, bytes) and len(signer) in (32, 48, 64), "signer of a component", code)
        ensure(item.get(6, "sha-256") == "sha-256", "algorithm of a component", code)
        ensure(signers.get(name, signer.hex()) == signer.hex(), "another signer of a component", code)
        found[name] = digest
    ensure(bool(references) and found == references, "components", code)
