"""Predicates over TPM evidence: chapter 7 of the specification, each by the name of its check.

`chain` is an encoded array of certificates; public areas and what is attested are bare octets as the TPM made them;
`pcrs` and `log` are encoded items of the bundle.
"""

from collections.abc import Mapping

from ..tpm import verification
from ..tpm.ima import ImaEntry, read_list
from ..tpm.verification import Banks
from .deciding import Unfit, predicate, value
from .evidence_checks import check_platform
from .oids import EKU_TPM_AK
from .policy import pcr_name
from .tam import COMPONENTS, REGISTERS
from .world import World

_REGISTERS = {**COMPONENTS, **{pcr_name(index): index for index in range(REGISTERS)}}
"""Register of each name that reference values can have."""


@predicate
def tpm_ak_is_for_tpm(world: World, chain: bytes) -> None:
    """One format a key: the certificate allows TPM structures and nothing else."""
    if world.x5chain(chain).leaf.eku != {EKU_TPM_AK}:
        raise Unfit("extended key usage is not TPM structures alone")


@predicate
def tpm_ak_is_the_certified_one(world: World, chain: bytes, ak_public: bytes) -> None:
    """The public area in the bundle holds the key of the certificate: what it says of itself is of that key."""
    verification.check_key(ak_public, world.x5chain(chain).leaf.public_key, "the certificate")


@predicate
def tpm_ak_is_restricted(world: World, ak_public: bytes) -> None:
    """The attestation key signs nothing that looks like a TPM's structure and is none."""
    verification.check_restricted(ak_public)


@predicate
def tpm_signer_is_a_name(world: World, signer: bytes) -> None:
    """The qualified signer is a name by SHA-256, as long as it is taken to be."""
    verification.check_signer(signer)


@predicate
def tpm_certified_name_is_the_identity_key(world: World, certified: bytes, idk_public: bytes) -> None:
    """What was certified is the key of the public area in the bundle."""
    verification.check_certified(certified, idk_public)


@predicate
def tpm_identity_key_is_the_leafs(world: World, idk_public: bytes, id_cred: bytes) -> None:
    """That public area holds the key with which the peer authenticated itself."""
    verification.check_key(idk_public, world.credential(id_cred).leaf.public_key, "the peer's leaf")


@predicate
def tpm_identity_key_is_kept(world: World, idk_public: bytes) -> None:
    """The identity key was made in its TPM and cannot leave it."""
    verification.check_kept(idk_public)


@predicate
def tpm_ak_names_peer_device(world: World, chain: bytes, id_cred: bytes) -> None:
    """Attestation and identity certificate carry the same platform name."""
    check_platform(world, chain, id_cred)


@predicate
def tpm_quote_has_no_weak_bank(world: World, quoted: bytes) -> None:
    """Registers are quoted, and none of the SHA-1 bank."""
    verification.check_banks(quoted)


@predicate
def tpm_quote_covers_the_policy(world: World, quoted: bytes) -> None:
    """Every register that holds a component with a reference value is quoted."""
    verification.check_selection(quoted, _references(world))


@predicate
def tpm_pcr_values_are_whole(world: World, quoted: bytes, pcrs: bytes) -> None:
    """Each quoted value is one digest of its bank, and each bank is selected once."""
    verification.check_whole(quoted, _banks(pcrs))


@predicate
def tpm_quoted_digest_is_recomputed(world: World, quoted: bytes, pcrs: bytes) -> None:
    """The values at hand are those that were quoted."""
    verification.check_digest(quoted, _banks(pcrs))


@predicate
def tpm_pcrs_match_reference_values(world: World, pcrs: bytes) -> None:
    """Every register that holds a component holds its reference value."""
    verification.check_values(_banks(pcrs), _references(world))


@predicate
def env_registers_match_reference_values(world: World, quoted: bytes, shown: bytes) -> None:
    """An environment object's quote covers policy as evidence does, and the values that evidence showed still stand."""
    if world.policy.reference_values:
        verification.check_banks(quoted)
        verification.check_selection(quoted, _references(world))
        verification.check_whole(quoted, _banks(shown))
        verification.check_digest(quoted, _banks(shown))


@predicate
def tpm_event_types_are_expected(world: World, log: bytes) -> None:
    """Every event of a log, if there is one, is of the type that belongs into its register."""
    if log:
        verification.check_types(_log(log), world.policy.event_types)


@predicate
def tpm_log_replays(world: World, pcrs: bytes, log: bytes) -> None:
    """A log, if there is one, accounts for the values of the registers."""
    if log:
        verification.check_log(_log(log), _banks(pcrs), world.policy.event_types)


@predicate
def tpm_ima_templates_are_known(world: World, ima: bytes) -> None:
    """Every entry of a measurement list, if there is one, is of a template that is read here, in its form."""
    for item in _list(ima):
        _ = item.file


@predicate
def tpm_ima_digests_are_recomputed(world: World, ima: bytes) -> None:
    """Every entry carries the digest of its own template data, unless it is a violation."""
    verification.check_template_digests(_list(ima))


@predicate
def tpm_ima_has_no_violation(world: World, ima: bytes) -> None:
    """The kernel vouches for all that it measured."""
    if any(item.is_violation for item in _list(ima)):
        raise Unfit("the list has a violation")


@predicate
def tpm_ima_replays(world: World, quoted: bytes, pcrs: bytes, ima: bytes) -> None:
    """A measurement list, if there is one, accounts for PCR 10, which is quoted."""
    if ima:
        verification.check_list(_list(ima), quoted, _banks(pcrs))


@predicate
def tpm_ima_files_match_reference_values(world: World, ima: bytes) -> None:
    """Where policy names files, there is a list, and nothing else than those files was measured."""
    entries = _list(ima)
    if world.policy.files:
        verification.check_files(entries, world.policy.files)


def _list(encoded: bytes) -> tuple[ImaEntry, ...]:
    """The entries; none where there is no list."""
    octets = value(encoded) if encoded else b""
    if not isinstance(octets, bytes):
        raise Unfit("the measurement list is not a byte string")
    return read_list(octets)


@predicate
def tpm_reset_count_has_not_fallen(world: World, chain: bytes, reset: bytes) -> None:
    """The TPM has not been put back to an earlier state than this party has seen; the highest count is remembered."""
    ak, count = world.x5chain(chain).leaf.key_sha256, int.from_bytes(reset, "big")
    seen = world.memory.bootcounts
    if count < seen.get(ak, 0):
        raise Unfit(f"reset count {count} after {seen[ak]}")
    seen[ak] = count


@predicate
def collected_items_are_of_one_start(world: World, bootcount: bytes, reset: bytes) -> None:
    """A token and a bundle of one collection count the same start of the platform."""
    if value(bootcount) != int.from_bytes(reset, "big"):
        raise Unfit("items of different starts")


def _log(encoded: bytes) -> bytes:
    octets = value(encoded)
    if not isinstance(octets, bytes):
        raise Unfit("the event log is not a byte string")
    return octets


def _references(world: World) -> Mapping[int, bytes]:
    """Reference values by register. Raises Unfit for a component that no register holds."""
    values = world.policy.reference_values
    if unknown := sorted(values.keys() - _REGISTERS.keys()):
        raise Unfit(f"no register holds {unknown[0]}")
    return {_REGISTERS[name]: digest for name, digest in values.items()}


def _banks(encoded: bytes) -> Banks:
    banks = value(encoded)
    if not isinstance(banks, dict) or not all(_is_bank(bank, values) for bank, values in banks.items()):
        raise Unfit("not PCR values by bank and index")
    return banks


def _is_bank(bank: object, values: object) -> bool:
    return (
        type(bank) is int
        and isinstance(values, dict)
        and all(type(index) is int and isinstance(digest, bytes) for index, digest in values.items())
    )
