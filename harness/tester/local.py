"""The reference peer as an implementation under test in this process: no sockets, no subprocess.

It answers what a complete peer does, or one with checks switched off: the table as an oracle, and the quick way to try
a deviation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...model.table import Table
from ..crypto.random import SeededRandom
from ..deadline import Deadline
from ..faults import kept, reference_peer
from ..identity.errors import Unanswered
from ..identity.policy import EAR_FORMAT, PSA_TOKEN, TPM_FORMAT
from ..identity.provision import ACCEPTED_BESIDE_TPM, OFFERED_IN_TPM, load_world, make_pair, save_party
from ..identity.settings import SettingError
from ..identity.world import Memory, World
from ..iut.control import ControlRefused
from ..peer.binding import DEFAULT
from ..peer.endpoint import Endpoint
from ..peer.provider import PROFILE_SUITES
from ..peer.report import translate
from ..peer.tcp import PeerFinished, TimedOut
from .clock import TesterClock
from .conversation import Conversation
from .session import OPPOSITE, Iut, NeedNotMet, Role

START_TIME = 1_800_000_000
"""Unix seconds at which local sessions take place."""


class LocalConnection:
    """Octets handed from one endpoint to the other."""

    def __init__(self, endpoint: Endpoint, live: list[Endpoint], *, drops: bool = False) -> None:
        self.endpoint = endpoint
        self._live, self._drops = live, drops
        live.append(endpoint)
        endpoint.start()

    def send_all(self, data: bytes, deadline: Deadline) -> None:
        """Feed the endpoint; a defect of it ends the connection where it is told to, as in a process of its own."""
        try:
            self.endpoint.receive_data(data)
        except Exception:
            if not self._drops:
                raise
            self.endpoint.closed = True

    def recv_some(self, deadline: Deadline) -> bytes:
        """What the endpoint has to say; it is never waited for, because nothing else can happen."""
        data = self.endpoint.data_to_send()
        if data:
            return data
        raise PeerFinished if self.endpoint.closed else TimedOut

    def half_close(self) -> None:
        """The tester's FIN."""
        self.endpoint.receive_eof()

    def reset(self) -> None:
        """The tester's RST: to the endpoint just another end."""
        self.endpoint.receive_eof()

    def close(self) -> None:
        """Nobody is there any more."""
        self.endpoint.closed = True
        if self.endpoint in self._live:
            self._live.remove(self.endpoint)


class LocalIut(Iut):
    """The reference peer of `role`, with the faults that `off` names, or one that follows another table.

    `make` makes one of its endpoints.
    """

    def __init__(
        self,
        role: Role,
        *,
        off: frozenset[str] = frozenset(),
        seed: bytes = b"local",
        binding: str = DEFAULT,
        make: Callable[..., Endpoint] = reference_peer,
        table: Table | None = None,
    ) -> None:
        self.role, self.opposite, self.off, self.binding = role, OPPOSITE[role], off, binding
        self._make = make
        device, service, self.pki = make_pair(seed, START_TIME)
        self.clock = TesterClock(START_TIME)
        self._honest: World = device if role == "device" else service
        self.world = service if role == "device" else device
        for world in (device, service):
            world.now = self.clock.now
        waiver = self.pki.waiver(self._honest.credentials.leaf).sign(self.pki.waiver_authority)
        self._waiver = waiver
        self._table = table
        self._options: dict[str, Any] = {}
        self._changes: dict[str, Any] = {}
        self.rng = SeededRandom(seed)
        self.reply, self.silence = 5.0, 0.0  # Nothing waits here; the first only bounds what would never end.
        self.latest: Endpoint | None = None
        self.drops = False
        """Whether a defect ends its connection alone."""
        self._live: list[Endpoint] = []
        self._connections = 0
        self._retried = False
        self.clock.followers.append(self._tick)

    def _tick(self, seconds: int) -> None:
        for endpoint in self._live:
            endpoint.tick()

    def connect(self) -> LocalConnection:
        self._retried = False
        return self._connection()

    def retried(self, *, expected: bool) -> LocalConnection | None:
        suites_i = self.latest.retry if self.latest is not None else None
        if suites_i is None or self._retried:
            return None
        self._retried = True
        return self._connection(suites_i)

    def _connection(self, suites_i: tuple[int, ...] = ()) -> LocalConnection:
        world = dataclasses.replace(self._honest, **self._changes)
        self._connections += 1
        rng = self.rng.child(f"implementation {self._connections}, {len(suites_i)} suites")
        options = {"off": self.off, "rng": rng, "suites_i": suites_i, "binding": self.binding, **self._options}
        if self._table is not None:
            options["table"] = self._table
        self.latest = self._make(self.role, world, **options)
        return LocalConnection(self.latest, self._live, drops=self.drops)

    @contextmanager
    def configured(self, **configuration: Any) -> Iterator[None]:
        credentials, policy = self._honest.credentials, self._honest.policy
        if configuration.pop("presents_waiver", False):
            credentials = dataclasses.replace(credentials, waiver=self._waiver)
        suites = tuple(configuration.pop("suites", PROFILE_SUITES))
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in configuration.items()}
        self._changes = {"credentials": credentials, "policy": dataclasses.replace(policy, **values)}
        self._options = {"suites": suites}
        try:
            yield
        finally:
            self._changes, self._options = {}, {}

    @contextmanager
    def provisioned(self, change: Callable[[Path], None]) -> Iterator[None]:
        before = self._honest
        with TemporaryDirectory() as name:
            folder = Path(name)
            save_party(folder, self.pki, before, self.world.credentials.leaf)
            change(folder)
            try:
                changed = load_world(folder, self.clock.now)
            except SettingError as error:
                raise ControlRefused("provision", "bad_configuration", str(error)) from error
        self._honest = dataclasses.replace(changed, memory=before.memory)
        try:
            for endpoint in tuple(self._live):
                endpoint.learn(changed.anchors)
            yield
        finally:
            self._honest = before

    @contextmanager
    def judged_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> Iterator[None]:
        with self.configured(**configuration):
            self._options = {**self._options, "ask": _asking(answer)}
            yield

    @contextmanager
    def vouched_by(self, answer: Callable[[bytes], bytes | None], **configuration: Any) -> Iterator[None]:
        with self.configured(**{"offered": [EAR_FORMAT], **configuration}):
            self._changes["verifier"] = _asking(answer)
            yield

    def need_tpm(self) -> None:
        """Its module has a TPM beside it."""

    def need_proofs(self) -> None:
        """It pins an issuer of properties from the first use on."""
        from ..property.fixture import holdings

        for world in (self._honest, self.world):
            world.properties = world.properties or holdings(world.role, START_TIME)

    @contextmanager
    def attesting_by_tpm(self) -> Iterator[None]:
        before = self._honest.policy
        self._honest.policy = dataclasses.replace(before, offered=OFFERED_IN_TPM, accepted=ACCEPTED_BESIDE_TPM)
        try:
            yield
        finally:
            self._honest.policy = before

    def need_psa(self) -> None:
        """It can be given a root of trust of that kind."""

    @contextmanager
    def attesting_by_psa(self) -> Iterator[None]:
        from ..identity.psa import on_psa, psa_party  # Few tests need one.

        policy, credentials = self._honest.policy, self._honest.credentials
        self._honest.policy, self._honest.credentials = on_psa(policy), psa_party(self.pki, self.role)
        try:
            yield
        finally:
            self._honest.policy, self._honest.credentials = policy, credentials

    @contextmanager
    def later(self) -> Iterator[TesterClock]:
        before = self.clock.now()
        try:
            yield self.clock
        finally:
            self.clock.rewind(before)

    @contextmanager
    def showing_interface(self) -> Iterator[None]:
        from ..identity.interface_party import make_interface

        self._honest.interface = make_interface(self.pki) if self.role == "device" else None
        try:
            yield
        finally:
            self._honest.interface = None

    def restart(self) -> None:
        for endpoint in self._live:
            endpoint.closed = True
        self._honest.memory = Memory.restore(kept(self.role, self.off, self._honest.save()))

    def forget(self) -> None:
        """Both sides lose what they remember and draw from the start: what comes next depends on nothing before."""
        self._honest.memory, self.world.memory = Memory(), Memory()
        self._count = self._connections = 0

    def forget_boot_counts(self) -> None:
        """It loses the boot counts that it accepted: a very high one would refuse all that come after it."""
        self._honest.memory.bootcounts.clear()

    def sends(self, conversation: Conversation, content: bytes) -> None:
        _endpoint(conversation).send_data(content)

    def closes(self, conversation: Conversation) -> None:
        _endpoint(conversation).close()

    def moment(self) -> int:
        return 0

    def hold_events(self) -> None:
        """Its endpoint always does."""

    def begun(self, since: int) -> None:
        """It notices at once."""

    def ending(self, conversation: Conversation, since: int) -> Mapping[str, Any]:
        assert self.latest is not None
        told = [translate(e) for e in self.latest.events]
        return next((t[1] for t in told if t and t[0] == "closed"), {"how": "nothing"})

    def is_alive(self) -> bool:
        return True

    def need_feature(self, name: str, value: object = True) -> None:
        if name in ("virtual_root_of_trust", "verifier"):
            raise NeedNotMet(f"feature {name} is not declared")
        kinds = {"tpm2": TPM_FORMAT, "psa": PSA_TOKEN}
        if value in kinds and kinds[str(value)] not in self._honest.policy.accepted:
            raise NeedNotMet(f"feature {name} is not declared as {value!r}")

    def close(self) -> None:
        self.latest = None
        self._live.clear()


def _asking(answer: Callable[[bytes], bytes | None]) -> Callable[[bytes], bytes]:
    def ask(request: bytes) -> bytes:
        reply = answer(request)
        if reply is None:
            raise Unanswered("the verifier says nothing")
        return reply

    return ask


def _endpoint(conversation: Conversation) -> Endpoint:
    connection = conversation.connection
    assert isinstance(connection, LocalConnection)
    return connection.endpoint
