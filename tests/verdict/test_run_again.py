"""The command that a result names asks for what its run was asked for."""

import argparse
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from trustconn.cli import run
from trustconn.harness.iut.equipment import Equipment
from trustconn.harness.verdict.request import RunRequest

TEST = "test_rows::test_row[device-none]"
WHOLE = Equipment("swtpm", True, True, ("psa", "ear"), True, True, True)


def asked(command: str) -> argparse.Namespace:
    """What the command line makes of a command."""
    program, name, *words = shlex.split(command)
    assert (program, name) == ("trustconn", "run")
    parser = argparse.ArgumentParser(exit_on_error=False)
    run.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("equipment", [Equipment(), WHOLE], ids=["default", "whole"])
def test_reference_peers(tmp_path: Path, equipment: Equipment) -> None:
    """No piece of the equipment is forgotten."""
    found = asked(RunRequest(tmp_path, seed=7, binding="tls", equipment=equipment).again(TEST))
    assert (found.rerun, found.seed, found.binding) == (TEST, 7, "tls")
    for field in fields(Equipment):
        wanted = getattr(equipment, field.name)
        assert getattr(found, field.name) == (list(wanted) if isinstance(wanted, tuple) else wanted), field.name


def test_described_implementation(tmp_path: Path) -> None:
    """A description may have a name that a shell would take apart."""
    described = tmp_path / "my device.toml"
    described.touch()
    found = asked(RunRequest(tmp_path, iut=described, wait=True, slow=True).again(TEST, "verifier"))
    assert (found.iut, found.role, found.wait, found.slow) == (described, None, True, True)


def test_switches(tmp_path: Path) -> None:
    """Checks and faults, and the role of a verifier, which no run has by default."""
    checks, faults = frozenset({"eat_nonce_is_binder"}), frozenset({"receipt_twice"})
    found = asked(RunRequest(tmp_path, without=checks, faults=faults).again(TEST, "verifier"))
    assert (found.without, found.fault, found.role) == (checks, faults, "verifier")
