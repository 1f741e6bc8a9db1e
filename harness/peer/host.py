"""The state of one reference peer process: configuration, listening socket, connections and the record of events.

Everything here runs on one asyncio loop. Only loopback is served and dialled unless `far` allows more, and never with
keys from a seed, because anyone can compute those.
"""

import asyncio
import dataclasses
import ipaddress
import os
import tomllib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from ..crypto.random import SeededRandom, system_random
from ..faults import kept, reference_peer
from ..identity.policy import PBA_FORMAT
from ..identity.provision import load_world
from ..identity.settings import SettingError
from ..identity.tpm_tam import TpmTam
from ..identity.world import Memory, Source, World
from ..iut.features import IN_TPM, NO_TLS, PROVISIONED_EVIDENCE, Features, stated
from .binding import DEFAULT
from .clock import Clock, ControlledClock
from .connection import IDLE, PeerConnection
from .endpoint import Endpoint, NotOpen
from .keylog import KeyLog
from .provider import PROFILE_SUITES

Role = Literal["device", "service"]
Stamp = tuple[tuple[str, int, int, int], ...]
"""Of each file: name, nanoseconds of its last change, octets and inode."""
KEPT_EVENTS = 4096
MOST_CONNECTIONS = 256
DIAL_TIMEOUT = 5.0


class HostError(Exception):
    """A request that cannot be carried out; `code` is one of the control plane's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class HostOptions:
    """How a peer process was started: `off` are checks that are switched off and faults, `far` allows other hosts.

    `seeded` makes randomness repeat, for each connection by its number; None takes the system's.
    """

    role: Role
    folder: Path
    clock: Clock
    seeded: SeededRandom | None = None
    off: frozenset[str] = frozenset()
    far: bool = False
    idle: float = IDLE
    binding: str = DEFAULT
    key_log: KeyLog | None = None
    verifier: str = ""
    """URL of the verifier that judges evidence; empty for none."""
    results: str = ""
    """URL of the verifier that gives results about this peer; empty for none."""
    responder: str = ""
    crl: str = ""
    """URLs of an OCSP responder and of a CRL that are asked for the peer's status; empty for none."""


class PeerHost:
    """`push` gets every event as it happens; `on_empty` is called when the last connection has gone."""

    def __init__(self, options: HostOptions, push: Callable[[Mapping[str, Any]], None]) -> None:
        """Raises SettingError when the credentials cannot be used."""
        self.options = options
        self.connections: dict[int, PeerConnection] = {}
        self.events: deque[Mapping[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self.on_empty: Callable[[], None] = lambda: None
        self.push = push
        self._loaded: tuple[Path, Stamp, World] | None = None
        self._world = self._load(options.folder)
        self._suites = PROFILE_SUITES
        self._verifier = options.verifier
        self._world.verifier = _verifier(options.results)
        self._server: asyncio.Server | None = None
        self._last_connection = self._last_seq = 0
        self._retries: set[asyncio.Task[None]] = set()

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listens, once; where. Raises HostError."""
        if self.options.role != "service":
            raise HostError("wrong_role", "a device does not listen")
        if self._server is not None:
            raise HostError("wrong_state", "it listens already")
        self._permit(host)
        try:
            self._server = await asyncio.get_running_loop().create_server(self._connection, host, port)
        except OSError as error:
            raise HostError("failed", f"{host}:{port}: {error.strerror or error}") from error
        address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return address

    async def dial(self, host: str, port: int) -> int:
        """Dials; the number of the connection. Raises HostError."""
        if self.options.role != "device":
            raise HostError("wrong_role", "a service does not dial")
        self._permit(host)
        try:
            async with asyncio.timeout(DIAL_TIMEOUT):
                await self._dialled(host, port)
        except (OSError, TimeoutError) as error:
            raise HostError("failed", f"{host}:{port}: {error}") from error
        return self._last_connection

    async def _dialled(self, host: str, port: int, suites_i: tuple[int, ...] = ()) -> None:
        """Dials; with `suites_i` for the one retry after a refused cipher suite, which is not tried again."""

        def again(suites: tuple[int, ...]) -> None:
            task = asyncio.get_running_loop().create_task(self._dialled(host, port, suites))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)

        retry = None if suites_i else again
        await asyncio.get_running_loop().create_connection(lambda: self._connection(suites_i, retry), host, port)

    @property
    def features(self) -> Features:
        """What this peer states, given the module that holds its keys and the root below it."""
        virtual = self._world.credentials.leaf.virtual is not None
        alone = stated(in_tpm=isinstance(self._world.tam, TpmTam), virtual=virtual)
        further = PROVISIONED_EVIDENCE if self._world.credentials.psa_ak is not None else ()
        return dataclasses.replace(
            alone,
            evidence_formats=(*alone.evidence_formats, *further) if self._world.policy.offered else (),
            evidence_accepted=(*alone.evidence_accepted, *further),
            trusted_user_interface=self._world.interface is not None,
        )

    def connection(self, number: int) -> PeerConnection:
        """A connection by its number. Raises HostError."""
        if number not in self.connections:
            raise HostError("unknown_connection", f"no connection {number}")
        return self.connections[number]

    def send(self, number: int, content: bytes, content_type: str) -> None:
        """Sends signed data. Raises HostError."""
        self._command(number, lambda endpoint: endpoint.send_data(content, content_type))

    def close(self, number: int) -> None:
        """Sends CLOSE. Raises HostError."""
        self._command(number, lambda endpoint: endpoint.close())

    def provision(self, folder: Path | None, configuration: Mapping[str, Any]) -> None:
        """Replaces folder and policy for connections that begin later; what was remembered stays.

        Those that are open go on as they were, unless what they rest on is revoked now. Raises HostError.
        """
        suites = tuple(configuration.get("suites", PROFILE_SUITES))
        if foreign := set(suites) - set(PROFILE_SUITES):
            raise HostError("unsupported", f"this peer has no suite {min(foreign)}")
        world = self._configured(self._load(folder or self.options.folder), configuration)
        world.memory = self._world.memory
        world.verifier = _verifier(configuration.get("results", self.options.results))
        self._world, self._suites = world, suites
        self._verifier = configuration.get("verifier", self.options.verifier)
        self.options = dataclasses.replace(self.options, folder=folder or self.options.folder)
        for connection in [c for c in self.connections.values() if c.endpoint.world.anchors != world.anchors]:
            connection.learn(world.anchors)

    def set_clock(self, *, now: int | None, advance: int) -> int:
        """Sets or advances a controlled clock, then judges every timer; the time. Raises HostError."""
        clock = self.options.clock
        if not isinstance(clock, ControlledClock):
            raise HostError("unsupported", "this peer runs on the system's clock")
        clock.moment = clock.moment + advance if now is None else now
        for connection in list(self.connections.values()):
            connection.tick()
        return clock.moment

    def restart(self) -> None:
        """Loses everything but what a restart keeps, and reads the folder again. Raises HostError."""
        options = self.options
        world, saved = self._load(options.folder), self._world.save()
        self.drop()
        world.restore(kept(options.role, options.off, saved))
        world.verifier = _verifier(options.results)
        self._world, self._suites = world, PROFILE_SUITES

    def drop(self) -> None:
        """Stops listening and drops every connection without a word."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections.values()):
            connection.abort()

    def _command(self, number: int, action: Callable[[Endpoint], None]) -> None:
        connection = self.connection(number)
        try:
            connection.command(lambda: action(connection.endpoint))
        except NotOpen as error:
            raise HostError("wrong_state", str(error)) from error

    def _load(self, folder: Path) -> World:
        """The world of a folder that remembers nothing; the files are read again when one has changed."""
        try:
            stamp = _stamp(folder)
            if self._loaded is None or self._loaded[:2] != (folder, stamp):
                self._loaded = folder, stamp, load_world(folder, self.options.clock.now)
            world = dataclasses.replace(self._loaded[2], memory=Memory(), source=self._source())
            world.credentials.require_valid(folder, world.now())
        except SettingError as error:
            raise HostError("bad_configuration", str(error)) from error
        if isinstance(world.tam, TpmTam) and self.options.binding not in IN_TPM.bindings:
            raise HostError("bad_configuration", f"{folder}: {self.options.binding} with a key in a TPM: {NO_TLS}")
        _require_committer(world)
        if world.role != self.options.role:
            raise HostError(
                "bad_configuration", f"{folder}: credentials of a {world.role}, not of a {self.options.role}"
            )
        return world

    def _source(self) -> Source | None:
        responder, crl = self.options.responder, self.options.crl
        if not responder and not crl:
            return None
        from .status import StatusSources

        return StatusSources(responder=responder, crl=crl)

    def _configured(self, world: World, configuration: Mapping[str, Any]) -> World:
        """Applies everything but the suites."""
        policy = {field.name for field in dataclasses.fields(world.policy)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in configuration.items()
            if key in policy
        }
        if unknown := sorted(configuration.keys() - policy - {"suites", "presents_waiver", "verifier", "results"}):
            raise HostError("unsupported", f"this peer has no setting {', '.join(unknown)}")
        waiver = configuration.get("presents_waiver", world.credentials.waiver is not None)
        if waiver and world.credentials.waiver is None:
            raise HostError("bad_configuration", "presents_waiver: the credentials hold no waiver")
        if not waiver:
            world.credentials = dataclasses.replace(world.credentials, waiver=None)
        try:
            world.policy = dataclasses.replace(world.policy, **values).check(self.options.role)
        except SettingError as error:
            raise HostError("bad_configuration", str(error)) from error
        _require_committer(world)
        return world

    def _permit(self, host: str) -> None:
        near = host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
        if near:
            return
        if not self.options.far:
            raise HostError("failed", f"{host} is not this machine")
        if _is_seeded(self.options.folder):
            raise HostError("failed", f"{host} is not this machine, and the keys come from a seed that anyone can know")

    def _connection(
        self, suites_i: tuple[int, ...] = (), retry: Callable[[tuple[int, ...]], None] | None = None
    ) -> PeerConnection:
        self._last_connection += 1
        number = self._last_connection
        options = self.options
        random = options.seeded.child(f"connection {number}") if options.seeded else system_random
        endpoint = reference_peer(
            options.role,
            self._world,
            **_asking(self._verifier),
            off=options.off,
            rng=random,
            suites=self._suites,
            suites_i=suites_i,
            binding=options.binding,
            key_log=options.key_log,
        )

        def report(name: str, fields: Mapping[str, Any]) -> None:
            self._report(number, name, fields)
            if name == "edhoc_error" and retry is not None and endpoint.retry is not None:
                retry(endpoint.retry)

        connection = PeerConnection(endpoint, options.clock, report, lambda: self._forget(number), options.idle)
        self.connections[number] = connection
        if len(self.connections) > MOST_CONNECTIONS:
            asyncio.get_running_loop().call_soon(connection.abort)
        return connection

    def _forget(self, number: int) -> None:
        self.connections.pop(number, None)
        if not self.connections:
            self.on_empty()

    def _report(self, connection: int, name: str, fields: Mapping[str, Any]) -> None:
        self._last_seq += 1
        event = {
            "event": name,
            "connection": connection,
            "seq": self._last_seq,
            "time": self.options.clock.now(),
            **fields,
        }
        self.events.append(event)
        self.push(event)


def _require_committer(world: World) -> None:
    """Raises HostError where proofs of properties are offered that the module cannot commit to (PBA-18)."""
    if PBA_FORMAT not in world.policy.offered:
        return
    from ..property.commitment import require_committer
    from ..property.errors import NoCommitter

    try:
        require_committer(world.tam)
    except NoCommitter as error:
        raise HostError("unsupported", f"offered: {PBA_FORMAT}: {error}") from error


def _asking(url: str) -> dict[str, Any]:
    """The option of an endpoint that has evidence judged by the verifier there; none without one."""
    ask = _verifier(url)
    return {"ask": ask} if ask else {}


def _verifier(url: str) -> Callable[[bytes], bytes] | None:
    """How to ask the verifier there; None without one."""
    if not url:
        return None
    from .asking import HttpVerifier

    return HttpVerifier(url)


def _stamp(folder: Path) -> Stamp:
    """What tells a folder's files from those that they were before; the state of a module is no file of it."""
    with suppress(OSError), os.scandir(folder) as entries:
        stats = ((entry.name, entry.stat()) for entry in entries if entry.is_file())
        return tuple(sorted((name, found.st_mtime_ns, found.st_size, found.st_ino) for name, found in stats))
    return ()


def _is_seeded(folder: Path) -> bool:
    """Whether the manifest says so; without a word about it the answer is yes."""
    return tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8")).get("seeded") is not False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
