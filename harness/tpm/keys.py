"""The keys of a platform in its TPM: which there are, how they are made, and how they are used.

All are primary keys: the module derives them anew from its seeds at every start, from the template alone, so that
nothing has to be kept and none can be loaded elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from .commands import ENDORSEMENT, OWNER, Tpm
from .structures import ECC, ECDSA, NULL, P256, SHA256, Attribute, Public, read_public, read_signature, sized

_INSIDE: Final = Attribute.FIXED_TPM | Attribute.FIXED_PARENT | Attribute.SENSITIVE_DATA_ORIGIN | Attribute.NO_DA
AK_ATTRIBUTES: Final = _INSIDE | Attribute.USER_WITH_AUTH | Attribute.RESTRICTED | Attribute.SIGN
IDK_ATTRIBUTES: Final = _INSIDE | Attribute.SIGN
"""Without userWithAuth: its policy alone lets it sign."""
FREE_ATTRIBUTES: Final = IDK_ATTRIBUTES | Attribute.USER_WITH_AUTH


@dataclass(frozen=True, slots=True)
class TpmKey:
    """A loaded key. With `pcrs` it signs only while these hold what they held when it was made."""

    tpm: Tpm
    handle: int
    public: Public
    pcrs: tuple[int, ...] = ()

    def sign(self, message: bytes) -> bytes:
        """Raw signature, 64 octets, over a message of any length. Raises TpmError where the policy does not hold."""
        digest = sha256(message).digest()
        if not self.pcrs:
            return read_signature(self.tpm.sign(self.handle, digest))
        with self.tpm.policy() as session:
            self.tpm.policy_pcr(session, self.pcrs)
            return read_signature(self.tpm.sign(self.handle, digest, session))


def template(attributes: int, unique: bytes, policy: bytes = b"") -> bytes:
    """Public template of an ECDSA key on P-256; `unique`, at most 32 octets, tells keys of one module apart."""
    head = b"".join(item.to_bytes(2, "big") for item in (ECC, SHA256))
    scheme = b"".join(item.to_bytes(2, "big") for item in (NULL, ECDSA, SHA256, P256, NULL))
    return head + attributes.to_bytes(4, "big") + sized(policy) + scheme + sized(unique) + sized(b"")


def attestation_key(tpm: Tpm) -> TpmKey:
    """The restricted signing key of the endorsement hierarchy: what it signs, the module has made."""
    return _primary(tpm, ENDORSEMENT, template(AK_ATTRIBUTES, b"attestation"))


def signing_key(tpm: Tpm, label: str, pcrs: Iterable[int] = (), policy: bytes = b"") -> TpmKey:
    """A signing key for messages, usable while `pcrs` hold what they hold now, or what `policy` says.

    Without registers the empty password lets it sign.
    """
    indices = tuple(pcrs)
    policy = policy or (pcr_policy(tpm, indices) if indices else b"")
    attributes = IDK_ATTRIBUTES if indices else FREE_ATTRIBUTES
    made = _primary(tpm, OWNER, template(attributes, label.encode(), policy))
    return TpmKey(tpm, made.handle, made.public, indices)


def pcr_policy(tpm: Tpm, pcrs: Iterable[int]) -> bytes:
    """The policy that holds while these registers hold what they hold now, 32 octets."""
    with tpm.policy() as session:
        tpm.policy_pcr(session, pcrs)
        return tpm.policy_digest(session)


def _primary(tpm: Tpm, hierarchy: int, made_from: bytes) -> TpmKey:
    handle, public = tpm.create_primary(hierarchy, made_from)
    return TpmKey(tpm, handle, read_public(public))
