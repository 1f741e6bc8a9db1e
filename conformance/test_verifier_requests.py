"""A verifier and requests that are none, too large or too slow: each refused, and the next one answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.revocation import OCSP
from ..harness.tester.attesting import Attester
from ..harness.tester.verifier_iut import (
    BINDER,
    CONTEXT,
    ENDORSEMENTS,
    EVIDENCE,
    LEAF,
    POLICY_ID,
    Exchange,
    Question,
    VerifierIut,
    context_named,
)
from ..harness.verdict.allowed import Allowed
from ..harness.verifier.appraisal import MAX_REQUEST
from ..model.protocol.attestation import Evidence
from ..model.terms import Term
from .asking import MALFORMED, ROLE, TOO_LONG, VerifierBench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS
from .test_verifier import Alter, evidence_of_another_binder, wrong_with
from .test_verifier_evidence import about

MEASURED, CONFIRMED = "measurements_match_reference_values", "cnf_is_peer_identity_key"

# --- requests that are none ------------------------------------------------------------------------------------------


def _without(key: int) -> Alter:
    return lambda verifier, question: question.body.__delitem__(key)


def _with(key: int, value: object) -> Alter:
    return lambda verifier, question: question.body.update({key: value})


def _raw(change: Callable[[bytes], bytes]) -> Alter:
    def alter(verifier: VerifierIut, question: Question) -> None:
        question.raw = change(question.encoded())

    return alter


def _context(index: int, value: object) -> Alter:
    return lambda verifier, question: context_named(question, index, value)


def _context_shorter(verifier: VerifierIut, question: Question) -> None:
    question.body[CONTEXT] = cbor.encode(question.context[:-1])


KEYS = {EVIDENCE: "evidence", BINDER: "binder", CONTEXT: "context", POLICY_ID: "policy", LEAF: "leaf"}
MISSING: dict[str, Alter] = {f"{name}-missing": _without(key) for key, name in KEYS.items()}
BENT: dict[str, Alter] = {
    **{f"{name}-is-null": _with(key, None) for key, name in KEYS.items()},
    **{f"{name}-is-empty": _with(key, b"") for key, name in KEYS.items() if key != POLICY_ID},
    "policy-is-octets": _with(POLICY_ID, b"tc-test-device"),
    "leaf-is-garbage": _with(LEAF, bytes(300)),
    "endorsements-are-octets": _with(ENDORSEMENTS, b"\x80"),
    "endorsements-are-none": _with(ENDORSEMENTS, []),
    "unknown-key": _with(7, 0),
    "domain-of-the-context": _context(0, "tc2-binder"),
    "role-of-the-context": _context(1, 2),
    "role-is-a-truth-value": _context(1, False),
    "nonce-of-31-octets": _context(3, bytes(31)),
    "cert_rp-missing": _context_shorter,
    "octets-behind": _raw(lambda data: data + b"\x00"),
    "last-octet-missing": _raw(lambda data: data[:-1]),
    "indefinite-length": _raw(lambda data: b"\xbf" + data[1:] + b"\xff"),
    "policy-twice": _raw(lambda data: bytes([data[0] + 1]) + data[1:] + b"\x04\x60"),
    "no-map": _raw(lambda data: cbor.encode(list(cbor.decode(data).values()))),
    "nothing": _raw(lambda data: b""),
    "number": _raw(lambda data: b"\x00"),
    "binder-of-31-octets": lambda verifier, question: _resized(verifier, question, 31),
    "binder-of-64-octets": lambda verifier, question: _resized(verifier, question, 64),
}


def _resized(verifier: VerifierIut, question: Question, octets: int) -> None:
    binder = bytes(range(octets))
    question.body.update(verifier.question(binder=binder).body)


def _none(fields: Iterable[str], operator: str, *cited: str) -> Iterator[Case]:
    for field in fields:
        yield Case(ROLE, cited, operator, field, "request_is_bounded")


@for_each(_none(MISSING, "leave-out", "VER-06"))
def test_missing_input(case: Case, bench: VerifierBench) -> None:
    """A request refused solely because an input is missing: VER-06."""
    _ask_bent(bench, MISSING[case.field])


@for_each(_none(BENT, "bend", "VER-06", "VER-08"))
def test_bent_request(case: Case, bench: VerifierBench) -> None:
    """A request that is none by its grammar, or whose encoding is not the one there is: VER-06, VER-08."""
    _ask_bent(bench, BENT[case.field])


def _ask_bent(bench: VerifierBench, alter: Alter, allowed: Allowed = MALFORMED) -> None:
    """After a good request: nothing of it may take the place of what is wrong with this one."""
    bench.verifier.affirmed(bench.verifier.question())
    question = bench.verifier.question()
    alter(bench.verifier, question)
    bench.answers_no(question, allowed)


def _unreadable_component(peer: Attester, honest: list[Any]) -> list[Any]:
    return [*honest[:-1], [honest[-1][0], honest[-1][1][:-1]]]


def _component_of_nothing(peer: Attester, honest: list[Any]) -> list[Any]:
    return [*honest[:-1], [honest[-1][0], b""]]


def _point_beside_the_curve(peer: Attester, honest: dict[int, Any]) -> dict[int, Any]:
    return {**honest, -3: one_bit_other(honest[-3])}


def _unknown_curve(peer: Attester, honest: dict[int, Any]) -> dict[int, Any]:
    return {**honest, -1: 250}


UNREADABLE: dict[str, tuple[str, Callable[[Evidence], Term], Callable[[Attester, Any], Any]]] = {
    "component-cut-short": (MEASURED, lambda e: e.token.measurements, _unreadable_component),
    "component-empty": (MEASURED, lambda e: e.token.measurements, _component_of_nothing),
    "cnf-beside-its-curve": (CONFIRMED, lambda e: e.token.cnf, _point_beside_the_curve),
    "cnf-of-an-unknown-curve": (CONFIRMED, lambda e: e.token.cnf, _unknown_curve),
}


@for_each(citing(fault(ROLE, UNREADABLE[f][0], "tell", f), "VER-03", "VER-06") for f in UNREADABLE)
def test_unreadable_claim(case: Case, bench: VerifierBench) -> None:
    """A claim over which a library stumbles is no affirmed one: VER-06."""
    _, term, change = UNREADABLE[case.field]
    told = {term(about("device")): lambda peer, honest: cbor.encode(change(peer, cbor.decode(honest)))}
    bench.answers_no(bench.verifier.question(tales=told))


# --- endurance -------------------------------------------------------------------------------------------------------

_DEEP = 17


def _padded(size: int) -> Alter:
    """Endorsements fill the request up to a size."""

    def alter(verifier: VerifierIut, question: Question) -> None:
        question.body[ENDORSEMENTS] = [[OCSP, b""]]
        padding = size - len(question.encoded()) - 2
        question.body[ENDORSEMENTS] = [[OCSP, bytes(padding)]]

    return alter


def _nested(depth: int) -> Alter:
    return lambda verifier, question: question.body.update({EVIDENCE: b"\x81" * depth + b"\x80"})


def _nested_request(depth: int) -> Alter:
    return _raw(lambda data: b"\x81" * depth + data)


LARGE: dict[str, Alter] = {
    "one-octet-too-long": _padded(MAX_REQUEST + 1),
    "twice-as-long": _padded(2 * MAX_REQUEST),
    "evidence-nested": _nested(_DEEP),
    "evidence-nested-thousands": _nested(20_000),
    "request-nested": _nested_request(_DEEP),
    "request-nested-thousands": _nested_request(50_000),
    "array-of-2^32-announced": _raw(lambda data: b"\x9a\xff\xff\xff\xff" + data),
    "string-of-2^62-announced": _raw(lambda data: b"\x5b\x40" + bytes(7) + data),
}


@for_each(_none(LARGE, "enlarge", "VER-07", "VER-06"))
def test_large_request(case: Case, bench: VerifierBench) -> None:
    """A request that is too long or too deep is refused, and the next one answered: VER-07, VER-06."""
    _ask_bent(bench, LARGE[case.field], Allowed(MALFORMED.specified | TOO_LONG.specified, TOO_LONG.tolerated, "VER-07"))


@for_each([Case(ROLE, ("VER-07",), "affirm", "beside-one-that-stands-still")])
def test_slow_relying_party(case: Case, bench: VerifierBench) -> None:
    """A relying party that stops in the middle of its request keeps no other one waiting: VER-07."""
    verifier = bench.verifier
    question, begun = verifier.question(), verifier.question().encoded()
    exchange = Exchange(question)
    verifier.began(exchange)
    exchange.reply, exchange.how = verifier.send_beside(question.encoded(), begun[: len(begun) // 2])
    bench.show_exchange(exchange, wrong_with(bench))


@for_each([Case(ROLE, ("VER-07",), "affirm", "interleaved")])
def test_independent_answers(case: Case, bench: VerifierBench) -> None:
    """What one relying party asks, good or bad, changes nothing of what another is answered: VER-07."""
    verifier = bench.verifier
    bad = verifier.question()
    bad.raw = b"\x00"
    wrongly_measured = verifier.question(tales=CLAIMS["measurements-one-other"].tale(about("device")))
    for between in (
        verifier.question("service"),
        bad,
        wrongly_measured,
        evidence_of_another_binder(verifier, "device"),
    ):
        verifier.ask(between)
    bench.answers_well(verifier.question(), wrong_with(bench))
