"""The tester's PKI: every authority that an implementation under test is told to trust, with its key.

With the keys at hand, every bad certificate can be made under a root that the implementation trusts. Nothing here is
secret, and none of it may be trusted outside a test.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import tomli_w

from .certificate import Certificate, PublicKey
from .credentials import Credentials, TrustAnchors, read_certificates, read_key, write_certificates, write_key
from .keys import derive, derive_key
from .oids import EKU_TPM_AK, EKU_VERIFIER
from .pki import (
    HOUR,
    LEAF_LIFETIME,
    Authority,
    Branch,
    Issued,
    LeafSpec,
    Subject,
    authority_spec,
    issue_leaf,
    issue_root,
    leaf_spec,
    make_branch,
    organization,
    serial_number,
)
from .policy import Policy
from .status import encode_proofs, make_crl, make_ocsp
from .tam import COMPONENTS, BootEvent, SoftwareTam, platform_urn, reference_values
from .tpm_emulation import fit
from .virtual_party import REVOKED_PLATFORM, boot_seed, platform_leaf
from .waiver import Waiver

ROLES = ("device", "service")
BRANCHES = (*ROLES, "attestation")
SERVICE_URI = "https://service.example/"
HOST = "service.example"
"""The host in it."""
ANONYMOUS = "anonymous"
"""The branch of pseudonyms."""
ANOTHER = "another platform"
"""The label of a party besides the two of a pair."""
VERIFIER, VERIFIER_URI = "verifier", "https://verifier.example/"
VERIFIER_POLICIES = {"device": "tc-test-device", "service": "tc-test-service"}
"""Role of an attester to the id of the policy by which the tester's verifier appraises it."""
REVOKED_VERIFIER, REVOKED_POLICY = "revoked verifier", "tc-test-withdrawn"
"""A verifier that every party pins and a policy id, both of which every party holds as revoked."""
WAIVER_LIFETIME = 30 * 86400


def opposite(role: str) -> str:
    """The role of the peer."""
    return "service" if role == "device" else "device"


def boot_events(role: str) -> tuple[BootEvent, ...]:
    """What a platform of that role measures when it starts."""
    return tuple(BootEvent(name, sha256(f"{role} {name}".encode()).digest()) for name in COMPONENTS)


@dataclass(frozen=True, slots=True)
class TesterPki:
    """Three branches and two waiver authorities, the second of which implementations hold but do not pin.

    `now` is the time of issue of whatever is made next.
    """

    __test__: ClassVar[bool] = False
    """Not a test class, whatever pytest makes of its name."""

    seed: bytes
    now: int
    device: Branch
    service: Branch
    attestation: Branch
    waiver_authority: Authority
    unpinned_authority: Authority
    plain: bool = False
    """For TLS tools that cannot do with the profile's certificates.

    Honest leaves have the key usage of TLS alone and a service's its host name; authorities have no name constraints.
    """

    @classmethod
    def from_seed(cls, seed: bytes, now: int, *, plain: bool = False) -> "TesterPki":
        """The PKI that belongs to a seed and a time."""
        device, service, attestation = (make_branch(seed, now, name, constrained=not plain) for name in BRANCHES)
        pinned, other = (
            issue_root(authority_spec(seed, now, name, "authority")) for name in ("waiver", "other waiver")
        )
        return cls(seed, now, device, service, attestation, pinned, other, plain)

    def branch(self, name: str) -> Branch:
        """The branch "device", "service", "attestation" or "anonymous"."""
        if name == ANONYMOUS:
            return self.pseudonyms
        return {"device": self.device, "service": self.service, "attestation": self.attestation}[name]

    @property
    def pseudonyms(self) -> Branch:
        """The issuer of pseudonyms, for both roles and for attestation keys; every party pins its root."""
        return _pseudonyms(self.seed, self.now, self.plain)

    def ueid(self, label: str) -> bytes:
        """Type octet 1 and 32 octets (RFC 9711 section 4.2.1)."""
        return b"\x01" + derive(self.seed, f"ueid/{label}")

    def names(self, role: str, label: str) -> tuple[str, ...]:
        """URI names of a leaf: the identity first, then, for a service, its platform."""
        urn = platform_urn(self.ueid(label))
        return (urn,) if role == "device" else (SERVICE_URI, urn)

    def party(
        self,
        role: str,
        label: str = "",
        *,
        key: PublicKey | None = None,
        tokens: PublicKey | None = None,
        module: PublicKey | None = None,
        with_waiver: bool = False,
    ) -> Credentials:
        """Honest credentials of a party; `label` tells parties of one role apart.

        `key`, `tokens` and `module` are foreign public keys: of the identity, for tokens, and of a TPM.
        """
        label = label or role
        leaf = issue_leaf(_held(self.leaf_spec(role, label), key), self.branch(role).issuing)
        ak = issue_leaf(_held(self.ak_spec(label), tokens), self.attestation.issuing)
        tpm_ak = issue_leaf(_held(self.tpm_ak_spec(label), module), self.attestation.issuing)
        return Credentials(
            leaf.certificate,
            leaf.chain,
            leaf.key,
            ak.certificate,
            ak.chain,
            ak.key,
            self.staple(leaf.certificate, self.branch(role).issuing),
            self.waiver(leaf.certificate).sign(self.waiver_authority) if with_waiver else None,
            tpm_ak,
        )

    def leaf_spec(self, role: str, label: str) -> LeafSpec:
        """The specification of an honest identity certificate."""
        spec = leaf_spec(self.seed, self.now, role, self.names(role, label), f"{label} identity")
        hosts = (HOST,) if role == "service" else ()
        return replace(spec, eku=spec.eku[-1:], hosts=hosts) if self.plain else spec

    def ak_spec(self, label: str) -> LeafSpec:
        """The specification of the attestation certificate of the platform of a party."""
        urn = platform_urn(self.ueid(label))
        return leaf_spec(self.seed, self.now, "attestation", (urn,), f"{label} attestation")

    def tpm_ak_spec(self, label: str) -> LeafSpec:
        """The specification of the certificate of a TPM's attestation key."""
        urn = platform_urn(self.ueid(label))
        return replace(leaf_spec(self.seed, self.now, "attestation", (urn,), f"{label} TPM"), eku=(EKU_TPM_AK,))

    def verifier(self, label: str = VERIFIER) -> Issued:
        """The certificate by which relying parties pin a verifier, and its key; `label` tells verifiers apart."""
        return _verifier(self.seed, self.now, label)

    def tam(self, role: str, credentials: Credentials) -> SoftwareTam:
        """A module with the keys of those credentials, started once. Raises ValueError if a key is missing."""
        if credentials.key is None or credentials.ak_key is None:
            raise ValueError("a software module needs both private keys")
        ueid = bytes.fromhex(credentials.leaf.platform.rpartition(":")[2])
        seed = boot_seed(self, credentials.leaf)
        tam = SoftwareTam(credentials.key, credentials.ak_key, ueid, boot_events(role), boot_seed=seed)
        return fit(tam, credentials.tpm_ak.key if credentials.tpm_ak else None)

    def staple(self, certificate: Certificate, issuer: Authority) -> bytes:
        """Encoded proofs for HELLO: one OCSP response that says good."""
        return encode_proofs(ocsp=[make_ocsp(certificate, issuer, self.now)])

    def waiver(self, leaf: Certificate) -> Waiver:
        """An honest statement about a leaf."""
        return Waiver(
            leaf_sha256=leaf.sha256,
            module="Test Module",
            level=3,
            certificate_id="test-0001",
            issued_at=self.now,
            expires_at=self.now + WAIVER_LIFETIME,
            statement_id=derive(self.seed, f"waiver/{leaf.sha256.hex()}", 16),
        )

    def revoked_serial(self, branch: str) -> int:
        """A serial number that every party's local CRL of that branch lists."""
        return serial_number(self.seed, f"revoked/{branch}")

    def revoked_issuer(self, branch: str) -> int:
        """The serial number of an authority below the branch's root that every party's local CRL of that root lists."""
        return serial_number(self.seed, f"revoked issuer/{branch}")

    @property
    def revoked_waiver(self) -> bytes:
        """A statement identifier, 16 octets, that every party holds as revoked."""
        return derive(self.seed, "revoked/waiver", 16)

    def crl(self, branch: str, serials: Iterable[int] = ()) -> bytes:
        """The CRL of a branch's issuing authority: what is revoked from the start, and `serials`."""
        revoked = {self.revoked_serial(branch), platform_leaf(self, branch, REVOKED_PLATFORM).serial, *serials}
        return make_crl(self.branch(branch).issuing, revoked, self.now)

    def root_crl(self, branch: str) -> bytes:
        """The CRL of a branch's root: one authority below it is revoked."""
        return make_crl(self.branch(branch).root, {self.revoked_issuer(branch)}, self.now)

    def anchors(self, role: str, known: Iterable[Certificate] = ()) -> TrustAnchors:
        """What a party of that role trusts; `known` are peers' certificates that it can resolve by thumbprint.

        One more peer is known to every party, and admitted by none; so is a physical platform that is revoked.
        """
        peer = opposite(role)
        held = (self.branch(peer).issuing, self.attestation.issuing, self.unpinned_authority)
        return TrustAnchors(
            peer_roots=(self.branch(peer).root.certificate,),
            attestation_roots=(self.attestation.root.certificate,),
            waiver_authorities=(self.waiver_authority.certificate,),
            verifiers=tuple(self.verifier(label).certificate for label in (VERIFIER, REVOKED_VERIFIER)),
            known=(
                *(authority.certificate for authority in held),
                *known,
                self.party(peer, ANOTHER).leaf,
                platform_leaf(self, peer, REVOKED_PLATFORM),
            ),
            crls=(
                *(crl(branch) for branch in (peer, "attestation") for crl in (self.crl, self.root_crl)),
                self.root_crl(ANONYMOUS),
            ),
            revoked_waivers=frozenset({self.revoked_waiver}),
            revoked_verifiers=frozenset({self.verifier(REVOKED_VERIFIER).certificate.sha256}),
            revoked_policies=frozenset({REVOKED_POLICY}),
            anonymous_roots=(self.pseudonyms.root.certificate,),
        )

    def policy(self, role: str, peer: Certificate, boot: tuple[BootEvent, ...] | None = None) -> Policy:
        """The default policy towards that peer and no other; `boot` is what it measures, if not what all do."""
        values = reference_values(boot or boot_events(opposite(role)))
        asked = VERIFIER_POLICIES[opposite(role)]
        if role == "device":
            return Policy(intended_peer=peer.identity, reference_values=values, verifier_policy=asked)
        return Policy(authorised_devices=(peer.identity,), reference_values=values, verifier_policy=asked)

    def save(self, folder: Path) -> None:
        """Write every authority's certificates and key, and the seed."""
        for name, authority in self._authorities().items():
            write_certificates(folder / f"{name}.pem", authority.chain or (authority.certificate,))
            write_key(folder / f"{name}.key.pem", authority.key)
        manifest = {"seeded": True, "seed": self.seed.hex(), "now": self.now, "plain": self.plain}
        (folder / "manifest.toml").write_text(tomli_w.dumps(manifest), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TesterPki":
        """Read what `save` wrote. Raises CredentialError."""
        manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
        read = {name: _read_authority(folder, name) for name in _AUTHORITIES}
        device, service, attestation = (
            Branch(name, read[f"{name}-root"], read[f"{name}-issuing"]) for name in BRANCHES
        )
        seed = bytes.fromhex(manifest["seed"])
        authorities = device, service, attestation, read["waiver"], read["unpinned-waiver"]
        return cls(seed, manifest["now"], *authorities, bool(manifest.get("plain")))

    def _authorities(self) -> dict[str, Authority]:
        branches = [(branch.root, branch.issuing) for branch in (self.device, self.service, self.attestation)]
        ordered = [authority for pair in branches for authority in pair]
        return dict(zip(_AUTHORITIES, [*ordered, self.waiver_authority, self.unpinned_authority], strict=True))


def _held(spec: LeafSpec, key: PublicKey | None) -> LeafSpec:
    """The specification for a key that its holder has made, if there is one."""
    return spec if key is None else replace(spec, key=key)


@lru_cache(8)
def _pseudonyms(seed: bytes, now: int, plain: bool) -> Branch:
    return make_branch(seed, now, ANONYMOUS, constrained=not plain)


@lru_cache(8)
def _verifier(seed: bytes, now: int, label: str) -> Issued:
    root = issue_root(authority_spec(seed, now, VERIFIER, "root"))
    spec = LeafSpec(
        subject=Subject(organization(VERIFIER), label),
        uris=(VERIFIER_URI,),
        eku=(EKU_VERIFIER,),
        not_before=now - HOUR,
        not_after=now + LEAF_LIFETIME,
        serial=serial_number(seed, label),
        key=derive_key(seed, label),
    )
    return issue_leaf(spec, root)


_AUTHORITIES = (
    *(f"{branch}-{kind}" for branch in BRANCHES for kind in ("root", "issuing")),
    "waiver",
    "unpinned-waiver",
)


def _read_authority(folder: Path, name: str) -> Authority:
    certificates = read_certificates(folder / f"{name}.pem")
    key = read_key(folder / f"{name}.key.pem")
    is_root = certificates[0].subject == certificates[0].issuer
    return Authority(certificates[0], key, () if is_root else tuple(certificates))
