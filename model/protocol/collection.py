"""Two kinds of evidence of one platform in one CMW collection: a token of the profile, and a bundle of its TPM.

Whoever puts items together is not who signed them. What binds them is in each: the binder, the identity key, the
platform, and the start that both count. Source: RFC 9999 sections 3.3 and 8.2; chapter 6 of the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..table import LOCAL, Equals, Message, Step, equals, holds, step
from ..terms import ITEM, Term, array, bstr, const, map_, seq, slot
from . import tpm
from .attestation import EAT_FORMAT, EVIDENCE, REGISTERS, TAM_NAME
from .attestation import appraisal_checks as token_checks
from .forms import COLLECTION_TYPE, TOKENS, TPM_FORMAT, Form, Format
from .frames import SIDES, UINT, FrameType, Side, message, own

TYPE, TOKEN, BUNDLE = "__cmwc_t", 0, 1
"""Keys of the collection."""


@dataclass(frozen=True)
class Item:
    """A record in the collection."""

    type: Term
    indicator: Term
    value: Term
    term: Term


@dataclass(frozen=True)
class Collected:
    """The collection of one attester, and ATT."""

    type: Term
    token: Item
    bundle: Item
    cmw: Term
    epoch: Term
    endorsements: Term
    att: Message


def _item(letter: str, what: str, kind: Format, value: Term) -> Item:
    type_ = slot(f"COLLECTED_{what}_TYPE_{letter}", ITEM, const(kind))
    indicator = slot(f"COLLECTED_{what}_INDICATOR_{letter}", ITEM, const(4))
    return Item(type_, indicator, value, array(type_, bstr(value), indicator))


def _collected(side: Side) -> Collected:
    letter = side.letter
    type_ = slot(f"COLLECTION_TYPE_{letter}", ITEM, const(COLLECTION_TYPE))
    token = _item(letter, "TOKEN", EAT_FORMAT, EVIDENCE[letter].token.term)
    bundle = _item(letter, "BUNDLE", TPM_FORMAT, tpm.BUNDLE[letter].term)
    cmw = map_({TOKEN: token.term, BUNDLE: bundle.term, TYPE: type_})
    epoch, endorsements = slot(f"ATT_EPOCH_{letter}", UINT), own(letter, "ENDORSEMENTS", ITEM)
    att = message(side, FrameType.ATT, map_({1: epoch, 2: bstr(cmw)}, optional={3: endorsements}))
    return Collected(type_, token, bundle, cmw, epoch, endorsements, att)


COLLECTED = {letter: _collected(side) for letter, side in SIDES.items()}
_OF_A_RECORD = ("cmw_type_was_accepted", "cmw_is_marked_evidence")


def _of_items(side: Side) -> tuple[Step, ...]:
    """What is asked of each item, as if it had come alone."""
    return tuple(
        item for item in (*token_checks(side), *tpm.appraisal_checks(side)) if item.check.name not in _OF_A_RECORD
    )


def appraisal_checks(side: Side) -> tuple[Step, ...]:
    """What is asked of the collection, in order, by the relying party or by a verifier in its place."""
    collected = COLLECTED[side.letter]
    count, reset = EVIDENCE[side.letter].token.bootcount, tpm.BUNDLE[side.letter].quote.reset
    return (
        equals("collection_is_of_this_profile", collected.type),
        equals("collected_token_is_one", collected.token.type),
        equals("collected_token_is_marked_evidence", collected.token.indicator),
        equals("collected_bundle_is_one", collected.bundle.type),
        equals("collected_bundle_is_marked_evidence", collected.bundle.indicator),
        *_of_items(side),
        holds("collected_items_are_of_one_start", count, reset),
    )


def _form(side: Side) -> Form:
    letter, tam = side.letter, TAM_NAME[side.letter]
    collected, bundle, environment = COLLECTED[letter], tpm.BUNDLE[letter], tpm.ENVIRONMENTS[letter]
    token, of_tpm = TOKENS[letter], tpm.BUNDLES[letter]
    first = (
        equals("att_epoch_is_requested", collected.epoch),
        *appraisal_checks(side),
        holds("boot_seed_is_of_one_instance", EVIDENCE[letter].further, side.party.id_cred),
        holds("tpm_reset_count_has_not_fallen", bundle.chain, bundle.quote.reset),
    )
    again = step("tpm_counts_have_not_changed", Equals(REGISTERS[letter].attested_boot, of_tpm.boot))
    parts = collected.token.value, collected.bundle.value, environment.term
    return Form(
        collected.att,
        Message(f"quote_{letter}", LOCAL, seq(*parts), tam, blind=parts),
        environment.term,
        of_tpm.issued,
        of_tpm.boot,
        of_tpm.ak,
        tuple(dict.fromkeys((*token.asked, *of_tpm.asked))),
        first,
        (*first, again),
        of_tpm.environment_checks,
        registers=of_tpm.registers,
    )


COLLECTIONS = {letter: _form(side) for letter, side in SIDES.items()}
"""Collections as a form, by the letter of the attester."""
