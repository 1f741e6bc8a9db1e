"""Which test kills which fault: it passes on a complete peer, fails on one with the fault, and cites its requirement.

It shows that the suite can see what it claims to see. `kills.json` is the index: for each fault and role the test that
kills it, tried first. What no test kills stands, with the reason, in `survivors.toml`.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from ..harness.faults.register import FAULTS
from ..harness.peer.binding import DEFAULT
from ..harness.tester.deviation import TesterFault
from ..harness.tester.local import LocalIut
from ..harness.tester.verifier_session import LocalVerifier
from ..harness.verdict.verdict import Verdict
from .asking import ROLE as VERIFIER
from .asking import VerifierBench
from .bench import Bench
from .collect import SuiteTest, suite_tests
from .workers import answers

KILLS, SURVIVORS = "kills.json", "survivors.toml"
Role = Literal["device", "service", "verifier"]
Pair = tuple[str, Role]
"""A fault, and the role of the implementation that has it."""
ROLES: tuple[Role, ...] = ("device", "service", "verifier")


@dataclass(frozen=True, slots=True)
class Kill:
    """What came of a fault: `killer` is a test's id, None if the fault survived `tried` tests; `seconds` it took."""

    pair: Pair
    killer: str | None
    tried: int
    seconds: float


def pairs(names: Iterable[str] = (), roles: Iterable[str] = ROLES) -> Iterator[Pair]:
    """These faults, by default all, with each of these roles that can have them."""
    for name in names or FAULTS:
        yield from ((name, role) for role in ROLES if role in roles and role in FAULTS[name].roles)


def key(pair: Pair) -> str:
    """A pair as the files name it."""
    return f"{pair[0]}/{pair[1]}"


@cache
def _iut(role: Literal["device", "service"], binding: str) -> LocalIut:
    return LocalIut(role, seed=b"kills", binding=binding)


@cache
def _verifier() -> LocalVerifier:
    return LocalVerifier(seed=b"kills")


@cache
def _controls(role: Role, binding: str) -> dict[str, str]:
    """Digests of control conversations; a complete peer's serve for all."""
    return {}


def verdict(test: SuiteTest, off: frozenset[str] = frozenset()) -> Verdict | None:
    """What a test concludes about the reference peer with the faults in `off`; None if it concludes nothing.

    A faulty peer is not asked for the last part of a pass's witness: a pass kills nothing.
    """
    if test.case.role == VERIFIER:
        return _concluded(test, _verifier(), VerifierBench, _controls(VERIFIER, ""), off)
    role: Literal["device", "service"] = "device" if test.case.role == "device" else "service"
    binding = test.case.binding or DEFAULT
    return _concluded(test, _iut(role, binding), Bench, _controls(role, binding), off)


def _concluded(
    test: SuiteTest, iut: Any, make: Callable[..., Bench], controls: dict[str, str], off: frozenset[str]
) -> Verdict | None:
    iut.off = off
    iut.forget()
    controls = dict(controls) if off else controls
    bench = make(iut, test.case, controls, lambda what, conversation: None, waits=bool(off))
    try:
        test.play(test.case, bench)
    except (Exception, TesterFault):
        return None  # Not exercised, not reached, or no conclusion: whatever it was, it kills nothing.
    finally:
        iut.off = frozenset()
    if bench.missing_life is not None:
        return Verdict.PASS
    return bench.judgement.verdict if bench.judgement else None


def passes(test: SuiteTest) -> bool:
    """Whether the complete peer passes; played once."""
    if test.id not in _PASSED:
        _PASSED[test.id] = verdict(test) is Verdict.PASS
    return _PASSED[test.id]


_PASSED: dict[str, bool] = {}


def candidates(pair: Pair) -> Iterator[SuiteTest]:
    """Quick tests of this role that cite the fault's requirement: the indexed one, then the narrowest first.

    For a missing check that is a test of this check before one without a fault.
    """
    name, role = pair
    requirement, indexed = FAULTS[name].requirement, committed().get(key(pair))
    fitting = [t for t in suite_tests() if t.case.role == role and requirement in t.case.requirements]
    yield from sorted(fitting, key=lambda t: (t.id != indexed, t.case.check != name, len(t.case.requirements)))


def kills(test: SuiteTest, fault: str) -> bool:
    """Whether the test fails solely because of the fault."""
    return verdict(test, frozenset({fault})) is Verdict.FAIL and passes(test)


def killed(pair: Pair) -> Kill:
    """Play its tests against a fault until one kills it."""
    start, tried = time.monotonic(), 0
    for test in candidates(pair):
        tried += 1
        if kills(test, pair[0]):
            return Kill(pair, test.id, tried, time.monotonic() - start)
    return Kill(pair, None, tried, time.monotonic() - start)


def search(wanted: Iterable[Pair]) -> Iterator[Kill]:
    """Kills, as they come, in all processes that the machine has room for."""
    suite_tests(), committed()  # Read once, before the processes part.
    yield from answers(killed, sorted(wanted, key=lambda pair: pair[1]))


@cache
def committed() -> Mapping[str, str]:
    """The index: pair to the id of its killer."""
    matrix: dict[str, str] = json.loads((files(__package__) / KILLS).read_text(encoding="utf-8"))
    return matrix


@cache
def survivors() -> Mapping[str, str]:
    """Fault, or fault and role, to the reason why no test can kill it."""
    text = (files(__package__) / SURVIVORS).read_text(encoding="utf-8")
    return {name: str(reason) for name, reason in tomllib.loads(text).items()}


def excuse(pair: Pair) -> str:
    """The reason that is given for a survivor; empty where there is none."""
    return survivors().get(key(pair)) or survivors().get(pair[0], "")


def complaint(kill: Kill) -> str:
    """What is wrong with a result: a survivor without a reason, or a reason for what was killed."""
    if kill.killer is None and not excuse(kill.pair):
        return f"{key(kill.pair)} survives {kill.tried} tests that cite {FAULTS[kill.pair[0]].requirement}"
    if kill.killer is not None and excuse(kill.pair):
        return f"{key(kill.pair)} is listed as a survivor, and {kill.killer} kills it"
    return ""


def render(found: Iterable[Kill]) -> str:
    """The index's text."""
    return json.dumps({key(kill.pair): kill.killer for kill in found if kill.killer}, indent=1, sort_keys=True) + "\n"


def write(found: Iterable[Kill]) -> None:
    """Write the index."""
    (Path(__file__).parent / KILLS).write_text(render(found), encoding="utf-8")
