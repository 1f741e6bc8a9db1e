"""A TPM as a tester has it: the same structures, made of software, with keys that sign whatever they are given.

So every bad bundle can be made and signed under an attestation CA that the implementation trusts. For tests only.
"""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from ..tpm.keys import AK_ATTRIBUTES, IDK_ATTRIBUTES
from ..tpm.structures import SHA256, read_public, sized, write_public, write_selections, write_signature
from .certificate import PublicKey
from .keys import PrivateKey, signer
from .measured import event_log
from .tam import COMPONENTS, SoftwareTam

REGISTERS = tuple(sorted(COMPONENTS.values()))


class EmulatedTpm:
    """The TPM of a platform whose other half is a software module."""

    clock, restart_count, safe, firmware = bytes(8), bytes(4), b"\x01", (1).to_bytes(8, "big")

    def __init__(self, tam: SoftwareTam, key: ec.EllipticCurvePrivateKey) -> None:
        """Raises ValueError for keys that are not of P-256."""
        identity = tam.identity_key
        if not isinstance(identity, ec.EllipticCurvePublicKey):
            raise ValueError("a TPM of this profile holds keys on P-256")
        self._tam, self._sign = tam, signer(key)
        self.ak_public = write_public(key.public_key(), AK_ATTRIBUTES)
        self.idk_public = write_public(identity, IDK_ATTRIBUTES)
        self.signer = sized(read_public(self.ak_public).name)

    def sign(self, message: bytes) -> bytes:
        """TPMT_SIGNATURE over anything, by the attestation key."""
        return write_signature(self._sign(message))

    @property
    def reset_count(self) -> bytes:
        """The software module's boot count."""
        return self._tam.bootcount.to_bytes(4, "big")

    @property
    def quoted(self) -> bytes:
        """TPMS_QUOTE_INFO over the registers of `COMPONENTS`."""
        values = self._tam.registers
        digest = sha256(b"".join(values[index] for index in REGISTERS)).digest()
        return write_selections([(SHA256, REGISTERS)]) + sized(digest)

    @property
    def certified(self) -> bytes:
        """TPMS_CERTIFY_INFO of the identity key."""
        return sized(read_public(self.idk_public).name) + self.signer

    def pcrs(self) -> dict[int, bytes]:
        """Values of those registers."""
        return {index: self._tam.registers[index] for index in REGISTERS}

    def log(self) -> bytes:
        """The event log of the last start."""
        return event_log(self._tam.boot)


def fit(tam: SoftwareTam, key: PrivateKey | None) -> SoftwareTam:
    """The module with a TPM beside it that attests with `key`, where one can be had."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and _is_p256(tam.identity_key):
        tam.module = EmulatedTpm(tam, key)
    return tam


def _is_p256(key: PublicKey) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
