"""Evidence of a TPM judged carelessly: the usual shortcuts of verifiers, beside the checks that are missing whole."""

from __future__ import annotations

from collections.abc import Iterator

from ..identity.world import World
from ..tpm.ima import PCR, read_list, replay
from ..tpm.structures import SHA256, Attribute, read_public, read_quoted
from .fault import GENERAL, Fault, fault
from .operators import Condition, accepts, decoded, forgives


def _has(*attributes: int) -> Condition:
    return lambda world, public: read_public(public).has(*attributes)


def _begins_well(world: World, quoted: bytes, pcrs: bytes, listed: bytes) -> bool:
    entries, register = read_list(decoded(listed)), decoded(pcrs)[SHA256][PCR]
    return any(replay(entries[:end]) == register for end in range(len(entries) + 1))


def _names_files(world: World, listed: bytes) -> bool:
    entries = dict(item.file for item in read_list(decoded(listed)))
    return all(entries.get(name) == digest for name, digest in world.policy.files.items())


def _something_quoted(world: World, quoted: bytes) -> bool:
    return bool(read_quoted(quoted).pcrs)


_ACCEPTING = (
    ("tpm_ak_may_decrypt", "TPM-03", "tpm_ak_is_restricted", "one of several", "decrypt", GENERAL,
     _has(Attribute.RESTRICTED, Attribute.SIGN, Attribute.FIXED_TPM),
     "An attestation key may decrypt as well."),
    ("tpm_ak_signs_and_that_is_all", "TPM-03", "tpm_ak_is_restricted", "one of several", "restricted", GENERAL,
     _has(Attribute.SIGN, Attribute.FIXED_TPM),
     "An attestation key need not be restricted."),
    ("tpm_identity_key_is_fixed", "TPM-10", "tpm_identity_key_is_kept", "one of several", "attributes", GENERAL,
     _has(Attribute.FIXED_TPM),
     "Of the identity key's attributes only fixedTPM is looked at."),
    ("tpm_ima_further_entries_pass", "TPM-19", "tpm_ima_replays", "prefix", "measurement list", GENERAL,
     _begins_well,
     "A measurement list may go on after what was quoted."),
    ("tpm_ima_further_files_pass", "TPM-21", "tpm_ima_files_match_reference_values", "subset", "file", GENERAL,
     _names_files,
     "Files without a reference value are passed over."),
    ("tpm_any_quote_covers", "TPM-08", "tpm_quote_covers_the_policy", "any of several", "selection", "C11",
     _something_quoted,
     "A quote over any register will do."),
)  # fmt: skip
_FORGIVING = (
    ("tpm_missing_value_passes", "TPM-08", "tpm_quoted_digest_is_recomputed", "exception as success", "PCR value",
     "the value of a quoted PCR",
     "A quoted register without a value in the bundle is passed over."),
    ("tpm_environment_of_other_values", "LBL-36", "env_registers_match_reference_values", "missing", "quoted digest",
     "the quoted digest is of other values",
     "What the registers hold under an environment object is not looked at."),
    ("tpm_environment_of_fewer_registers", "LBL-36", "env_registers_match_reference_values", "subset", "selection",
     "is not quoted",
     "The quote over an environment object may leave registers out."),
)  # fmt: skip


def tpm_faults() -> Iterator[Fault]:
    """Bundles accepted that show less than they must."""
    for name, requirement, check, operator, what, source, condition, sentence in _ACCEPTING:
        judges = {check: accepts(condition)}
        yield fault(name, sentence, requirement, operator, what, source=source, judges=judges)
    for name, requirement, check, operator, what, reason, sentence in _FORGIVING:
        judges = {check: forgives(reason)}
        yield fault(name, sentence, requirement, operator, what, source=GENERAL, judges=judges)
    yield fault(
        "restart_loses_reset_counts", "A restart loses the highest reset counts.", "TPM-13", "reset lost",
        "reset counts after restart", source="A31", kept=lambda saved: {**saved, "bootcounts": {}},
    )  # fmt: skip
