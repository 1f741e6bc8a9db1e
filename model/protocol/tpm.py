"""Evidence of a TPM 2.0: a quote and a certification of the identity key, and an environment object under a quote.

A TPM signs structures that it makes itself. Their fields are slots of fixed sizes, as SHA-256 names and a binder of 32
octets make them; what is attested is the rest, which predicates take apart. Source: TCG TPM 2.0 Library part 2,
sections 10.12 and 11.2; chapter 7 of the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import SECRET, sha256, sign, unary
from ..table import LOCAL, Equals, Message, Step, Verifies, equals, holds, step
from ..terms import ITEM, OCTETS, Sort, Term, array, bstr, concat, const, map_, name, octets, seq, slot
from .attestation import EMPTY, QUOTE_REQUEST, REGISTERS, SID, TAM_NAME, binder, tam_value
from .forms import TPM_FORMAT, Form
from .frames import SIDES, UINT, FrameType, Side, message, own

GENERATED, QUOTE, CERTIFY = b"\xffTCG", b"\x80\x18", b"\x80\x17"
"""TPM_GENERATED_VALUE, TPM_ST_ATTEST_QUOTE, TPM_ST_ATTEST_CERTIFY."""
TPM_SIGNATURE = "TPM"
"""TPMT_SIGNATURE by ECDSA with SHA-256 on P-256."""
OCTETS_1, OCTETS_2, OCTETS_4, OCTETS_8 = (Sort(f"tpm_{size}", size) for size in (1, 2, 4, 8))
SIZED_DIGEST, SIZED_NAME = Sort("tpm_sized_digest", 34), Sort("tpm_sized_name", 36)
"""TPM2B of a digest of 32 octets, and of a name: algorithm and such a digest."""


def _sized(digest: Term) -> Term:
    return concat(octets(b"\x00\x20"), digest)


@dataclass(frozen=True)
class Attested:
    """TPMS_ATTEST with its signature."""

    magic: Term
    type: Term
    signer: Term
    extra: Term
    clock: Term
    reset: Term
    restart: Term
    safe: Term
    firmware: Term
    attested: Term
    signature: Term
    term: Term


def _attested(letter: str, kind: str, of_type: bytes, about: str, extra: Term, asked: Term | None = None) -> Attested:
    """`extra` is what the relying party expects the TPM to have signed, `asked` what its software gave it to sign."""
    tam = TAM_NAME[letter]

    def made(what: str, sort: Sort) -> Term:
        """Of one start of one TPM: alike in all that it signs."""
        return slot(f"{kind}_{what}_{letter}", sort, **{tam: name(f"tpm_{what.lower()}_{letter.lower()}", sort)})

    magic = slot(f"{kind}_MAGIC_{letter}", OCTETS_4, octets(GENERATED))
    type_ = slot(f"{kind}_TYPE_{letter}", OCTETS_2, octets(of_type))
    own_way = {} if asked is None else {tam: _sized(asked)}
    nonce = slot(f"{kind}_EXTRA_{letter}", SIZED_DIGEST, _sized(extra), **own_way)
    signer, clock = made("SIGNER", SIZED_NAME), made("CLOCK", OCTETS_8)
    reset, restart, safe = made("RESET", OCTETS_4), made("RESTART", OCTETS_4), made("SAFE", OCTETS_1)
    firmware = made("FIRMWARE", OCTETS_8)
    rest = name(f"tpm_{about}_{letter.lower()}", OCTETS)
    attested = slot(f"{kind}_ATTESTED_{letter}", OCTETS, **{tam: rest})
    term = concat(magic, type_, signer, nonce, clock, reset, restart, safe, firmware, attested)
    key = name(f"tpm_ak_{letter.lower()}", SECRET)
    signature = slot(f"{kind}_SIGNATURE_{letter}", OCTETS, sign(key, term, TPM_SIGNATURE))
    return Attested(
        magic, type_, signer, nonce, clock, reset, restart, safe, firmware, attested, signature, term
    )  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """TPM evidence of one attester, the CMW around it, and ATT."""

    ak_public: Term
    chain: Term
    quote: Attested
    pcrs: Term
    idk_public: Term
    certification: Attested
    log: Term
    ima: Term
    cmw_type: Term
    cmw_indicator: Term
    cmw: Term
    epoch: Term
    endorsements: Term
    term: Term
    att: Message


def _bundle(side: Side) -> Bundle:
    letter = side.letter
    expected, asked = binder(side), QUOTE_REQUEST[letter].binder
    quote = _attested(letter, "QUOTE", QUOTE, "quoted", expected, asked)
    certification = _attested(letter, "CERTIFICATION", CERTIFY, "certified", expected, asked)
    ak_public, idk_public = tam_value(letter, "TPM_AK_PUBLIC", OCTETS), tam_value(letter, "TPM_IDK_PUBLIC", OCTETS)
    chain, pcrs, log, ima = (tam_value(letter, f"TPM_{what}", ITEM) for what in ("AK_CHAIN", "PCRS", "LOG", "IMA"))
    term = map_(
        {
            1: const("2.0"), 2: bstr(ak_public), 3: chain, 4: bstr(quote.term), 5: bstr(quote.signature), 6: pcrs,
            7: bstr(idk_public), 8: bstr(certification.term), 9: bstr(certification.signature),
        },
        optional={10: log, 11: ima},
    )  # fmt: skip
    cmw_type, indicator = slot(f"TPM_CMW_TYPE_{letter}", ITEM, const(TPM_FORMAT)), slot(f"CMW_INDICATOR_{letter}", ITEM)
    epoch, endorsements = slot(f"ATT_EPOCH_{letter}", UINT), own(letter, "ENDORSEMENTS", ITEM)
    cmw = array(cmw_type, bstr(term), indicator)
    att = message(side, FrameType.ATT, map_({1: epoch, 2: bstr(cmw)}, optional={3: endorsements}))
    return Bundle(
        ak_public, chain, quote, pcrs, idk_public, certification, log, ima, cmw_type, indicator, cmw, epoch,
        endorsements, term, att,
    )  # fmt: skip


BUNDLE = {letter: _bundle(side) for letter, side in SIDES.items()}


def _first(side: Side) -> tuple[Step, ...]:
    """What a relying party asks of every ATT with TPM evidence, in order."""
    bundle = BUNDLE[side.letter]
    return (
        equals("att_epoch_is_requested", bundle.epoch),
        *appraisal_checks(side),
        holds("boot_seed_is_of_one_instance", EMPTY, side.party.id_cred),
        holds("ak_is_as_anonymous_as_the_leaf", bundle.chain, side.party.id_cred),
        holds("tpm_reset_count_has_not_fallen", bundle.chain, bundle.quote.reset),
    )


def appraisal_checks(side: Side) -> tuple[Step, ...]:
    """What is asked of the bundle itself, in order, by the relying party or by a verifier in its place."""
    bundle, id_cred = BUNDLE[side.letter], side.party.id_cred
    chain, quote, certification = bundle.chain, bundle.quote, bundle.certification
    key = unary("chain_key", chain)
    return (
        equals("cmw_type_was_accepted", bundle.cmw_type),
        equals("cmw_is_marked_evidence", bundle.cmw_indicator),
        holds("ak_path_verifies", chain),
        holds("tpm_ak_is_for_tpm", chain),
        holds("ak_is_not_the_identity_key", chain, id_cred),
        holds("ak_is_in_validity", chain),
        holds("ak_is_not_revoked", chain, bundle.endorsements),
        holds("tpm_ak_is_the_certified_one", chain, bundle.ak_public),
        holds("tpm_ak_is_restricted", bundle.ak_public),
        step("tpm_quote_signature_verifies", Verifies(quote.signature, key, quote.term, TPM_SIGNATURE)),
        step(
            "tpm_certification_signature_verifies",
            Verifies(certification.signature, key, certification.term, TPM_SIGNATURE),
        ),
        equals("tpm_quote_is_generated", quote.magic),
        equals("tpm_certification_is_generated", certification.magic),
        equals("tpm_quote_is_a_quote", quote.type),
        equals("tpm_certification_is_one", certification.type),
        equals("tpm_quote_is_over_the_binder", quote.extra),
        equals("tpm_certification_is_over_the_binder", certification.extra),
        holds("tpm_signer_is_a_name", quote.signer),
        equals("tpm_signers_agree", certification.signer, quote.signer),
        equals("tpm_reset_counts_agree", certification.reset, quote.reset),
        equals("tpm_restart_counts_agree", certification.restart, quote.restart),
        equals("tpm_firmware_agrees", certification.firmware, quote.firmware),
        holds("tpm_certified_name_is_the_identity_key", certification.attested, bundle.idk_public),
        holds("tpm_identity_key_is_the_leafs", bundle.idk_public, id_cred),
        holds("tpm_identity_key_is_kept", bundle.idk_public),
        holds("tpm_ak_names_peer_device", chain, id_cred),
        holds("tpm_quote_has_no_weak_bank", quote.attested),
        holds("tpm_quote_covers_the_policy", quote.attested),
        holds("tpm_pcr_values_are_whole", quote.attested, bundle.pcrs),
        holds("tpm_quoted_digest_is_recomputed", quote.attested, bundle.pcrs),
        holds("tpm_pcrs_match_reference_values", bundle.pcrs),
        holds("tpm_event_types_are_expected", bundle.log),
        holds("tpm_log_replays", bundle.pcrs, bundle.log),
        holds("tpm_ima_templates_are_known", bundle.ima),
        holds("tpm_ima_digests_are_recomputed", bundle.ima),
        holds("tpm_ima_has_no_violation", bundle.ima),
        holds("tpm_ima_replays", quote.attested, bundle.pcrs, bundle.ima),
        holds("tpm_ima_files_match_reference_values", bundle.ima),
    )


def _boot(made: Attested) -> Term:
    return concat(made.reset, made.restart)


# --- Environment object ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """An object that a quote authenticates, and the quote."""

    cnf: Term
    epoch: Term
    sid: Term
    iat: Term
    object: Term
    quote: Attested
    term: Term


def _environment(side: Side) -> Environment:
    letter, tam, request = side.letter, TAM_NAME[side.letter], QUOTE_REQUEST[side.letter]
    cnf = slot(f"TPM_ENV_CNF_{letter}", ITEM, unary("cose_key", side.party.cred), **{tam: _idk(letter)})
    epoch = slot(f"TPM_ENV_EPOCH_{letter}", UINT, REGISTERS[letter].attested_epoch, **{tam: request.epoch})
    sid = slot(f"TPM_ENV_SID_{letter}", Sort("sid", 16), SID, **{tam: request.sid})
    iat = slot(f"TPM_ENV_IAT_{letter}", UINT, **{tam: name(f"iat_{letter.lower()}", UINT)})
    content = map_({1: map_({1: cnf}), 4: epoch, 5: bstr(sid), 6: iat})
    quote = _attested(letter, "ENV_QUOTE", QUOTE, "quoted", sha256(content))
    return Environment(
        cnf, epoch, sid, iat, content, quote, array(bstr(content), bstr(quote.term), bstr(quote.signature))
    )  # fmt: skip


def _idk(letter: str) -> Term:
    return name(f"idk_{letter.lower()}", ITEM)


ENVIRONMENTS = {letter: _environment(side) for letter, side in SIDES.items()}


def _environment_checks(side: Side) -> tuple[Step, ...]:
    environment, registers = ENVIRONMENTS[side.letter], REGISTERS[side.letter]
    quote, key = environment.quote, unary("chain_key", registers.attested_ak)
    return (
        step("env_quote_signature_verifies", Verifies(quote.signature, key, quote.term, TPM_SIGNATURE)),
        equals("env_quote_is_generated", quote.magic),
        equals("env_quote_is_a_quote", quote.type),
        equals("env_quote_is_over_the_object", quote.extra),
        step("env_quote_is_of_the_same_start", Equals(registers.attested_boot, _boot(quote))),
        holds("env_cnf_is_label_signer", environment.cnf, side.party.id_cred, binds=environment.cnf),
        equals("env_sid_is_this_session", environment.sid),
        equals("env_epoch_is_attested_one", environment.epoch),
        holds("env_is_not_older", environment.iat, _last_iat(side.letter)),
        holds("env_registers_match_reference_values", quote.attested, registers.attested_registers),
    )


def _last_iat(letter: str) -> Term:
    return slot(f"ENVIRONMENT_LAST_IAT_{letter}", UINT)


def _form(side: Side) -> Form:
    letter, tam = side.letter, TAM_NAME[side.letter]
    bundle, environment, first = BUNDLE[letter], ENVIRONMENTS[letter], _first(side)
    again = step(
        "tpm_counts_have_not_changed", Equals(REGISTERS[letter].attested_boot, _boot(bundle.quote))
    )  # fmt: skip
    quote = bundle.quote
    slots = (
        environment.iat,
        bundle.pcrs,
        bundle.log,
        bundle.ima,
        quote.clock,
        quote.reset,
        quote.restart,
        quote.attested,
    )
    parts = bundle.term, environment.term
    return Form(
        bundle.att,
        Message(f"quote_{letter}", LOCAL, seq(*parts), tam, blind=parts),
        environment.term,
        environment.iat,
        _boot(quote),
        bundle.chain,
        tuple(item.defs[tam] for item in slots),
        first,
        (*first, again),
        _environment_checks(side),
        registers=bundle.pcrs,
    )


BUNDLES = {letter: _form(side) for letter, side in SIDES.items()}
"""TPM evidence as a form, by the letter of the attester."""
