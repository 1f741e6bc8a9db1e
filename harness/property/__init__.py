"""Property-based attestation in zero knowledge on Camenisch-Lysyanskaya signatures (chapter 9, ISO/IEC 27071 B.5.3).

Setup is `issuer` and `certificate`, attest `commitment` and `proof`, verify `evidence`, check `revocation`. The
protocol is that of Chen, Landfermann, Löhr, Rohe, Sadeghi and Stüble, "A protocol for property-based attestation",
ACM STC 2006, on the signatures of Camenisch and Lysyanskaya, "A signature scheme with efficient protocols", SCN 2002;
where it departs from the paper, the module says so and why.
"""
