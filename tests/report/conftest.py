"""Each run is made once."""

from pathlib import Path

import pytest
from report_runs import make


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device with known faults was tested here."""
    return make(tmp_path_factory.mktemp("faulty") / "run")


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete device was tested here."""
    return make(tmp_path_factory.mktemp("complete") / "run", frozenset())
