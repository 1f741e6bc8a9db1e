"""A proof leaves a case tree that another program checks; a tree with a case missing is refused."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from trustconn.model.extract.modes import Mode
from trustconn.model.extract.variants import DEFAULT
from trustconn.model.extract.verdicts import EXECUTABILITY, Prover, all_questions
from trustconn.model.protocol.tables import profile
from trustconn.model.verifier.checking import CertificateError, Checker, check
from trustconn.model.verifier.claims import Agree, Claim, Secret
from trustconn.model.verifier.protocol import Protocol
from trustconn.model.verifier.published import key_exchange as kx
from trustconn.model.verifier.published.rows import ROWS, Row
from trustconn.model.verifier.spdl import load
from trustconn.model.verifier.verify import DEFAULT_POWERS, Verdict, Verifier

MODELS = Path(__file__).parent.parent / "data" / "spdl"
EXPECTED = tomllib.loads((MODELS / "expected.toml").read_text())
POWERS = frozenset({"dishonest", "stolen"})
FOLLOWS = "CLM-15"
"""An agreement that follows from another one, which was proved with more data."""
FILES = sorted(path.name for path in MODELS.glob("*.spdl"))


def trees(protocol: Protocol, claim: Claim) -> list[list[Any]]:
    certificate = Verifier(protocol).verify(claim, powers=POWERS, certify=True).certificate
    assert certificate is not None
    read: list[list[Any]] = json.loads(json.dumps(certificate.trees))
    return read


def checked(protocol: Protocol, claim: Claim, given: list[list[Any]]) -> int:
    return sum(check(protocol, q, POWERS, t) for q, t in zip(claim.queries(protocol), given, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_the_proofs_of_published_protocols_are_checked(name: str) -> None:
    model = load((MODELS / name).read_text())
    verifier, checker = Verifier(model.protocol), Checker(model.protocol, DEFAULT_POWERS)
    for found in model.claims:
        certificate = verifier.verify(found.claim, max_runs=16, certify=True).certificate
        assert (certificate is not None) is (EXPECTED[name][found.name] == "proof")
        queries = found.claim.queries(model.protocol)
        for query, given in zip(queries, certificate.trees if certificate else (), strict=certificate is not None):
            assert checker.check(query, json.loads(json.dumps(given))) >= 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_proofs_of_key_exchanges_are_checked(row: Row) -> None:
    for claim, verdict in row.claims.values():
        if verdict == "proof":
            assert checked(row.protocol, claim, trees(row.protocol, claim)) > 0


@pytest.mark.parametrize(
    ("mode", "off", "nothing"),
    [
        (Mode("a", "a"), "", {"CLM-13", FOLLOWS}),
        (Mode("w", "n"), "", {"CLM-04", "CLM-05", "CLM-06", "CLM-17", FOLLOWS}),
        (Mode("n", "n"), "message_3_tag_verifies", {"CLM-04", "CLM-05", "CLM-06", "CLM-13", "CLM-17", FOLLOWS}),
    ],
)
def test_all_proofs_of_the_profile_are_checked(
    mode: Mode, off: str, nothing: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what they rest on: the secrecy of the session's keys. `nothing`: claims that ask nothing in this mode."""
    prover = Prover(profile(), frozenset([off] if off else []), modes=(mode,))
    found: list[tuple[Claim, frozenset[str], Verdict]] = []
    verify = prover.verifier.verify

    def noted(claim: Claim, **options: Any) -> Verdict:
        verdict = verify(claim, **options, certify=True)
        found.append((claim, options["powers"], verdict))
        return verdict

    monkeypatch.setattr(prover.verifier, "verify", noted)  # Every question goes through it.
    checkers: dict[frozenset[str], Checker] = {}
    for question in all_questions(variant=DEFAULT):
        if question.expected == "proof" and question.claim != EXECUTABILITY:
            found.clear()
            assert prover.decide(question).kind == "proof"
            proofs = [one for one in found if one[2].kind == "proof"]
            assert bool(proofs) is (question.claim not in nothing), question.claim
            for claim, powers, verdict in proofs:
                assert verdict.certificate is not None
                checker = checkers.setdefault(powers, Checker(prover.extracted.protocol, powers))
                for query, given in zip(
                    claim.queries(prover.extracted.protocol), verdict.certificate.trees, strict=True
                ):
                    assert checker.check(query, json.loads(json.dumps(given))) >= 0


def cut(tree: list[Any]) -> Iterator[list[Any]]:
    """The same tree with one subtree taken away, for each subtree."""
    if tree[0] in ("split", "look"):
        for i in range(len(tree[2])):
            yield [tree[0], tree[1], tree[2][:i] + tree[2][i + 1 :]]
            for smaller in cut(tree[2][i][1]):
                changed = deepcopy(tree)
                changed[2][i][1] = smaller
                yield changed


def test_a_missing_case_is_noticed_wherever_it_is() -> None:
    """The search leaves no case out that fails at once, so each subtree is needed."""
    protocol, claim = kx.sts(), Agree("R", "done", peer="I", running="running")
    given = trees(protocol, claim)
    refused = total = 0
    for smaller in cut(given[0][0]):
        total += 1
        try:
            checked(protocol, claim, [[smaller, *given[0][1:]], *given[1:]])
        except CertificateError:
            refused += 1
    assert total > 5
    assert refused == total


@pytest.mark.parametrize("lie", [["dead"], ["holds"], ["stuck"], ["detour"], ["split", ["c", "i"], []]])
def test_a_tree_that_gives_up_at_once_is_refused(lie: list[Any]) -> None:
    protocol = kx.iso()
    claim = Secret("I", "done", term=kx.key("I"))
    given = trees(protocol, claim)
    with pytest.raises(CertificateError):
        checked(protocol, claim, [[lie], *given[1:]])


def test_a_proof_of_one_protocol_is_none_of_a_weaker_one() -> None:
    claim = Agree("I", "done", peer="R", running="running")
    with pytest.raises(CertificateError):
        checked(kx.signed(), claim, trees(kx.iso(), claim))


def test_a_proof_under_fewer_powers_is_none_under_more() -> None:
    """Whoever may be dishonest in the claim itself opens cases that the proof does not treat."""
    protocol = kx.iso()
    honest = Agree("R", "done", peer="I", running="running")
    stolen = Agree("R", "done", peer="I", running="running", classes={"I": "stolen"})
    given = trees(protocol, honest)
    apart = next(iter(stolen.queries(protocol)))
    with pytest.raises(CertificateError):
        check(protocol, apart, POWERS, given[0])
