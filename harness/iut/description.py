"""The description of an implementation under test (IUT): one TOML file, read once, frozen afterwards.

`load` judges the file alone. `check` also judges what it points to: the commands exist, the credentials load and are in
force. Relative paths count from the folder of the file. Every complaint is a `DescriptionError` of one line, and the
command line answers it with exit code 2.
"""

import dataclasses
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .address import Address
from .features import BINDINGS, Features
from .keys import DescriptionError, Source, key, read_section, shown, unknown_key, write_section

__all__ = ["Address", "Description", "DescriptionError", "Features", "find_command", "load", "parse", "template"]

ROLES = ("device", "service", "verifier")
SCOPES = ("session", "handshake")
_LARGEST_FILE = 1 << 20
_ADDRESS = r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):\d{1,5}"


@dataclass(frozen=True, slots=True)
class Iut:
    """Section `[iut]`: what is tested."""

    name: str = key(meaning="name that reports show")
    role: str = key(meaning="which party it plays", choices=ROLES)
    version: str = key(meaning="version of the product under test")
    scope: str = key(
        "session", "what it implements: the whole session, or the handshake of its binding alone", choices=SCOPES
    )
    digest: str | None = key(
        None,
        "digest of the tested build, so that a report names exactly one",
        pattern=r"sha256:[0-9a-f]{64}",
        form='"sha256:" and 64 lower-case hexadecimal digits',
        example="sha256:" + "0" * 64,
    )


@dataclass(frozen=True, slots=True)
class Wire:
    """Section `[wire]`: how a TCP connection comes about. The device dials, the service listens."""

    binding: str = key("edhoc", "secure channel that it is tested over", choices=BINDINGS)
    address: str | None = key(
        None, "where it listens (service)", pattern=_ADDRESS, form='"host:port"', example="127.0.0.1:4433"
    )
    command: tuple[str, ...] | None = key(
        None, "command that starts it (service, verifier on standard input and output)", example=("./service",)
    )
    connect: str | tuple[str, ...] | None = key(
        None,
        'how it is made to dial (device): a command with "{host}" and "{port}", or "control" for the control plane',
        example=("./device", "--connect", "{host}:{port}"),
    )
    reconnects: bool = key(False, "it dials `listen` again and again by itself (device)")
    listen: str = key(
        "127.0.0.1:0",
        "where the suite listens for it (device); port 0 takes a free one",
        pattern=_ADDRESS,
        form='"host:port"',
    )
    probe: str = key("", "what a handshake-only server is sent to make it answer with data of its application")
    url: str | None = key(
        None,
        "where it answers over HTTP (verifier)",
        pattern=r"https?://\S+",
        form="a URL that begins with http:// or https://",
        example="http://127.0.0.1:8080/verify",
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """Section `[credentials]`."""

    folder: Path = key(meaning="folder that `trustconn provision` wrote, with `tester` in it")  # noqa: RUF009

    @property
    def tester(self) -> Path:
        """What the suite uses: the authorities and, in `peer`, the opposite party."""
        return self.folder / "tester"

    @property
    def iut(self) -> Path:
        """What the implementation under test was given."""
        return self.folder / "iut"


@dataclass(frozen=True, slots=True)
class Control:
    """Section `[control]`: the control plane, at most ten verbs in JSON lines."""

    mode: str = key("none", "how its adapter is reached", choices=("none", "stdio", "socket"))
    command: tuple[str, ...] | None = key(
        None, 'command that starts the adapter; "{control}" becomes the address to dial', example=("./adapter",)
    )
    listen: str = key(
        "127.0.0.1:0", "where the suite listens for the adapter (socket)", pattern=_ADDRESS, form='"host:port"'
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Section `[timeouts]`, in seconds of real time."""

    start: float = key(10.0, "until it is ready after its command was started", least=0.01)
    dial: float = key(10.0, "until a device has dialled", least=0.01)
    reply: float = key(5.0, "until it has answered on the wire or on the control plane", least=0.01)
    silence: float = key(1.0, "after which an answer that may be missing is taken as missing", least=0.01)
    stop: float = key(2.0, "until it has ended after it was told to", least=0.01)


PATIENT_START, PATIENT_SILENCE = 60.0, 5.0
"""Seconds for what this project starts itself, however busy the machine is: it answers, and nobody waits as long."""


@dataclass(frozen=True, slots=True)
class Description:
    """A whole file; `folder` is where its commands run."""

    folder: Path
    iut: Iut
    wire: Wire
    credentials: Credentials
    features: Features
    control: Control
    timeouts: Timeouts


_SECTIONS: dict[str, type[Any]] = {
    "iut": Iut,
    "wire": Wire,
    "credentials": Credentials,
    "features": Features,
    "control": Control,
    "timeouts": Timeouts,
}


def load(path: Path) -> Description:
    """The description in `path`, not yet what it points to.

    Raises:
        DescriptionError: the file cannot be read, or its content breaks a rule.
    """
    path = Path(path)
    source, tables = parse(path)
    for name in tables:
        if name not in _SECTIONS:
            raise source.error(name, None, unknown_key(name, list(_SECTIONS)), f'the unknown section "{name}"')
    parts = {name: read_section(cls, name, tables.get(name, {}), source) for name, cls in _SECTIONS.items()}
    description = Description(path.parent, **parts)
    _RULES[description.iut.role](description, source)
    if description.iut.scope == "handshake" and description.wire.binding != "tls":
        found = shown(description.wire.binding)
        raise source.error("wire", "binding", 'tls, because iut.scope is "handshake"', found)
    _control_rules(description, source)
    return description


def parse(path: Path) -> tuple[Source, dict[str, object]]:
    """The tables of a description as they stand, and the source for errors about them. Raises DescriptionError."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DescriptionError(path, "file", f"at most {_LARGEST_FILE} bytes", f"{path.stat().st_size}")
        text = path.read_bytes().decode()
    except OSError as error:
        raise DescriptionError(path, "file", "a readable file", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise DescriptionError(path, "file", "UTF-8 text", f"the byte 0x{error.object[error.start]:02x}") from error
    try:
        return Source(path, text), tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"\(at line (\d+), column \d+\)", str(error))
        raise DescriptionError(path, "file", "TOML", str(error), int(line[1]) if line else None) from error


def _only(description: Description, source: Source, *allowed: str) -> None:
    """Refuses a `[wire]` key of another role, so that it is not silently ignored."""
    wire, fields = description.wire, dataclasses.fields(Wire)
    for field in fields:
        if field.name not in allowed and getattr(wire, field.name) != field.default:
            expected = f"only {' and '.join(allowed)} for the role {description.iut.role}"
            raise source.error("wire", field.name, expected, shown(getattr(wire, field.name)))


def _service_rules(description: Description, source: Source) -> None:
    _only(description, source, "binding", "address", "command", "probe")
    wire = description.wire
    if wire.address is None and description.control.mode == "none":
        raise source.error("wire", "address", "the address where it listens, or a control plane", "nothing")
    if wire.command and description.control.mode != "none":
        raise source.error("wire", "command", "nothing, because control.command starts it", shown(list(wire.command)))


def _device_rules(description: Description, source: Source) -> None:
    _only(description, source, "binding", "connect", "reconnects", "listen", "probe")
    wire, ways = description.wire, 'a command, "control", or reconnects = true'
    if (wire.connect is None) != wire.reconnects:
        raise source.error("wire", "connect", ways, "both" if wire.reconnects else "nothing")
    if isinstance(wire.connect, str) and wire.connect != "control":
        raise source.error("wire", "connect", ways, shown(wire.connect))
    if wire.connect == "control" and description.control.mode == "none":
        raise source.error("control", "mode", 'stdio or socket, because wire.connect is "control"', shown("none"))
    if isinstance(wire.connect, tuple):
        missing = [hole for hole in ("{host}", "{port}") if hole not in " ".join(wire.connect)]
        if missing:
            raise source.error("wire", "connect", f"an argument with {missing[0]}", shown(list(wire.connect)))
    if wire.reconnects and Address.parse(wire.listen).port == 0:
        raise source.error("wire", "listen", "the port that the device dials", shown(wire.listen))


def _verifier_rules(description: Description, source: Source) -> None:
    _only(description, source, "command", "url")
    wire = description.wire
    if (wire.command is None) == (wire.url is None):
        raise source.error("wire", "command", "exactly one of command and url", "both" if wire.url else "nothing")


_RULES: dict[str, Callable[[Description, Source], None]] = {
    "service": _service_rules,
    "device": _device_rules,
    "verifier": _verifier_rules,
}


def _control_rules(description: Description, source: Source) -> None:
    control = description.control
    if control.mode == "stdio" and control.command is None:
        raise source.error("control", "command", "the command that starts the adapter", "nothing")
    if control.mode == "none" and control.command is not None:
        found = shown(list(control.command))
        raise source.error("control", "command", 'nothing, because control.mode is "none"', found)


def find_command(command: tuple[str, ...], folder: Path) -> Path | None:
    """The program that `command` starts: a path counts from `folder`, a bare name is looked up in PATH."""
    if os.sep not in command[0]:
        found = shutil.which(command[0])
        return Path(found) if found else None
    program = (folder / command[0]).absolute()
    return program if program.is_file() and os.access(program, os.X_OK) else None


_TEMPLATE_VALUES: dict[str, dict[str, dict[str, object]]] = {
    "service": {"wire": {"address": "127.0.0.1:4433"}},
    "device": {"wire": {"connect": ("./device", "--connect", "{host}:{port}")}},
    "verifier": {"wire": {"command": ("./verifier",)}},
}
_HIDDEN = {
    "service": frozenset({"probe", "connect", "reconnects", "listen", "url"}),
    "device": frozenset({"probe", "address", "command", "url"}),
    "verifier": frozenset({"probe", "binding", "address", "connect", "reconnects", "listen"}),
}


def template(role: str, known: Mapping[str, Mapping[str, object]] = MappingProxyType({})) -> str:
    """A commented description for `role` that loads as it stands; a key behind `#` shows its default or an example.

    `known` are values by section and key; None takes away a value that the template would have.
    """
    shown_values: dict[str, dict[str, object]] = {
        "iut": {"name": f"my-{role}", "role": role, "version": "1.0"},
        "credentials": {"folder": "credentials"},
        "control": {"mode": "none"},
        **_TEMPLATE_VALUES[role],
    }
    for section, values in known.items():
        merged = shown_values.get(section, {}) | dict(values)
        shown_values[section] = {name: value for name, value in merged.items() if value is not None}
    head = "# An implementation under test, for `trustconn run --iut`. Relative paths count from this file's folder.\n"
    sections = [
        write_section(
            cls,
            name,
            shown_values.get(name, {}),
            _HIDDEN[role] - set(shown_values.get(name, {})) if name == "wire" else frozenset(),
        )
        for name, cls in _SECTIONS.items()
    ]
    return "\n".join([head, *sections])
