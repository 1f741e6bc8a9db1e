"""The runs of an attack and the attacker's ends between them, set up as the trace needs them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from ...model.protocol.attestation import CHANNEL_SECRET, EVIDENCE
from ...model.table import NET
from ..identity.world import World
from ..peer.edhoc_errors import wrong_suite
from ..tester.conversation import Conversation
from ..tester.deviation import Deviation
from ..tester.peer import TesterEndpoint
from ..tester.session import OPPOSITE, Iut
from ..transport.units import Kind, write_unit
from .cast import Cast
from .handshakes import HANDSHAKES
from .mirror import Mirror
from .story import HINT, RECEIVE, WAIVER, Inexpressible, Player, Story
from .wording import Wording

PREFERENCE = "suite_is_most_preferred"
OFFERED_AGAIN = (3, 2)
"""SUITES_I that selects the second although both sides prefer the first."""


class Stage:
    """`mirrors` are the attacker's ends by the number of the run they face, `honest` the runs that the suite plays.

    The run of the implementation under test has a conversation instead.
    """

    def __init__(self, story: Story, iut: Iut) -> None:
        self.story, self.iut = story, iut
        self._rng = iut.stream(f"attack {story.name}")
        self.mirrors: dict[int, Mirror] = {}
        self.honest: dict[int, TesterEndpoint] = {}
        self.cast = Cast(story, iut, self._rng)
        self.wording = Wording(story, self.cast, self.mirrors)
        self._conversation: Conversation | None = None

    @property
    def conversation(self) -> Conversation:
        """With the implementation under test."""
        assert self._conversation is not None
        return self._conversation

    @property
    def victim(self) -> Mirror:
        """The attacker's end towards the implementation under test."""
        return self.mirrors[self.story.victim.number]

    def is_victim(self, run: int) -> bool:
        """Whether the implementation under test plays this run."""
        return run == self.story.victim.number

    def close(self) -> None:
        """End the conversation with the implementation under test, if there is one."""
        if self._conversation is not None:
            self._conversation.close()

    # --- setting up --------------------------------------------------------------------------------------------------

    def enter(self, run: int) -> None:
        """Begin a run, once.

        Raises:
            Inexpressible: it cannot be set up.
        """
        if run in self.mirrors:
            return
        player = self.story.players[run]
        passing, handshake = self._passes(player), HANDSHAKES[self.iut.binding]
        make = partial(Mirror, passing=passing, **self._offer(player))
        world = self.cast.attacker(player)
        if not (passing or handshake.inside or self.cast.signs(player)):
            raise Inexpressible(f"a handshake of {self.iut.binding} without the key to its certificate")
        if self.is_victim(run):
            self._conversation = self.iut.converse(world=world, make=make)
            mirror = self._conversation.peer
            assert isinstance(mirror, Mirror)
        else:
            rng = self._rng.child(f"attacker {run}")
            mirror = make(OPPOSITE[player.role], world, Deviation(), rng=rng, binding=self.iut.binding)
        self.mirrors[run] = mirror
        if run in self.cast.endorsements:
            mirror.run.pinned[EVIDENCE[mirror.letter].endorsements] = self.cast.endorsements[run]
        if not self.is_victim(run):
            self.honest[run] = self._run(player)
            mirror.start()
            self.honest[run].start()
            self.exchange(run)

    def _passes(self, player: Player) -> bool:
        """Whether the handshake of a run is passed on from another one."""
        received = [x for x in self.story.of_run(player.number, RECEIVE) if x.message.channel == NET]
        passed = [line for line in received if line.source is not None]
        if passed and len(passed) != len(received):
            raise Inexpressible(f"the handshake of the {player.role} is passed on in part")
        return bool(passed)

    def _offer(self, player: Player) -> Mapping[str, Any]:
        """The attacker as a device offers suites that no check would let pass, where that check is missing."""
        return {"suites_i": OFFERED_AGAIN} if player.letter == "R" and PREFERENCE in self.story.checks else {}

    def _run(self, player: Player) -> TesterEndpoint:
        """An honest run: a reference peer that lacks the same checks, as in the model."""
        world = self.cast.honest(player)
        for line in self.story.of_run(player.number, WAIVER):
            waiver = self.cast.waiver(line.term, self.wording.leaf)
            world = dataclasses.replace(world, credentials=dataclasses.replace(world.credentials, waiver=waiver))
        misled = PREFERENCE in self.story.checks and any(self.story.of_run(player.number, HINT))
        return self._endpoint(player, world, self._misled(player, world) if misled else ())

    def _endpoint(self, player: Player, world: World, suites_i: tuple[int, ...] = ()) -> TesterEndpoint:
        rng, off = self._rng.child(f"run {player.number}"), frozenset(self.story.checks)
        return TesterEndpoint(
            player.role, world, Deviation(), rng=rng, off=off, suites_i=suites_i, binding=self.iut.binding,
            channel=HANDSHAKES[self.iut.binding].honest,
        )  # fmt: skip

    def _misled(self, player: Player, world: World) -> tuple[int, ...]:
        """What a device offers on a new connection after the attacker's EDHOC error about its suite."""
        first = self._endpoint(player, world)
        first.start()
        first.receive_data(write_unit(Kind.EDHOC_ERROR, wrong_suite(OFFERED_AGAIN[1:])))
        return first.retry or ()

    # --- octets ------------------------------------------------------------------------------------------------------

    def exchange(self, run: int) -> None:
        """Everything that a run and the attacker's end have to say to each other now."""
        self._hand_on(run)
        if self.is_victim(run):
            self.conversation.flush()
            self.unlock()
            return
        honest, mirror = self.honest[run], self.mirrors[run]
        while (out := honest.data_to_send()) or (back := mirror.data_to_send()):
            if out:
                self.unlock()
                mirror.receive_data(out)
            else:
                honest.receive_data(back)
        self.unlock()

    def _hand_on(self, run: int) -> None:
        """What came late of a message that is passed on to a run."""
        mirror, partner = self.mirrors[run], self.partner(run)
        if mirror.passing and partner in self.mirrors:
            mirror.put_octets(self.mirrors[partner].passed.late())

    def unlock(self) -> None:
        """Channels whose handshake was passed on can be read as soon as an end of the suite's has their secret."""
        for run, mirror in self.mirrors.items():
            ends = (run, self.partner(run)) if mirror.passing and not mirror.channel_stands else ()
            for honest in (self.honest.get(end) for end in ends if end is not None):
                if honest is not None:
                    mirror.passed.overhear(honest)
                    if CHANNEL_SECRET in honest.run.values:
                        mirror.unlock(honest)

    def partner(self, run: int) -> int | None:
        """The run at the other end of a handshake that is passed on."""
        lines = self.story.of_run(run, RECEIVE)
        return next((x.source.run for x in lines if x.source is not None and x.message.channel == NET), None)
