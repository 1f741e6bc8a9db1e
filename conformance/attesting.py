"""Both sides attesting by one form of evidence: what is refused, and what must succeed, between such parties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling, tell
from ..model.refusals import Code
from ..model.terms import Term
from .bench import Bench, opened
from .parties import LETTERS
from .stages import INTERVAL, Stage, at_once, open_then_request


@dataclass(frozen=True, slots=True)
class Form:
    """One form of evidence, and how both sides come to attest by it."""

    name: str
    """Of the configuration in which the control conversation is held."""
    world: Callable[[Iut], World]
    """The tester offering and accepting it alone."""
    implementation: Callable[..., AbstractContextManager[None]]
    """The implementation offering and accepting it, with these settings besides, and back again."""

    def refuses(
        self, bench: Bench, deviation: Deviation, stage: Stage = at_once, world: World | None = None,
        settings: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """The deviation is refused; `options` as for `Bench.refuses`."""
        iut = bench.iut

        def control() -> str:
            return iut.good(world=self.world(iut)).transcript.digest()

        with self.implementation(iut, **(settings or {})):
            bench.refuses(
                deviation, stage, configuration=self.name, control=control, world=world or self.world(iut),
                deferred=False, **options,
            )  # fmt: skip

    def works(self, bench: Bench, play: Callable[[Conversation], str] = opened, **options: Any) -> None:
        """This must succeed; `options` as for `Bench.works`."""
        with self.implementation(bench.iut):
            bench.works(play, **{"world": self.world(bench.iut), **options})

    def refuses_renewed(self, bench: Bench, tale: Mapping[Term, Any], world: World | None = None) -> None:
        """Evidence of epoch 1 is refused, about which the tester's module tells other values than it did before."""
        bench.iut.need_feature("initiates_reattestation")

        def stage(iut: Iut, conversation: Conversation) -> None:
            open_then_request(iut, conversation, lambda peer: tell(peer, tam=tale))

        with self._reattesting(bench.iut):
            self.refuses(bench, Telling(f"ATT_{mine(bench.iut)}", nth=1), stage, world)

    @contextmanager
    def _reattesting(self, iut: Iut) -> Iterator[None]:
        """The implementation asks for evidence again soon, and a clock that reaches that moment."""
        with self.implementation(iut), iut.configured(reattest_interval=INTERVAL), iut.later():
            yield


def mine(iut: Iut) -> str:
    """The tester's letter."""
    return LETTERS[iut.opposite]


def own_data(bench: Bench, conversation: Conversation) -> str:
    """What is wrong with data that the implementation sends as soon as the session is open."""
    if wrong := opened(conversation):
        return wrong
    bench.iut.sends(conversation, b"data")
    return data_taken(bench, conversation)


def data_taken(bench: Bench, conversation: Conversation) -> str:
    """What is wrong with the data that the implementation has been asked to send."""
    if not conversation.until_seen(f"DATA_{LETTERS[bench.iut.role]}"):
        return "no data came"
    accepted = any(e.name == "label_accepted" for e in conversation.peer.events)
    return "" if accepted else "its data was not accepted"


def nothing_to_show(bench: Bench, conversation: Conversation) -> str:
    """What is wrong with how the implementation says that it is its own fault that it sends no evidence."""
    letter = LETTERS[bench.iut.role]
    if not conversation.until_seen(f"ALERT_{letter}"):
        return "no ALERT came"
    alert = conversation.saw(f"ALERT_{letter}")
    if conversation.saw(f"ATT_{letter}"):
        return "evidence was sent all the same"
    return "" if alert is not None and alert.code == Code.INTERNAL else f"the ALERT is {alert and alert.code}"
