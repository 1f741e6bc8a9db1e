"""The security claims as statements about the table: a role, an event of its rows, and what must be true of it.

The sentence of a claim, and the powers under which it holds and fails, stand in the specification; here is what a
verifier decides. A term means the value that the role itself gives it; where both sides name a value alike, one term
serves both.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from ..spec import claims
from .powers import POWERS, Power
from .protocol.attestation import (
    CHANNEL_SECRET,
    EVIDENCE,
    QUOTE_REQUEST,
    SID,
    TAM_NAME,
    WAIVER,
    binder,
)
from .protocol.background import QUESTION, VERIFIER
from .protocol.channel import TRAFFIC_KEY
from .protocol.edhoc import INITIATOR, RESPONDER, SUITES_I
from .protocol.frames import ATTESTS, WAIVED, I, R, Side, direction_of, peer_of
from .protocol.labels import ENVIRONMENT, LABEL
from .protocol.proving import PROVING
from .protocol.psa import PSA, PSA_ENVIRONMENTS
from .protocol.tpm import BUNDLE, ENVIRONMENTS
from .statements import (
    Agree,
    Confirmed,
    Endorsed,
    Executable,
    Labelled,
    Meets,
    Order,
    Preceded,
    Proved,
    Secret,
    Signed,
    Statement,
    Unique,
    Unreachable,
)
from .symbols import unary
from .table import Guard
from .terms import Term

IDENTITIES: tuple[Term, ...] = (INITIATOR.id_cred, RESPONDER.id_cred)
HELLOS: tuple[Term, ...] = (I.hello, R.hello)

SIDES = (I, R)
REVOKED_ATTESTATION_KEY = "revoked-attestation-key"
"""The power `revoked-certificate` over an attestation key."""
REVOKED_HOST = "revoked-physical-root"
"""The same over a physical root of trust, whose endorsement authority goes with it."""


def _commit(side: Side) -> str:
    return f"commit_{side.letter}"


def _running(side: Side) -> str:
    return f"running_{side.letter}"


def _secrecy(forward: bool) -> tuple[Statement, ...]:
    keys = TRAFFIC_KEY.values()
    return tuple(Secret(side.role, _commit(side), key, forward) for side in SIDES for key in keys)


def _agreement(*data: Term, injective: bool = False) -> tuple[Statement, ...]:
    """When either side commits, the other was running with the same data."""
    return tuple(
        Agree(s.role, _commit(s), peer_of(s).role, _running(peer_of(s)), data, injective=injective) for s in SIDES
    )


def _fresh_evidence(relying_party: Side) -> Order:
    """The nonce of epoch 0 is chosen with the relying party's HELLO: the service's goes out with message_4."""
    letter = peer_of(relying_party).letter
    since = "handshake_completed" if relying_party is R else "hello_received"
    data, peers = (binder(peer_of(relying_party)),), (QUOTE_REQUEST[letter].binder,)
    return Order(relying_party.role, "evidence_accepted", TAM_NAME[letter], "attested", data, peers, since=since)


def _evidence(relying_party: Side) -> Statement:
    """The TAM attested this channel, for this identity key, on this platform."""
    letter = peer_of(relying_party).letter
    evidence = EVIDENCE[letter]
    data = (binder(peer_of(relying_party)), evidence.token.cnf, evidence.ueid)
    peers = (QUOTE_REQUEST[letter].binder, evidence.token.cnf, evidence.ueid)
    return Agree(relying_party.role, "evidence_accepted", TAM_NAME[letter], "attested", data, peers)


def _measured(relying_party: Side) -> Statement:
    """What was attested is what the reference values allow."""
    measurements = EVIDENCE[peer_of(relying_party).letter].token.measurements
    return Meets(relying_party.role, "evidence_accepted", measurements, "measurements_match_reference_values")


def _labels(receiver: Side) -> Statement:
    signer = peer_of(receiver)
    label = LABEL[signer.letter]
    data = (signer.party.id_cred, SID, label.sequence, label.content)
    return Agree(receiver.role, "label_accepted", signer.role, "data_sent", data, injective=True)


def _environment(receiver: Side) -> Statement:
    letter = peer_of(receiver).letter
    environment, request = ENVIRONMENT[letter], QUOTE_REQUEST[letter]
    data = (environment.epoch, environment.sid, environment.token.measurements)
    peers = (request.epoch, request.sid, EVIDENCE[letter].token.measurements)
    attests = Guard(direction_of(peer_of(receiver)), ATTESTS)
    return Agree(receiver.role, "label_accepted", TAM_NAME[letter], "attested", data, peers, where=attests)


def _waiver(relying_party: Side) -> Statement:
    attester = peer_of(relying_party)
    waiver, waived = WAIVER[attester.letter], Guard(direction_of(attester), WAIVED)
    assert waiver.signature.means is not None
    return Signed(relying_party.role, "verdict_sent", waiver.signature.means.args[0], waiver.tbs, where=waived)


def _one_tpm(relying_party: Side) -> tuple[Statement, ...]:
    """In one start, the TPM of this platform quoted its registers and certified this identity key, for this channel."""
    attester = peer_of(relying_party)
    bundle, evidence = BUNDLE[attester.letter], EVIDENCE[attester.letter]
    quote, certification, tam = bundle.quote, bundle.certification, TAM_NAME[attester.letter]
    nonce, platform, key = binder(attester), evidence.ueid, evidence.token.cnf
    here = relying_party.role, "evidence_accepted", tam
    return (
        Agree(
            *here, "quoted",
            (nonce, platform, bundle.pcrs, quote.reset, quote.restart),
            (quote.extra, platform, bundle.pcrs, quote.reset, quote.restart),
        ),
        Agree(
            *here, "certified",
            (nonce, platform, key, quote.reset, quote.restart),
            (certification.extra, platform, key, certification.reset, certification.restart),
        ),
        Meets(relying_party.role, "evidence_accepted", bundle.pcrs, "tpm_pcrs_match_reference_values"),
    )  # fmt: skip


def _collected(relying_party: Side) -> tuple[Statement, ...]:
    """The token too: of this platform, this identity key and this channel, and of the start that the bundle counts."""
    attester = peer_of(relying_party)
    bundle, evidence, request = BUNDLE[attester.letter], EVIDENCE[attester.letter], QUOTE_REQUEST[attester.letter]
    same = evidence.ueid, evidence.token.cnf, bundle.quote.reset
    data, peers = (binder(attester), *same), (request.binder, *same)
    return (
        Agree(relying_party.role, "evidence_accepted", TAM_NAME[attester.letter], "attested", data, peers),
        _measured(relying_party),
        *_one_tpm(relying_party),
    )


def _proved(relying_party: Side) -> tuple[Statement, ...]:
    """The module of this platform committed, for this identity key and this channel, to what an issuer certified.

    Nobody but the platform learns how to open the commitment.
    """
    attester = peer_of(relying_party)
    evidence, proving, tam = EVIDENCE[attester.letter], PROVING[attester.letter], TAM_NAME[attester.letter]
    request, here = QUOTE_REQUEST[attester.letter], (relying_party.role, "evidence_accepted")
    data = binder(attester), evidence.ueid, evidence.token.cnf, proving.commitment
    peers = request.binder, evidence.ueid, evidence.token.cnf, proving.commitment
    return (
        Proved(*here, tam, "attested", data, peers, measured=evidence.token.measurements),
        Secret(attester.role, _running(attester), proving.opening, where=Guard(direction_of(attester), ATTESTS)),
    )


def _by_psa(relying_party: Side) -> tuple[Statement, ...]:
    """The root of trust of this platform made the token for its secure environment, after the nonce was chosen."""
    attester = peer_of(relying_party)
    token, request, here = PSA[attester.letter].token, QUOTE_REQUEST[attester.letter], "evidence_accepted"
    fresh = _fresh_evidence(relying_party)
    return (
        replace(fresh, data=(binder(attester), token.instance), peers=(request.binder, token.instance)),
        Meets(relying_party.role, here, token.components, "psa_components_match_reference_values"),
        Meets(relying_party.role, here, token.implementation, "psa_implementation_is_known"),
        Unreachable(relying_party.role, here, "imported-identity-key"),
    )


def _result(relying_party: Side) -> Statement:
    """The verifier has judged evidence about this key, for this channel."""
    attester = peer_of(relying_party)
    nonce, key = binder(attester), unary("cose_key", attester.party.cred)
    asked = QUESTION[attester.letter].asked
    return Agree(relying_party.role, "evidence_accepted", VERIFIER, "appraised", (nonce, key), (asked, key))


def _judged_evidence(relying_party: Side) -> Statement:
    """What a verifier affirms, the TAM of this platform has attested: its software, this key, this channel."""
    attester = peer_of(relying_party)
    evidence, cred = EVIDENCE[attester.letter], attester.party.cred
    data = (binder(attester), unary("cose_key", cred), unary("device_id", cred))
    peers = (QUOTE_REQUEST[attester.letter].binder, evidence.token.cnf, evidence.ueid)
    return Agree(relying_party.role, "evidence_accepted", TAM_NAME[attester.letter], "attested", data, peers)


def _environment_quoted(receiver: Side) -> Statement:
    """The TPM that was attested, in the start that was attested, for this epoch and session."""
    attester = peer_of(receiver)
    environment, request, tam = ENVIRONMENTS[attester.letter], QUOTE_REQUEST[attester.letter], TAM_NAME[attester.letter]
    made = BUNDLE[attester.letter].quote
    data = (environment.epoch, environment.sid, environment.quote.reset, environment.quote.restart)
    peers = (request.epoch, request.sid, made.reset, made.restart)
    attests = Guard(direction_of(attester), ATTESTS)
    return Agree(receiver.role, "label_accepted", tam, "attested", data, peers, where=attests)


def _environment_of_psa(receiver: Side) -> Statement:
    """The root of trust that was attested, in the start that was attested, for this epoch and session."""
    attester = peer_of(receiver)
    environment, request = PSA_ENVIRONMENTS[attester.letter], QUOTE_REQUEST[attester.letter]
    named, made, tam = environment.token, PSA[attester.letter].token, TAM_NAME[attester.letter]
    data = (environment.epoch, environment.sid, named.instance, named.seed, named.components)
    peers = (request.epoch, request.sid, made.instance, made.seed, made.components)
    attests = Guard(direction_of(attester), ATTESTS)
    return Agree(receiver.role, "label_accepted", tam, "attested", data, peers, where=attests)


def _confirmed(receiver: Side) -> Statement:
    """A confirmation comes with DATA: for this device, this session and this content."""
    signer = peer_of(receiver)
    data = (unary("device_id", signer.party.cred), SID, LABEL[signer.letter].content)
    return Confirmed(receiver.role, "label_accepted", data)


def _chain(receiver: Side) -> tuple[Statement, ...]:
    """Each step is of the party it names, as it is told, over what was taken; below the peer's, of one in force."""
    here = receiver.role, "label_accepted"
    return (
        *(Labelled(*here, step) for step in ("forwarded", "processed", "created")),
        *(Unreachable(*here, "revoked-certificate", step=step) for step in ("processed", "created")),
    )


VERDICTS = ("verdict_sent", "verdict_received")
APPLICATION = ("data_sent", "label_accepted")
"""Data without a label is taken in OPEN alone, as data with one is, and no role sends any: `data_accepted` is no case
of its own."""
ENDS = (
    "handshake_completed",
    "hello_received",
    "evidence_accepted",
    "open",
    *APPLICATION,
    "reattestation_requested",
    "closed",
)

STATEMENTS: dict[str, tuple[Statement, ...]] = {
    "CLM-01": _secrecy(forward=False),
    "CLM-02": _secrecy(forward=True),
    "CLM-03": _agreement(*IDENTITIES, CHANNEL_SECRET, SUITES_I, *HELLOS, injective=True),
    "CLM-04": tuple(_fresh_evidence(side) for side in SIDES),
    "CLM-05": (_evidence(R), _measured(R)),
    "CLM-06": (_evidence(I), _measured(I)),
    "CLM-07": tuple(Preceded(s.role, at, VERDICTS) for s in SIDES for at in ("open", *APPLICATION)),
    "CLM-08": (_labels(R),),
    "CLM-09": (_labels(I),),
    "CLM-10": tuple(Unique(s.role, _commit(s), s.role, _commit(s), (CHANNEL_SECRET,), apart=True) for s in SIDES),
    "CLM-11": (Unique(I.role, _commit(I), R.role, _commit(R), (CHANNEL_SECRET,), IDENTITIES),),
    "CLM-12": (
        *_agreement(SUITES_I, *HELLOS),
        *(Meets(side.role, _commit(side), SUITES_I, "suite_is_most_preferred") for side in SIDES),
    ),
    "CLM-13": tuple(_waiver(side) for side in SIDES),
    "CLM-14": _agreement(*IDENTITIES, CHANNEL_SECRET),
    "CLM-15": _agreement(*IDENTITIES),
    "CLM-16": (
        *(Unreachable(side.role, _commit(side), "revoked-certificate") for side in SIDES),
        *(Unreachable(side.role, "evidence_accepted", REVOKED_ATTESTATION_KEY) for side in SIDES),
    ),
    "CLM-17": tuple(_environment(side) for side in SIDES),
    "CLM-18": (*_chain(R), *_chain(I)),
    "CLM-19": tuple(statement for side in SIDES for statement in (_result(side), _judged_evidence(side))),
    "CLM-21": (_confirmed(R),),
    "CLM-22": tuple(Executable(s.role, at) for s in SIDES for at in ENDS),
    "CLM-23": (
        *(Endorsed(side.role, _commit(side), peer_of(side).party.id_cred) for side in SIDES),
        *(Unreachable(side.role, _commit(side), REVOKED_HOST, peer_of(side).party.id_cred) for side in SIDES),
    ),
    "CLM-24": tuple(chain.from_iterable(_one_tpm(side) for side in SIDES)),
    "CLM-25": tuple(Unreachable(side.role, "evidence_accepted", "imported-identity-key") for side in SIDES),
    "CLM-26": tuple(_environment_quoted(side) for side in SIDES),
    "CLM-27": tuple(chain.from_iterable(_by_psa(side) for side in SIDES)),
    "CLM-28": tuple(_environment_of_psa(side) for side in SIDES),
    "CLM-29": tuple(chain.from_iterable(_collected(side) for side in SIDES)),
    "CLM-30": tuple(chain.from_iterable(_proved(side) for side in SIDES)),
}
"""Claim id to what is decided; the claim holds when all of it does."""

UNDECIDED = {
    "CLM-20": "not decided: an equivalence; tested by `conformance/test_unlinkable.py`",
}
"""Claims that are not decided here, and what stands in their verdict row. An equivalence speaks of two systems that
nobody can tell apart: no set of traces of one system says that."""


def holds_under(claim: str) -> tuple[Power, ...]:
    """The powers that an adversary may have all at once. Raises KeyError for an unknown claim."""
    return tuple(POWERS[name] for name in claims()[claim].holds)


def fails_under(claim: str) -> tuple[Power, ...]:
    """The powers each of which, added to the network, gives an attack. Raises KeyError for an unknown claim."""
    return tuple(POWERS[name] for name in claims()[claim].fails)


def statements() -> tuple[tuple[str, Statement], ...]:
    """Every statement with the id of its claim."""
    return tuple(chain.from_iterable(((id_, one) for one in each) for id_, each in STATEMENTS.items()))
