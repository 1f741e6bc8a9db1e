"""Attestation: binder, evidence, waiver, and the TAM that signs what its software may not invent.

One template of evidence serves three readers: the TAM computes it, the attester's software passes it on unread, the
relying party takes it apart and judges every claim by a check of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import DIGEST, SECRET, SIGNATURE_64, export, sha256, sign, unary
from ..table import LOCAL, Equals, Message, Step, Verifies, equals, holds, step
from ..terms import ITEM, ITEMS, Sort, Term, array, bstr, const, map_, name, octets, seq, slot, tag
from .frames import (
    BYTES,
    HELLO_HASH,
    INT,
    NONCE_32,
    ROLE_NUMBER,
    UINT,
    FrameType,
    I,
    R,
    Side,
    message,
    own,
    peer_of,
)

CHANNEL_SECRET = slot("CHANNEL_SECRET", Sort("prk", "hash"))
"""Register: the exporter secret of the channel, assigned by the row that completes the handshake."""

BINDER_LABEL, SID_LABEL = 41074, 41075
EMPTY = octets(b"")
SID = export(CHANNEL_SECRET, SID_LABEL, EMPTY, 16)
"""Session id, 16 bytes."""

TAM_NAME = {"I": "tam_device", "R": "tam_service"}
FALSE, TRUE, ZERO = const(False), const(True), const(0)


def sig_structure(protected: Term, external_aad: str, payload: Term) -> Term:
    """Sig_structure of COSE_Sign1 (RFC 9052 section 4.4)."""
    return array(const("Signature1"), bstr(protected), const(external_aad.encode()), bstr(payload))


def cose_sign1(protected: Term, unprotected: Term, payload: Term, signature: Term) -> Term:
    """COSE_Sign1, tag 18 (RFC 9052 section 4.2)."""
    return tag(18, array(bstr(protected), unprotected, bstr(payload), bstr(signature)))


def x5t(cred: Term) -> Term:
    """COSE x5t of a credential's leaf (RFC 9360): [-16, SHA-256]."""
    return array(const(-16), bstr(unary("leaf_digest", cred)))


@dataclass(frozen=True)
class Registers:
    """What an attestation of one attester is about, on both sides."""

    requested_epoch: Term
    challenge: Term
    attested_epoch: Term
    attested_boot: Term
    attested_ak: Term
    attested_further: Term
    """Claims of the accepted evidence that its layout does not name."""
    attested_registers: Term
    """Values of registers that the accepted evidence showed, where it was of a TPM."""
    outstanding: Term
    """Relying party: its request waits for ATT."""
    pending: Term
    """Attester: its ATT waits for VERDICT."""


def _registers(letter: str) -> Registers:
    return Registers(
        slot(f"REQUESTED_EPOCH_{letter}", UINT),
        slot(f"CHALLENGE_{letter}", NONCE_32),
        slot(f"ATTESTED_EPOCH_{letter}", UINT),
        slot(f"ATTESTED_BOOT_{letter}", ITEM),
        slot(f"ATTESTED_AK_{letter}", ITEM),
        slot(f"ATTESTED_FURTHER_{letter}", ITEMS),
        slot(f"ATTESTED_REGISTERS_{letter}", ITEM),
        slot(f"OUTSTANDING_{letter}", ITEM),
        slot(f"PENDING_{letter}", ITEM),
    )


REGISTERS = {"I": _registers("I"), "R": _registers("R")}


def binder(attester: Side) -> Term:
    """The 32 bytes that evidence of `attester` must carry as its nonce (specification, session chapter)."""
    registers, relying_party = REGISTERS[attester.letter], peer_of(attester)
    context = array(
        const("tc1-binder"),
        ROLE_NUMBER[attester.letter],
        registers.requested_epoch,
        bstr(registers.challenge),
        bstr(unary("leaf_digest", attester.party.cred)),
        bstr(unary("leaf_digest", relying_party.party.cred)),
        bstr(HELLO_HASH),
    )
    return export(CHANNEL_SECRET, BINDER_LABEL, sha256(context), 32)


@dataclass(frozen=True)
class QuoteRequest:
    """What the software asks of its TAM: a token over this binder, an environment object for this session."""

    binder: Term
    epoch: Term
    sid: Term
    message: Message


def _quote_request(side: Side) -> QuoteRequest:
    letter, registers = side.letter, REGISTERS[side.letter]
    asked = slot(f"QUOTE_BINDER_{letter}", DIGEST, **{side.role: binder(side)})
    epoch = slot(f"QUOTE_EPOCH_{letter}", UINT, **{side.role: registers.requested_epoch})
    sid = slot(f"QUOTE_SID_{letter}", Sort("sid", 16), **{side.role: SID})
    term = seq(bstr(asked), epoch, bstr(sid))
    return QuoteRequest(asked, epoch, sid, Message(f"quote_request_{letter}", LOCAL, term, side.role))


QUOTE_REQUEST = {s.letter: _quote_request(s) for s in (I, R)}


@dataclass(frozen=True)
class Token:
    """A COSE_Sign1 signed by the attestation key: EAT, or environment object."""

    alg: Term
    typ: Term
    x5t: Term
    chain: Term
    cnf: Term
    bootcount: Term
    iat: Term
    measurements: Term
    signature: Term
    key: Term
    tbs: Term
    term: Term


def tam_value(letter: str, label: str, sort: Sort) -> Term:
    """A slot that the TAM of side `letter` fills from what it holds or measures."""
    return slot(f"{label}_{letter}", sort, **{TAM_NAME[letter]: name(f"{label.lower()}_{letter.lower()}", sort)})


def token_header(letter: str, kind: str, typ: int | str) -> tuple[Term, Term, Term, Term, Term]:
    """Slots alg, typ, x5t and x5chain of a token, and its protected header."""
    chain = slot(f"{kind}_CHAIN_{letter}", ITEM, **{TAM_NAME[letter]: name(f"ak_chain_{letter.lower()}", ITEM)})
    alg = slot(f"{kind}_ALG_{letter}", INT, const(-7))
    typ_slot = slot(f"{kind}_TYP_{letter}", ITEM, const(typ))
    digest = slot(f"{kind}_X5T_{letter}", ITEM, unary("chain_digest", chain))
    return alg, typ_slot, digest, chain, map_({1: alg, 16: typ_slot, 34: digest})


@dataclass(frozen=True)
class Evidence:
    """EAT of one attester, the CMW around it, and ATT."""

    token: Token
    nonce: Term
    ueid: Term
    debug: Term
    profile: Term
    attributes: Term
    further: Term
    """Claims that the layout does not name."""
    cmw_type: Term
    cmw_indicator: Term
    cmw: Term
    epoch: Term
    endorsements: Term
    att: Message


EAT_PROFILE = "tag:trustconn.org,2026:tc1"
EAT_FORMAT = 263
"""CoAP Content-Format of application/eat+cwt (RFC 9782)."""


def _evidence(side: Side) -> Evidence:
    letter, tam = side.letter, TAM_NAME[side.letter]
    alg, typ, digest, chain, protected = token_header(letter, "EAT", EAT_FORMAT)
    iat, bootcount = tam_value(letter, "IAT", UINT), tam_value(letter, "BOOTCOUNT", UINT)
    cnf = slot(
        f"EAT_CNF_{letter}", ITEM, unary("cose_key", side.party.cred), **{tam: name(f"idk_{letter.lower()}", ITEM)}
    )
    nonce = slot(f"EAT_NONCE_{letter}", BYTES, bstr(binder(side)), **{tam: bstr(QUOTE_REQUEST[letter].binder)})
    ueid = slot(
        f"EAT_UEID_{letter}", BYTES, unary("device_id", side.party.cred), **{tam: name(f"ueid_{letter.lower()}", BYTES)}
    )
    debug, attributes = tam_value(letter, "DEBUG", UINT), tam_value(letter, "KEY_ATTRIBUTES", ITEM)
    measurements = tam_value(letter, "MEASUREMENTS", ITEM)
    profile = slot(f"EAT_PROFILE_{letter}", ITEM, const(EAT_PROFILE))
    further = slot(f"EAT_FURTHER_{letter}", ITEMS, **{tam: name(f"eat_further_{letter.lower()}", ITEMS)})
    payload = map_(
        {
            6: iat, 8: map_({1: cnf}), 10: nonce, 256: ueid, 263: debug, 265: profile, 267: bootcount,
            273: measurements, -71901: attributes,
        },
        rest=further,
    )  # fmt: skip
    tbs = sig_structure(protected, "tc1-eat", payload)
    key = name(f"ak_{letter.lower()}", SECRET)
    signature = slot(f"EAT_SIGNATURE_{letter}", SIGNATURE_64, sign(key, tbs))
    eat = cose_sign1(protected, map_({33: chain}), payload, signature)
    token = Token(alg, typ, digest, chain, cnf, bootcount, iat, measurements, signature, key, tbs, eat)
    return _att(side, token, (nonce, ueid, debug, profile, attributes, further))


def _att(side: Side, token: Token, claims: tuple[Term, Term, Term, Term, Term, Term]) -> Evidence:
    letter = side.letter
    cmw_type = slot(f"CMW_TYPE_{letter}", ITEM, const(EAT_FORMAT))
    indicator = slot(f"CMW_INDICATOR_{letter}", ITEM, const(4))
    epoch = slot(f"ATT_EPOCH_{letter}", UINT, REGISTERS[letter].requested_epoch)
    endorsements = own(letter, "ENDORSEMENTS", ITEM)
    cmw = array(cmw_type, bstr(token.term), indicator)
    body = map_({1: epoch, 2: bstr(cmw)}, optional={3: endorsements})
    att = message(side, FrameType.ATT, body)
    return Evidence(token, *claims, cmw_type, indicator, cmw, epoch, endorsements, att)


EVIDENCE = {s.letter: _evidence(s) for s in (I, R)}


def evidence_checks(attester: Side, *, again: bool) -> tuple[Step, ...]:
    """What the relying party asks of ATT, in order; `again` adds what only a re-attestation can show."""
    evidence, registers = EVIDENCE[attester.letter], REGISTERS[attester.letter]
    first = (equals("att_epoch_is_requested", evidence.epoch), *appraisal_checks(attester))
    live = (
        holds("boot_seed_is_of_one_instance", evidence.further, attester.party.id_cred),
        holds("ak_is_as_anonymous_as_the_leaf", evidence.token.chain, attester.party.id_cred),
        *((holds("interface_is_told", evidence.further, attester.flags),) if attester is I else ()),
    )
    later = (equals("bootcount_has_not_changed", evidence.token.bootcount, registers.attested_boot),)
    fallen = (holds("bootcount_has_not_fallen", evidence.token.chain, evidence.token.bootcount),)
    return first + live + (later if again else fallen)


def appraisal_checks(attester: Side) -> tuple[Step, ...]:
    """What is asked of the evidence itself, in order, by the relying party or by a verifier in its place."""
    evidence = EVIDENCE[attester.letter]
    token, id_cred = evidence.token, attester.party.id_cred
    return (
        holds("cmw_type_was_accepted", evidence.cmw_type),
        equals("cmw_is_marked_evidence", evidence.cmw_indicator),
        holds("eat_claims_have_their_types", evidence.further),
        holds("eat_header_is_exact", token.alg, token.typ),
        equals("eat_profile_is_this_one", evidence.profile),
        holds("ak_path_verifies", token.chain),
        holds("ak_is_for_eat", token.chain),
        holds("ak_is_not_the_identity_key", token.chain, id_cred),
        holds("ak_is_in_validity", token.chain),
        holds("ak_is_not_revoked", token.chain, evidence.endorsements),
        equals("eat_x5t_is_the_ak", token.x5t),
        step("eat_signature_verifies", Verifies(token.signature, unary("chain_key", token.chain), token.tbs)),
        step("eat_nonce_is_binder", Equals(evidence.nonce)),
        holds("cnf_is_peer_identity_key", token.cnf, id_cred, binds=token.cnf),
        holds("ueid_is_peer_device", evidence.ueid, id_cred, binds=evidence.ueid),
        holds("ak_names_peer_device", token.chain, id_cred),
        holds("key_attributes_show_custody", evidence.attributes),
        holds("eat_is_recent", token.iat),
        holds("eat_debug_is_disabled", evidence.debug),
        holds("measurements_match_reference_values", token.measurements),
    )


# --- Waiver ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiver:
    """A statement by a pinned authority that this very key lives in a validated module."""

    alg: Term
    typ: Term
    x5t: Term
    leaf: Term
    level: Term
    iat: Term
    exp: Term
    not_exportable: Term
    statement: Term
    signature: Term
    tbs: Term
    term: Term


def _waiver(side: Side) -> Waiver:
    letter = side.letter
    alg, typ = slot(f"WAIVER_ALG_{letter}", INT), slot(f"WAIVER_TYP_{letter}", ITEM)
    authority = slot(f"WAIVER_X5T_{letter}", ITEM)
    protected = map_({1: alg, 16: typ, 34: authority})
    leaf = slot(f"WAIVER_LEAF_{letter}", DIGEST, unary("leaf_digest", side.party.cred))
    module, validation = slot(f"WAIVER_MODULE_{letter}", ITEM), slot(f"WAIVER_VALIDATION_{letter}", ITEM)
    level = slot(f"WAIVER_LEVEL_{letter}", UINT)
    iat, exp = slot(f"WAIVER_IAT_{letter}", UINT), slot(f"WAIVER_EXP_{letter}", UINT)
    kept, statement = slot(f"WAIVER_KEPT_{letter}", ITEM), slot(f"WAIVER_ID_{letter}", BYTES)
    payload = map_({1: bstr(leaf), 2: module, 3: level, 4: validation, 5: iat, 6: exp, 7: kept, 8: statement})
    tbs = sig_structure(protected, "tc1-waiver", payload)
    signature = slot(f"WAIVER_SIGNATURE_{letter}", SIGNATURE_64, sign(name("waiver_authority", SECRET), tbs))
    term = cose_sign1(protected, map_({}), payload, signature)
    return Waiver(alg, typ, authority, leaf, level, iat, exp, kept, statement, signature, tbs, term)


WAIVER = {s.letter: _waiver(s) for s in (I, R)}


def waiver_checks(attester: Side) -> tuple[Step, ...]:
    """What the relying party asks of the attester's waiver statement."""
    waiver = WAIVER[attester.letter]
    return (
        holds("waiver_header_is_exact", waiver.alg, waiver.typ),
        holds("waiver_authority_is_pinned", waiver.x5t),
        step("waiver_signature_verifies", Verifies(waiver.signature, unary("authority_key", waiver.x5t), waiver.tbs)),
        equals("waiver_names_the_peer_leaf", waiver.leaf),
        holds("waiver_level_suffices", waiver.level),
        holds("waiver_is_in_force", waiver.iat, waiver.exp),
        holds("waiver_key_is_not_exportable", waiver.not_exportable),
        holds("waiver_is_not_revoked", waiver.statement),
    )
