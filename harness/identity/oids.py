"""Object identifiers of the certificate profile.

Private ones live under `ARC`, an arc made from a UUID (Rec. ITU-T X.667), which needs no registration.
"""

from typing import Final

ARC: Final = "2.25.227119876415532946028194207354691265713"

EKU_DEVICE: Final = f"{ARC}.1.1"
EKU_SERVICE: Final = f"{ARC}.1.2"
EKU_EAT_AK: Final = f"{ARC}.1.3"
EKU_ANONYMOUS: Final = f"{ARC}.1.4"
EXTENSION_VIRTUAL: Final = f"{ARC}.2.1"
POLICY_KEY_IN_HSM: Final = f"{ARC}.3.1"

EKU_TPM_AK: Final = "2.23.133.8.3"
"""tcg-kp-AIKCertificate: the key signs TPMS_ATTEST only."""
EKU_SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
EKU_CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
EKU_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
"""RFC 6960 section 4.2.2.2."""
