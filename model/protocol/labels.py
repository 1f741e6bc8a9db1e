"""Signed and labelled data: DATA, its label, and the environment object that the label refers to."""

from __future__ import annotations

from dataclasses import dataclass

from ..symbols import DIGEST, SECRET, SIGNATURE_64, sha256, sign, unary
from ..table import LOCAL, Equals, Message, Step, Verifies, equals, holds, step
from ..terms import ITEM, ITEMS, OCTETS, Sort, Term, array, bstr, const, map_, name, seq, slot
from .attestation import (
    EMPTY,
    EVIDENCE,
    QUOTE_REQUEST,
    REGISTERS,
    SID,
    TAM_NAME,
    Token,
    cose_sign1,
    sig_structure,
    token_header,
    x5t,
)
from .frames import BYTES, INT, TEXT, UINT, FrameType, I, R, Side, direction_of, message, own
from .local import SEND

CHAIN_CHECKS = (
    "chain_labels_are_well_formed",
    "chain_is_bounded",
    "label_action_is_complete",
    "label_action_is_known",
    "label_action_fits_inputs",
    "forwarded_data_is_unchanged",
    "chain_labels_are_there",
    "chain_names_its_data",
    "chain_signatures_verify",
    "chain_subjects_are_signers",
    "chain_signers_have_a_path",
    "chain_signers_are_not_revoked",
)
LABEL_TYPE = "application/vnd.tc.label+cose"
ENV_TYPE = "application/vnd.tc.env+cose"
LABEL_MAP = -71910
CONTENT, CONTENT_TYPE = SEND.slots
BYTES_16 = Sort("bytes_16", 16)


@dataclass(frozen=True)
class Environment:
    """Environment object of one signer: a token by its attestation key about the platform the labels come from."""

    token: Token
    epoch: Term
    sid: Term
    quote: Message
    """What the TAM answers to a quote request: EAT and environment object, opaque to the software."""


def _environment(side: Side) -> Environment:
    letter, tam, request = side.letter, TAM_NAME[side.letter], QUOTE_REQUEST[side.letter]
    alg, typ, digest, chain, protected = token_header(letter, "ENV", ENV_TYPE)
    cnf = slot(
        f"ENV_CNF_{letter}", ITEM, unary("cose_key", side.party.cred), **{tam: name(f"idk_{letter.lower()}", ITEM)}
    )
    measurements = slot(f"ENV_MEASUREMENTS_{letter}", ITEM, **{tam: EVIDENCE[letter].token.measurements})
    bootcount = slot(f"ENV_BOOTCOUNT_{letter}", UINT, **{tam: EVIDENCE[letter].token.bootcount})
    epoch = slot(f"ENV_EPOCH_{letter}", UINT, REGISTERS[letter].attested_epoch, **{tam: request.epoch})
    sid = slot(f"ENV_SID_{letter}", Sort("sid", 16), SID, **{tam: request.sid})
    iat = slot(f"ENV_IAT_{letter}", UINT, **{tam: EVIDENCE[letter].token.iat})
    further = slot(f"ENV_FURTHER_{letter}", ITEMS, **{tam: EMPTY})
    payload = map_({1: map_({1: cnf}), 2: measurements, 3: bootcount, 4: epoch, 5: bstr(sid), 6: iat}, rest=further)
    tbs = sig_structure(protected, "tc1-env", payload)
    key = name(f"ak_{letter.lower()}", SECRET)
    signature = slot(f"ENV_SIGNATURE_{letter}", SIGNATURE_64, sign(key, tbs))
    term = cose_sign1(protected, map_({33: chain}), payload, signature)
    token = Token(alg, typ, digest, chain, cnf, bootcount, iat, measurements, signature, key, tbs, term)
    eat = EVIDENCE[letter].token.term
    quote = Message(f"quote_{letter}", LOCAL, seq(eat, term), tam, blind=(eat, term))
    return Environment(token, epoch, sid, quote)


ENVIRONMENT = {s.letter: _environment(s) for s in (I, R)}


@dataclass(frozen=True)
class LabelRegisters:
    """Sender: what the next label says. Receiver: what the last accepted environment was."""

    sequence: Term
    reference: Term
    """Sender: byte string of the environment object's digest, or absent. Receiver: that of the last accepted one."""
    unsent: Term
    """Sender: one-element array of an environment object not sent yet, or absent."""
    kept: Term
    """Sender: that array, or absent, until the next attestation."""
    last_iat: Term
    """Receiver: `iat` of the last accepted environment object."""
    confirmed: Term
    """Sender: DATA sent and not yet receipted start at this count."""
    sent: Term
    """Sender: DATA frames sent."""


def _label_registers(letter: str) -> LabelRegisters:
    return LabelRegisters(
        slot(f"SEQUENCE_{letter}", UINT),
        slot(f"ENVIRONMENT_DIGEST_{letter}", ITEM),
        slot(f"ENVIRONMENT_UNSENT_{letter}", ITEM),
        slot(f"ENVIRONMENT_KEPT_{letter}", ITEM),
        slot(f"ENVIRONMENT_LAST_IAT_{letter}", UINT),
        slot(f"DATA_CONFIRMED_{letter}", UINT),
        slot(f"DATA_SENT_{letter}", UINT),
    )


LABEL_REGISTERS = {"I": _label_registers("I"), "R": _label_registers("R")}


@dataclass(frozen=True)
class Label:
    """Label of one signer and the DATA frame that carries it."""

    alg: Term
    typ: Term
    hash_alg: Term
    content_type: Term
    issuer: Term
    subject: Term
    iat: Term
    cti: Term
    x5t: Term
    sequence: Term
    sid: Term
    environment: Term
    digest: Term
    signature: Term
    tbs: Term
    term: Term
    content: Term
    plain: Term
    carried_label: Term
    carried_content: Term
    carried_environment: Term
    carried_inputs: Term
    data: Message
    blocks: Term
    action: Term
    inputs: Term


def _label(side: Side) -> Label:
    letter, registers = side.letter, LABEL_REGISTERS[side.letter]
    alg, typ = slot(f"LABEL_ALG_{letter}", INT, const(-7)), slot(f"LABEL_TYP_{letter}", ITEM, const(LABEL_TYPE))
    hash_alg = slot(f"LABEL_HASH_ALG_{letter}", INT, const(-16))
    content_type = slot(f"LABEL_CONTENT_TYPE_{letter}", ITEM, **{side.role: CONTENT_TYPE})
    issuer, subject = own(letter, "LABEL_ISS", TEXT), own(letter, "LABEL_SUB", TEXT)
    iat, cti = own(letter, "LABEL_IAT", UINT), own(letter, "LABEL_CTI", BYTES_16)
    digest_of_leaf = slot(f"LABEL_X5T_{letter}", ITEM, x5t(side.party.cred))
    sequence = slot(f"LABEL_SEQ_{letter}", UINT, **{side.role: registers.sequence})
    sid = slot(f"LABEL_SID_{letter}", Sort("sid", 16), SID)
    environment = slot(f"LABEL_ENV_{letter}", ITEM, **{side.role: registers.reference})
    blocks, action, inputs, interface = (own(letter, f"LABEL_{what}", ITEM) for what in _FURTHER)
    further = {2: blocks, 5: action, 6: inputs, 7: interface}
    claims = map_({1: issuer, 2: subject, 6: iat, 7: bstr(cti)})
    label_map = map_({3: sequence, 4: bstr(sid)}, optional={1: environment, **further})
    protected = map_(
        {1: alg, 15: claims, 16: typ, 34: digest_of_leaf, 258: hash_alg, 259: content_type, LABEL_MAP: label_map}
    )
    content = slot(f"CONTENT_{letter}", OCTETS, **{side.role: CONTENT})
    digest = slot(f"LABEL_DIGEST_{letter}", DIGEST, sha256(content))
    tbs = sig_structure(protected, "tc1-label", digest)
    signature = slot(f"LABEL_SIGNATURE_{letter}", SIGNATURE_64, sign(side.party.key, tbs))
    unprotected = map_({}, optional={33: own(letter, "LABEL_CHAIN", ITEM)})
    term = cose_sign1(protected, unprotected, digest, signature)
    carriers = _data(side, term, content)
    return Label(
        alg, typ, hash_alg, content_type, issuer, subject, iat, cti, digest_of_leaf, sequence, sid, environment,
        digest, signature, tbs, term, content, *carriers, blocks, action, inputs,
    )  # fmt: skip


_FURTHER = ("BLOCKS", "ACTION", "INPUTS", "TUI")


def _data(side: Side, term: Term, content: Term) -> tuple[Term, Term, Term, Term, Term, Message]:
    """The holes of DATA (unlabelled octets, label, content, environment object, labels of inputs) and the frame."""
    letter = side.letter
    plain, inputs = own(letter, "DATA_PLAIN", BYTES), own(letter, "DATA_INPUTS", ITEM)
    label = slot(f"DATA_LABEL_{letter}", ITEM, **{side.role: term})
    carried = slot(f"DATA_CONTENT_{letter}", BYTES, **{side.role: bstr(content)})
    environment = slot(f"DATA_ENVIRONMENT_{letter}", ITEM, **{side.role: LABEL_REGISTERS[letter].unsent})
    body = map_({}, optional={1: plain, 2: label, 3: carried, 4: environment, 5: inputs})
    return plain, label, carried, environment, inputs, message(side, FrameType.DATA, body)


LABEL = {s.letter: _label(s) for s in (I, R)}


def label_opens(signer: Side) -> tuple[tuple[Term, Term], ...]:
    """Sub-patterns of a DATA frame that carries a label."""
    label = LABEL[signer.letter]
    return ((label.carried_label, label.term), (label.carried_content, bstr(label.content)))


def environment_opens(signer: Side, environment: Term) -> tuple[tuple[Term, Term], ...]:
    """Sub-pattern of a DATA frame that carries an environment object: exactly one, the signer's own."""
    return ((LABEL[signer.letter].carried_environment, array(environment)),)


def parts_check(signer: Side) -> Step:
    """What the receiver asks of DATA before its policy has a say: unlabelled octets are there alone."""
    label = LABEL[signer.letter]
    labelled = (label.carried_label, label.carried_content, label.carried_environment, label.carried_inputs)
    return holds("data_is_plain_or_labelled", label.plain, *labelled)


def environment_checks(signer: Side) -> tuple[Step, ...]:
    """What the receiver asks of a new environment object."""
    environment, id_cred = ENVIRONMENT[signer.letter], signer.party.id_cred
    token, registers = environment.token, REGISTERS[signer.letter]
    return (
        holds("env_header_is_exact", token.alg, token.typ, token.x5t, token.chain),
        step("env_ak_is_the_attested_one", Equals(token.chain, registers.attested_ak)),
        step("env_signature_verifies", Verifies(token.signature, unary("chain_key", token.chain), token.tbs)),
        holds("env_cnf_is_label_signer", token.cnf, id_cred, binds=token.cnf),
        equals("env_sid_is_this_session", environment.sid),
        equals("env_epoch_is_attested_one", environment.epoch),
        equals("env_bootcount_is_attested_one", token.bootcount, registers.attested_boot),
        holds("env_is_not_older", token.iat, LABEL_REGISTERS[signer.letter].last_iat),
        holds("env_measurements_match_reference_values", token.measurements),
    )


def label_checks(signer: Side, new_environment: Term | None) -> tuple[Step, ...]:
    """What the receiver asks of a label, and of its reference to the environment object that came with it."""
    label, id_cred, registers = LABEL[signer.letter], signer.party.id_cred, LABEL_REGISTERS[signer.letter]
    expected = bstr(sha256(new_environment)) if new_environment else registers.reference
    return (
        holds("label_header_is_exact", label.alg, label.typ, label.hash_alg),
        equals("label_x5t_is_peer_leaf", label.x5t),
        step(
            "label_signature_verifies",
            Verifies(label.signature, unary("public_key", signer.party.cred), label.tbs),
        ),
        holds("label_subject_is_peer", label.subject, label.issuer, id_cred),
        equals("label_sid_is_this_session", label.sid),
        holds("label_seq_increases", label.sequence, id_cred),
        holds("label_cti_is_new", bstr(label.cti), id_cred),
        holds("label_is_recent", label.iat),
        equals("label_digest_is_content", label.digest),
        holds("label_names_its_environment", label.environment, direction_of(signer)),
        step("env_is_referred_to", Equals(label.environment, expected)),
        holds("label_blocks_are_well_formed", label.blocks),
        holds("label_blocks_fit_content", label.blocks, label.content),
        *chain_checks(label),
        *confirmation_checks(signer),
    )


def chain_checks(label: Label) -> tuple[Step, ...]:
    """What the receiver asks of what data was made from: of the label itself, and of the labels that came with it."""
    chain = (label.action, label.inputs, label.carried_inputs, label.carried_label)
    return tuple(holds(check, *chain) for check in CHAIN_CHECKS)


def confirmation_checks(signer: Side) -> tuple[Step, ...]:
    """What the receiver asks of a user's confirmation among the inputs; the last one remembers it."""
    label = LABEL[signer.letter]
    chain = (label.action, label.inputs, label.carried_inputs, label.carried_label)
    mine = holds("confirmation_is_by_the_interface", *chain, REGISTERS[signer.letter].attested_further)
    if signer is not I:
        return (mine,)  # No service has a user interface: what says so is refused.
    return (
        mine,
        holds("confirmation_names_the_transaction", *chain, SID, label.content),
        holds("confirmation_is_new", *chain),
    )
