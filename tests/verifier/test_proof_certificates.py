"""A proof leaves a case tree that another program checks; a tree with a case missing is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from trustconn.model.extract.modes import Mode
from trustconn.model.extract.verdicts import Prover, questions
from trustconn.model.protocol.tables import profile
from trustconn.model.verifier.checking import CertificateError, check
from trustconn.model.verifier.claims import Agree, Claim, Secret
from trustconn.model.verifier.protocol import Protocol
from trustconn.model.verifier.published import key_exchange as kx
from trustconn.model.verifier.published.rows import ROWS
from trustconn.model.verifier.spdl import load
from trustconn.model.verifier.verify import Verdict, Verifier

MODELS = Path(__file__).parent.parent / "data" / "spdl"
POWERS = frozenset({"dishonest", "stolen"})
FILES = ("needham-schroeder-lowe", "otway-rees", "yahalom-lowe", "iso-9798-2-4", "x509-three-ban", "woo-lam-mutual")


def trees(protocol: Protocol, claim: Claim) -> list[list[Any]]:
    certificate = Verifier(protocol).verify(claim, powers=POWERS, certify=True).certificate
    assert certificate is not None
    return json.loads(json.dumps(certificate.trees))  # type: ignore[no-any-return]


def checked(protocol: Protocol, claim: Claim, given: list[list[Any]]) -> int:
    return sum(check(protocol, q, POWERS, t) for q, t in zip(claim.queries(protocol), given, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_the_proofs_of_published_protocols_are_checked(name: str) -> None:
    model = load((MODELS / f"{name}.spdl").read_text())
    verifier = Verifier(model.protocol)
    proofs = 0
    for found in model.claims:
        certificate = verifier.verify(found.claim, powers=POWERS, certify=True).certificate
        if certificate is not None:
            proofs += 1
            assert checked(model.protocol, found.claim, json.loads(json.dumps(certificate.trees))) > 0
    assert proofs


@pytest.mark.parametrize("row", [ROWS[2], ROWS[6], ROWS[7]], ids=lambda row: row.name)
def test_the_proofs_of_key_exchanges_are_checked(row: Any) -> None:
    for claim, verdict in row.claims.values():
        if verdict == "proof":
            assert checked(row.protocol, claim, trees(row.protocol, claim)) > 0


@pytest.mark.parametrize(("claim", "mode"), [("CLM-03", "n"), ("CLM-05", "a"), ("CLM-09", "n")])
def test_the_proofs_of_the_profile_are_checked(claim: str, mode: str) -> None:
    """In one mode, with what the proofs rest on: the secrecy of the session's keys."""
    prover = Prover(profile(), modes=(Mode(mode, mode),))
    asked: list[tuple[Claim, frozenset[str]]] = []
    verify = prover.verifier.verify

    def noted(claim: Claim, **options: Any) -> Verdict:
        asked.append((claim, options["powers"]))
        return verify(claim, **options)

    prover.verifier.verify = noted  # type: ignore[method-assign]
    assert prover.decide(next(questions(claim))).kind == "proof"
    checked_cases = 0
    for one, powers in asked[:4]:
        certificate = verify(one, powers=powers, certify=True).certificate
        assert certificate is not None
        for query, given in zip(one.queries(prover.extracted.protocol), certificate.trees, strict=True):
            checked_cases += check(prover.extracted.protocol, query, powers, json.loads(json.dumps(given)))
    assert checked_cases > 3


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
