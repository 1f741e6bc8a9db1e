"""A trust anchor module that is a TPM 2.0: every key is made in it and stays, and what started is in its registers."""

from collections.abc import Iterable
from functools import cached_property

from ..tpm.commands import Tpm
from ..tpm.keys import TpmKey, attestation_key, signing_key
from ..tpm.structures import Attribute
from .certificate import PublicKey
from .measured import event_log
from .tam import COMPONENTS, DEBUG_PERMANENTLY_DISABLED, BootEvent, measurements

REGISTERS = tuple(sorted(COMPONENTS.values()))


class TpmTam:
    """The module of one platform, from its start to `close`.

    Both signing keys are tied to the registers as enrolment found them: a platform that started with anything else
    signs nothing, and its quotes show why.
    """

    debug_status = DEBUG_PERMANENTLY_DISABLED

    def __init__(
        self, tpm: Tpm, ueid: bytes, boot: Iterable[BootEvent], policy: bytes = b"", boot_seed: bytes = b""
    ) -> None:
        """Measure `boot` into a module that has just been switched on; without `policy` this start is the one to bind.

        `boot_seed` is of this start, where the module is a tenant's. Raises TpmError.
        """
        self.tpm, self.ueid, self._policy, self.boot_seed = tpm, ueid, policy, boot_seed
        self._boot = tuple(boot)
        for event in self._boot:
            tpm.extend(COMPONENTS[event.component], event.digest)
        self.bootcount = tpm.reset_count()
        self.ak = attestation_key(tpm)

    @cached_property
    def idk(self) -> TpmKey:
        """The identity key: signs handshakes and labels. Raises TpmError."""
        return signing_key(self.tpm, "identity", REGISTERS, self._policy)

    @cached_property
    def tokens(self) -> TpmKey:
        """The key that signs tokens and environment objects. Raises TpmError."""
        return signing_key(self.tpm, "tokens", REGISTERS, self._policy)

    @property
    def identity_key(self) -> PublicKey:
        """The public part of the key that signs handshakes and labels."""
        return self.idk.public.key

    def sign_identity(self, message: bytes) -> bytes:
        """Raw signature over `message` by the identity key. Raises TpmError where the registers have changed."""
        return self.idk.sign(message)

    def sign_attestation(self, message: bytes) -> bytes:
        """Raw signature over `message` by the key for tokens. Raises TpmError where the registers have changed."""
        return self.tokens.sign(message)

    def measurements(self) -> list[list[object]]:
        """Value of EAT claim 273: what the registers hold now."""
        values = self.pcrs()
        return measurements({name: values[index] for name, index in COMPONENTS.items()})

    def key_attributes(self) -> dict[int, bool]:
        """Custody of the identity key, as its attributes in the module show it."""
        public = self.idk.public
        stays = public.has(Attribute.FIXED_TPM, Attribute.FIXED_PARENT)
        return {1: not stays, 2: stays, 3: stays, 4: public.has(Attribute.SENSITIVE_DATA_ORIGIN)}

    # --- evidence of its own -----------------------------------------------------------------------------------------

    @property
    def module(self) -> "TpmTam":
        """Itself."""
        return self

    @property
    def ak_public(self) -> bytes:
        """TPMT_PUBLIC of the attestation key."""
        return self.ak.public.octets

    @property
    def idk_public(self) -> bytes:
        """TPMT_PUBLIC of the identity key."""
        return self.idk.public.octets

    def quote(self, extra: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST over the registers of `COMPONENTS`, with its TPMT_SIGNATURE."""
        return self.tpm.quote(self.ak.handle, extra, REGISTERS)

    def certify(self, extra: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST of the identity key, with its TPMT_SIGNATURE."""
        return self.tpm.certify(self.idk.handle, self.ak.handle, extra)

    def pcrs(self) -> dict[int, bytes]:
        """Values of the registers of `COMPONENTS`, SHA-256 bank, 32 octets each."""
        return self.tpm.read_pcrs(REGISTERS)

    def log(self) -> bytes:
        """The event log of this start."""
        return event_log(self._boot)

    def close(self) -> None:
        """Switch the module off."""
        self.tpm.close()
