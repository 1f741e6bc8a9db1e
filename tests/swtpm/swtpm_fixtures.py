"""A platform with a real module for these tests. Without swtpm they fail; `-k "not swtpm"` leaves them out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from swtpm_platform import LOG, TYPES, Platform

from trustconn.harness.tpm.commands import TpmError
from trustconn.harness.tpm.keys import attestation_key, signing_key
from trustconn.harness.tpm.swtpm import Swtpm, manufacture


@pytest.fixture(scope="module")
def manufactured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("module")
    try:
        manufacture(folder / "state", folder / "manufacturer")
    except TpmError as error:
        pytest.fail(f'{error}; -k "not swtpm" leaves these tests out')
    return folder / "state", folder / "manufacturer"


@pytest.fixture
def platform(manufactured: tuple[Path, Path]) -> Iterator[Platform]:
    tpm = Swtpm(manufactured[0])
    for event in LOG:
        tpm.extend(event.pcr, event.digest)
    yield Platform(tpm, attestation_key(tpm), signing_key(tpm, "identity", TYPES), *manufactured)
    tpm.close()
