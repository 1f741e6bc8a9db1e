"""The tester's verifier over HTTP: it answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ...spec import identifiers
from ..iut.address import Address
from ..verifier.appraisal import MAX_REQUEST

Answer = Callable[[bytes], bytes | None]
"""From a request to a reply; None answers nothing."""
REPLY_TYPE: str = identifiers()["media_type"]["verifier_reply"]


class VerifierServer:
    """Answers what it is told to, from a thread of its own, until it is closed."""

    def __init__(self, address: Address) -> None:
        """Listens; raises OSError."""
        self.answer: Answer = lambda request: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                reply = outer.answer(self.rfile.read(min(length, MAX_REQUEST)))
                self.send_response(503 if reply is None else 200)
                self.send_header("Content-Type", REPLY_TYPE)
                self.send_header("Content-Length", str(len(reply or b"")))
                self.end_headers()
                self.wfile.write(reply or b"")

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer((address.host, address.port), Handler)
        self._server.daemon_threads = True
        host, port = self._server.server_address[:2]
        self.url = f"http://{Address(str(host), int(port))}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @contextmanager
    def answering(self, answer: Answer) -> Iterator[None]:
        """Meanwhile it answers so."""
        before, self.answer = self.answer, answer
        try:
            yield
        finally:
            self.answer = before

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
