"""Plays the handshake group against TLS stacks that others wrote, as servers and clients, and prints a table.

A stack that is not installed is reported as not available, with the command that installs it. Everything runs in a
network namespace of its own where the system allows it, because some servers bind every address.
Exit codes: 0 every endpoint that is installed was played; 3 none was.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..harness.iut.stacks import STACKS
from ..harness.verdict.request import RequestError
from . import exit_code
from .errors import UsageError

_INSIDE = "TRUSTCONN_NAMESPACE"
_ROLES = {"server": ("service",), "client": ("device",), "both": ("service", "device")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `stacks`."""
    names = [stack.name for stack in STACKS]
    parser.add_argument("--stack", choices=names, action="append", help="this one; default: all")
    parser.add_argument("--as", dest="kind", choices=_ROLES, default="both", help="which endpoints; default: both")
    parser.add_argument("--select", metavar="EXPR", help="expression over test and requirement ids, as for run")
    parser.add_argument(
        "--out", type=Path, default=Path("results-stacks"), metavar="DIR", help="folder for the results"
    )


def main(arguments: argparse.Namespace) -> int:
    """Plays, prints the table and writes it to `stacks.md` in the folder."""
    if _INSIDE not in os.environ and (command := _namespace()):
        return subprocess.run([*command, sys.executable, "-m", "trustconn", *sys.argv[1:]], check=False).returncode
    from ..conformance.stack_notes import explain
    from ..conformance.stacks import KINDS, Endpoint, markdown, play

    chosen = [stack for stack in STACKS if not arguments.stack or stack.name in arguments.stack]
    roles, isolated, ends = _ROLES[arguments.kind], _INSIDE in os.environ, list[Endpoint]()
    try:
        for end in play(chosen, roles, arguments.out, isolated=isolated, select=arguments.select):
            print(f"{end.stack} {KINDS[end.role]}: {end.missing or end.version}", flush=True)
            ends.append(end)
    except RequestError as error:
        raise UsageError(str(error)) from error
    table = markdown(ends, explain)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "stacks.md").write_text(table, encoding="utf-8")
    print(table)
    return exit_code.PASSED if any(end.results for end in ends) else exit_code.UNDECIDED


def _namespace() -> list[str]:
    """The command that runs another in a network namespace with a loopback; none where that is not possible."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return []
    up = f'ip link set lo up && export {_INSIDE}=1 && exec "$@"'
    for options in (["--net"], ["--map-root-user", "--net"]):
        command = ["unshare", *options, "sh", "-c", up, "sh"]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []
