"""A TLS 1.3 server on the standard library: answers each request with one line. Arguments: port leaf key roots."""

import socket
import ssl
import sys
from contextlib import suppress

port, leaf, key, roots = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.num_tickets = 0
context.load_cert_chain(leaf, key)
context.load_verify_locations(roots)
context.verify_mode = ssl.CERT_REQUIRED
context.set_alpn_protocols(["tc/1"])
with socket.create_server(("127.0.0.1", int(port)), backlog=64) as listener:
    while True:
        connection, _ = listener.accept()
        connection.settimeout(5)
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as channel:
            while channel.recv(4096):
                channel.sendall(b"accepted\n")
