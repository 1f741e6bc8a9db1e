"""Where a campaign takes place: against an implementation of one role, or between two live ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Protocol

from ...harness.iut.control import ControlError
from ...harness.iut.launch import LaunchError
from ...harness.iut.process import ProcessError
from ...harness.peer.tcp import TcpError
from ...harness.tester.local import LocalIut
from ...harness.tester.session import ControlFailed, Iut, Role
from .health import Resources
from .oracle import Difference, difference
from .player import Player
from .record import Record
from .relay import BOTH, ROLES, Relay, disagreement, relays
from .schedule import in_turn, ordered
from .scripts import PLAIN, scripts
from .sweep import elsewhere, sweep
from .trace import Step, Trace, step

LIFE = (step("open", 2), step("go", 2), step("ping", 2))
"""A good connection."""
BROKEN = (ControlFailed, TcpError, LaunchError, ControlError, ProcessError)
Renew = Callable[[Role], Iut]
"""The implementation of a role, started again if it has died."""


class Ground(Protocol):
    """What a campaign needs to know of where it takes place. `name` is a role, or both."""

    name: str
    life: tuple[Step, ...]
    """Steps that show that an implementation is still there."""

    def traces(self, random: Random) -> tuple[Iterator[Trace], Sequence[Trace]]:
        """The systematic traces in their order, and traces from which others are made."""

    def expected(self, trace: Trace, number: int) -> Record:
        """What complete peers do."""

    def seen(self, trace: Trace, expected: Record, number: int) -> tuple[Record, Difference | None]:
        """What is done instead, and what is wrong with it."""

    def be_patient(self, patient: bool) -> None:
        """Whether to wait as long as an answer may take at all, where otherwise less is enough."""

    def is_well(self) -> bool:
        """Whether a good connection works."""

    def grown(self) -> str:
        """What an implementation uses more and more of, if anything."""

    def grows(self, play: Callable[[], object]) -> bool:
        """Whether it does so because of this."""

    def forget(self) -> None:
        """Measure anew."""


class OneRole:
    """The tester is the peer of one implementation."""

    life: tuple[Step, ...] = LIFE

    def __init__(self, role: Role, renew: Renew, seed: int) -> None:
        self.name: str = role
        self._role: Role = role
        self._renew, self._seed = renew, seed
        self._start()
        iut = self.player.iut
        self.twin = Player(LocalIut(role, seed=iut.pki.seed, binding=iut.binding), seed)

    def _start(self) -> None:
        self.player = Player(self._renew(self._role), self._seed)
        self._resources = Resources(self.player.iut)

    def traces(self, random: Random) -> tuple[Iterator[Trace], Sequence[Trace]]:
        """Around the plain life of a session first, and now and then around others."""
        surveyor = LocalIut(self._role, seed=b"survey", binding=self.player.iut.binding)
        first, lives = sweep(self._role, surveyor), scripts(self._role)
        others = [partial(elsewhere, surveyor, life) for name, life in lives.items() if name != PLAIN]
        return ordered(first, others, random), [trace for traces in first.values() for _, trace in traces]

    def expected(self, trace: Trace, number: int) -> Record:
        """A complete peer in this process is told the trace."""
        return self.twin.play(trace, case=number)

    def seen(self, trace: Trace, expected: Record, number: int) -> tuple[Record, Difference | None]:
        """The implementation is told it."""
        seen = self.player.play(trace, expected, case=number)
        if not self.player.iut.is_alive():
            self._start()
        return seen, difference(trace, expected, seen)

    def be_patient(self, patient: bool) -> None:
        """With the implementation."""
        self.player.patient = patient

    def is_well(self) -> bool:
        """An honest conversation up to OPEN and CLOSE."""
        try:
            self.player.iut.good()
        except BROKEN:
            return False
        return True

    def grown(self) -> str:
        """Of its process, where that can be seen."""
        return self._resources.grown()

    def grows(self, play: Callable[[], object]) -> bool:
        """Of its process."""
        return self._resources.grows(play)

    def forget(self) -> None:
        """From here on."""
        self._resources.forget()


class BothRoles:
    """The attacker is between two live implementations."""

    name: str = BOTH
    life: tuple[Step, ...] = (Step("relay", 2), Step("pass", 2))

    def __init__(self, renew: Renew) -> None:
        self._renew = renew
        self._start()
        seeds = {role: self.relay.iuts[role].pki.seed for role in ROLES}
        self.twin = Relay({role: LocalIut(role, seed=seeds[role]) for role in ROLES})

    def _start(self) -> None:
        self.relay = Relay({role: self._renew(role) for role in ROLES})

    def traces(self, random: Random) -> tuple[Iterator[Trace], Sequence[Trace]]:
        """Every unit interfered with."""
        found = list(relays())
        return in_turn({"relays": found}, random), [trace for _, trace in found]

    def expected(self, trace: Trace, number: int) -> Record:
        """What a complete pair does."""
        return self.twin.play(trace)

    def seen(self, trace: Trace, expected: Record, number: int) -> tuple[Record, Difference | None]:
        """What the pair under test does, and whether both ends agree."""
        seen = self.relay.play(trace, expected)
        wrong = difference(trace, expected, seen) or disagreement(trace, self.relay)
        if not all(iut.is_alive() for iut in self.relay.iuts.values()):
            self._start()
        return seen, wrong

    def be_patient(self, patient: bool) -> None:
        """With the pair."""
        self.relay.patient = patient

    def is_well(self) -> bool:
        """An honest relay leads to OPEN."""
        trace = Trace(BOTH, self.life)
        return self.seen(trace, self.expected(trace, 0), 0)[1] is None

    def grown(self) -> str:
        """Seen in the campaigns of each role."""
        return ""

    def grows(self, play: Callable[[], object]) -> bool:
        """Seen in the campaigns of each role."""
        return False

    def forget(self) -> None:
        """Nothing is measured."""
