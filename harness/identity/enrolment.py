"""Enrolment of a TPM: an attestation CA finds out that keys live in a module of a manufacturer that it knows.

The certificate of the endorsement key says what module that is; credential activation shows that the attestation key
lives beside it; and certifications by that key show where the others live. Source: TCG TPM 2.0 Keys for Device Identity
and Attestation, section 5.
"""

import hmac
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..crypto.random import Random
from ..crypto.signatures import ES256
from ..tpm.credential import SECRET, make_credential
from ..tpm.structures import CERTIFY, GENERATED, read_attested, read_public, read_signature
from ..tpm.verification import check_certified, check_kept, check_restricted
from .certificate import Certificate
from .credential_checks import check_validity
from .path import verify_path

EKU_EK = "2.23.133.8.1"
"""tcg-kp-EKCertificate, TCG EK Credential Profile section 3.3."""


class EnrolmentError(ValueError):
    """The attestation CA certifies nothing: the module has not shown what it must."""


class Enrolment:
    """One module before the CA. In this order: `challenge`, `answered`, and `vouched` for each further key."""

    def __init__(self, manufacturers: Sequence[Certificate], rng: Random, now: Callable[[], int]) -> None:
        """`now` gives unix seconds."""
        self._manufacturers, self._rng, self._now = tuple(manufacturers), rng, now
        self._ak: EllipticCurvePublicKey | None = None
        self._secret = self._nonce = b""

    def challenge(self, ek: Certificate, chain: Sequence[Certificate], ak_public: bytes) -> tuple[bytes, bytes]:
        """A credential that only the module of that endorsement key opens, and only for that attestation key.

        Raises EnrolmentError for another manufacturer's module, for certificates that are not valid now, and for a key
        that is not restricted.
        """
        try:
            anchor = verify_path(ek, chain, self._manufacturers)
            for certificate in (ek, *chain, anchor):
                check_validity(certificate, self._now())
            check_restricted(ak_public)
        except ValueError as error:
            raise EnrolmentError(str(error)) from error
        if EKU_EK not in ek.eku or not isinstance(ek.public_key, RSAPublicKey):
            raise EnrolmentError("not the certificate of an RSA endorsement key")
        public = read_public(ak_public)
        self._ak, self._secret, self._nonce = public.key, self._rng(SECRET), b""
        return make_credential(ek.public_key, public.name, self._secret, self._rng)

    def answered(self, secret: bytes) -> bytes:
        """A nonce for certifications, 32 octets, once the module has opened the credential. Raises EnrolmentError."""
        if not self._secret or not hmac.compare_digest(secret, self._secret):
            raise EnrolmentError("the credential was not opened")
        self._secret, self._nonce = b"", self._rng(32)
        return self._nonce

    def vouched(self, certification: tuple[bytes, bytes], public: bytes) -> EllipticCurvePublicKey:
        """The key of a public area that the attestation key has certified. Raises EnrolmentError."""
        if self._ak is None or not self._nonce:
            raise EnrolmentError("the attestation key is not enrolled")
        octets, signature = certification
        try:
            ES256.verify(self._ak, read_signature(signature), octets)
            attested = read_attested(octets)
            check_certified(attested.attested, public)
            check_kept(public)
        except ValueError as error:
            raise EnrolmentError(str(error)) from error
        if (attested.magic, attested.type, attested.extra) != (GENERATED, CERTIFY, self._nonce):
            raise EnrolmentError("not a certification for this enrolment")
        return read_public(public).key
