"""Which test of the suite kills which fault: `python suite_kills.py [NAME ...] [--all]` prints a line for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from faulty_peer import FAULTS, Role
from spec_faults import faulty_iut

from trustconn.conformance.bench import Bench
from trustconn.conformance.collect import SuiteTest, suite_tests
from trustconn.harness.tester.deviation import TesterFault
from trustconn.harness.tester.session import Iut
from trustconn.harness.verdict.verdict import Verdict


def verdict(iut: Iut, test: SuiteTest, controls: dict[str, str]) -> Verdict | None:
    """What a test concludes about an implementation; None if it concludes nothing."""
    bench = Bench(iut, test.case, controls, lambda what, conversation: None)
    try:
        test.play(test.case, bench)
    except (Exception, TesterFault):  # Whatever a faulty peer makes a test end with, it is no verdict.
        return None
    return bench.judgement.verdict if bench.judgement else None


def killers(name: str, role: Role, *, citing: bool = True) -> Iterator[SuiteTest]:
    """Tests of this role that fail on the peer with a fault; those that cite its requirement, or the others."""
    iut, requirement = faulty_iut(name, role), FAULTS[name].requirements[role]
    controls: dict[str, str] = {}
    fitting = (test for test in suite_tests() if test.case.role == role and test.case.fits("edhoc"))
    for test in fitting:
        cites = requirement in test.case.requirements
        if cites is citing and verdict(iut, test, dict(controls)) is Verdict.FAIL:
            yield test


def main(arguments: list[str]) -> None:
    """Print the first killer of each fault, a citing one first."""
    everything = "--all" in arguments
    names = [a for a in arguments if not a.startswith("-")] or list(FAULTS)
    for name in names:
        for role, requirement in FAULTS[name].requirements.items():
            test = next(killers(name, role), None)
            kind = "cited"
            if test is None and everything:
                test, kind = next(killers(name, role, citing=False), None), "other"
            print(name, role, requirement, kind if test else "MISSED", test.id if test else "", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
