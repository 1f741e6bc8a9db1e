"""Why TLS stacks of others deviate: each explanation names the sentence that it is about."""

from __future__ import annotations

_PROFILE = "{} is this profile's own rule: a TLS stack leaves it to its application"
_BY_TEST = {
    "identity]": _PROFILE.format("IDN-15 and IDN-16, the name of the peer"),
    "other-role]": _PROFILE.format("IDN-13 and IDN-14, one role a certificate"),
    "both-roles]": _PROFILE.format("IDN-13 and IDN-14, one role a certificate"),
    "extended-key-usage]": _PROFILE.format("IDN-13 and IDN-14, a key usage of the profile"),
    "tls-usage-only]": _PROFILE.format("IDN-13 and IDN-14, a key usage of the profile"),
    "attestation-usage]": _PROFILE.format("IDN-18, no attestation certificate"),
    "key-of-the-victim]": _PROFILE.format("IDN-17, not my own key"),
    "identity-of-another-first]": _PROFILE.format("IDN-15 and IDN-16, the first name of the peer"),
    "issuer-revoked]": "REV-02 needs the revocation list, which this endpoint was not given",
    "left-out-CertificateRequest]": "RFC 9846 section 4.3.2: a request is the server's choice; TLS-04 wants one",
    "swapped-CertificateRequest]": "without a request in its place there is none, which is the server's choice; TLS-04",
    "device-issue-name-not-permitted]": "clients are given authorities without name constraints: no name is forbidden",
    "twice-Finished]": "no alert while one is waited for: what stands behind Finished is left for the next read",
    "issue-revoked]": "REV-02 needs the revocation list, which this endpoint was not given",
    "leaf-is-a-ca]": "RFC 5280 section 6.1 allows a certification authority as the end of a path; IDN-10 does not",
    "no-key-usage]": "RFC 5280 section 4.2.1.3: without the extension every usage is allowed; IDN-12 wants it",
    "no-digital-signature]": "RFC 9846 section 4.4.2.2 wants digitalSignature where key usage is present (IDN-12)",
    "offer-none]": "RFC 7301 leaves a peer that offers no protocol to the application; TLS-07 refuses it",
    "select-none]": "RFC 7301 leaves a server that selects no protocol to the application; TLS-07 refuses it",
    "for-no-certificate]": "RFC 9846 section 4.3.2: a request is the server's choice; TLS-04 refuses to go without",
}
"""Part of a test's id to its explanation, whatever the stack."""
_UNCONSTRAINED = "the authorities that it is given have no name constraints: nothing forbids the name"
_SLOP = "NSS allows a day of clock difference (CERT_CheckCertValidTimes)"
_CONSTRAINTS = "GnuTLS does not apply constraints on directory names (RFC 5280 section 4.2.1.10)"
_KEY_SHARE = "the key share decides alone, where RFC 9846 section 4.2.8 wants its group among the supported ones"
_BY_STACK = {
    ("Python ssl server", "test_offered_protocol"): "the module selects none where RFC 7301 section 3.2 wants an alert",
    ("NSS server", "test_offered_protocol"): "selfserv has no option for ALPN",
    ("NSS client", "test_selected_protocol"): "tstclnt has no option for ALPN",
    ("NSS server", "not-yet-valid"): _SLOP,
    ("NSS client", "not-yet-valid"): _SLOP,
    ("GnuTLS server", "name-not-permitted"): _CONSTRAINTS,
    ("Go crypto/tls server", "name-not-permitted"): _UNCONSTRAINED,
    ("Go crypto/tls server", "group"): _KEY_SHARE,
    (
        "GnuTLS client",
        "empty-",
    ): "an empty body is taken where RFC 9846 sections 4.3.1 and 4.3.2 want a length at least",
    ("GnuTLS client", "test_selected_protocol"): "what was not offered is taken, against RFC 7301 section 3.1",
    ("wolfSSL server", "test_key_share"): "no alert: the connection stays open until a deadline (TLS-21, RFC 9846 6.2)",
    ("wolfSSL server", "groups"): _KEY_SHARE,
    (
        "wolfSSL server",
        "group-of-nobody",
    ): "no alert: the connection stays open until a deadline (RFC 9846 section 6.2)",
    ("wolfSSL server", "no-signature-algorithms"): "RFC 9846 section 4.2.3 wants missing_extension; a default is taken",
    ("wolfSSL server", "any-extended-key-usage"): _PROFILE.format("IDN-13, anyExtendedKeyUsage is no role"),
}


def explain(endpoint: str, test: str) -> str:
    """Why an endpoint (`OpenSSL server`) deviates in a test; empty where nobody has looked yet."""
    for (name, part), note in _BY_STACK.items():
        if name == endpoint and part in test:
            return note
    return next((note for part, note in _BY_TEST.items() if part in test), "not explained yet")
