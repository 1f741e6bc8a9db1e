"""The reference device and service as a pair, and scenarios by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from trustconn.harness.identity.provision import provision
from trustconn.harness.iut.reference import reference
from trustconn.harness.mitm.ends import BINDINGS, Pair
from trustconn.harness.mitm.play import Played, Player
from trustconn.harness.mitm.scenario import Scenario
from trustconn.harness.mitm.scenarios import scenarios
from trustconn.harness.verdict.verdict import Judgement

NOW = 1_800_000_000


@cache
def register(binding: str = "edhoc") -> dict[str, Scenario]:
    return {scenario.id: scenario for scenario in scenarios(BINDINGS[binding]())}


@contextmanager
def live_pair(folder: Path, *without: str, binding: str = "edhoc") -> Iterator[Pair]:
    descriptions = {}
    for role in ("device", "service"):
        provision(folder / role, seed=b"pair", now=NOW, role=role, with_waiver=True)
        descriptions[role] = reference(role, folder / role, without=without, now=NOW, binding=binding)
    with Pair(descriptions, 0) as pair:
        yield pair


def played(pair: Pair, *names: str) -> dict[str, Played]:
    return {p.scenario.id: p for p in Player(pair).all([register(pair.binding.name)[name] for name in names])}


def judgement(item: Played) -> Judgement:
    assert isinstance(item.judgement, Judgement), item.judgement
    return item.judgement
