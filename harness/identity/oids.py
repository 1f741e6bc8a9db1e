"""Object identifiers of the certificate profile, from the specification's table of identifiers."""

from typing import Final

from ...spec import identifiers

_OID = identifiers()["oid"]

ARC: Final[str] = _OID["arc"]
EKU_DEVICE: Final[str] = _OID["eku_device"]
EKU_SERVICE: Final[str] = _OID["eku_service"]
EKU_EAT_AK: Final[str] = _OID["eku_eat_ak"]
EKU_ANON: Final[str] = _OID["eku_anon"]
EKU_PSA_AK: Final[str] = _OID["eku_psa_ak"]
EKU_VERIFIER: Final[str] = _OID["eku_verifier"]
EKU_TPM_AK: Final[str] = _OID["eku_tcg_ak"]
EKU_SERVER_AUTH: Final[str] = _OID["eku_server_auth"]
EKU_CLIENT_AUTH: Final[str] = _OID["eku_client_auth"]
KEY_IN_HSM: Final[str] = _OID["policy_key_in_hsm"]
"""Certificate policy: non-exportable generation was verified (IDN-06)."""
EVIDENCE: Final[str] = _OID["extension_cmw"]
EKU_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
"""RFC 6960 section 4.2.2.2."""
