"""EDHOC (RFC 9528) as rows: message_1 to message_4, methods 0 to 3.

The names of terms are those of the RFC. `I` is the initiator (the device), `R` the responder (the service). The profile
accepts method 0 alone; the other methods exist so that published traces and live peers can judge the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from ..symbols import (
    MAC,
    SECRET,
    SHARE,
    SIGNATURE,
    aead,
    dh,
    extract,
    hash_,
    kdf,
    share,
    sign,
    stream,
    unary,
)
from ..table import NET, Equals, Form, Message, Step, TagVerifies, Transition, Verifies, equals, event, holds, step
from ..terms import Sort, Term, array, bstr, concat, const, name, octets, seq, slot
from .local import START

DEVICE, SERVICE = "device", "service"
METHOD_SORT = Sort("method", "item", "int")
SUITES_SORT = Sort("suites", "item", "suites")
IDENTIFIER = Sort("identifier", "item", "identifier")
EAD_SORT = Sort("ead", "items", "ead")
ID_CRED_SORT = Sort("id_cred", "item", "map")

SIG, DH = "signature", "static-dh"
AUTHENTICATION = {0: (SIG, SIG), 1: (SIG, DH), 2: (DH, SIG), 3: (DH, DH)}
"""Method to (initiator, responder) authentication, RFC 9528 table 2."""

X, Y = name("x", SECRET), name("y", SECRET)
SUITES_I = slot("SUITES_I", SUITES_SORT, device=name("suites_i", SUITES_SORT))
G_X, G_Y = slot("G_X", SHARE, share(X)), slot("G_Y", SHARE, share(Y))
C_I = slot("C_I", IDENTIFIER, device=name("c_i", IDENTIFIER))
C_R = slot("C_R", IDENTIFIER, service=name("c_r", IDENTIFIER))
EAD = {
    n: slot(f"EAD_{n}", EAD_SORT, **{DEVICE if n % 2 else SERVICE: name(f"ead_{n}", EAD_SORT)}) for n in (1, 2, 3, 4)
}
G_XY = slot("G_XY", Sort("secret_share", "share"), device=dh(X, G_Y), service=dh(Y, G_X))


@dataclass(frozen=True)
class Party:
    """One side's credential and key, by its letter."""

    letter: str
    id_cred: Term
    cred: Term
    key: Term
    """Private signature key, or static Diffie-Hellman exponent."""


def _party(letter: str, role: str) -> Party:
    id_cred = slot(f"ID_CRED_{letter}", ID_CRED_SORT, **{role: name(f"id_cred_{letter.lower()}", ID_CRED_SORT)})
    return Party(letter, id_cred, unary("cred", id_cred), name(f"sk_{letter.lower()}", SECRET))


INITIATOR, RESPONDER = _party("I", DEVICE), _party("R", SERVICE)
EMPTY = octets(b"")


@dataclass(frozen=True)
class Handshake:
    """The terms of one method; RFC 9528 sections 4 and 5."""

    method: int
    message_1: Term
    message_2: Term
    message_3: Term
    message_4: Term
    th_2: Term
    th_3: Term
    th_4: Term
    prk_2e: Term
    prk_3e2m: Term
    prk_4e3m: Term
    prk_out: Term
    prk_exporter: Term
    signature_or_mac_2: Term
    signature_or_mac_3: Term
    mac_2: Term
    mac_3: Term
    plaintext_2: Term
    plaintext_3: Term
    authenticates_i: Form
    authenticates_r: Form

    def exporter(self, label: int, context: Term, length: int | str) -> Term:
        """EDHOC_Exporter, RFC 9528 section 4.2.1."""
        return kdf(self.prk_exporter, label, context, length)

    def updated(self, context: Term) -> Handshake:
        """The keys after EDHOC_KeyUpdate with `context` (RFC 9528 appendix H)."""
        prk_out = kdf(self.prk_out, 11, context, "hash")
        return replace(self, prk_out=prk_out, prk_exporter=_exporter_key(prk_out))


def _exporter_key(prk_out: Term) -> Term:
    """PRK_exporter, RFC 9528 section 4.2.1."""
    return kdf(prk_out, 10, EMPTY, "hash")


def _sig_structure(id_cred: Term, th: Term, cred: Term, ead: Term, mac: Term) -> Term:
    """Signed octets, RFC 9528 section 5.3.2: COSE Sig_structure with external_aad << TH, CRED, ? EAD >>."""
    return array(const("Signature1"), bstr(id_cred), bstr(seq(bstr(th), cred, ead)), bstr(mac))


def _static_secret(party: Party, exponent: Term, own_share: Term, owner: str, peer: str, label: str) -> Term:
    """G_RX or G_IY: the owner uses its static key, the peer its ephemeral one."""
    defs = {owner: dh(party.key, own_share), peer: dh(exponent, unary("static_share", party.cred))}
    return slot(label, Sort("secret_share", "share"), **defs)


@cache
def handshake(method: int) -> Handshake:
    """Terms of `method` (0 to 3).

    Raises:
        KeyError: no such method.
    """
    kind_i, kind_r = AUTHENTICATION[method]
    method_slot = slot("METHOD" if method == 0 else f"METHOD:{method}", METHOD_SORT, const(method))
    message_1 = seq(method_slot, SUITES_I, bstr(G_X), C_I, EAD[1])
    th_2 = hash_(seq(bstr(G_Y), bstr(hash_(message_1))))
    prk_2e = extract(th_2, G_XY)
    prk_3e2m = prk_2e
    if kind_r == DH:
        g_rx = _static_secret(RESPONDER, X, G_X, SERVICE, DEVICE, "G_RX")
        prk_3e2m = extract(kdf(prk_2e, 1, th_2, "hash"), g_rx)
    context_2 = seq(C_R, RESPONDER.id_cred, bstr(th_2), RESPONDER.cred, EAD[2])
    mac_2, carried_2, by_r = _carry(kind_r, RESPONDER, 2, method, th_2, EAD[2], prk_3e2m, context_2)
    plaintext_2 = seq(C_R, unary("compact", RESPONDER.id_cred), bstr(carried_2), EAD[2])
    message_2 = bstr(concat(G_Y, stream(prk_2e, th_2, plaintext_2)))

    th_3 = hash_(seq(bstr(th_2), plaintext_2, RESPONDER.cred))
    prk_4e3m = prk_3e2m
    if kind_i == DH:
        g_iy = _static_secret(INITIATOR, Y, G_Y, DEVICE, SERVICE, "G_IY")
        prk_4e3m = extract(kdf(prk_3e2m, 5, th_3, "hash"), g_iy)
    context_3 = seq(INITIATOR.id_cred, bstr(th_3), INITIATOR.cred, EAD[3])
    mac_3, carried_3, by_i = _carry(kind_i, INITIATOR, 3, method, th_3, EAD[3], prk_4e3m, context_3)
    plaintext_3 = seq(unary("compact", INITIATOR.id_cred), bstr(carried_3), EAD[3])
    message_3 = bstr(_protect(prk_3e2m, 3, 4, th_3, plaintext_3, "message_3_tag_verifies"))

    th_4 = hash_(seq(bstr(th_3), plaintext_3, INITIATOR.cred))
    message_4 = bstr(_protect(prk_4e3m, 8, 9, th_4, EAD[4], "message_4_tag_verifies"))
    prk_out = kdf(prk_4e3m, 7, th_4, "hash")
    return Handshake(
        method, message_1, message_2, message_3, message_4, th_2, th_3, th_4, prk_2e, prk_3e2m, prk_4e3m, prk_out,
        _exporter_key(prk_out), carried_2, carried_3, mac_2, mac_3, plaintext_2, plaintext_3, by_i, by_r,
    )  # fmt: skip


def _carry(
    kind: str, party: Party, number: int, method: int, th: Term, ead: Term, prk: Term, context: Term
) -> tuple[Term, Term, Form]:
    mac = kdf(prk, 2 if number == 2 else 6, context, "hash" if kind == SIG else "mac")
    label = f"Signature_or_MAC_{number}" + ("" if method == 0 else f":{method}")
    if kind == DH:
        carried = slot(label, MAC, mac)
        return mac, carried, Equals(carried)
    tbs = _sig_structure(party.id_cred, th, party.cred, ead, mac)
    carried = slot(label, SIGNATURE, sign(party.key, tbs, "suite"))
    return mac, carried, Verifies(carried, unary("public_key", party.cred), tbs, "suite")


def _protect(prk: Term, key_label: int, iv_label: int, th: Term, plaintext: Term, check: str) -> Term:
    """CIPHERTEXT_3 and CIPHERTEXT_4: external_aad is Enc_structure ["Encrypt0", h'', TH], RFC 9528 section 5.4.2."""
    key, nonce = kdf(prk, key_label, th, "key"), kdf(prk, iv_label, th, "nonce")
    return aead(key, nonce, array(const("Encrypt0"), const(b""), bstr(th)), plaintext, check)


# --- Messages and rows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Messages:
    """The four messages of one method."""

    message_1: Message
    message_2: Message
    message_3: Message
    message_4: Message


@cache
def messages(method: int) -> Messages:
    """Messages of `method`; names are those of RFC 9528."""
    terms = handshake(method)
    return Messages(
        Message("message_1", NET, terms.message_1, DEVICE),
        Message("message_2", NET, terms.message_2, SERVICE),
        Message("message_3", NET, terms.message_3, DEVICE),
        Message("message_4", NET, terms.message_4, SERVICE),
    )


def credential_checks(party: Party) -> tuple[Step, ...]:
    """What a relying party asks of the peer's certificate before it goes on (chapter on identity)."""
    i = f"cred_{party.letter.lower()}"
    role, who = ("has_service_role", "is_intended") if party is RESPONDER else ("has_device_role", "is_authorised")
    return (
        holds(f"id_cred_{party.letter.lower()}_is_a_certificate", party.id_cred),
        *(
            holds(f"{i}_{rest}", party.id_cred)
            for rest in (
                "path_verifies",
                "is_in_validity",
                "key_usage_is_signature",
                role,
                "is_no_attestation_certificate",
                "is_not_mine",
                who,
                "is_not_revoked_locally",
                "virtual_root_is_well_formed",
                "virtual_root_is_endorsed",
                "endorser_key_is_for_that_alone",
                "validity_is_nested",
                "physical_root_is_not_revoked",
                "root_may_be_virtual",
                "generation_is_not_older",
                "key_is_of_one_identity",
                "pseudonym_is_short_lived",
            )
        ),
    )


def _ead(number: int) -> Step:
    return holds(f"ead_{number}_has_no_unknown_critical", EAD[number])


def rows(method: int, *, certificates: bool, completed: str) -> tuple[Transition, ...]:
    """Handshake rows without the last one of the responder and of the initiator, which the session adds to.

    Args:
        method: RFC 9528 section 3.2.
        certificates: judge X.509 credentials as the profile does; off for peers with other credentials.
        completed: name of the state that both enter when the handshake is complete.
    """
    terms, m = handshake(method), messages(method)
    of_r = credential_checks(RESPONDER) if certificates else ()
    method_slot = terms.message_1.args[0]
    return (
        Transition(DEVICE, "start", START, "wait_message_2", fresh=(X,), sends=(m.message_1,)),
        Transition(
            SERVICE,
            "wait_message_1",
            m.message_1,
            "wait_message_3",
            checks=(
                equals("method_is_profile", method_slot),
                holds("suite_is_most_preferred", SUITES_I),
                holds("g_x_is_valid", G_X),
                _ead(1),
            ),
            fresh=(Y,),
            sends=(m.message_2,),
            events=(event("running_r", g_x=G_X, g_y=G_Y),),
        ),
        Transition(
            DEVICE,
            "wait_message_2",
            m.message_2,
            "wait_message_4",
            checks=(holds("g_y_is_valid", G_Y), _ead(2), *of_r, step("signature_2_verifies", terms.authenticates_r)),
            sends=(m.message_3,),
            events=(event("authenticated_r", id_cred=RESPONDER.id_cred),),
        ),
        Transition(
            DEVICE,
            "wait_message_4",
            m.message_4,
            completed,
            checks=(step("message_4_tag_verifies", TagVerifies(terms.message_4.args[0])), _ead(4)),
            events=(event("handshake_completed", th_4=terms.th_4),),
        ),
    )


def message_3_checks(method: int, *, certificates: bool) -> tuple[Step, ...]:
    """What the responder judges on message_3."""
    terms = handshake(method)
    return (
        step("message_3_tag_verifies", TagVerifies(terms.message_3.args[0])),
        _ead(3),
        *(credential_checks(INITIATOR) if certificates else ()),
        step("signature_3_verifies", terms.authenticates_i),
    )
