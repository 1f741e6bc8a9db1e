"""The verifier as a role of its own: what a relying party asks it, and what it answers (background check, RFC 9334).

It judges evidence by the very steps by which a relying party does. Of the channel it knows nothing: it takes the binder
from the relying party, which alone vouches for the exporter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..symbols import DIGEST, SECRET, SIGNATURE_64, sign, unary
from ..table import ASKED, Message, Role, Step, Table, Transition, Verifies, equals, event, holds, step
from ..terms import ITEM, ITEMS, Sort, Term, array, bstr, const, map_, name, slot
from .attestation import EAT_FORMAT, EMPTY, REGISTERS, binder, cose_sign1, sig_structure
from .forms import Format
from .frames import BYTES, HELLO_HASH, INT, NONCE_32, ROLE_NUMBER, SIDES, TEXT, UINT, I, R, Side, peer_of
from .judged import JUDGED

VERIFIER = "verifier"
EAR_PROFILE = "tag:ietf.org,2026:rats/ear#04"
EAR_AAD = ""
"""An EAR is a plain CWT: whoever reads EARs can verify it."""


@dataclass(frozen=True)
class Question:
    """A request about one attester."""

    asked: Term
    """The binder that evidence must carry, 32 octets."""
    policy: Term
    leaf: Term
    """A byte string of the attester's certificate in DER, which CRED_x is, too."""
    named_leaf: Term
    """SHA-256 of it, as the context of the binder has it."""
    epoch: Term
    nonce: Term
    relying_party: Term
    """SHA-256 of the relying party's certificate."""
    hello_hash: Term
    message: Message


def _question(attester: Side, kind: str, cmw: Term, endorsements: Term) -> Question:
    letter, party, registers = attester.letter, peer_of(attester), REGISTERS[attester.letter]

    def filled(what: str, sort: Sort, honest: Term, of_attester: Term | None = None) -> Term:
        """The same whoever asks: the relying party, or the attester about itself."""
        return slot(f"QUESTION_{what}_{letter}", sort, **{party.role: honest, attester.role: of_attester or honest})

    leaf = filled("LEAF", BYTES, attester.party.cred)
    slot(attester.party.id_cred.label, attester.party.id_cred.sort, verifier=map_({33: leaf}))
    asked = filled("BINDER", DIGEST, binder(attester))
    policies = name(f"question_policy_{party.letter.lower()}", TEXT), name(f"own_policy_{letter.lower()}", TEXT)
    policy = filled("POLICY", TEXT, *policies)
    named_leaf = slot(f"QUESTION_CERT_ATT_{letter}", DIGEST, unary("leaf_digest", attester.party.cred))
    epoch, nonce = filled("EPOCH", UINT, registers.requested_epoch), filled("NONCE", NONCE_32, registers.challenge)
    relying_party = filled("CERT_RP", DIGEST, unary("leaf_digest", party.party.cred))
    hello_hash = filled("HELLO_HASH", DIGEST, HELLO_HASH)
    context = array(
        const("tc1-binder"),
        ROLE_NUMBER[letter],
        epoch,
        bstr(nonce),
        bstr(named_leaf),
        bstr(relying_party),
        bstr(hello_hash),
    )
    body = map_({1: bstr(cmw), 2: bstr(asked), 3: bstr(context), 4: policy, 5: leaf}, optional={6: endorsements})
    message = Message(f"{kind}_{letter}", ASKED, body, "relying-party")
    return Question(asked, policy, leaf, named_leaf, epoch, nonce, relying_party, hello_hash, message)


@cache
def question_about(kind: Format, letter: str) -> Question:
    """About evidence of that type. Raises KeyError for a type that no verifier is asked about."""
    judged = JUDGED[kind]()
    evidence = judged.evidence[letter]
    return _question(SIDES[letter], judged.question, evidence.cmw, evidence.endorsements)


QUESTION = {letter: question_about(EAT_FORMAT, letter) for letter in SIDES}
"""About an entity attestation token, by the letter of the attester."""


@dataclass(frozen=True)
class Result:
    """An EAR about one attester, and the reply that carries it (draft-ietf-rats-ear-04)."""

    alg: Term
    typ: Term
    x5t: Term
    exp: Term
    iat: Term
    cnf: Term
    nonce: Term
    ueid: Term
    profile: Term
    submods: Term
    verifier_id: Term
    further: Term
    signature: Term
    tbs: Term
    term: Term
    message: Message


def _own(letter: str, label: str, sort: Sort = ITEM) -> Term:
    """A slot that the verifier fills from what it holds or decides."""
    return slot(f"{label}_{letter}", sort, verifier=name(label.lower(), sort))


def _result(attester: Side) -> Result:
    letter = attester.letter
    alg, typ = slot(f"EAR_ALG_{letter}", INT, const(-7)), slot(f"EAR_TYP_{letter}", ITEM, const(EAT_FORMAT))
    x5t, chain = _own(letter, "EAR_X5T"), _own(letter, "EAR_CHAIN")
    exp, iat = _own(letter, "EAR_EXP", UINT), _own(letter, "EAR_IAT", UINT)
    cnf = slot(f"EAR_CNF_{letter}", ITEM, unary("cose_key", attester.party.cred))
    nonce = slot(f"EAR_NONCE_{letter}", BYTES, bstr(binder(attester)))
    ueid = slot(f"EAR_UEID_{letter}", BYTES, unary("device_id", attester.party.cred))
    profile = slot(f"EAR_PROFILE_{letter}", ITEM, const(EAR_PROFILE))
    submods, verifier_id = _own(letter, "EAR_SUBMODS"), _own(letter, "EAR_VERIFIER_ID")
    further = slot(f"EAR_FURTHER_{letter}", ITEMS, verifier=EMPTY)
    protected = map_({1: alg, 16: typ, 34: x5t})
    payload = map_(
        {
            4: exp, 6: iat, 8: map_({1: cnf}), 10: nonce, 256: ueid, 265: profile, 266: submods, 1004: verifier_id,
        },
        rest=further,
    )  # fmt: skip
    tbs = sig_structure(protected, EAR_AAD, payload)
    signature = slot(f"EAR_SIGNATURE_{letter}", SIGNATURE_64, sign(name("sk_verifier", SECRET), tbs))
    term = cose_sign1(protected, map_({}, optional={33: chain}), payload, signature)
    message = Message(f"result_{letter}", ASKED, map_({1: term}), VERIFIER)
    return Result(
        alg, typ, x5t, exp, iat, cnf, nonce, ueid, profile, submods, verifier_id, further, signature, tbs, term, message
    )


RESULT = {side.letter: _result(side) for side in (I, R)}


def result_checks(attester: Side) -> tuple[Step, ...]:
    """What a relying party asks of a result, in order."""
    result = RESULT[attester.letter]
    return (
        holds("ear_header_is_exact", result.alg, result.typ),
        equals("ear_profile_is_this_one", result.profile),
        holds("ear_verifier_is_pinned", result.x5t),
        step("ear_signature_verifies", Verifies(result.signature, unary("authority_key", result.x5t), result.tbs)),
        equals("ear_nonce_is_binder", result.nonce),
        holds("ear_cnf_is_peer_identity_key", result.cnf, attester.party.id_cred, binds=result.cnf),
        holds("ear_ueid_is_peer_device", result.ueid, attester.party.id_cred, binds=result.ueid),
        holds("ear_is_in_force", result.iat, result.exp),
        holds("ear_names_the_policy", result.submods),
        holds("ear_is_not_revoked", result.x5t, result.submods),
        holds("ear_names_the_properties", result.submods),
        holds("ear_is_affirming", result.submods),
    )


def verifier_row(attester: Side, question: Question, appraisal: tuple[Step, ...]) -> Transition:
    """A request is judged as such first; from then on its binder is used, whatever becomes of the evidence."""
    letter = attester.letter
    return Transition(
        VERIFIER, "ready", question.message, "ready",
        checks=(
            equals("request_names_the_leaf", question.named_leaf),
            holds("policy_is_known", question.policy),
            holds("binder_is_new", question.asked),
            *appraisal,
        ),
        sends=(RESULT[letter].message,),
        events=(event("appraised", binder=question.asked),),
    )  # fmt: skip


GIVEN = ("ear_x5t", "ear_chain", "ear_exp", "ear_iat", "ear_submods", "ear_verifier_id", "sk_verifier")
"""What a verifier holds or decides."""

WAIVED = {
    "state-exit verifier:ready": "a verifier serves for ever",
    **{
        f"known verifier:ready:{kind}_{letter} CHANNEL_SECRET": "the relying party vouches for the binder (VER-02)"
        for kind in ("question", "tpm_question", "psa_question", "collection_question")
        for letter in ("I", "R")
    },
}
"""Findings of the linter that the background check allows, each with its reason."""


@cache
def background() -> Table:
    """The verifier: one row for each side, and each type of its evidence, that it is asked about."""
    rows = tuple(
        verifier_row(side, question_about(kind, side.letter), judged().checks(side))
        for kind, judged in JUDGED.items()
        for side in (I, R)
    )
    names = {leaf for side in (I, R) for leaf in RESULT[side.letter].term.reach if leaf.op == "name"}
    given = {term: VERIFIER for term in sorted(names, key=lambda term: term.label) if term.label in GIVEN}
    return Table("background check", (Role(VERIFIER, "ready", given),), rows, frozenset(WAIVED))
