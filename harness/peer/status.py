"""Sources of a peer's own for the status of certificates: an OCSP responder and a place of CRLs, asked over HTTP.

What answers is judged like a proof that the peer sent along; an OCSP response must carry the nonce of this request
(RFC 9654), so that an old one is no answer. Where nothing answers, nothing is known (REV-08).
"""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from ..crypto.random import Random, system_random
from ..identity.certificate import Certificate
from ..identity.revocation import CRL, MAX_PROOF, OCSP, ProofError, Status, read_proof

SECONDS = 5.0
"""Real time that a source has for an answer."""
NONCE = 32
"""Octets, RFC 9654 section 2.1."""


class StatusSources:
    """URLs of an OCSP responder and of a CRL; empty for none. The first that answers decides."""

    def __init__(
        self, *, responder: str = "", crl: str = "", rng: Random = system_random, seconds: float = SECONDS
    ) -> None:
        self._responder, self._crl, self._rng, self._seconds = responder, crl, rng, seconds

    def __call__(self, certificate: Certificate, issuer: Certificate, now: int) -> Status:
        """The status of `certificate`, asked for now. Raises ProofError where no source gives one."""
        failures = []
        for url, ask in ((self._responder, self._by_ocsp), (self._crl, self._by_crl)):
            try:
                if url:
                    return ask(url, certificate, issuer, now)
            except ProofError as error:
                failures.append(f"{url}: {error}")
        raise ProofError("; ".join(failures) or "no source")

    def _by_ocsp(self, url: str, certificate: Certificate, issuer: Certificate, now: int) -> Status:
        nonce = self._rng(NONCE)
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate.parsed, issuer.parsed, SHA256())
        request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)
        der = self._fetch(url, "POST", request, {"Content-Type": "application/ocsp-request"})
        if _nonce(der) != nonce:
            raise ProofError("an OCSP response to another request")
        return read_proof(OCSP, der, certificate, issuer, now)

    def _by_crl(self, url: str, certificate: Certificate, issuer: Certificate, now: int) -> Status:
        return read_proof(CRL, self._fetch(url, "GET", None, {}), certificate, issuer, now)

    def _fetch(self, where: str, method: str, content: bytes | None, headers: dict[str, str]) -> bytes:
        import http.client  # Few peers ask.

        url = urlsplit(where)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        try:
            with closing(kind(url.hostname or "", url.port, timeout=self._seconds)) as connection:
                connection.request(method, url.path or "/", content, headers)
                response = connection.getresponse()
                answer = response.read(MAX_PROOF + 1)
        except (OSError, http.client.HTTPException) as error:
            raise ProofError(f"no answer: {error}") from error
        if response.status != 200:
            raise ProofError(f"HTTP status {response.status}")
        return answer


def _nonce(der: bytes) -> bytes:
    """The nonce that an OCSP response echoes; b"" where there is none. Raises ProofError."""
    try:
        return ocsp.load_der_ocsp_response(der).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return b""
    except ValueError as error:
        raise ProofError(f"not a readable OCSP response: {error}") from error
