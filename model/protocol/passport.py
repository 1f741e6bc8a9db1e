"""Passport form (RFC 9334 section 5.1): in ATT stands what a verifier answered to the attester, in this session.

The attester asks as a relying party would, about evidence over the relying party's binder, and hands the result on
unread. So it is bound like any evidence, and good for one session and epoch. The relying party judges it by the very
steps by which it judges the answer to a question of its own, and learns nothing of the configuration: the environment
that labels refer to is the result itself (LBL-32).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import sha256
from ..table import ASKED, Message, Step, equals, holds
from ..terms import ITEM, Term, array, bstr, const, map_, slot
from .attestation import EMPTY, EVIDENCE, TAM_NAME, ZERO
from .background import QUESTION, RESULT, VERIFIER, result_checks
from .forms import EAR_FORMAT, Form, same_environment
from .frames import SIDES, UINT, FrameType, Side, message, own
from .labels import ENVIRONMENT


@dataclass(frozen=True)
class Passport:
    """A result in ATT, and the same in DATA."""

    fetched: Message
    """The verifier's reply, opaque to the attester's software."""
    cmw_type: Term
    cmw_indicator: Term
    epoch: Term
    att: Message
    environment: Term


def _passport(side: Side) -> Passport:
    letter, result = side.letter, RESULT[side.letter].term
    fetched = Message(f"result_{letter}", ASKED, map_({1: result}), VERIFIER, blind=(result,))
    cmw_type = slot(f"EAR_CMW_TYPE_{letter}", ITEM, const(EAR_FORMAT))
    indicator = slot(f"EAR_CMW_INDICATOR_{letter}", ITEM, const(8))
    epoch = slot(f"ATT_EPOCH_{letter}", UINT)
    cmw = array(cmw_type, bstr(result), indicator)
    body = map_({1: epoch, 2: bstr(cmw)}, optional={3: own(letter, "ENDORSEMENTS", ITEM)})
    environment = slot(f"EAR_ENVIRONMENT_{letter}", ITEM, **{side.role: result})
    return Passport(fetched, cmw_type, indicator, epoch, message(side, FrameType.ATT, body), environment)


PASSPORT = {letter: _passport(side) for letter, side in SIDES.items()}


def _checks(side: Side) -> tuple[Step, ...]:
    passport = PASSPORT[side.letter]
    return (
        equals("att_epoch_is_requested", passport.epoch),
        equals("cmw_type_was_accepted", passport.cmw_type),
        equals("cmw_is_marked_result", passport.cmw_indicator),
        *result_checks(side),
        holds("boot_seed_is_of_one_instance", EMPTY, side.party.id_cred),
    )


def _form(side: Side) -> Form:
    letter, tam = side.letter, TAM_NAME[side.letter]
    passport, evidence, result = PASSPORT[letter], EVIDENCE[letter], RESULT[letter]
    looked_at = evidence.token.iat, evidence.token.bootcount, evidence.token.measurements, evidence.further
    checks = _checks(side)
    return Form(
        att=passport.att,
        quote=ENVIRONMENT[letter].quote,
        environment=passport.environment,
        issued=ZERO,  # Nothing is asked of its age again: it is the one that was accepted.
        boot=EMPTY,
        ak=bstr(sha256(result.term)),
        asked=tuple(item.defs[tam] for item in looked_at),
        checks=checks,
        checks_again=checks,
        environment_checks=(same_environment(letter, passport.environment),),
        question=QUESTION[letter].message,
        fetched=passport.fetched,
    )


PASSPORTS = {letter: _form(side) for letter, side in SIDES.items()}
"""Results that attesters fetch as a form, by the letter of the attester."""
