"""What a relying party asks of TPM evidence, each question a function of octets: it returns, or raises `Unproven`.

No TPM and no TPM library is needed. Signatures, nonces and certificates are asked about elsewhere, as with every kind
of evidence. Source: TCG TPM 2.0 Library part 1, sections 31 (attestation) and 16 (names); chapter 7 of the
specification.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from . import ima
from .event_log import NO_ACTION, read_log, replay
from .structures import DIGEST_SIZES, SHA1, SHA256, Attribute, read_certified, read_public, read_quoted, sized

Banks = Mapping[int, Mapping[int, bytes]]
"""PCR values by bank and index."""


class Unproven(ValueError):
    """The evidence does not show what it must."""


def check_restricted(ak_public: bytes) -> None:
    """The key signs what its TPM made and nothing else that looks so: restricted, sign, fixedTPM, without decrypt."""
    public = read_public(ak_public)
    if not public.has(Attribute.RESTRICTED, Attribute.SIGN, Attribute.FIXED_TPM) or public.has(Attribute.DECRYPT):
        raise Unproven(f"attributes {public.attributes:#x} of the attestation key")


def check_kept(idk_public: bytes) -> None:
    """The key was made in its TPM, cannot leave it and signs messages: attributes of an identity key."""
    public = read_public(idk_public)
    wanted = Attribute.SIGN, Attribute.FIXED_TPM, Attribute.FIXED_PARENT, Attribute.SENSITIVE_DATA_ORIGIN
    if not public.has(*wanted) or public.has(Attribute.RESTRICTED):
        raise Unproven(f"attributes {public.attributes:#x} of the identity key")


def check_key(public: bytes, key: PublicKeyTypes, whose: str) -> None:
    """The public area holds this very key."""
    if read_public(public).key != key:
        raise Unproven(f"not the key of {whose}")


def check_certified(certified: bytes, idk_public: bytes) -> None:
    """What was certified is the key of this public area: its name is in TPMS_CERTIFY_INFO."""
    if read_certified(certified).name != read_public(idk_public).name:
        raise Unproven("the name of another key was certified")


def check_selection(quoted: bytes, wanted: Iterable[int]) -> None:
    """Every register that policy names is quoted in the SHA-256 bank."""
    missing = {(SHA256, index) for index in wanted} - read_quoted(quoted).pcrs
    if missing:
        raise Unproven(f"PCR {min(index for _, index in missing)} is not quoted")


def check_banks(quoted: bytes) -> None:
    """No SHA-1 bank is quoted, and something is."""
    selected = read_quoted(quoted)
    if not selected.pcrs or any(bank == SHA1 for bank, _ in selected.selections):
        raise Unproven("the selection is empty or of SHA-1")


def check_signer(signer: bytes) -> None:
    """A qualifiedSigner, its length before it, is a name by SHA-256: then all that is behind it is where it is read."""
    if signer[:4] != sized(SHA256.to_bytes(2, "big") + bytes(32))[:4]:
        raise Unproven("the qualified signer is not a name by SHA-256")


def check_whole(quoted: bytes, banks: Banks) -> None:
    """No bank is selected twice, and every quoted value at hand is as long as a digest of its bank.

    Else octets of one value could be shown as those of its neighbour. A value that is missing is `check_digest`'s.
    """
    selections = read_quoted(quoted).selections
    if len({bank for bank, _ in selections}) != len(selections):
        raise Unproven("a bank is selected twice")
    for bank, indices in selections:
        if any(
            len(banks.get(bank, {}).get(index, bytes(DIGEST_SIZES[bank]))) != DIGEST_SIZES[bank] for index in indices
        ):
            raise Unproven("a value that is not as long as a digest of its bank")


def check_digest(quoted: bytes, banks: Banks) -> None:
    """The digest that was quoted is that of the values at hand, in the order of the selection.

    The hash is that of the signing scheme, SHA-256.
    """
    selected = read_quoted(quoted)
    try:
        values = b"".join(banks[bank][index] for bank, indices in selected.selections for index in indices)
    except KeyError as error:
        raise Unproven("the value of a quoted PCR is missing") from error
    if sha256(values).digest() != selected.digest:
        raise Unproven("the quoted digest is of other values")


def check_values(banks: Banks, references: Mapping[int, bytes]) -> None:
    """Every register that policy names holds its reference value; that these are quoted is `check_selection`'s."""
    values = banks.get(SHA256, {})
    for index, reference in references.items():
        if values.get(index) != reference:
            raise Unproven(f"PCR {index} does not hold its reference value")
    if not references:
        raise Unproven("there are no reference values")


def check_types(log: bytes, types: Mapping[int, int]) -> None:
    """Every event is of the type that belongs into its register.

    A type is not folded into a register: an event that is retyped replays as well as before.
    """
    for event in read_log(log):
        if types.get(event.pcr) != event.type or event.type == NO_ACTION:
            raise Unproven(f"an event of type {event.type:#x} in PCR {event.pcr}")


def check_log(log: bytes, banks: Banks, registers: Iterable[int]) -> None:
    """The log replays to the values at hand of all these registers, and folds into no other."""
    values, replayed = banks.get(SHA256, {}), replay(read_log(log))
    if replayed != {index: values.get(index) for index in registers}:
        raise Unproven("the log does not replay to the registers")


def check_template_digests(entries: Iterable[ima.ImaEntry]) -> None:
    """Every entry that is no violation has the digest of its own template data."""
    for entry in entries:
        if not entry.is_violation and entry.digest != ima.template_digest(entry):
            raise Unproven("an entry has the digest of other template data")


def check_list(entries: Sequence[ima.ImaEntry], quoted: bytes, banks: Banks) -> None:
    """A measurement list is of PCR 10 alone, which is quoted, and replays to its value exactly."""
    if (SHA256, ima.PCR) not in read_quoted(quoted).pcrs:
        raise Unproven("PCR 10 is not quoted")
    if any(entry.pcr != ima.PCR for entry in entries):
        raise Unproven("an entry of another register than PCR 10")
    if banks.get(SHA256, {}).get(ima.PCR) != ima.replay(entries):
        raise Unproven("the list does not replay to PCR 10")


def check_files(entries: Sequence[ima.ImaEntry], references: Mapping[str, bytes]) -> None:
    """There are entries, and each is of a file with a reference value, which it has."""
    for name, digest in (entry.file for entry in entries):
        if references.get(name) != digest:
            raise Unproven(f"{name} has no such reference value")
    if not entries:
        raise Unproven("there is no measurement list")
