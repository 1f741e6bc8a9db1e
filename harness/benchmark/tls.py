"""Conversations over TLS beside bare handshakes of the same library, and what the misbehaving tester manages.

`python -m trustconn.harness.benchmark.tls` prints handshakes and whole conversations a second, both ends in one
process, taken in turn. A bare handshake is OpenSSL's own, with certificates on both sides and none of our checks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median

from OpenSSL import SSL
from OpenSSL.crypto import X509

from ..identity.world import World
from ..peer.tls_context import CIPHER_SUITES
from ..tester.local import LocalIut
from ..tester.tls_tester import MisbehavingTls
from .conversation import converse, rate


def _context(world: World) -> SSL.Context:
    context, credentials = SSL.Context(SSL.TLS_METHOD), world.credentials
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(CIPHER_SUITES)
    context.use_certificate(credentials.leaf.parsed)
    for item in credentials.chain:
        context.add_extra_chain_cert(item.parsed)
    assert credentials.key is not None
    context.use_privatekey(credentials.key)
    for root in world.anchors.peer_roots:
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(X509.from_cryptography(root.parsed))
    required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    context.set_verify(required, lambda *_: True)
    return context


def bare_handshake(client: SSL.Context, server: SSL.Context) -> None:
    """One mutual handshake through memory.

    Raises:
        RuntimeError: it did not come to its end.
    """
    ends = SSL.Connection(client, None), SSL.Connection(server, None)
    ends[0].set_connect_state()
    ends[1].set_accept_state()
    done = set[SSL.Connection]()
    for _ in range(4):
        for mine, other in (ends, ends[::-1]):
            try:
                mine.do_handshake()
                done.add(mine)
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(mine.bio_read(1 << 16))
            except SSL.WantReadError:
                continue
    if len(done) < 2:
        raise RuntimeError("the handshake was not completed")


def misbehaving(iut: LocalIut) -> None:
    """One conversation up to OPEN in which the tester could alter every handshake message.

    Raises:
        RuntimeError: it did not come there.
    """
    conversation = iut.converse(channel=MisbehavingTls)
    if not conversation.until(lambda: conversation.peer.state == "OPEN"):
        raise RuntimeError("the session did not open")


TESTER = "conversations of the misbehaving tester"


def acts() -> dict[str, Callable[[], None]]:
    """What is measured in turn; the bare handshakes are the yardstick."""
    iut = LocalIut("service", binding="tls")
    client, server = _context(iut.world), _context(iut._honest)
    return {
        "bare OpenSSL handshakes": partial(bare_handshake, client, server),
        "conversations over TLS": partial(converse, iut),
        TESTER: partial(misbehaving, iut),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    turns = acts()
    found: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        for name, act in turns.items():
            found.setdefault(name, []).append(rate(act, arguments.seconds))
    medians = {name: median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(f"{name} a second: {value:.0f}")
    print(f"ratio: {medians['conversations over TLS'] / medians['bare OpenSSL handshakes']:.2f}")


if __name__ == "__main__":
    main()
