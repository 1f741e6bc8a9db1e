"""An authority that publishes over HTTP what it has revoked: OCSP at /ocsp, its list at /crl."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography import x509
from cryptography.x509 import ocsp

from trustconn.harness.identity.certificate import Certificate
from trustconn.harness.identity.pki import Authority
from trustconn.harness.identity.status import make_crl, make_ocsp


class StatusAuthority(ThreadingHTTPServer):
    """Knows the certificates that it has issued; `answers` says whether it can be reached."""

    def __init__(self, issuer: Authority, issued: list[Certificate], now: Callable[[], int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer, self.now = issuer, now
        self.issued = {certificate.serial: certificate for certificate in issued}
        self.revoked: set[int] = set()
        self.answers, self.echoes = True, True
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        """Where it answers, or nobody."""
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def respond(self, request: bytes) -> bytes:
        """An OCSP response of now, with the nonce of the request."""
        asked = ocsp.load_der_ocsp_request(request)
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        status = "revoked" if asked.serial_number in self.revoked else "good"
        certificate = self.issued[asked.serial_number]
        return make_ocsp(certificate, self.issuer, self.now(), status=status, nonce=nonce if self.echoes else bytes(32))

    def list_of_now(self) -> bytes:
        """The revocation list."""
        return make_crl(self.issuer, self.revoked, self.now())


class _Handler(BaseHTTPRequestHandler):
    server: StatusAuthority

    def do_POST(self) -> None:
        self._answer(self.server.respond(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self) -> None:
        self._answer(self.server.list_of_now())

    def _answer(self, content: bytes) -> None:
        self.server.asked.append(self.path)
        self.send_response(200 if self.server.answers else 503)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


@contextmanager
def serving(authority: StatusAuthority) -> Iterator[StatusAuthority]:
    """The authority, reachable until the end."""
    thread = Thread(target=authority.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        authority.shutdown()
        authority.server_close()
        thread.join()
