"""The symbolic verifier: proofs for any number of sessions, or the attack."""
