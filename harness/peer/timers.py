"""Deadlines of one connection, on the injected clock. What follows each is in the table."""

from __future__ import annotations

from ...model.protocol import local
from ...model.table import Message
from ..identity.world import World

_CHECK = {
    local.HANDSHAKE_TIMEOUT.name: "handshake_ends_in_time",
    local.VERDICT_TIMEOUT.name: "verdict_comes_in_time",
    local.VALIDITY_ENDS.name: "verdicts_are_still_valid",
    local.EXPIRED_TIMEOUT.name: "expired_session_ends",
}
REATTEST_MARGIN = 30
"""Seconds before its verdict ends at which a relying party asks again, if its interval is longer."""


class Timers:
    """Armed deadlines by message; those of checks in `off` never fire."""

    def __init__(self, world: World, letter: str, off: frozenset[str]) -> None:
        self._world = world
        self._letter = letter
        self._off = off
        self._deadlines: dict[str, tuple[int, Message]] = {}
        self._mine: int | None = None
        self._peers: int | None = None

    def _arm(self, message: Message, seconds: int) -> None:
        if _CHECK.get(message.name) not in self._off:
            self._deadlines[message.name] = (self._world.time() + seconds, message)

    def disarm(self, message: Message) -> None:
        """Forget a deadline."""
        self._deadlines.pop(message.name, None)

    def handshake_starts(self) -> None:
        """Runs until the channel stands."""
        self._arm(local.HANDSHAKE_TIMEOUT, self._world.policy.handshake_timeout)

    def entered(self, before: str, state: str) -> None:
        """The table changed its state."""
        if (
            state in ("wait_HELLO_I", "wait_ATT_R", "wait_VERDICT_R")
            and local.VERDICT_TIMEOUT.name not in self._deadlines
        ):
            self.disarm(local.HANDSHAKE_TIMEOUT)
            self._arm(local.VERDICT_TIMEOUT, self._world.policy.verdict_timeout)
        if state == "OPEN":
            self.disarm(local.VERDICT_TIMEOUT)
            self.disarm(local.EXPIRED_TIMEOUT)
            self._validity()
        if state == "EXPIRED" and before == "OPEN":
            self._arm(local.EXPIRED_TIMEOUT, self._world.policy.expired_timeout)

    def verdict_sent(self, valid_for: int) -> None:
        """My verdict on the peer starts to count; before it ends I ask again."""
        self._mine = self._world.time() + valid_for
        policy = self._world.policy
        self._arm(local.REATTEST, max(1, min(policy.reattest_interval, valid_for - REATTEST_MARGIN)))
        self._validity()

    def verdict_received(self, valid_for: int) -> None:
        """The peer's verdict on me starts to count."""
        self._peers = self._world.time() + valid_for
        self._validity()

    def _validity(self) -> None:
        ends = [end for end in (self._mine, self._peers) if end is not None]
        if ends:
            self._arm(local.VALIDITY_ENDS, min(ends) - self._world.time())

    def ends_within(self, seconds: int) -> bool:
        """Whether data must no longer be started."""
        deadline = self._deadlines.get(local.VALIDITY_ENDS.name)
        return deadline is not None and deadline[0] - self._world.time() <= seconds

    def is_due(self, message: Message) -> bool:
        """Whether this deadline has come."""
        deadline = self._deadlines.get(message.name)
        return deadline is not None and deadline[0] <= self._world.time()

    def due(self, state: str) -> Message | None:
        """The earliest deadline that has come."""
        now = self._world.time()
        ready = [(at, name) for name, (at, _) in self._deadlines.items() if at <= now]
        return self._deadlines[min(ready)[1]][1] if ready else None

    def armed(self) -> dict[str, int]:
        """Every deadline that runs, in Unix seconds: those of events, and where the verdicts end."""
        ends = {"mine": self._mine, "peers": self._peers}
        return {name: at for name, (at, _) in self._deadlines.items()} | {
            k: v for k, v in ends.items() if v is not None
        }

    def next_deadline(self) -> int | None:
        """Unix seconds of the earliest deadline."""
        return min((at for at, _ in self._deadlines.values()), default=None)
