"""The kill matrix: for every check, a test that passes on a complete peer and fails on one without the check.

It shows that the suite can see what it claims to see. `python -m trustconn.conformance.kills` searches anew and writes
`kills.json`; the committed killers are played again by the tests of this project. What no test kills stands, with the
reason, in `survivors.toml`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ..harness.tester.deviation import TesterFault
from ..harness.tester.local import LocalIut
from ..harness.verdict.verdict import Verdict
from ..model.checks import CHECKS, CheckClass
from ..model.protocol.tables import profile
from .bench import Bench
from .collect import SuiteTest, suite_tests

KILLS, SURVIVORS = "kills.json", "survivors.toml"
Role = Literal["device", "service"]
Pair = tuple[str, Role]
"""A check, and the role of the implementation that makes it."""
ROLES: tuple[Role, ...] = ("device", "service")


def pairs() -> Iterator[Pair]:
    """Every check that a wire test can decide, with every role whose peers make it."""
    rows = profile().checks
    for name, check in CHECKS.items():
        if check.cls is not CheckClass.EVIDENCE_ONLY:
            listed = {row.role for row in rows.get(name, ())}
            yield from ((name, role) for role in ROLES if role in listed or not listed)


def key(pair: Pair) -> str:
    """A pair as the files name it."""
    return f"{pair[0]}/{pair[1]}"


@cache
def _iut(role: Role) -> LocalIut:
    return LocalIut(role, seed=b"kills")


@cache
def _controls(role: Role) -> dict[str, str]:
    """Digests of control conversations; a complete peer's serve for all."""
    return {}


def verdict(test: SuiteTest, off: frozenset[str] = frozenset()) -> Verdict | None:
    """What a test concludes about the reference peer without the checks in `off`; None if it concludes nothing."""
    role: Role = "device" if test.case.role == "device" else "service"
    iut, controls = _iut(role), _controls(role)
    iut.off = off
    bench = Bench(iut, test.case, dict(controls) if off else controls, lambda what, conversation: None)
    try:
        test.play(test.case, bench)
    except (Exception, TesterFault):
        return None  # Not exercised, not reached, or no conclusion: whatever it was, it kills nothing.
    finally:
        iut.off = frozenset()
    return bench.judgement.verdict if bench.judgement else None


def candidates(pair: Pair) -> Iterator[SuiteTest]:
    """Tests of this role that cite the check's requirement: those that send a fault against it, then those without one.

    The latter matter where the rule is to go on: a peer without the check gives up.
    """
    check, role = pair
    cited = CHECKS[check].requirement
    fitting = [t for t in suite_tests() if t.case.role == role and cited in t.case.requirements]
    yield from (test for test in fitting if test.case.check == check)
    yield from (test for test in fitting if test.case.check is None)


def kills(test: SuiteTest, check: str) -> bool:
    """Whether the test fails solely because the check is off."""
    return verdict(test, frozenset({check})) is Verdict.FAIL and verdict(test) is Verdict.PASS


def killer(pair: Pair) -> SuiteTest | None:
    """The first test that kills."""
    return next((test for test in candidates(pair) if kills(test, pair[0])), None)


def search() -> dict[str, str]:
    """Pair to its killer's id, for every pair that has one."""
    found = ((pair, killer(pair)) for pair in pairs())
    return {key(pair): test.id for pair, test in found if test is not None}


def committed() -> Mapping[str, str]:
    """The committed matrix: pair to the id of its killer."""
    matrix: dict[str, str] = json.loads((files(__package__) / KILLS).read_text(encoding="utf-8"))
    return matrix


def survivors() -> Mapping[str, str]:
    """Pair to the reason why no test can kill it."""
    text = (files(__package__) / SURVIVORS).read_text(encoding="utf-8")
    return {name: str(reason) for name, reason in tomllib.loads(text).items()}


def render(matrix: Mapping[str, str]) -> str:
    """The file's text."""
    return json.dumps(matrix, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Search anew, write `kills.json`, and name what survives without a reason."""
    matrix = search()
    (Path(__file__).parent / KILLS).write_text(render(matrix), encoding="utf-8")
    for pair in pairs():
        if key(pair) not in matrix and key(pair) not in survivors():
            print(f"{key(pair)} survives {sum(1 for _ in candidates(pair))} tests")


if __name__ == "__main__":
    main()
