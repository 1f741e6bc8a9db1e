"""Attacks in octets: what the symbolic verifier finds without a check is played against an implementation.

`story` reads an attack of the removal matrix; `cast` makes credentials for who appears in it; `mirror` is the
attacker's end of a connection; `wording` turns values of the trace into octets; `stage` sets up the runs; `player`
delivers in the order of the trace; `trial` says what came of it.
"""
