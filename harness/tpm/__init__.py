"""Trusted platform modules: their structures read strictly, their evidence verified, and one driven over a socket.

`structures`, `signature`, `event_log` and `verification` are a relying party's, `credential` is an attestation CA's:
they know no module. `commands`, `keys` and `swtpm` drive one.
"""
