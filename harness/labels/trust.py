"""Who signed a label: its signature, the signer's path, and his revocation at the time of signing (CHN-08, CHN-09).

Where a trusted time proves when a label existed, its signer is judged at that time; otherwise at present.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from ..codec import cose
from ..crypto.errors import CryptoError
from ..crypto.signatures import ES256
from ..identity.certificate import Certificate, CertificateError, parse_certificate
from ..identity.oids import EKU_EAT_AK, EKU_TPM_AK, EKU_VERIFIER
from ..identity.path import PathError, verify_path
from ..identity.revocation import CRL, SHORT_LIVED, ProofError, Status, read_crl, read_proof
from ..identity.world import World
from .errors import LabelError
from .label import LABEL_AAD, Label

Proof = tuple[int, bytes]
"""Kind (0 OCSP response, 1 CRL) and DER."""
OTHER_PURPOSES = frozenset({EKU_EAT_AK, EKU_TPM_AK, EKU_VERIFIER})
"""Purposes of keys that sign no labels (IDN-18)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What a verified proof says of a certificate; `revoked_at` in unix seconds, None where it is good."""

    status: Status
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A signer's certificates, his own first and the pinned root last, with what proofs say of each but the root."""

    path: tuple[Certificate, ...]
    facts: tuple[tuple[Fact, ...], ...]


@dataclass(slots=True)
class Trust:
    """What a verifier trusts, and when it asks. `held` certificates are by SHA-256; times are unix seconds."""

    now: int
    roots: tuple[Certificate, ...]
    held: Mapping[bytes, Certificate] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()
    attestation_roots: tuple[Certificate, ...] = ()
    authorities: tuple[x509.Certificate, ...] = ()
    """Roots of time stamping authorities."""
    own: Certificate | None = None
    """Of the party that asks: what it has signed itself needs no path."""
    max_age: int = 7 * 86400
    """Oldest proof that tells the present."""
    tolerance: int = 60
    _paths: dict[tuple[bytes, ...], tuple[Certificate, ...]] = field(default_factory=dict, repr=False)
    _standings: dict[bytes, Standing] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, world: World, proofs: Iterable[Proof] = ()) -> Trust:
        """What a party trusts of its peers' side."""
        anchors, policy = world.anchors, world.policy
        return cls(
            world.time(),
            anchors.peer_roots,
            world.held(),
            (*((CRL, der) for der in anchors.crls), *proofs),
            anchors.attestation_roots,
            max_age=policy.revocation_max_age,
            tolerance=policy.clock_tolerance,
            own=world.credentials.leaf,
        )

    # --- the signer --------------------------------------------------------------------------------------------------

    def signer(self, label: Label) -> tuple[Certificate, ...]:
        """The signer's certificate and those above it, as far as they were brought. Raises LabelError (LBL-06)."""
        try:
            brought = tuple(parse_certificate(der) for der in label.certificates)
        except CertificateError as error:
            raise LabelError("CHN-08", "x5chain", str(error), label=label.digest) from error
        own = self.own if self.own is not None and self.own.sha256 == label.x5t else None
        leaf = brought[0] if brought else own or self.held.get(label.x5t)
        if leaf is None:
            raise LabelError("CHN-08", "x5t", "names a certificate that is not at hand", label=label.digest)
        if leaf.sha256 != label.x5t:
            raise LabelError("LBL-06", "x5t", "is not that of the signer's certificate", label=label.digest)
        return brought or (leaf, *self._held_above(leaf))

    def _held_above(self, leaf: Certificate) -> Sequence[Certificate]:
        above = next((item for item in self.held.values() if item.subject == leaf.issuer), None)
        return () if above is None or above in self.roots else (above,)

    def check_signature(self, label: Label) -> None:
        """Raise LabelError unless the certificate that x5t names verifies the label (LBL-05)."""
        key = self.signer(label)[0].public_key
        try:
            cose.verify1(label.message, lambda signature, tbs: ES256.verify(key, signature, tbs), LABEL_AAD)
        except (CryptoError, cose.CoseError) as error:
            raise LabelError("LBL-05", "signature", str(error), label=label.digest) from error

    def check_subject(self, label: Label) -> None:
        """Raise LabelError unless sub and iss are the identity and platform in the certificate (LBL-07)."""
        leaf = self.signer(label)[0]
        if not leaf.identity or label.subject != leaf.identity:
            raise LabelError("LBL-07", "sub", "is another identity than the certificate's", label=label.digest)
        if not leaf.platform or label.issuer != leaf.platform:
            raise LabelError("LBL-07", "iss", "is another platform than the certificate's", label=label.digest)

    def check_path(self, label: Label, existed: int | None = None) -> None:
        """Raise LabelError unless a path leads to a pinned root, valid when the label `existed`, or now (CHN-08)."""
        signer = self.signer(label)
        path = signer[:1] if signer[0] == self.own else self.path_of(signer, self.roots, label.digest)
        leaf = path[0]
        if not leaf.digital_signature or leaf.eku & OTHER_PURPOSES:
            raise LabelError("CHN-08", "certificate", "is not for labels", label=label.digest)
        moment = self.now if existed is None else existed
        if label.issued_at > moment + self.tolerance:
            raise LabelError("LBL-12", "iat", f"{shown(label.issued_at)} is yet to come", label=label.digest)
        for certificate in path:
            if not certificate.not_before <= moment <= certificate.not_after:
                reason = f"not valid at {shown(moment)}"
                raise LabelError("CHN-08", "certificate", reason, label=label.digest)
        if label.issued_at < leaf.not_before - self.tolerance:
            raise LabelError("CHN-08", "iat", "is before the certificate's time", label=label.digest)

    def path_of(
        self, certificates: Sequence[Certificate], roots: Sequence[Certificate], label: bytes
    ) -> tuple[Certificate, ...]:
        """These certificates and the pinned root above them. Raises LabelError."""
        key = tuple(item.sha256 for item in (*certificates, *roots))
        if key not in self._paths:
            try:
                verify_path(certificates[0], certificates[1:], roots)
            except PathError as error:
                raise LabelError("CHN-08", "path", str(error), label=label) from error
            above = next((root for root in roots if root.subject == certificates[-1].issuer), certificates[-1])
            self._paths[key] = (*certificates, above) if above != certificates[-1] else tuple(certificates)
        return self._paths[key]

    # --- revocation --------------------------------------------------------------------------------------------------

    def check_status(self, label: Label, existed: int | None = None) -> None:
        """Raise LabelError unless nobody above the label was revoked when it `existed`, or now (CHN-09, LBL-24)."""
        if (signer := self.signer(label))[0] != self.own:
            self.check_standing(self.standing(signer), existed, label.digest)

    def standing(self, certificates: tuple[Certificate, ...]) -> Standing:
        """What the proofs at hand say of a signer's certificates."""
        key = certificates[0].sha256
        if key not in self._standings:
            roots = (*self.roots, *self.attestation_roots)
            above = next((root for root in roots if root.subject == certificates[-1].issuer), None)
            path = certificates if above is None or above in certificates else (*certificates, above)
            facts = tuple(tuple(self._facts(one, issuer)) for one, issuer in pairwise(path))
            self._standings[key] = Standing(path, facts)
        return self._standings[key]

    def check_standing(self, standing: Standing, existed: int | None, label: bytes) -> None:
        """Raise LabelError unless these certificates were good when a label `existed`, or now."""
        for facts in standing.facts:
            revoked = min((fact.revoked_at for fact in facts if fact.revoked_at is not None), default=None)
            if revoked is not None and (existed is None or existed >= revoked):
                requirement, when = ("CHN-09", "and no trusted time shows when the label was made")
                if existed is not None:
                    requirement, when = "LBL-24", f"and the label is first known of at {shown(existed)}"
                reason = f"was revoked at {shown(revoked)}, {when}"
                raise LabelError(requirement, "certificate", reason, label=label)
        leaf = standing.path[0]
        known = any(self._tells(fact.status, leaf, existed) for fact in (standing.facts or ((),))[0])
        if not known and leaf.lifetime > SHORT_LIVED:
            when = "now" if existed is None else f"at {shown(existed)}"
            raise LabelError("CHN-09", "certificate", f"no proof of its status {when}", label=label)

    def _tells(self, status: Status, leaf: Certificate, existed: int | None) -> bool:
        """Whether a proof is about that time; one that was made after the certificate's own end may have dropped it."""
        if existed is None:
            return status.is_fresh(self.now, self.max_age, self.tolerance)
        if status.this_update > self.now + self.tolerance:
            return False
        if status.this_update >= existed:
            return status.this_update <= leaf.not_after
        return status.next_update is not None and existed <= status.next_update

    def _facts(self, certificate: Certificate, issuer: Certificate) -> Iterable[Fact]:
        for kind, der in self.proofs:
            try:
                status = read_proof(kind, der, certificate, issuer, self.now)
            except ProofError:
                continue
            yield Fact(status, _revoked_at(kind, der, certificate.serial) if status.revoked else None)


def _revoked_at(kind: int, der: bytes, serial: int) -> int:
    """When the revocation of a certificate took effect, by a proof that has been verified (RFC 5280 section 5.3.2)."""
    if kind == CRL:
        entry = read_crl(der).parsed.get_revoked_certificate_by_serial_number(serial)
        assert entry is not None
        moments = [entry.revocation_date_utc]
        for extension in entry.extensions:
            if isinstance(extension.value, x509.InvalidityDate):
                moments.append(extension.value.invalidity_date_utc)
    else:
        singles = ocsp.load_der_ocsp_response(der).responses
        moments = [
            item.revocation_time_utc for item in singles if item.serial_number == serial and item.revocation_time_utc
        ]
    return min((int(moment.timestamp()) for moment in moments), default=0)


def shown(seconds: int) -> str:
    """Unix seconds for a reader."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
