"""A reference peer as a process: `python -m trustconn.harness.peer.runner device|service --credentials FOLDER`.

With `--control` it is an implementation under test like any other and does what the control plane asks. Without, it
prints one JSON line, where it listens or from where it dialled, and works until it is told to stop: by SIGTERM, SIGINT
or, for a device, the end of its connection. With SSLKEYLOGFILE in the environment the secrets of its sessions are
written there (RFC 9850).
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..iut.address import Address
from ..iut.features import BINDINGS, KEY_LOG_VARIABLE
from ..iut.messages import MessageError
from ..memory import settle_memory
from .clock import Clock, ControlledClock, SystemClock
from .connection import IDLE

if TYPE_CHECKING:
    from .host import HostOptions

FAILED, BAD_USAGE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a reference peer."""
    parser.add_argument("role", choices=("device", "service"))
    parser.add_argument("--credentials", type=Path, required=True, metavar="FOLDER", help="as `provision` made it")
    parser.add_argument("--binding", choices=BINDINGS, default=BINDINGS[0], help="secure channel that it speaks")
    parser.add_argument("--without", default="", metavar="CHECK[,CHECK]", help="checks that are switched off")
    parser.add_argument("--fault", default="", metavar="NAME[,NAME]", help="faults of this peer")
    parser.add_argument("--verifier", default="", metavar="URL", help="verifier that judges the peer's evidence")
    parser.add_argument("--results", default="", metavar="URL", help="verifier that gives results about this peer")
    parser.add_argument("--ocsp", default="", metavar="URL", help="OCSP responder to ask for the peer's status")
    parser.add_argument("--crl", default="", metavar="URL", help="revocation list to fetch for the peer's status")
    parser.add_argument("--control", metavar="stdio|HOST:PORT", help="serve the control plane, or dial it")
    parser.add_argument("--clock", choices=("system", "control"), default="system", help="who sets the time")
    parser.add_argument("--now", type=int, help="unix seconds at which a controlled clock starts")
    parser.add_argument("--seed", type=bytes.fromhex, metavar="HEX", help="repeatable randomness, for tests")
    parser.add_argument("--idle", type=float, default=IDLE, metavar="SECONDS", help="real time without a byte")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="where a service listens")
    parser.add_argument("--connect", metavar="HOST:PORT", help="which service a device dials")
    parser.add_argument("--events", action="store_true", help="print each event as a JSON line")
    parser.add_argument("--far", action="store_true", help="allow hosts other than this machine")


def main(argv: list[str] | None = None) -> int:
    """Runs a peer to its end; the exit code: 0, 1 when it could not go on, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="trustconn peer", description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(arguments: argparse.Namespace) -> int:
    """As `main`, for arguments that `add_arguments` defined."""
    from .host import HostError

    if fault := _usage_fault(arguments):
        print(fault, file=sys.stderr)
        return BAD_USAGE
    settle_memory()
    try:
        return asyncio.run(_controlled(arguments) if arguments.control else _plain(arguments))
    except HostError as error:
        print(error, file=sys.stderr)
        return BAD_USAGE if error.code == "bad_configuration" else FAILED
    except (OSError, MessageError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _usage_fault(arguments: argparse.Namespace) -> str:
    from ..faults import complaint

    if unknown := complaint(_names(arguments.without), _names(arguments.fault)):
        return unknown
    if arguments.role == "device" and not arguments.control and not arguments.connect:
        return "--connect: a device needs a service to dial"
    for name in ("listen", "connect", "control"):
        text = getattr(arguments, name)
        if text and text != "stdio" and not text.rpartition(":")[2].isdecimal():
            return f"--{name}: expected host:port, found {text}"
    for name in ("verifier", "results", "ocsp", "crl"):
        if (url := getattr(arguments, name)) and not url.startswith(("http://", "https://")):
            return f"--{name}: expected a URL that begins with http:// or https://, found {url}"
    if arguments.seed is not None and arguments.far:
        return "--seed: refused with --far, because anyone can compute keys that come from a seed"
    return ""


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name)


def _options(arguments: argparse.Namespace) -> "HostOptions":
    from ..crypto.random import SeededRandom
    from .host import HostOptions
    from .keylog import KeyLog

    system = SystemClock()
    clock: Clock = ControlledClock(arguments.now or system.now()) if arguments.clock == "control" else system
    seeded = SeededRandom(arguments.seed) if arguments.seed is not None else None
    off, far, idle = _names(arguments.without) | _names(arguments.fault), arguments.far, arguments.idle
    path = os.environ.get(KEY_LOG_VARIABLE)
    log = KeyLog(Path(path)) if path else None
    return HostOptions(
        arguments.role, arguments.credentials, clock, seeded, off, far, idle, arguments.binding, log,
        arguments.verifier, arguments.results, arguments.ocsp, arguments.crl,
    )  # fmt: skip


async def _controlled(arguments: argparse.Namespace) -> int:
    from .adapter import on_socket, on_stdio
    from .host import PeerHost

    adapter = await (on_stdio() if arguments.control == "stdio" else on_socket(*Address.parse(arguments.control)))
    adapter.host = PeerHost(_options(arguments), adapter.push)
    await adapter.serve()
    return 0


async def _plain(arguments: argparse.Namespace) -> int:
    from .host import PeerHost

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    held: list[Mapping[str, Any]] = []
    host = PeerHost(_options(arguments), held.append)
    if arguments.role == "service":
        address = await host.listen(*Address.parse(arguments.listen))
    else:
        host.on_empty = stop.set
        address = host.connection(await host.dial(*Address.parse(arguments.connect))).local_address
    _print({"host": address[0], "port": address[1]})
    if arguments.events:
        for event in held:
            _print(event)
    host.push = _print if arguments.events else _ignore
    await stop.wait()
    host.drop()
    return 0


def _print(message: Mapping[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _ignore(message: Mapping[str, Any]) -> None:
    """Without --events the address is the only output."""


if __name__ == "__main__":
    sys.exit(main())
