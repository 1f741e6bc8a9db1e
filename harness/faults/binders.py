"""Faults about the binder: evidence bound to something else than this channel and this request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.protocol.attestation import (
    BINDER_LABEL,
    CHANNEL_SECRET,
    EVIDENCE,
    REGISTERS,
    SID,
    SID_LABEL,
    ZERO,
    binder,
)
from ...model.protocol.frames import ATT_REQ, SIDES, Side, peer_of
from ...model.symbols import export, sha256
from ...model.terms import Term, array, bstr, const, octets
from ..codec import cbor
from .fault import Fault, fault
from .operators import accepts, constant, decoded, number, or_equals, remembers
from .run import FaultyRun, Judge, Lie

NONCE = "eat_nonce_is_binder"
ROLE, EPOCH, CHALLENGE, CERT_ATT, CERT_RP, HELLO_HASH = range(1, 7)
"""Members of the binder's context behind its domain."""


def attester(run: FaultyRun) -> str:
    """Letter of the peer whose evidence this run judges."""
    return "R" if run.role == "device" else "I"


def _other_binder(letter: str, index: int, value: Term) -> Term:
    """The binder with one member of its context replaced."""
    context = list(binder(SIDES[letter]).args[1].args[0].args)
    context[index] = value
    return bstr(export(CHANNEL_SECRET, BINDER_LABEL, sha256(array(*context)), 32))


def _with(index: int, value: Callable[[Side], Term]) -> dict[str, Judge]:
    """A judge that takes the binder over another member as well; `value` is of the attester's side."""
    table = {letter: _other_binder(letter, index, value(side)) for letter, side in SIDES.items()}
    return {NONCE: or_equals(lambda run: run.value(table[attester(run)]))}


def _nonce(run: FaultyRun) -> bytes:
    """The raw nonce of the request, as a byte string."""
    value: bytes = cbor.bstr(run.value(REGISTERS[attester(run)].challenge))
    return value


def _labelled(label: int) -> Callable[[FaultyRun], bytes]:
    """The binder by another exporter label."""
    terms = {x: bstr(export(CHANNEL_SECRET, label, binder(side).args[1], 32)) for x, side in SIDES.items()}

    def value(run: FaultyRun) -> bytes:
        made: bytes = run.value(terms[attester(run)])
        return made

    return value


def binder_faults() -> Iterator[Fault]:
    """Evidence bound to something else."""
    yield fault(
        "binder_of_either_role", "A binder with the other role's number is taken too.", "ATT-26", "wrong direction",
        "role", source="C27", judges=_with(ROLE, lambda s: const(0 if s.letter == "R" else 1)),
    )  # fmt: skip
    yield fault(
        "binder_of_next_epoch", "A binder over the following epoch is taken too.", "ATT-16", "off by one", "epoch",
        judges=_with(EPOCH, lambda s: const(1)),
    )  # fmt: skip
    yield fault(
        "binder_of_epoch_zero", "A binder over epoch zero is taken in every epoch.", "ATT-16", "state kept", "epoch",
        judges=_with(EPOCH, lambda s: ZERO),
    )  # fmt: skip
    yield fault(
        "binder_of_first_nonce", "A binder over the HELLO's nonce is taken in every epoch.", "ATT-16", "state kept",
        "challenge", source="C5", judges=_with(CHALLENGE, lambda s: bstr(peer_of(s).nonce)),
    )  # fmt: skip
    yield fault(
        "binder_of_attesters_nonce", "A binder over a nonce that the attester chose is taken too.", "ATT-16",
        "wrong direction", "challenge", source="C3", judges=_with(CHALLENGE, lambda s: bstr(s.nonce)),
    )  # fmt: skip
    yield fault(
        "binder_of_zero_nonce", "A binder over a nonce of zeros is taken too.", "ATT-16", "empty", "challenge",
        judges=_with(CHALLENGE, lambda s: bstr(octets(bytes(32)))),
    )  # fmt: skip
    yield fault(
        "nonce_itself", "The bare nonce is taken in place of the binder, as by a verifier that knows no channel.",
        "ATT-16", "missing", "channel", source="C27", judges={NONCE: or_equals(_nonce)},
    )  # fmt: skip
    yield fault(
        "session_id_as_binder", "The exporter's other value is taken for the binder.", "ATT-26", "wrong value",
        "label", judges={NONCE: or_equals(_labelled(SID_LABEL))},
    )  # fmt: skip
    for length in (8, 16, 31):
        yield fault(
            f"nonce_first_{length}", f"Only the first {length} octets of eat_nonce are compared.", "ATT-16", "prefix",
            f"{length} octets", source="C7" if length == 8 else "general operator",
            judges={NONCE: accepts(lambda w, given, expected, n=length: decoded(given)[:n] == decoded(expected)[:n])},
        )  # fmt: skip
    yield fault(
        "nonce_accepted_before", "A nonce that was accepted once is accepted again, in any session.", "ATT-16",
        "state kept", "eat_nonce", source="C1", judges={NONCE: remembers},
    )  # fmt: skip


def giving_faults() -> Iterator[Fault]:
    """Evidence given wrongly."""
    for index, (what, value) in {
        ROLE: ("role", const(7)), EPOCH: ("epoch", const(23)), CHALLENGE: ("challenge", bstr(octets(bytes(32)))),
        CERT_ATT: ("cert_att", bstr(octets(bytes(32)))), CERT_RP: ("cert_rp", bstr(octets(bytes(32)))),
        HELLO_HASH: ("hello_hash", bstr(octets(bytes(32)))),
    }.items():  # fmt: skip
        yield fault(
            f"binder_made_without_{what}", f"The binder is computed without {what}.", "ATT-26", "missing", what,
            source="C27",
            lies={binder(side): _evaluated(_other_binder(letter, index, value)) for letter, side in SIDES.items()},
        )  # fmt: skip
    tokens = EVIDENCE.values()
    yield fault(
        "evidence_of_epoch_zero", "ATT always says epoch 0.", "ATT-05", "counter stands", "epoch",
        lies={e.epoch: constant(b"\x00") for e in tokens},
    )  # fmt: skip
    yield fault(
        "short_nonce_in_evidence", "The root of trust cuts the binder to 8 octets.", "ATT-26", "short", "eat_nonce",
        source="C7", lies={e.nonce: lambda run, honest: cbor.bstr(cbor.unbstr(honest)[:8]) for e in tokens},
    )  # fmt: skip
    yield fault(
        "evidence_without_measurements", "The token lists no measurements.", "ATT-29", "empty", "measurements",
        lies={e.token.measurements: constant(b"\x80") for e in tokens},
    )  # fmt: skip
    yield fault(
        "old_iat_in_evidence", "Tokens carry the time of a day ago.", "ATT-29", "constant", "iat",
        lies={e.token.iat: number(lambda iat: iat - 86_400) for e in tokens},
    )  # fmt: skip
    yield fault(
        "hello_nonce_constant", "The nonce of HELLO is the same in every session.", "ATT-27", "constant",
        "HELLO nonce", source="C1",
        lies={s.nonce.means: constant(b"challenge 1234\x00".ljust(32, b"!")) for s in SIDES.values()},
    )  # fmt: skip
    yield fault(
        "request_nonce_constant", "The nonce of ATT_REQ is the same every time.", "ATT-27", "constant",
        "ATT_REQ nonce", source="C1", lies=_request_nonce(constant(bytes(range(32)))),
    )  # fmt: skip
    yield fault(
        "request_nonce_of_hello", "ATT_REQ repeats the nonce of HELLO.", "ATT-27", "reused", "ATT_REQ nonce",
        source="C5",
        lies=_request_nonce(lambda run, honest: run.value(SIDES["I" if run.role == "device" else "R"].nonce)),
    )  # fmt: skip
    yield fault(
        "session_id_constant", "The session id is the same in every session.", "ATT-28", "constant", "session id",
        lies={SID: constant(bytes(16))},
    )  # fmt: skip


def _evaluated(term: Term) -> Lie:
    def lie(run: FaultyRun, honest: bytes) -> bytes:
        value: bytes = run.value(term.args[0])
        return value

    return lie


def _request_nonce(lie: Lie) -> dict[Term | None, Lie]:
    return {request.nonce.means: lie for request in ATT_REQ.values()}
