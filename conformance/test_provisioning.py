"""What an implementation does with what it is given to trust: nothing without it, nothing after it was withdrawn."""

from pathlib import Path

from ..harness.iut.control import ControlRefused
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from .bench import Bench
from .case import Case, citing, fault, for_each
from .talk import works_again
from .test_evidence import att

ROLES = ("device", "service")
MISSING = ("leaf.pem", "peer-roots.pem")
"""Files of a configured identity, and of trust anchors for the peer's identities."""


def nothing(folder: Path) -> None:
    """The folder as it is."""


@for_each(
    Case(role, ("IDN-08",), "start-without", name.partition(".")[0], data=name) for role in ROLES for name in MISSING
)
def test_start_without(case: Case, bench: Bench) -> None:
    """It refuses a configuration without an identity, or without anchors; a whole copy of it works: IDN-08."""
    iut = bench.iut
    with iut.provisioned(nothing):
        wrong = works_again(iut)
    if not wrong:
        wrong = _taken(iut, case.data)
    bench.show(wrong or works_again(iut))


def _taken(iut: Iut, missing: str) -> str:
    try:
        with iut.provisioned(lambda folder: (folder / missing).unlink()):
            return f"it takes a configuration without {missing}"
    except ControlRefused:
        return ""


def _withdraw(folder: Path) -> None:
    """One reference value less."""
    file = folder / "reference-values.toml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    values = [line for line in lines if "=" in line]
    file.write_text("".join(line for line in lines if line != values[-1]), encoding="utf-8")


@for_each(
    citing(fault(role, "measurements_match_reference_values", "withdraw", "reference-value"), "REV-13")
    for role in ROLES
)
def test_withdrawn_reference_value(case: Case, bench: Bench) -> None:
    """Evidence that was good, refused solely because a reference value has been withdrawn since: REV-13."""
    iut = bench.iut
    control = bench.control()
    if not control:
        return bench.show("an honest conversation did not work")
    with iut.provisioned(_withdraw):
        deviation = Telling(att(iut))
        conversation = iut.converse(deviation)
        bench.main = conversation.transcript
        try:
            outcome = conversation.outcome(iut.is_alive, deferred=True)
        finally:
            conversation.close()
    bench.conclude(outcome, control, conversation)
    return None
