"""A vendor's server: TLS 1.3 with certificates on both sides, and what of the control plane starts and ends it.

    python server.py CREDENTIALS

CREDENTIALS is what `trustconn provision service` made for it: a certificate with its key, the roots of its peers, their
revocation lists, and a policy with the names of the devices that it may serve. Requests of the suite come on standard
input, one JSON object a line, and replies go to standard output.
"""

import json
import socket
import ssl
import sys
import threading
import tomllib
from contextlib import suppress
from pathlib import Path

PROTOCOL = "tc/1"
HELLO = {
    "protocol": 1, "role": "service", "name": "my server", "version": "1", "features": {},
    "verbs": ["hello", "start", "restart", "stop"],
}  # fmt: skip
"""What it says of itself. With more verbs more can be tested: its clock, its configuration, what it sends."""


class Server:
    """Listens until it is closed; every device has a thread."""

    def __init__(self, credentials: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls.num_tickets = 0
        self._tls.load_cert_chain(credentials / "leaf.pem", credentials / "leaf.key.pem")
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._tls.load_verify_locations(credentials / "peer-roots.pem")
        self._tls.load_verify_locations(credentials / "crls.pem")
        self._tls.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        self._tls.set_alpn_protocols([PROTOCOL])
        self._devices = tomllib.loads((credentials / "policy.toml").read_text())["authorised_devices"]
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Serve nobody else."""
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        """Answer each request with one line, if the device may ask."""
        connection.settimeout(5)
        with suppress(OSError), self._tls.wrap_socket(connection, server_side=True) as channel:
            while self._admits(channel) and channel.recv(4096):
                channel.sendall(b"accepted\n")

    def _admits(self, channel: ssl.SSLSocket) -> bool:
        """Whether the device has a name that it may have, and speaks the protocol."""
        names = (channel.getpeercert() or {}).get("subjectAltName", ())
        uris = [name for kind, name in names if kind == "URI"]
        return uris[:1] == self._devices and channel.selected_alpn_protocol() == PROTOCOL


def main(credentials: Path) -> None:
    """Carry out the requests of the suite until `stop`."""
    server: Server | None = None
    for line in sys.stdin:
        request = json.loads(line)
        verb, done = request["verb"], {}
        if verb == "hello":
            done = HELLO
        if verb == "start":
            server = Server(credentials)
            done = {"host": "127.0.0.1", "port": server.port}
        if verb in ("restart", "stop") and server:
            server.close()
        print(json.dumps({"id": request["id"], "ok": done}), flush=True)
        if verb == "stop":
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
