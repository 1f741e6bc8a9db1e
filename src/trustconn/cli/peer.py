"""Starts a reference device or service and prints its address as one JSON line; SIGTERM or SIGINT ends it.

Without --credentials, peers that are started on the same day (UTC) trust each other; their keys are no secret, and
only this machine can reach them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import exit_code
from .errors import UsageError
from .options import (
    KINDS,
    PLAIN,
    SPLIT,
    add_own_evidence,
    add_tam,
    add_virtual,
    bindings,
    fault_names,
    require_plain,
    require_tam,
    roles,
    switches,
    tams,
)

DAY = 86400
_SEED = b"trustconn reference peers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `peer`."""
    parser.add_argument("role", choices=roles())
    parser.add_argument(
        "--without", type=switches, default=frozenset(), metavar="CHECK[,CHECK]", help="checks to leave out"
    )
    parser.add_argument(
        "--fault", type=fault_names, default=frozenset(), metavar="NAME[,NAME]", help="faults of this peer"
    )
    parser.add_argument("--binding", choices=bindings(), default="edhoc", help="secure channel; default: edhoc")
    text = "device with a trusted environment only, or with a rich one beside it that has the network"
    parser.add_argument("--kind", choices=KINDS, default="", help=text)
    add_tam(parser)
    add_virtual(parser)
    add_own_evidence(parser)
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="as `trustconn provision` made it")
    parser.add_argument(
        "--port", type=_port, default=0, help="where a service listens; 0, the default, takes a free one"
    )
    parser.add_argument("--connect", metavar="HOST:PORT", help="which service a device dials")
    parser.add_argument("--verifier", default="", metavar="URL", help="verifier that judges the peer's evidence")
    parser.add_argument("--results", default="", metavar="URL", help="verifier that gives results about this peer")
    parser.add_argument("--ocsp", default="", metavar="URL", help="OCSP responder to ask for the peer's status")
    parser.add_argument("--crl", default="", metavar="URL", help="revocation list to fetch for the peer's status")
    parser.add_argument("--events", action="store_true", help="print each event as a JSON line")


def main(arguments: argparse.Namespace) -> int:
    """Runs the peer to its end."""
    if (arguments.connect is None) != (arguments.role == "service"):
        raise UsageError("peer device needs --connect HOST:PORT, and peer service listens")
    if arguments.credentials is not None and arguments.tam != tams()[0]:
        raise UsageError("--tam makes new keys; credentials have theirs already: it cannot go with --credentials")
    if arguments.credentials is not None and arguments.virtual:
        raise UsageError("--virtual makes new credentials: it cannot go with --credentials")
    if arguments.credentials is not None and arguments.evidence:
        raise UsageError("--evidence makes new credentials: it cannot go with --credentials")
    if arguments.kind and arguments.role != "device":
        raise UsageError("--kind is about devices; it cannot go with service")
    if arguments.kind == PLAIN and arguments.credentials is not None:
        raise UsageError(
            "--kind plain makes new credentials, as `provision --kind plain` does; leave --credentials out"
        )
    require_plain(arguments.evidence, arguments.tam, arguments.virtual)
    require_tam(arguments.tam, arguments.binding)
    if arguments.credentials is not None:
        return _run(arguments, party_folder(arguments.credentials, arguments.role))
    from ..harness.identity.provision import provision

    with tempfile.TemporaryDirectory(prefix="trustconn-") as scratch:
        today = int(time.time()) // DAY * DAY
        how = {"tam": arguments.tam, "virtual": arguments.virtual, "psa": "psa" in arguments.evidence}
        made = Path(scratch) / "made"
        provision(made, seed=_SEED, now=today, role=arguments.role, attests=arguments.kind != PLAIN, **how)
        return _run(arguments, made / "iut")


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    from ..harness.peer import runner

    words = [
        arguments.role,
        "--binding",
        arguments.binding,
        "--credentials",
        str(folder),
        "--listen",
        f"127.0.0.1:{arguments.port}",
    ]
    words += ["--without", ",".join(sorted(arguments.without))] if arguments.without else []
    words += ["--fault", ",".join(sorted(arguments.fault))] if arguments.fault else []
    for name in ("verifier", "results", "ocsp", "crl"):
        words += [f"--{name}", getattr(arguments, name)] if getattr(arguments, name) else []
    words += ["--events"] if arguments.events else []
    with _network(arguments.connect if arguments.kind == SPLIT else "") as address:
        words += ["--connect", address or arguments.connect] if arguments.connect else []
        code = runner.main(words)
    return exit_code.UNDECIDED if code == runner.FAILED else code


@contextmanager
def _network(target: str) -> Iterator[str]:
    """Where the rich environment carries what is meant for `target`; nothing without one."""
    if not target:
        yield ""
        return
    command = [sys.executable, "-m", "trustconn.harness.peer.rich", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rich:
        assert rich.stdin is not None and rich.stdout is not None
        try:
            where = json.loads(rich.stdout.readline())
            yield f"{where['host']}:{where['port']}"
        finally:
            rich.stdin.close()


def party_folder(folder: Path, role: str) -> Path:
    """The folder of the party with this role: `folder` itself, or one of the two that `provision` made in it."""
    import tomllib

    for candidate in (folder, folder / "iut", folder / "tester" / "peer"):
        try:
            if tomllib.loads((candidate / "manifest.toml").read_text(encoding="utf-8")).get("role") == role:
                return candidate
        except (OSError, ValueError):
            continue
    raise UsageError(f"--credentials {folder}: expected credentials of a {role}, found none")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)
