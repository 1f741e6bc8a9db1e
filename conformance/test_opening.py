"""The ways in which a session opens: each direction's mode, HELLO, and what the first verdicts allow."""

from collections.abc import Iterator
from typing import Any

from ..harness.codec import cbor
from .bench import Bench
from .case import Case, for_each
from .talk import STRICT, Script, Talk, Wrong, attesting, each_role, tell, tester_world

ROLES = ("device", "service")
MODES = ("attests", "waived", "not-required")


def _modes() -> Iterator[Case]:
    for role in ROLES:
        for mine in MODES:
            for peers in MODES:
                requirements = ("SES-06", "SES-07", "LBL-13")
                yield Case(role, requirements, f"iut-{mine}", f"peer-{peers}", data=(mine, peers))


@for_each(_modes())
def test_mode(case: Case, bench: Bench) -> None:
    """Each direction with evidence, with a waiver, or with neither: the session opens and carries labels both ways."""
    mine, peers = case.data

    def script(talk: Talk) -> None:
        talk.open()
        for _ in range(2):
            talk.send_data()
            talk.receive_data()
        talk.ping()
        talk.close()

    iut = bench.iut
    with iut.configured(presents_waiver=mine == "waived", requires_evidence=peers != "not-required"):
        tell(bench, script, world=tester_world(iut, mine, peers), off=STRICT)


@for_each(each_role("SES-12", "interval", "VERDICT.valid_for"))
def test_validity(case: Case, bench: Bench) -> None:
    """No verdict outlives the re-attestation interval that the implementation itself announced."""

    def script(talk: Talk) -> None:
        talk.open()
        seen = [o.data for o in talk.peer.observations if o.name.startswith("VERDICT")]
        seconds = cbor.decode(seen[0])[1][4]
        if not 0 < seconds <= 60:
            raise Wrong(f"a verdict for {seconds} seconds with an interval of 60")

    with bench.iut.configured(reattest_interval=60):
        tell(bench, script)


@for_each(each_role("LBL-02", "send", "DATA.plain"))
def test_unlabelled_data(case: Case, bench: Bench) -> None:
    """Where the policy requires no labels, data without one is accepted."""

    def script(talk: Talk) -> None:
        talk.open()
        talk.put(cbor.encode([5, {1: b"unlabelled"}]))
        talk.expect("RECEIPT", code=0)

    with bench.iut.configured(labels_required=False):
        tell(bench, script)


HELLOS: dict[str, dict[str, Any]] = {
    "foreign-types": {"offered": (60000, "application/foreign", 263), "accepted": (60000, 263)},
    "short-limits": {"max_age": 1, "reattest_interval": 1},
    "long-limits": {"max_age": 31_622_400, "reattest_interval": 31_622_400},
}
"""Policies of the tester whose HELLO is unusual and good."""


@for_each(each_role("SES-33", "accepts", *HELLOS))
def test_unusual_hello(case: Case, bench: Bench) -> None:
    """A HELLO with fields in any allowed value is accepted."""
    tell(bench, Talk.open, world=attesting(bench.iut, **HELLOS[case.data]))


@for_each(each_role("SES-02", "sends", "HELLO"))
def test_own_hello(case: Case, bench: Bench) -> None:
    """The implementation's HELLO says version 1 and has a nonce of 32 octets that no other session has."""
    nonces: list[bytes] = []

    def script(talk: Talk) -> None:
        talk.open()
        body = cbor.decode(next(o.data for o in talk.peer.observations if o.name.startswith("HELLO")))[1]
        if body[1] != 1 or len(body[2]) != 32 or body[2] in nonces:
            raise Wrong("another version, or a nonce that is not fresh")
        nonces.append(body[2])
        if len(nonces) == 1:
            again(script)

    def again(script: Script) -> None:
        second = bench.iut.converse()
        try:
            script(Talk(bench.iut, second))
        finally:
            second.close()

    tell(bench, script)
