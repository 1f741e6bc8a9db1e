"""One pair of parties that trust each other with the PKI behind both, a port, and what makes a test repeat."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.predicates import PREDICATES
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.identity.world import World
from trustconn.model.verifier import clock

# A limit that a search hits is then a failed test, not one that hangs.
clock.use(time.process_time)  # Other processes do not count.

# The same examples each time, and however long they take on a machine that does something else too.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

NOW = 1_800_000_000
SEED = b"identity tests"

Refusers = Callable[[World, dict[str, tuple[bytes, ...]]], dict[str, str]]


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is kept for whoever listens there with SO_REUSEADDR, as servers do: nobody else gets it by chance."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


@pytest.fixture(scope="session")
def made() -> tuple[World, World, TesterPki]:
    return make_pair(SEED, NOW)


@pytest.fixture
def pair(made: tuple[World, World, TesterPki]) -> tuple[World, World, TesterPki]:
    device, service, pki = made
    return copy(device), copy(service), pki


def copy(world: World) -> World:
    """The same knowledge, nothing remembered."""
    return World(world.role, world.now, world.credentials, world.anchors, world.policy, world.tam)


@pytest.fixture
def device(pair: tuple[World, World, TesterPki]) -> World:
    return pair[0]


@pytest.fixture
def service(pair: tuple[World, World, TesterPki]) -> World:
    return pair[1]


@pytest.fixture
def pki(pair: tuple[World, World, TesterPki]) -> TesterPki:
    return pair[2]


@pytest.fixture
def refusers() -> Refusers:
    """Names of the predicates that refuse, with their reasons, of those called with the octets given."""

    def run(world: World, calls: dict[str, tuple[bytes, ...]]) -> dict[str, str]:
        refused = {}
        for name, octets in calls.items():
            try:
                PREDICATES[name](world, *octets)
            except Refused as error:
                refused[name] = error.reason
        return refused

    return run


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a device with known faults, made once."""
    from report_runs import make

    return make(tmp_path_factory.mktemp("faulty") / "run")


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a complete device, made once."""
    from report_runs import make

    return make(tmp_path_factory.mktemp("complete") / "run", frozenset())
