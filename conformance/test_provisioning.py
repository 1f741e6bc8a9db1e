"""What an implementation does with what it is given to trust: nothing without it, nothing after it was withdrawn."""

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path

import tomli_w

from ..harness.identity.credentials import TrustAnchors
from ..harness.identity.status import make_crl
from ..harness.iut.control import ControlRefused
from ..harness.tester.conversation import Conversation
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..harness.verdict.verdict import Verdict
from ..model.refusals import Code
from .bench import Bench, opened
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
    held = tomllib.loads(file.read_text(encoding="utf-8"))
    held["components"].popitem()
    file.write_text(tomli_w.dumps(held), encoding="utf-8")


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


REVOKED_NOW = ("leaf", "issuer", "attestation-key")
"""What a list that comes during a session revokes."""


def revoking(iut: Iut, what: str) -> Callable[[Path], None]:
    """New lists of the tester's issuers in a folder of credentials."""
    pki, credentials = iut.pki, iut.world.credentials
    peers, attestation = pki.branch(iut.opposite), pki.attestation
    added = {
        "leaf": (peers.issuing, credentials.leaf.serial),
        "issuer": (peers.root, peers.issuing.certificate.serial),
        "attestation-key": (attestation.issuing, credentials.ak.serial),
    }
    issuer, serial = added[what]

    def change(folder: Path) -> None:
        anchors = TrustAnchors.load(folder)
        crl = make_crl(issuer, [serial], iut.clock.now())
        dataclasses.replace(anchors, crls=(*anchors.crls, crl)).save(folder)

    return change


@for_each(Case(role, ("REV-09", "REV-02"), "learn", what, data=what) for role in ROLES for what in REVOKED_NOW)
def test_revoked_while_open(case: Case, bench: Bench) -> None:
    """A list that comes while a session is open ends it by ALERT revoked, and refuses a new one: REV-02, REV-09."""
    iut = bench.iut

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        with iut.provisioned(revoking(iut, case.data)):
            if not conversation.until(lambda: conversation.ended is not None):
                return "the session goes on"
            said = [observation.action for observation in conversation.peer.observations[-1:]]
            if said != [f"alert:{Code.REVOKED}"]:
                return f"it ended by {said}"
            return "a new session opens" if not works_again(iut) else ""

    bench.works(play)
    if not bench.judgement or bench.judgement.verdict is Verdict.PASS:
        bench.show(works_again(iut))
