"""Scenarios of an intruder on the network, who holds no key: derived from the messages of an honest conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from ...model.checks import CHECKS
from ..tester.session import OPPOSITE, Role
from .binding import Binding, Interjection, Position
from .intruders import (
    Again,
    AtPosition,
    Change,
    Chunked,
    Cross,
    Delay,
    Drop,
    Duplicate,
    Hold,
    Insert,
    Reflect,
    Replace,
    Swap,
    Truncate,
)
from .scenario import Expected, Scenario
from .scene import Scene
from .wire import Intruder

TRUNCATION = CHECKS["truncation_is_reported"].requirement
PIECES = (1, 3, 1000)

_AT_EACH: dict[str, tuple[Callable[[Position], AtPosition], str]] = {
    "drop": (Drop, "{} never arrives"),
    "duplicate": (Duplicate, "{} arrives twice"),
    "again": (Again, "{} arrives once more after the conversation"),
    "reflect": (Reflect, "{} comes back to its sender"),
    "echo": (partial(Reflect, also=True), "{} arrives, and comes back to its sender as well"),
}
_CUTS: dict[str, tuple[Callable[[Position], AtPosition], str]] = {
    "fin": (Truncate, "the connection ends (FIN) behind {}"),
    "rst": (partial(Truncate, reset=True), "the connection is reset behind {}"),
    "half": (partial(Truncate, half=True), "the connection ends in the middle of {}"),
}


def scenarios(binding: Binding) -> Iterator[Scenario]:
    """All of them."""
    yield from _harmless(binding)
    flow = binding.flow()
    for position in flow:
        yield from _at(position)
        yield _late(binding, position)
        yield from _changes(binding, position)
        yield from _interjections(binding, position, flow)
    yield from _neighbours(flow)
    yield from _recordings(binding)


def _of(position: Position, operator: str, field: str, sentence: str, play: Callable[[Scene], None]) -> Scenario:
    name = f"{operator}-{field}"
    return Scenario(name, sentence, (position.requirement,), OPPOSITE[position.sender], operator, field, play)


def _through(scene: Scene, intruder: Callable[[], Intruder]) -> None:
    scene.through(intruder())


def _passing(binding: Binding, name: str, sentence: str, intruder: Callable[[], Intruder]) -> Scenario:
    operator, _, field = name.partition("-")
    play = partial(_through, intruder=intruder)
    return Scenario(name, sentence, (binding.works,), "service", operator, field or "all", play, Expected.WORKS)


def _harmless(binding: Binding) -> Iterator[Scenario]:
    yield _passing(binding, "pass", "everything passes unchanged", partial(Chunked, 1 << 20))
    for size in PIECES:
        yield _passing(
            binding, f"pieces-{size}", f"everything passes in pieces of {size} octets", partial(Chunked, size)
        )


def _at(position: Position) -> Iterator[Scenario]:
    name = position.message
    for operator, (make, sentence) in _AT_EACH.items():
        if operator == "again" and position.closing:
            continue
        yield _of(position, operator, name, sentence.format(name), partial(_through, intruder=partial(make, position)))
    for operator, (make, sentence) in _CUTS.items():
        play = partial(_through, intruder=partial(make, position))
        yield Scenario(
            f"{operator}-{name}", sentence.format(name), (TRUNCATION,), OPPOSITE[position.sender], operator, name, play
        )
    yield _of(position, "splice", name, f"{name} of two sessions change places", partial(_splice, at=position))
    sentence = f"{name} of an earlier session arrives in the place of this one's"
    yield _of(position, "recorded", name, sentence, partial(_recorded, at=position))


def _late(binding: Binding, position: Position) -> Scenario:
    name = position.message
    sentence = f"{name} arrives when nothing else comes any more"
    return _passing(binding, f"delay-{name}", sentence, partial(Delay, position))


def _changes(binding: Binding, position: Position) -> Iterator[Scenario]:
    name = position.message
    for place, rewrite in binding.bits(position).items():
        play = partial(_through, intruder=partial(Change, position, rewrite, f"a bit of {place}"))
        yield _of(position, "flip", f"{name}-{place}", f"one bit of {place} in {name} is flipped", play)
    for place, rewrite in binding.rewrites(position).items():
        play = partial(_through, intruder=partial(Change, position, rewrite, place))
        yield _of(position, "rewrite", f"{name}-{place}", f"{place} of {name} is another one", play)


def _interjections(binding: Binding, position: Position, flow: tuple[Position, ...]) -> Iterator[Scenario]:
    established = next(p for p in flow if p.protected)
    for name, interjection in binding.interjections().items():
        if interjection.when == "handshake" and position.protected and position is not established:
            continue
        ends: tuple[Role, ...] = ("device", "service") if interjection.to_both else (OPPOSITE[position.sender],)
        for to in ends:
            yield _interjected(position, to, name, interjection)


def _interjected(position: Position, to: Role, name: str, interjection: Interjection) -> Scenario:
    intruder = partial(Insert, position, to, interjection.unit, interjection.sentence)
    field = f"{position.message}-{to}-{name}"
    sentence = f"before {position.message} the {to} gets {interjection.sentence}"
    play = partial(_through, intruder=intruder)
    return Scenario(f"inject-{field}", sentence, (interjection.requirement,), to, "inject", field, play)


def _neighbours(flow: tuple[Position, ...]) -> Iterator[Scenario]:
    """Units of one sender that follow each other without an answer in between."""
    for first, second in pairwise(flow):
        if first.sender == second.sender:
            sentence = f"{first.message} arrives behind {second.message}"
            yield _of(first, "swap", first.message, sentence, partial(_through, intruder=partial(Swap, first)))


def _splice(scene: Scene, at: Position) -> None:
    """Two live sessions, each of which gets the other's unit."""
    hold = Hold(at)
    first = scene.meet(hold)
    left = scene.advance(first, until=lambda: bool(hold.held))
    if not hold.held:
        return
    cross = Cross(at, hold)
    second = scene.meet(cross)
    left_there = scene.advance(second, until=lambda: bool(cross.reached))
    hold.release(first)
    first.settle()
    scene.advance(first, left)
    scene.advance(second, left_there)
    scene.reached = cross.reached


def _recorded(scene: Scene, at: Position) -> None:
    """A finished session, and one that gets a unit of it."""
    before = scene.through(Intruder())
    units = before.legs[at.sender].units
    if len(units) <= at.number:
        return
    replay = Replace(at, lambda: units[at.number], "the unit of a finished session")
    scene.through(replay)


def _recordings(binding: Binding) -> Iterator[Scenario]:
    for role in ("device", "service"):
        yield Scenario(
            f"conversation-{role}",
            f"a whole conversation is had, and all that the {role} was sent is sent to it once more",
            (binding.once,),
            role,
            "conversation",
            role,
            partial(_conversation_again, to=role),
        )


def _conversation_again(scene: Scene, to: Role) -> None:
    before = scene.through(Intruder())
    leg = scene.leg(to)
    recorded = before.legs[OPPOSITE[to]].units
    for unit in recorded:
        leg.send(unit)
    scene.reached = f"sent all {len(recorded)} units of a finished session again"
