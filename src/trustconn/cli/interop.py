"""Plays every pair of implementations that this project has, device and service, over every binding that both speak.

Each pair has one whole conversation: handshake, evidence of both ends, labelled data both ways, authenticated end.
What is not installed is reported as not available, with the command that installs it. Exit codes: 0 all pairs passed;
1 one failed; 3 one is not available, without a failure.
"""

import argparse
import tempfile
import time
from pathlib import Path

from . import exit_code
from .options import bindings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `interop`."""
    parser.add_argument("--binding", choices=bindings(), help="secure channel; default: all")


def main(arguments: argparse.Namespace) -> int:
    """Prints a line for each pair as it ends."""
    from ..harness.identity.provision import provision
    from ..harness.iut.interop import IMPLEMENTATIONS, play

    found = set()
    print(f"{'device':10}{'service':10}{'binding':9}result", flush=True)
    with tempfile.TemporaryDirectory(prefix="trustconn-") as scratch:
        for role in ("device", "service"):
            provision(Path(scratch) / role, seed=b"trustconn interop", now=int(time.time()), role=role)
        for device in IMPLEMENTATIONS:
            for service in IMPLEMENTATIONS:
                for binding in device.bindings:
                    if binding not in service.bindings or arguments.binding not in (None, binding):
                        continue
                    result = play(device, service, binding, Path(scratch))
                    found.add(result.status)
                    reason = f": {result.reason}" if result.reason else ""
                    print(f"{device.name:10}{service.name:10}{binding:9}{result.status}{reason}", flush=True)
    if "failed" in found:
        return exit_code.FAILED
    return exit_code.PASSED if found == {"passed"} else exit_code.UNDECIDED
