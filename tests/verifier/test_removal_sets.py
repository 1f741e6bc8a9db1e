"""Sets of checks that are redundant alone: all smallest ones that break a claim are found, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trustconn.model.extract import sets
from trustconn.model.extract.committed import expected
from trustconn.model.extract.matrix import matrix
from trustconn.model.extract.modes import Mode
from trustconn.model.extract.removal import Breach, Removal, in_order, remove, symbolic_checks
from trustconn.model.extract.variants import VARIANTS, variant_of_all
from trustconn.model.verifier.attack import Attack

ATTEST = Mode("a", "a")
FOR_EAT, NOT_IDENTITY, OTHER = "ak_is_for_eat", "ak_is_not_the_identity_key", "env_cnf_is_label_signer"
NOTHING = Attack("", (), (), (), {})


def test_an_attack_says_which_checks_it_needs() -> None:
    (breach,) = remove((FOR_EAT, NOT_IDENTITY, OTHER), ("CLM-04",), modes=(ATTEST,)).breaches
    assert sets.is_attack(frozenset({FOR_EAT, NOT_IDENTITY}), breach)
    assert not sets.is_attack(frozenset({FOR_EAT, OTHER}), breach)
    assert not sets.is_attack(frozenset({NOT_IDENTITY, OTHER}), breach)


BREAKING = (
    (("g_x_is_valid", "g_y_is_valid"),),
    (("g_x_is_valid", "g_y_is_valid"), ("g_x_is_valid", FOR_EAT)),
    (("g_x_is_valid", "g_y_is_valid"), (FOR_EAT, NOT_IDENTITY, OTHER), ("g_y_is_valid", OTHER)),
    (),
)


@pytest.mark.parametrize("breaking", BREAKING)
def test_all_smallest_sets_are_found(breaking: tuple[tuple[str, ...], ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a claim that breaks exactly when one of these sets is off."""
    wanted = {frozenset(one) for one in breaking}
    asked: list[frozenset[str]] = []

    def breach(off: frozenset[str], claim: str, time_limit: float) -> Breach | None:
        asked.append(off)
        return Breach(claim, "", "", NOTHING) if any(one <= off for one in wanted) else None

    monkeypatch.setattr(sets, "_breach", breach)
    monkeypatch.setattr(sets, "is_attack", lambda off, found: False)
    all_checks = frozenset(symbolic_checks()[:6]) | {name for one in breaking for name in one}
    assert sets.smallest_sets(all_checks, "CLM-01", 1) == wanted
    assert asked[0] == all_checks


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_committed_sets_are_smallest_ones(variant: str) -> None:
    removals = {n: r for n, r in expected()["matrix"].items() if variant_of_all(n.split(" + ")) == variant}
    alone = {name for name, row in removals.items() if " + " not in name and row["verdict"] == "redundant"}
    alone |= set(VARIANTS[variant].shared)
    found = [frozenset(name.split(" + ")) for name in removals if " + " in name]
    if len(alone) < 2:
        assert not found
        return
    together = max(found, key=len)
    assert together == alone
    for one in found:
        assert one <= alone
        assert one == together or removals[" + ".join(in_order(one))]["broken"]
        assert not [other for other in found if other < one and one != together]


def test_nothing_is_left_undecided() -> None:
    assert [name for name, row in expected()["matrix"].items() if row["undecided"]] == []


def test_each_removal_is_told_as_soon_as_it_is_decided() -> None:
    told: list[str] = []
    found: Iterator[Removal] = matrix(
        told.append, processes=1, checks=(FOR_EAT, "suites_r_allow_a_retry"), claims=("CLM-07",), sets=False
    )
    assert next(found).checks == (FOR_EAT,)
    assert told == [f"1 of 2: without {FOR_EAT}"]
    assert next(found).verdict == "redundant"
    assert next(found, None) is None
