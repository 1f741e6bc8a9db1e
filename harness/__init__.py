"""Bytes and sockets: codecs, evaluator, peers, identities, transport, the tester, verdicts. The model decides; this carries out."""
