"""Evidence of the root of trust of a PSA platform: a token of its attestation API, and an environment object under one.

The API signs a challenge of 32 octets together with claims of its own, and takes nothing else from its caller. So the
challenge is the binder, or the digest of an environment object; that the identity key is kept is what the leaf says.
Source: RFC 9783; chapter 6 of the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import SECRET, SIGNATURE_64, sha256, sign, unary
from ..table import LOCAL, Equals, Message, Step, Verifies, equals, holds, step
from ..terms import ITEM, ITEMS, Sort, Term, array, bstr, const, map_, name, seq, slot, tag
from .attestation import EMPTY, QUOTE_REQUEST, REGISTERS, SID, TAM_NAME, binder, sig_structure
from .forms import PSA_FORMAT, Form
from .frames import BYTES, INT, SIDES, UINT, FrameType, Side, message, own

PSA_PROFILE = "tag:psacertified.org,2023:psa#tfm"


@dataclass(frozen=True)
class PsaToken:
    """A COSE_Sign1 by the initial attestation key."""

    alg: Term
    chain: Term
    nonce: Term
    instance: Term
    profile: Term
    seed: Term
    client: Term
    lifecycle: Term
    implementation: Term
    components: Term
    claims: Term
    signature: Term
    tbs: Term
    term: Term


def _token(side: Side, kind: str, expected: Term, asked: Term) -> PsaToken:
    """`expected` is the challenge that the relying party knows, `asked` the one that the caller of the API gave."""
    letter, tam, small = side.letter, TAM_NAME[side.letter], side.letter.lower()

    def made(what: str, sort: Sort, source: str = "") -> Term:
        return slot(f"{kind}_{what}_{letter}", sort, **{tam: name(f"{source or f'psa_{what.lower()}'}_{small}", sort)})

    alg, chain = slot(f"{kind}_ALG_{letter}", INT, const(-7)), made("CHAIN", ITEM, "psa_ak_chain")
    nonce = slot(f"{kind}_NONCE_{letter}", BYTES, bstr(expected), **{tam: bstr(asked)})
    device = unary("device_id", side.party.cred)
    instance = slot(f"{kind}_INSTANCE_{letter}", BYTES, device, **{tam: name(f"ueid_{small}", BYTES)})
    profile, seed = slot(f"{kind}_PROFILE_{letter}", ITEM, const(PSA_PROFILE)), made("SEED", BYTES)
    client, lifecycle, implementation = made("CLIENT", INT), made("LIFECYCLE", UINT), made("IMPLEMENTATION", BYTES)
    components = made("COMPONENTS", ITEM)
    further = slot(f"{kind}_FURTHER_{letter}", ITEMS, **{tam: EMPTY})
    claims = map_(
        {
            10: nonce, 256: instance, 265: profile, 268: seed, 2394: client, 2395: lifecycle, 2396: implementation,
            2399: components,
        },
        rest=further,
    )  # fmt: skip
    protected = map_({1: alg})
    tbs = sig_structure(protected, "", claims)
    signature = slot(f"{kind}_SIGNATURE_{letter}", SIGNATURE_64, sign(name(f"psa_ak_{small}", SECRET), tbs))
    term = tag(18, array(bstr(protected), map_({33: chain}), bstr(claims, variant=True), bstr(signature)))
    return PsaToken(
        alg, chain, nonce, instance, profile, seed, client, lifecycle, implementation, components, claims, signature,
        tbs, term,
    )  # fmt: skip


@dataclass(frozen=True)
class PsaEvidence:
    """The token of one attester, the CMW around it, and ATT."""

    token: PsaToken
    cmw_type: Term
    cmw_indicator: Term
    cmw: Term
    epoch: Term
    endorsements: Term
    att: Message


def _evidence(side: Side) -> PsaEvidence:
    letter = side.letter
    token = _token(side, "PSA", binder(side), QUOTE_REQUEST[letter].binder)
    cmw_type, indicator = slot(f"PSA_CMW_TYPE_{letter}", ITEM, const(PSA_FORMAT)), slot(f"CMW_INDICATOR_{letter}", ITEM)
    epoch, endorsements = slot(f"ATT_EPOCH_{letter}", UINT), own(letter, "ENDORSEMENTS", ITEM)
    cmw = array(cmw_type, bstr(token.term), indicator)
    att = message(side, FrameType.ATT, map_({1: epoch, 2: bstr(cmw)}, optional={3: endorsements}))
    return PsaEvidence(token, cmw_type, indicator, cmw, epoch, endorsements, att)


PSA = {letter: _evidence(side) for letter, side in SIDES.items()}


def appraisal_checks(side: Side) -> tuple[Step, ...]:
    """What is asked of the token itself, in order, by the relying party or by a verifier in its place."""
    evidence, id_cred = PSA[side.letter], side.party.id_cred
    token, chain = evidence.token, evidence.token.chain
    return (
        equals("cmw_type_was_accepted", evidence.cmw_type),
        equals("cmw_is_marked_evidence", evidence.cmw_indicator),
        holds("psa_header_is_exact", token.alg),
        equals("psa_profile_is_tfm", token.profile),
        holds("ak_path_verifies", chain),
        holds("psa_ak_is_for_psa", chain),
        holds("ak_is_not_the_identity_key", chain, id_cred),
        holds("ak_is_in_validity", chain),
        holds("ak_is_not_revoked", chain, evidence.endorsements),
        step("psa_signature_verifies", Verifies(token.signature, unary("chain_key", chain), token.tbs)),
        equals("psa_nonce_is_binder", token.nonce),
        holds("psa_instance_is_peer_device", token.instance, id_cred, binds=token.instance),
        holds("ak_names_peer_device", chain, id_cred),
        holds("psa_leaf_shows_custody", id_cred),
        holds("psa_client_is_secure", token.client),
        holds("psa_lifecycle_is_secured", token.lifecycle),
        holds("psa_implementation_is_known", token.implementation),
        holds("psa_components_match_reference_values", token.components),
        holds("psa_signers_are_the_named_ones", token.components),
    )


def _first(side: Side) -> tuple[Step, ...]:
    """What a relying party asks of every ATT with a PSA token, in order."""
    psa, id_cred = PSA[side.letter], side.party.id_cred
    live = (
        holds("boot_seed_is_of_one_instance", EMPTY, id_cred),
        holds("ak_is_as_anonymous_as_the_leaf", psa.token.chain, id_cred),
    )
    return (equals("att_epoch_is_requested", psa.epoch), *appraisal_checks(side), *live)


# --- Environment object ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PsaEnvironment:
    """An object, and the token whose challenge is its digest."""

    cnf: Term
    epoch: Term
    sid: Term
    iat: Term
    object: Term
    token: PsaToken
    term: Term


def _environment(side: Side) -> PsaEnvironment:
    letter, tam, request = side.letter, TAM_NAME[side.letter], QUOTE_REQUEST[side.letter]
    key = name(f"idk_{letter.lower()}", ITEM)
    cnf = slot(f"PSA_ENV_CNF_{letter}", ITEM, unary("cose_key", side.party.cred), **{tam: key})
    epoch = slot(f"PSA_ENV_EPOCH_{letter}", UINT, REGISTERS[letter].attested_epoch, **{tam: request.epoch})
    sid = slot(f"PSA_ENV_SID_{letter}", Sort("sid", 16), SID, **{tam: request.sid})
    iat = slot(f"PSA_ENV_IAT_{letter}", UINT, **{tam: name(f"iat_{letter.lower()}", UINT)})
    content = map_({1: map_({1: cnf}), 4: epoch, 5: bstr(sid), 6: iat})
    digest = sha256(content)
    token = _token(side, "PSA_ENV", digest, digest)
    return PsaEnvironment(cnf, epoch, sid, iat, content, token, array(bstr(content), bstr(token.term)))


PSA_ENVIRONMENTS = {letter: _environment(side) for letter, side in SIDES.items()}


def _environment_checks(side: Side) -> tuple[Step, ...]:
    environment, registers = PSA_ENVIRONMENTS[side.letter], REGISTERS[side.letter]
    token, key = environment.token, unary("chain_key", registers.attested_ak)
    last_iat = slot(f"ENVIRONMENT_LAST_IAT_{side.letter}", UINT)
    return (
        holds("env_token_header_is_exact", token.alg),
        equals("env_token_profile_is_tfm", token.profile),
        step("env_token_signature_verifies", Verifies(token.signature, key, token.tbs)),
        equals("env_token_is_over_the_object", token.nonce),
        holds("env_token_instance_is_peer_device", token.instance, side.party.id_cred, binds=token.instance),
        holds("env_token_client_is_secure", token.client),
        holds("env_token_lifecycle_is_secured", token.lifecycle),
        step("env_token_is_of_the_same_start", Equals(registers.attested_boot, token.seed)),
        holds("env_cnf_is_label_signer", environment.cnf, side.party.id_cred, binds=environment.cnf),
        equals("env_sid_is_this_session", environment.sid),
        equals("env_epoch_is_attested_one", environment.epoch),
        holds("env_is_not_older", environment.iat, last_iat),
        holds("env_token_components_match_reference_values", token.components),
    )


def _form(side: Side) -> Form:
    letter, tam = side.letter, TAM_NAME[side.letter]
    evidence, environment, first = PSA[letter], PSA_ENVIRONMENTS[letter], _first(side)
    token = evidence.token
    again = step("psa_boot_seed_has_not_changed", Equals(REGISTERS[letter].attested_boot, token.seed))
    parts = token.term, environment.term
    return Form(
        evidence.att,
        Message(f"quote_{letter}", LOCAL, seq(*parts), tam, blind=parts),
        environment.term,
        environment.iat,
        token.seed,
        token.chain,
        tuple(item.defs[tam] for item in (environment.iat, token.seed, token.lifecycle, token.components)),
        first,
        (*first, again),
        _environment_checks(side),
    )


PSA_TOKENS = {letter: _form(side) for letter, side in SIDES.items()}
"""PSA tokens as a form, by the letter of the attester."""
