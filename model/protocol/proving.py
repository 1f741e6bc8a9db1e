"""Evidence of properties in zero knowledge: a commitment that the TAM signs, and a proof for each property on it.

The commitment token is the token of chapter 6 with the commitment in place of measurements, under a type and an
external_aad of its own, so that most of what is asked of it is what is asked of any token. The opening goes from the
TAM to the software, and no further. What binds a proof to the session is its challenge: section 9.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import SECRET, SIGNATURE_64, sha256, sign, unary
from ..table import LOCAL, Equals, Message, Step, Verifies, equals, holds, step
from ..terms import ITEM, Term, array, bstr, const, map_, name, seq, slot
from .attestation import (
    EMPTY,
    EVIDENCE,
    REGISTERS,
    TAM_NAME,
    ZERO,
    binder,
    cose_sign1,
    sig_structure,
    token_header,
)
from .forms import PBA_FORMAT, Form, same_environment
from .frames import SIDES, UINT, FrameType, Side, message, own

COMMITMENT_TYPE = "application/vnd.tc.pba-commitment+cose"


@dataclass(frozen=True)
class Proving:
    """Commitment token, proofs, and ATT. Claims that every token has are those of `EVIDENCE`."""

    alg: Term
    typ: Term
    x5t: Term
    chain: Term
    commitment: Term
    signature: Term
    tbs: Term
    token: Term
    opening: Term
    proofs: Term
    cmw_type: Term
    cmw_indicator: Term
    epoch: Term
    endorsements: Term
    att: Message
    environment: Term


def _proving(side: Side) -> Proving:
    letter, tam, claims = side.letter, TAM_NAME[side.letter], EVIDENCE[side.letter]
    alg, typ, x5t, chain, protected = token_header(letter, "PBA", COMMITMENT_TYPE)
    commitment = slot(f"PBA_COMMITMENT_{letter}", ITEM, **{tam: name(f"pba_commitment_{letter.lower()}", ITEM)})
    payload = map_(
        {
            6: claims.token.iat, 8: map_({1: claims.token.cnf}), 10: claims.nonce, 256: claims.ueid,
            263: claims.debug, 265: claims.profile, 267: claims.token.bootcount, -71901: claims.attributes,
            -71904: commitment,
        }
    )  # fmt: skip
    tbs = sig_structure(protected, "tc1-pba", payload)
    signature = slot(f"PBA_SIGNATURE_{letter}", SIGNATURE_64, sign(name(f"ak_{letter.lower()}", SECRET), tbs))
    token = cose_sign1(protected, map_({33: chain}), payload, signature)
    opening = name(f"pba_opening_{letter.lower()}", ITEM)
    proofs = slot(f"PBA_PROOFS_{letter}", ITEM, **{side.role: unary("property_proofs", seq(token, opening))})
    cmw_type = slot(f"PBA_CMW_TYPE_{letter}", ITEM, const(PBA_FORMAT))
    indicator = slot(f"CMW_INDICATOR_{letter}", ITEM)
    epoch, endorsements = slot(f"ATT_EPOCH_{letter}", UINT), own(letter, "ENDORSEMENTS", ITEM)
    cmw = array(cmw_type, bstr(map_({1: bstr(token), 2: proofs})), indicator)
    att = message(side, FrameType.ATT, map_({1: epoch, 2: bstr(cmw)}, optional={3: endorsements}))
    environment = slot(f"PBA_ENVIRONMENT_{letter}", ITEM, **{side.role: token})
    return Proving(
        alg, typ, x5t, chain, commitment, signature, tbs, token, opening, proofs, cmw_type, indicator, epoch,
        endorsements, att, environment,
    )  # fmt: skip


PROVING = {letter: _proving(side) for letter, side in SIDES.items()}


def _checks(side: Side) -> tuple[Step, ...]:
    proving, claims, id_cred = PROVING[side.letter], EVIDENCE[side.letter], side.party.id_cred
    chain, token = proving.chain, claims.token
    return (
        equals("att_epoch_is_requested", proving.epoch),
        equals("cmw_type_was_accepted", proving.cmw_type),
        equals("cmw_is_marked_evidence", proving.cmw_indicator),
        holds("commitment_header_is_exact", proving.alg, proving.typ),
        equals("eat_profile_is_this_one", claims.profile),
        holds("ak_path_verifies", chain),
        holds("ak_is_for_eat", chain),
        holds("ak_is_not_the_identity_key", chain, id_cred),
        holds("ak_is_in_validity", chain),
        holds("ak_is_not_revoked", chain, proving.endorsements),
        equals("eat_x5t_is_the_ak", proving.x5t),
        step("commitment_signature_verifies", Verifies(proving.signature, unary("chain_key", chain), proving.tbs)),
        equals("eat_nonce_is_binder", claims.nonce),
        holds("cnf_is_peer_identity_key", token.cnf, id_cred, binds=token.cnf),
        holds("ueid_is_peer_device", claims.ueid, id_cred, binds=claims.ueid),
        holds("ak_names_peer_device", chain, id_cred),
        holds("key_attributes_show_custody", claims.attributes),
        holds("eat_is_recent", token.iat),
        holds("eat_debug_is_disabled", claims.debug),
        holds("boot_seed_is_of_one_instance", EMPTY, id_cred),
        holds("ak_is_as_anonymous_as_the_leaf", chain, id_cred),
        holds("properties_are_not_withdrawn", proving.proofs),
        holds("proofs_answer_current_lists", proving.proofs),
        holds(
            "property_proofs_verify", proving.proofs, proving.token, proving.commitment, binder(side), side.party.cred
        ),
    )


def _form(side: Side) -> Form:
    letter, tam = side.letter, TAM_NAME[side.letter]
    proving, token = PROVING[letter], EVIDENCE[letter].token
    checks = _checks(side)
    again = step("bootcount_has_not_changed", Equals(token.bootcount, REGISTERS[letter].attested_boot))
    parts = proving.token, proving.opening
    return Form(
        att=proving.att,
        quote=Message(f"quote_{letter}", LOCAL, seq(*parts), tam, blind=parts),
        environment=proving.environment,
        issued=ZERO,  # Nothing is asked of its age again: it is the one that was accepted.
        boot=token.bootcount,
        ak=bstr(sha256(proving.token)),
        asked=(token.iat.defs[tam], token.bootcount.defs[tam], proving.commitment.defs[tam], proving.opening),
        checks=checks,
        checks_again=(*checks, again),
        environment_checks=(same_environment(letter, proving.environment),),
    )


PROOFS = {letter: _form(side) for letter, side in SIDES.items()}
"""Proofs of properties as a form, by the letter of the attester."""
