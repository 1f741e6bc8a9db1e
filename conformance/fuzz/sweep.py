"""The systematic part: every message and field of every script with every operator, before chance has its turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from ...harness.tester.fields import Path
from ...harness.tester.local import LocalIut
from ...model.protocol.frames import FrameType
from ...model.protocol.tables import profile
from ..plan import told_by_module
from . import party
from .encoding import ERRORS, FRAMES, MESSAGES, UNITS
from .scripts import AGAIN, PLAIN, SHORT, TAIL, Place, places, plain_life, scripts
from .telling import CONTAINERS
from .trace import Step, Trace, step

FEW = 8
"""Operators for each field in every script but the first."""

Ranked = Iterator[tuple[int, Trace]]
"""Traces with a rank: the lower, the sooner."""
Kinds = dict[str, list[tuple[int, Trace]]]


# --- at a place ------------------------------------------------------------------------------------------------------


def altered(place: Place) -> Ranked:
    """Each field altered on its way."""
    for path, operators in place.operators.items():
        hidden = place.terms[path].op in ("slot", *CONTAINERS) and _signed(place, path)
        for rank, operator in enumerate(operators[:3] if hidden else operators):
            yield rank, place.closely_followed(step("alter", path=list(path), by=operator))
        yield 2, place.closely_followed(step("mirror", path=list(path)))


def _signed(place: Place, path: Path) -> bool:
    message = profile().messages[place.name]
    return place.name.startswith(("DATA", "message")) or told_by_module(message, path)


def lied(place: Place) -> Ranked:
    """Each field another one, by the party that says it."""
    for path, operators in place.operators.items():
        if place.terms[path].op not in ("slot", *CONTAINERS):
            continue
        for rank, operator in enumerate(operators):
            yield rank, _lying(place, path, operator)


def _lying(place: Place, path: Path, operator: str) -> Trace:
    steps = place.script.steps
    lie = [place.name, list(path), operator]
    if place.made <= 1:
        first = Step("open", 0, {**steps[0].arguments, "lies": [lie]})
        return place.script.with_steps((first, *steps[1 : place.at + 1], *place.end))
    told = step("lie", message=place.name, path=list(path), by=operator)
    return place.script.with_steps((*steps[: place.made], told, *steps[place.made : place.at + 1], *TAIL))


def encoded(place: Place) -> Ranked:
    """The message in every other encoding."""
    names = FRAMES if not place.name.startswith("message") else MESSAGES
    yield from ((rank // 4, place.closely_followed(step("encode", by=name))) for rank, name in enumerate(names))


def cut(place: Place) -> Ranked:
    """Its units altered on their way."""
    yield from ((rank // 4, place.closely_followed(step("units", by=name))) for rank, name in enumerate(UNITS))


PROMISING = (FrameType.HELLO, FrameType.ATT, FrameType.VERDICT, FrameType.DATA)
"""Frames that lead to OPEN, or that only OPEN allows."""


def ordered(place: Place) -> Ranked:
    """Left out, said again, said behind the next one, and everything else said in its place."""
    yield 0, place.followed(step("skip"))
    yield 0, place.followed(step("repeat"))
    yield 1, place.followed(step("swap"))
    yield 1, place.followed(step("finish"))
    yield 1, place.followed(step("close"))
    for kind in FrameType:
        yield int(kind not in PROMISING), place.followed(step("frame", kind=kind.name))
        yield 2, place.followed(step("skip"), step("frame", kind=kind.name))
    for rank, number in enumerate((0, 11, 64, 127, 128, 200, 255, 256, -1)):
        yield 1 + rank // 3, place.followed(step("body", kind=number, hex="a0"))
    for tier in (2, 0, 1, 3, 31, 32, 33, 96, 200, 201, 255):
        yield 2, place.followed(step("verdict", tier=tier))
        yield 3, place.followed(step("skip"), step("verdict", tier=tier))
    for count, code in ((0, 0), (1, 0), (0, 30), (5, 25), (2**32, 0)):
        yield 2, place.followed(step("receipt", count=count, code=code))
    for rank, digits in enumerate(ERRORS.values()):
        retry = (step("retry"),) if place.name == "message_2" else ()
        yield rank // 4, place.script.with_steps((*place.before, step("unit", kind=2, hex=digits), *retry, *TAIL))
    for number in (0, 1, 3, 4, 7, 255):
        yield 2, place.followed(step("unit", kind=number, hex="00"))
    for number, digits in BODIES:
        yield 2, place.followed(step("body", kind=number, hex=digits))
    for digits in LENGTHS:
        yield 2, place.followed(step("plain", hex=digits))


_DEPTHS = tuple((200, (opening * depth + b"\x00").hex()) for opening in (b"\x81", b"\xc1") for depth in range(14, 19))
BODIES = (
    *_DEPTHS,
    (5, "a10141ff"), (5, "a0"), (5, "a20141ff0340"), (5, "a10241ff"), (5, "a1044100"), (8, "a10147" + "00" * 7),
    (8, "a10149" + "00" * 9), (7, "a10100"), (6, "a1011863"), (6, "a10100"), (6, "a0"), (10, "a10148" + "00" * 8),
    (2, "a201010258" + "20" + "00" * 32), (4, "a301020300041a00000e10"), (9, "a201000200"), (3, "a1010a"),
)  # fmt: skip
"""Frame types and encoded bodies that are wrong by themselves, or for the moment."""
LENGTHS = ("000000", "010000", "010001", "0fffff", "100000", "100001", "ffffff", "00000182", "000002820a")
"""Beginnings of frames: lengths at and beyond both limits, and frames that end early."""


WAITS = (10, 30, 9, 29, 11, 31, 3600, 3595, 3599, 3594, 5, 60, 61, 300, 301, 59, 299, 100, 1, 3539, 3540, 3541, 3601)
"""Seconds that an attacker may hold a message back, around every limit of the profile."""


def late(place: Place) -> Ranked:
    """Held back."""
    for rank, seconds in enumerate(WAITS):
        yield rank // 3, place.followed(step("clock", seconds=seconds))


def again(place: Place) -> Ranked:
    """What an earlier session said, by the same party or by another of its kind, a restart between them or not."""
    for same, restart in ((0, False), (None, False), (0, True)):
        if restart and not place.name.startswith(("DATA", "ATT_", "message")):
            continue
        earlier = (*place.script.steps[: place.at + 1], *((step("restart"),) if restart else ()))
        opening = {**place.script.steps[0].arguments, **({"same": 0} if same == 0 else {})}
        tail = tuple(_moved(item, 1) for item in TAIL)
        if not place.name.startswith("quote"):
            yield from _again_sent(place, earlier, Step("open", 1, opening), tail)
        for path, term in place.terms.items():
            if term.op == "slot":
                yield 1, place.script.with_steps((*earlier, *_again_told(place, path, opening), *tail))


def _again_sent(place: Place, earlier: tuple[Step, ...], opening: Step, tail: tuple[Step, ...]) -> Ranked:
    """The message, or one of its fields, or a record, as it was."""
    later = (opening, *(_moved(item, 1) for item in place.script.steps[1 : place.at]))
    here = (*earlier, *later, step("go", 1, until=place.name, nth=place.nth or None))
    of = [0, "sent", place.name, place.nth]
    yield 0, place.script.with_steps((*here, step("reuse", 1, of=of, instead=True), *tail))
    yield 1, place.script.with_steps((*here, step("reuse", 1, of=of), *tail))
    yield 2, place.script.with_steps((*here, step("record", 1, of=[0, 0]), *tail))
    for path in place.operators:
        source = [0, place.name, place.nth, list(path)]
        yield 2, place.script.with_steps((*here, step("replace", 1, path=list(path), of=source), *tail))


def _again_told(place: Place, path: Path, opening: dict[str, Any]) -> tuple[Step, ...]:
    """A field said as in the earlier session, by the party itself."""
    of = [0, place.name, place.nth, list(path)]
    if place.made <= 1:
        first = Step("open", 1, {**opening, "repeats": [[place.name, list(path), of]]})
        return (first, *(_moved(item, 1) for item in place.script.steps[1 : place.at + 1]))
    told = step("lie-of", 1, message=place.name, path=list(path), of=of)
    steps = [_moved(item, 1) for item in place.script.steps]
    return (Step("open", 1, opening), *steps[1 : place.made], told, *steps[place.made : place.at + 1])


def _moved(item: Step, session: int) -> Step:
    return Step(item.do, session, item.arguments)


def stale(place: Place) -> Ranked:
    """Fields as they were in an earlier message of this session."""
    for nth in sorted({0, place.nth - 1}) if place.nth else ():
        for path, term in place.terms.items():
            of = [0, place.name, nth, list(path)]
            yield 0, place.followed(step("replace", path=list(path), of=of))
            if term.op in ("slot", *CONTAINERS) and place.made > 1:
                told = step("lie-of", message=place.name, path=list(path), of=of)
                steps = place.script.steps
                before, behind = steps[: place.made], steps[place.made : place.at + 1]
                yield 0, place.script.with_steps((*before, told, *behind, *TAIL))


def replayed(place: Place) -> Ranked:
    """What this session said before, and its records."""
    for back in range(3):
        yield 1, place.followed(step("record", of=[0, back]))
    letter = place.name.rpartition("_")[2]
    peer = "R" if letter == "I" else "I"
    for kind in ("HELLO", "ATT", "VERDICT", "DATA", "RECEIPT"):
        yield 1, place.followed(step("reuse", of=[0, "sent", f"{kind}_{letter}", 0]))
        yield 2, place.followed(step("reuse", of=[0, "seen", f"{kind}_{peer}", 0]))
        yield 2, place.followed(step("reuse", of=[0, "seen", f"{kind}_{peer}", 0], instead=True))


# --- parties ---------------------------------------------------------------------------------------------------------

_TIMES = (-1, 0, 1, -60, 60, -61, 61)


def parties(role: str) -> Ranked:
    """Everything that can be wrong with the tester's credentials, proofs and statements, each alone."""
    told: list[tuple[int, dict[str, Any]]] = []
    told += [(0, {"leaf": name}) for name in party.LEAVES]
    told += [(0, {"ak": name}) for name in party.ATTESTATION_KEYS]
    told += [(0, {"proofs": name}) for name in party.PROOF_NAMES]
    told += [(0, {"ak_proofs": name}) for name in party.PROOF_NAMES]
    told += [(0, {"waiver": name}) for name in party.STATEMENT_NAMES]
    told += [(0, {"known": True, "reference": name}) for name in party.REFERENCE_NAMES]
    told += [(0, {"key": whose}) for whose in ("other", "attestation")] + [(0, {"victim": True})]
    told += [(1, {"leaf_times": [0, at]}) for at in _TIMES] + [(1, {"leaf_times": [at, 0]}) for at in _TIMES]
    told += [(1, {"ak_times": [0, at]}) for at in _TIMES] + [(1, {"ak_times": [at, 0]}) for at in _TIMES]
    told += [(1, {"leaf_times": [0, at]}) for at in (30, 600, 3599, 3600, 3601)]
    told += [(1, {"ak_times": [0, at]}) for at in (30, 600, 3599, 3600, 3601)]
    told += [(1, {"waiver": changes}) for changes in _waivers()]
    for kind in ("ocsp", "crl"):
        told += [(1, {"aged_proof": [kind, age, age + 3600]}) for age in _AGES]
        told += [(1, {"aged_proof": [kind, 100, 100 + at]}) for at in (*_TIMES, 600)]
    for rank, options in told:
        yield rank, Trace(role, (step("open", **options), *TAIL))


DAY = 86400
_AGES = (-61, 0, 1, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1, 8 * DAY, 30 * DAY, 365 * DAY)


def _waivers() -> Iterator[dict[str, Any]]:
    yield from ({"level": level} for level in (0, 1, 2, 3, 4, 5, 255))
    yield from ({"expires_at": at} for at in (*_TIMES, 600, 3599, 3601))
    yield from ({"issued_at": at} for at in _TIMES)
    yield from ({"not_exportable": value} for value in (False, 1, 0))
    yield from ({"module": ""}, {"certificate_id": ""}, {"issued_at": 100, "expires_at": 50})


# --- the whole -------------------------------------------------------------------------------------------------------


def scenarios(role: str) -> Ranked:
    """Whole lives with a tester that makes every check, twice and over a restart; and sessions side by side."""
    for script in scripts(role).values():
        opening = Step("open", 0, {**script.steps[0].arguments, "strict": True})
        life = (opening, *script.steps[1:])
        yield 0, script.with_steps(life)
        second = tuple(_moved(item, 1) for item in life)
        yield 1, script.with_steps((*life, *second))
        yield 1, script.with_steps((*life, step("restart"), *second))
        yield 2, script.with_steps(_zipped(life, second))
    for seconds in (34, 35, 36, 39, 40, 41, 69, 70, 71):
        opening = step("open", policy={"valid_for": SHORT}, strict=True)
        waiting = (opening, step("go"), step("clock", seconds=seconds))
        yield 0, Trace(role, (*waiting, step("their-data"), step("go"), step("ping"), step("data"), step("go")))
        yield 0, Trace(role, (*waiting, step("go"), step("frame", kind="DATA"), step("ping")))
    for limit in (8, 10, 12, 20):
        pings = tuple(step("ping") for _ in range(limit + 2))
        yield 1, Trace(role, (step("open"), step("go"), *pings), {"record_limit": limit})
    for tolerant in ({"labels_required": False}, {"suites": [3]}, {"suites": [5, 3, 2]}, {"minimum_dbgstat": 1}):
        yield 1, Trace(role, plain_life(strict=True), tolerant)
    for suites in ([3], [2], [5], [2, 3], [3, 2], [5, 3, 2]):
        yield 1, Trace(role, (step("open", suites=suites), *TAIL))
        yield 1, Trace(role, (step("open", suites=suites), *TAIL), {"suites": [3, 2]})
        yield 1, Trace(role, (step("open", suites=suites, strict=True), step("go"), step("retry"), *TAIL))
    for size in (16_384, 16_385, 16_448, 16_449):
        yield 1, Trace(role, (step("open"), step("go"), step("plain", hex=_ignored(size)), step("ping")))
    yield 1, Trace(role, (step("open"), step("go"), step("plain", hex=""), step("ping")))
    for kinds in (("PING", "PING"), ("DATA", "PING"), ("CLOSE", "PING"), ("ALERT", "PING"), ("PING", "CLOSE")):
        yield 1, Trace(role, (step("open"), step("go"), step("together", kinds=list(kinds)), step("ping")))


def _ignored(size: int) -> str:
    """A record full of a frame that is to be ignored, as far as it goes."""
    from ...harness.tester.wire import ignored_frame
    from ...harness.transport.frames import write_frame

    return write_frame(ignored_frame(60_000))[:size].hex()


def _zipped(first: Iterable[Step], second: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(item for pair in zip(first, second, strict=True) for item in pair)


PLACED = (lied, altered, ordered, encoded, cut, late, again, stale, replayed)
ELSEWHERE = (lied, ordered, late, again, stale)
"""What is done in every script but the first, with fewer operators."""


def sweep(role: str, surveyor: LocalIut) -> Kinds:
    """Traces around the plain life of a session, by kind, with their ranks; and those without a script."""
    found: Kinds = {"scenarios": list(scenarios(role)), "parties": list(parties(role))}
    for place in places(surveyor, scripts(role)[PLAIN]):
        for make in PLACED if not place.name.startswith("quote") else (lied, again):
            found.setdefault(make.__name__, []).extend(make(place))
    for kind, traces in elsewhere(surveyor, scripts(role)[AGAIN], opened=True).items():
        found[kind] += traces
    return found


def elsewhere(surveyor: LocalIut, script: Trace, *, opened: bool = False) -> Kinds:
    """Traces around another life; with `opened`, around what comes after the first verdicts alone."""
    found: Kinds = {}
    for place in places(surveyor, script):
        if opened and place.made <= 1:
            continue
        few = dataclasses.replace(place, operators={k: v[:FEW] for k, v in place.operators.items()})
        for make in ELSEWHERE if not place.name.startswith("quote") else (lied, again):
            found.setdefault(make.__name__, []).extend(make(few))
    return found
