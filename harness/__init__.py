"""Bytes and sockets: codecs, evaluator, peers, identities, transport, tester, verdicts. The model decides."""

from .crypto.openssl import configure

configure()
