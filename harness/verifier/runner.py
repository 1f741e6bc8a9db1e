"""A reference verifier as a process: `python -m trustconn.harness.verifier.runner --credentials FOLDER`.

Without --listen it answers requests on standard input until that ends. With it, it prints where it listens as one JSON
line and answers over HTTP until SIGTERM or SIGINT; what protects the connection off this machine stands before it.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import logging
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from ..faults import complaint, reference_verifier
from ..identity.settings import SettingError
from ..iut.address import Address
from ..memory import settle_memory
from ..peer.clock import SystemClock
from .folder import load
from .http import HttpServer
from .ledger import LedgerError
from .streams import serve

FAILED, BAD_USAGE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a reference verifier."""
    add = parser.add_argument
    add("--credentials", type=Path, required=True, metavar="FOLDER", help="as `provision verifier` made it")
    add("--listen", metavar="HOST:PORT", help="answer over HTTP; port 0 takes a free one")
    add("--ledger", type=Path, metavar="FILE", help="what it must remember; default: in the folder")
    add("--now", type=int, metavar="SECONDS", help="unix seconds at which its clock stands still, for tests")
    add("--without", default="", metavar="CHECK[,CHECK]", help="checks that are switched off")
    add("--fault", default="", metavar="NAME[,NAME]", help="faults of this verifier")
    add("--log", action="store_true", help="say on standard error why evidence was refused")


def main(argv: list[str] | None = None) -> int:
    """Runs a verifier to its end; the exit code: 0, 1 when it could not go on, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="trustconn verifier", description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(arguments: argparse.Namespace) -> int:
    """As `main`, for arguments that `add_arguments` defined."""
    if fault := _usage_fault(arguments):
        print(fault, file=sys.stderr)
        return BAD_USAGE
    logging.basicConfig(level=logging.INFO if arguments.log else logging.CRITICAL, stream=sys.stderr)
    settle_memory()
    now: Callable[[], int] = SystemClock().now if arguments.now is None else lambda: arguments.now
    off = _names(arguments.without) | _names(arguments.fault)
    try:
        verifier = load(arguments.credentials, now, ledger=arguments.ledger, off=off, make=reference_verifier)
        if arguments.listen:
            asyncio.run(_listen(HttpServer(verifier), Address.parse(arguments.listen)))
        else:
            serve(verifier, sys.stdin.fileno(), sys.stdout.fileno())
    except SettingError as error:
        print(error, file=sys.stderr)
        return BAD_USAGE
    except (LedgerError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 0
    return 0


def _usage_fault(arguments: argparse.Namespace) -> str:
    if unknown := complaint(_names(arguments.without), _names(arguments.fault)):
        return unknown
    if not arguments.listen:
        return ""
    host, _, port = arguments.listen.rpartition(":")
    if not port.isdecimal():
        return f"--listen: expected host:port, found {arguments.listen}"
    if not _is_here(host) and _is_seeded(arguments.credentials):
        return "--listen: refused off this machine, because anyone can compute keys that come from a seed"
    return ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_seeded(folder: Path) -> bool:
    """Whether the manifest says so; without a word about it the answer is yes."""
    try:
        return tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8")).get("seeded") is not False
    except (OSError, ValueError):
        return True


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name)


async def _listen(server: HttpServer, where: Address) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listening = await server.listen(*where)
    host, port = listening.sockets[0].getsockname()[:2]
    print(json.dumps({"host": host, "port": port, "url": f"http://{host}:{port}/"}), flush=True)
    async with listening:
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
