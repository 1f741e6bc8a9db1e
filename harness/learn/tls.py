"""TLS for the learner: a channel that watches, and the letters of its handshake that are not the table's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.protocol.proofs import proof_of
from ..peer.endpoint import Endpoint
from ..peer.tls_channel import TlsChannel
from ..tester.session import OPPOSITE
from ..tester.tls_flight import REWRITES, FlightLog, Rewrite
from ..tester.tls_messages import ALERT, APPLICATION_DATA, record
from ..tester.tls_records import HEAD, TAG
from .letter import Letter, Playing, handshake_message
from .puppet import UNREADABLE, Puppet, Watching

HANDSHAKE_FAILURE = bytes((2, 40))
"""A fatal alert (RFC 9846 section 6)."""


class WatchingTls(TlsChannel, Watching):
    """Whatever cannot be followed is an observation like any other."""

    watched = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.flights = FlightLog(endpoint.role)
        super().__init__(endpoint)

    def message_passed(self, octets: bytes, *, written: bool) -> None:
        self.flights.passed.append((written, octets))

    def logs(self, line: bytes) -> None:
        super().logs(line)
        self.flights.log(line)

    def receive(self, data: bytes) -> None:
        if self.failed:
            return
        if not self.done and data[:1] == bytes((ALERT,)):
            # In the clear: OpenSSL does not read all of them, for the version that stands beside them.
            self.failed = True
            self._endpoint.observe("tls_alert", data[HEAD:])
        else:
            super().receive(data)

    def _follow(self) -> None:
        if self._pending is not None:
            state, _ = self._pending
            self._endpoint.observe(_awaited(state), b"")
        super()._follow()

    def _fail(self, error: Exception) -> None:
        """Nothing is said about it: what OpenSSL would say is taken and dropped."""
        self.failed = True
        self._made()
        if self._alert is None:
            shown = self._path and not self.done
            self._endpoint.observe(_awaited(self._endpoint.state) if shown else UNREADABLE, b"")

    def put_early(self, frame: bytes) -> None:
        self._endpoint.put_octets(record(APPLICATION_DATA, frame + bytes(TAG)))


def _awaited(state: str) -> str:
    return state.removeprefix("wait_")


def letters() -> Iterator[Letter]:
    """What else than the table's messages can come in the handshake."""
    for role, peer in OPPOSITE.items():
        name = proof_of(peer, "tls").message.name
        for what, (sentence, rewrite) in REWRITES.items():
            yield Letter(
                f"{name}_{what}", f"{name} {sentence}", handshake_message(name, _remade(rewrite)), role=role,
                unauthenticated=True, handshake=True,
            )  # fmt: skip
    yield Letter("tls_alert", "TLS alert, anyone can send it", _alert, True, unauthenticated=True, handshake=True)


def _remade(rewrite: Rewrite) -> Callable[[Puppet], bytes]:
    def make(puppet: Puppet) -> bytes:
        assert isinstance(puppet.channel, WatchingTls)
        return puppet.channel.flights.remade(rewrite)

    return make


def _alert(play: Playing) -> None:
    play.peer.put_octets(record(ALERT, HANDSHAKE_FAILURE))
