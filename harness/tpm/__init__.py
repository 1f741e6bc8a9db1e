"""Trusted platform modules: their structures read strictly, their evidence verified, and one driven over a socket.

`structures`, `event_log` and `verification` are the relying party's and know no module; the rest drives one.
"""
