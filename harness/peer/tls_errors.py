"""From OpenSSL's words for a refusal to the check that the specification calls it."""

from __future__ import annotations

from ...model.protocol import tls

UNEXPECTED = "tls_message_is_expected"
"""What is malformed, out of place or not protected as it should be."""
DECIDED = (
    frozenset(step.check.name for row in tls.rows() for step in row.checks if step.by_library)
    - {"version_r_is_tls_1_3"}
) | {UNEXPECTED}
"""Checks that OpenSSL makes whatever it is told: a peer that is built on it cannot lack them."""

_BY_WORDS = (
    (("peer did not return a certificate",), "certificate_i_is_present"),
    (("unsupported protocol", "protocol version", "wrong ssl version"), "version_{}_is_tls_1_3"),
    (("no shared cipher", "no suitable key share", "no suitable signature", "no shared group"), "parameters_i_overlap"),
    (("wrong cipher returned", "unknown cipher returned", "bad key share", "wrong curve"), "parameters_r_were_offered"),
    (("bad signature", "wrong signature type", "missing sigalgs", "signature"), "certificate_verify_{}_verifies"),
    (("digest check failed",), "finished_{}_verifies"),
    (("bad record mac", "decryption failed"), "flight_{}_is_protected"),
    (("bad ecpoint", "point at infinity", "invalid key", "derivation"), "key_share_{}_is_valid"),
)


def check_of(error: Exception, *, client: bool) -> tuple[str, str]:
    """The check that an error of OpenSSL is about, and its words."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reason = ", ".join(str(entry[-1]) for entry in entries) or str(error)
    side = "r" if client else "i"
    for words, check in _BY_WORDS:
        if any(word in reason for word in words):
            return check.format(side), reason
    return UNEXPECTED, reason
