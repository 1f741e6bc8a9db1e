"""Published flaws of real implementations that no fault of these peers expresses, each with the reason.

Every other flaw of the list is the `source` of at least one fault. Letters: A EDHOC and OSCORE, B TLS and mutual
authentication, C verifiers of evidence, D COSE and CBOR, E certification paths, F counters and groups, G labels.
"""

from __future__ import annotations

_TLS = "a matter of TLS: OpenSSL decides it in the binding over TLS"
_CODE = "a defect of memory or of arithmetic in code of another language"

MISSING_CHECKS: dict[str, str] = {
    "cred_i_path_verifies": "A13",
    "cred_r_path_verifies": "B29",
    "signature_2_verifies": "B3",
    "signature_3_verifies": "B5",
    "g_y_is_valid": "F3",
    "eat_signature_verifies": "C25",
    "tpm_quote_is_generated": "C9",
    "frame_depth_is_bounded": "D15",
    "frame_has_no_duplicate_keys": "D17",
}
"""Check whose absence is the flaw."""
UNEXPRESSED: dict[str, str] = {
    "A17": "static Diffie-Hellman keys are no part of the profile; published vectors judge the length of MACs",
    "A19": _CODE,
    "A21": "an honest peer understands no other form: the faults of ID_CRED show what is refused",
    "A23": "published vectors judge HKDF-Expand; with another key no conversation works",
    "A25": _CODE,
    "B7": _TLS,
    "B15": "raw public keys are no part of the profile",
    "B17": "tickets are refused by the profile",
    "B19": "resumption is refused by the profile",
    "B21": _TLS,
    "B31": _TLS,
    "D3": "a flaw of published vectors, not of an implementation",
    "D19": _CODE,
    "D21": "signatures are not aggregated here",
    "E13": "enrolment is no part of the wire",
    "F7": "timing is for a laboratory, not for a verdict",
    "G5": "processing chains are specified and not yet spoken by these peers",
    "G11": "time stamps over labels are specified and not yet spoken by these peers",
    "G15": "content that is fetched apart from its label is the application's to check",
}
"""Flaw to the reason."""
