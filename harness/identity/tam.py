"""Trust anchor modules: what a peer's software asks of the hardware that holds its keys, and one made of software.

The layout of evidence is in the protocol table; a module supplies signatures and claims. Sources: RFC 9711 section 4
for the claims, RFC 10013 for measured components, TPM 2.0 Part 1 for the extension of a register.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from ..codec import cbor
from ..tpm.event_log import IPL, POST_CODE
from .certificate import DEVICE_URN, PublicKey
from .keys import PrivateKey, signer

SOFTWARE, SWTPM = "software", "swtpm"
"""Modules that a reference party can be provisioned with."""

REGISTERS = 24
DIGEST = 32
MEASURED_COMPONENT = 295
"""CoAP content-format of a measured component in CBOR (RFC 10013)."""
SHA_256 = 1
"""SHA-256 in the Named Information registry, which RFC 10013 uses."""
DEBUG_PERMANENTLY_DISABLED = 3
"""dbgstat, RFC 9711 section 4.2.9."""

COMPONENTS: Mapping[str, int] = {"firmware": 0, "boot-loader": 4, "operating-system": 8, "trusted-connection": 11}
"""Measured components and the register that holds each."""


EVENT_TYPES: Mapping[int, int] = {0: POST_CODE, 4: IPL, 8: IPL, 11: IPL}
"""TCG event type of what is measured into each register of `COMPONENTS`."""


class Tam(Protocol):
    """What a peer needs of its module. Messages go in whole: no interface signs a digest that the caller computed."""

    @property
    def ueid(self) -> bytes:
        """Universal entity identifier, 33 octets."""

    @property
    def bootcount(self) -> int:
        """Times the platform has started."""

    @property
    def debug_status(self) -> int:
        """dbgstat, 0 to 4."""

    @property
    def boot_seed(self) -> bytes:
        """bootseed, 32 octets, of a virtualized root of trust; b"" for a physical one."""

    @property
    def identity_key(self) -> PublicKey:
        """The public part of the key that signs handshakes and labels."""

    def sign_identity(self, message: bytes) -> bytes:
        """Raw signature over `message` by the identity key."""

    def sign_attestation(self, message: bytes) -> bytes:
        """Raw signature over `message` by the attestation key."""

    def measurements(self) -> list[list[object]]:
        """Value of EAT claim 273."""

    def key_attributes(self) -> dict[int, bool]:
        """Custody of the identity key: 1 extractable, 2 never extractable, 3 sensitive, 4 generated locally."""

    @property
    def module(self) -> "TpmModule | None":
        """What it shows as a TPM, if it is one."""


class TpmModule(Protocol):
    """What a TPM shows beside what it signs."""

    @property
    def ak_public(self) -> bytes:
        """TPMT_PUBLIC of the attestation key."""

    @property
    def idk_public(self) -> bytes:
        """TPMT_PUBLIC of the identity key."""

    def pcrs(self) -> dict[int, bytes]:
        """Values of the registers of `COMPONENTS`, SHA-256 bank, 32 octets each."""

    def log(self) -> bytes:
        """The event log of this start."""


@dataclass(frozen=True, slots=True)
class BootEvent:
    """A component measured at start: its name in `COMPONENTS` and the SHA-256 of its code."""

    component: str
    digest: bytes


class SoftwareTam:
    """A module without hardware: same interface, same claims, keys in memory. For tests only."""

    def __init__(
        self,
        identity_key: PrivateKey,
        attestation_key: PrivateKey,
        ueid: bytes,
        boot: tuple[BootEvent, ...],
        *,
        bootcount: int = 1,
        debug_status: int = DEBUG_PERMANENTLY_DISABLED,
        boot_seed: bytes = b"",
    ) -> None:
        self.ueid = ueid
        self.boot_seed = boot_seed
        self.bootcount = bootcount
        self.debug_status = debug_status
        self.identity_key = identity_key.public_key()
        self.attestation_key = attestation_key.public_key()
        self._sign_identity: Callable[[bytes], bytes] = signer(identity_key)
        self._sign_attestation: Callable[[bytes], bytes] = signer(attestation_key)
        self.boot = boot
        self.module: TpmModule | None = None
        self.registers = measure(boot)

    def sign_identity(self, message: bytes) -> bytes:
        """Raw signature over `message` by the identity key."""
        return self._sign_identity(message)

    def sign_attestation(self, message: bytes) -> bytes:
        """Raw signature over `message` by the attestation key."""
        return self._sign_attestation(message)

    def extend(self, index: int, digest: bytes) -> None:
        """Fold a SHA-256 digest into register `index`. Raises ValueError for an unknown index or another length."""
        extend(self.registers, index, digest)

    def measurements(self) -> list[list[object]]:
        """Value of EAT claim 273: one measured component for each name in `COMPONENTS`, in the order of names."""
        return measurements({name: self.registers[index] for name, index in COMPONENTS.items()})

    def key_attributes(self) -> dict[int, bool]:
        """Attributes of a key that was generated here and never leaves."""
        return {1: False, 2: True, 3: True, 4: True}

    def reboot(self) -> None:
        """Start again: the registers hold the boot measurements alone, the boot count rises, another seed is drawn."""
        self.bootcount += 1
        self.boot_seed = self.boot_seed and sha256(self.boot_seed).digest()
        self.registers = measure(self.boot)


def extend(registers: list[bytes], index: int, digest: bytes) -> None:
    """register = SHA-256(register || digest)."""
    if not 0 <= index < REGISTERS or len(digest) != DIGEST:
        raise ValueError(f"extend needs a register 0 to {REGISTERS - 1} and {DIGEST} octets")
    registers[index] = sha256(registers[index] + digest).digest()


def measure(boot: tuple[BootEvent, ...]) -> list[bytes]:
    """Registers after a start that measured `boot`. Raises ValueError for an unknown component."""
    registers = [bytes(DIGEST)] * REGISTERS
    for event in boot:
        if event.component not in COMPONENTS:
            raise ValueError(f"no register for component {event.component}")
        extend(registers, COMPONENTS[event.component], event.digest)
    return registers


def measurements(components: Mapping[str, bytes]) -> list[list[object]]:
    """Claim 273 for component names and their SHA-256 digests."""
    return [
        [MEASURED_COMPONENT, cbor.encode({1: [name], 2: [SHA_256, digest]})]
        for name, digest in sorted(components.items())
    ]


def reference_values(boot: tuple[BootEvent, ...]) -> dict[str, bytes]:
    """What `measurements` shows of a platform that started with `boot`: component name to digest."""
    registers = measure(boot)
    return {name: registers[index] for name, index in COMPONENTS.items()}


def platform_urn(ueid: bytes) -> str:
    """The URI that certificates carry for a platform."""
    return DEVICE_URN + ueid.hex()
