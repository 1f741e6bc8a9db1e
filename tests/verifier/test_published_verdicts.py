"""The verifier reproduces published verdicts; a proof is for any number of runs, an attack has been replayed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from trustconn.model.verifier.published.rows import ROWS, Row
from trustconn.model.verifier.spdl import load
from trustconn.model.verifier.verify import Verifier

MODELS = Path(__file__).parent.parent / "data" / "spdl"
EXPECTED = tomllib.loads((MODELS / "expected.toml").read_text())


@pytest.mark.parametrize("name", sorted(p.name for p in MODELS.glob("*.spdl")))
def test_every_claim_of_a_published_protocol_gets_its_published_verdict(name: str) -> None:
    model = load((MODELS / name).read_text())
    verifier = Verifier(model.protocol)
    found = {c.name: verifier.verify(c.claim, max_runs=16, time_limit=30).kind for c in model.claims}
    assert found == EXPECTED[name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_key_exchange_gets_its_published_verdicts(row: Row) -> None:
    verifier = Verifier(row.protocol)
    powers = frozenset({"dishonest", "stolen"})
    found = {n: verifier.verify(claim, powers=powers, time_limit=10).kind for n, (claim, _) in row.claims.items()}
    assert found == {n: verdict for n, (_, verdict) in row.claims.items()}


def test_needham_schroeder_takes_few_states() -> None:
    """States are counted, not seconds, so that a slow machine does not fail: 50 ms is about 500 states."""
    for name in ("needham-schroeder.spdl", "needham-schroeder-lowe.spdl"):
        model = load((MODELS / name).read_text())
        verifier = Verifier(model.protocol)
        assert sum(verifier.verify(c.claim).states for c in model.claims) < 500


def test_symmetric_keys_with_a_server_stay_small() -> None:
    """Two seconds are about 20,000 states."""
    for name in ("needham-schroeder-sk.spdl", "otway-rees.spdl", "yahalom.spdl", "kao-chow.spdl", "iso-9798-2-4.spdl"):
        model = load((MODELS / name).read_text())
        verifier = Verifier(model.protocol)
        assert sum(verifier.verify(c.claim).states for c in model.claims) < 15_000
