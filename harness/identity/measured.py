"""The measured start of a reference peer: what it runs from, as files, before it serves anybody.

A peer's process is its own root of trust for measurement: what it measures is right as long as this code is. On a
platform of silicon the firmware has that part.
"""

import shutil
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from ..tpm.event_log import LogEvent, write_log
from .tam import COMPONENTS, EVENT_TYPES, BootEvent

LIBRARIES = ("cbor2", "cryptography", "OpenSSL")
"""Packages that the decisions of a peer rest on."""
OWN = ("harness", "model", "spec")
"""Folders of this package that a peer runs from."""
_KINDS = frozenset({".py", ".so", ".toml", ".cddl", ".json"})


@cache
def measured_start() -> tuple[BootEvent, ...]:
    """One event for each component, in the order of a start.

    The firmware is the module's program, the boot loader the interpreter, the operating system the libraries.
    """
    package = Path(__file__).resolve().parents[1].parent
    files = {
        "firmware": [Path(shutil.which("swtpm") or sys.executable)],
        "boot-loader": [Path(sys.executable).resolve()],
        "operating-system": [file for name in LIBRARIES for file in _files(_home(name))],
        "trusted-connection": [file for name in OWN for file in _files(package / name)],
    }
    return tuple(BootEvent(name, _digest(files[name])) for name in COMPONENTS)


def event_log(boot: Iterable[BootEvent]) -> bytes:
    """The log of a start that measured `boot`."""
    registers = ((COMPONENTS[event.component], event) for event in boot)
    return write_log(LogEvent(i, EVENT_TYPES[i], event.digest, event.component.encode()) for i, event in registers)


def _home(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(package)
    return Path(spec.origin).resolve().parent


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.suffix in _KINDS and file.is_file()]


def _digest(files: Iterable[Path]) -> bytes:
    """SHA-256 over the digests of the files in the order of their paths."""
    return sha256(b"".join(sha256(file.read_bytes()).digest() for file in sorted(files))).digest()
