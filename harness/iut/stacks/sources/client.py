"""A TLS 1.3 client on the standard library: says one line and reads on. Arguments: host port leaf key roots."""

import socket
import ssl
import sys

host, port, leaf, key, roots = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.check_hostname = False
context.load_cert_chain(leaf, key)
context.load_verify_locations(roots)
context.set_alpn_protocols(["tc/1"])
with socket.create_connection((host, int(port)), 5) as connection, context.wrap_socket(connection) as channel:
    channel.sendall(b"hello\n")
    while channel.recv(4096):
        pass
