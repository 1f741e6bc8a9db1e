"""Claims, and the queries that look for their violations.

Every claim speaks of a run of `role` that has executed the event `at`, whose agents have the classes in `classes`
(`honest` unless said otherwise). Agents may coincide when their classes agree: one query for each set partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations, product

from .protocol import Event, ModelError, Protocol, Recv, Role, Send, Template
from .query import Alternative, Moment, Place, Premise, Query

HONEST = "honest"


@dataclass(frozen=True, slots=True)
class Claim:
    """What all claims share. `unleaked`: terms of this run that no run leaks, nor a component of them."""

    role: str
    at: str
    classes: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    unleaked: tuple[Template, ...] = field(default=(), kw_only=True)

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        """The violations to look for; the claim holds when none exists."""
        raise TypeError(f"{type(self).__name__} is no claim")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Secret(Claim):
    """The attacker never knows `term`; with `forward`, not even if long-term keys are revealed later."""

    term: Template = ""
    forward: bool = False

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        for premise, classes in premises(protocol, self):
            leaks = tuple((0, t) for t in (self.term, *self.unleaked))
            yield Query((premise,), classes, learned=((0, self.term),), unleaked=leaks, late=self.forward)


@dataclass(frozen=True, slots=True)
class Executable(Claim):
    """A run of the role can come as far as the event. Its "violation" is the trace that is wanted."""

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        role = protocol.role(self.role)
        agents = {a: _constant(protocol, a) for a in role.agents}
        classes = {agents[a]: self.classes.get(a, HONEST) for a in role.agents} | _trusted(protocol)
        yield Query((Premise(self.role, height(role, self.at), agents),), classes)


@dataclass(frozen=True, slots=True)
class Alive(Claim):
    """Each agent of the run has itself taken a step of the protocol. `peers` limits it to some."""

    peers: tuple[str, ...] = ()

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        for peer in self.peers or _others(protocol.role(self.role)):
            options = tuple(
                Alternative(((r.name, 1),), (((1, r.actor), (0, peer)),))
                for r in protocol.roles
                if r.steps and not r.helper
            )
            yield from _violations(protocol, self, options)


@dataclass(frozen=True, slots=True)
class Weakagree(Claim):
    """Each peer has taken a step of a run whose agents are, as a set, those of this run."""

    peers: tuple[str, ...] = ()

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        mine = protocol.role(self.role)
        for peer in self.peers or _others(mine):
            for premise, classes in premises(protocol, self):
                named = {premise.agents[a]: a for a in mine.agents}
                options = tuple(
                    Alternative(
                        ((r.name, 1),),
                        (
                            ((1, r.actor), (0, peer)),
                            *(((1, x), (0, named[n])) for x, n in zip(r.agents, row, strict=True)),
                        ),
                    )
                    for r in protocol.roles
                    if r.steps and not r.helper
                    for row in _rows(tuple(named), len(r.agents))
                )
                yield Query((premise,), classes, alternatives=options, unleaked=_unleaked(self))


@dataclass(frozen=True, slots=True)
class Niagree(Claim):
    """All labelled messages that precede the event were sent and received alike, between the same agents."""

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        yield from _violations(protocol, self, (_synchronised(protocol, self, ordered=False),))


@dataclass(frozen=True, slots=True)
class Nisynch(Claim):
    """As `Niagree`, and each message was sent before it was received."""

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        yield from _violations(protocol, self, (_synchronised(protocol, self, ordered=True),))


@dataclass(frozen=True, slots=True)
class Agree(Claim):
    """A run of `peer` has executed its event `running` earlier, with equal data.

    `data` and the data of that event are compared one by one; without `data`, that of the event `at` is taken. `agents`
    pairs further names of this role with names of the peer's. `injective`: besides, no two runs of the role that come
    to the event have equal data.
    """

    peer: str = ""
    running: str = ""
    data: tuple[Template, ...] = ()
    agents: tuple[tuple[str, str], ...] = ()
    injective: bool = False

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        here = height(protocol.role(self.role), self.at)
        options = tuple(
            Alternative(((self.peer, there),), equal, (((1, there - 1), (0, here - 1)),))
            for there, equal in _agreements(protocol, self)
        )
        yield from _violations(protocol, self, options)
        if self.injective:
            data = self.data or _data(protocol.role(self.role), here)
            twice = tuple(((0, a), (1, a)) for a in (*data, *(a for a, _ in self.agents)))
            for premise, classes in premises(protocol, self):
                yield Query((premise, Premise(self.role, here)), classes, equal=twice)


@dataclass(frozen=True, slots=True)
class Order(Claim):
    """The event `running` of a run of `peer` with equal data lies between `since` (an event of this run) and `at`."""

    peer: str = ""
    running: str = ""
    since: str = ""
    data: tuple[Template, ...] = ()
    agents: tuple[tuple[str, str], ...] = ()

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        mine = protocol.role(self.role)
        here, since = height(mine, self.at), height(mine, self.since)
        options = tuple(
            Alternative(
                ((self.peer, there),), equal, (((0, since - 1), (1, there - 1)), ((1, there - 1), (0, here - 1)))
            )
            for there, equal in _agreements(protocol, self)
        )
        yield from _violations(protocol, self, options)


@dataclass(frozen=True, slots=True)
class Unique(Claim):
    """Whenever a run of `other` reaches `other_at` with `keys` equal, then `agree` are equal too.

    It covers key uniqueness, reflection and misbinding: `keys` and `agree` pair a template of this run with one of the
    other. With `apart`, there is no such other run at all.
    """

    other: str = ""
    other_at: str = ""
    keys: tuple[tuple[Template, Template], ...] = ()
    agree: tuple[tuple[Template, Template], ...] = ()
    apart: bool = False

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        second = Premise(self.other, height(protocol.role(self.other), self.other_at))
        same: tuple[tuple[Place, Place], ...] = tuple(((0, a), (1, b)) for a, b in self.keys)
        option = Alternative((), tuple(((0, a), (1, b)) for a, b in self.agree))
        for premise, classes in premises(protocol, self):
            yield Query((premise, second), classes, equal=same, alternatives=() if self.apart else (option,))


def height(role: Role, at: str) -> int:
    """Number of steps of the role up to the event `at`, or all of them when it is empty.

    Raises:
        ModelError: the role has no such event.
    """
    if not at:
        return len(role.steps)
    for number, step in enumerate(role.steps):
        if isinstance(step, Event) and step.name == at:
            return number + 1
    raise ModelError(f"role {role.name} has no event {at}")


def _data(role: Role, steps: int) -> tuple[Template, ...]:
    event = role.steps[steps - 1]
    return event.data if isinstance(event, Event) else ()


def premises(protocol: Protocol, claim: Claim) -> Iterator[tuple[Premise, Mapping[str, str]]]:
    """The run that a claim speaks of, with the classes of its agents: one for each way in which these may coincide.

    They may also be agents that the protocol names and trusts.
    """
    role = protocol.role(claim.role)
    steps = height(role, claim.at)
    for blocks in partitions(role.agents):
        kinds = [{claim.classes.get(a, HONEST) for a in block} for block in blocks]
        if any(len(kind) > 1 for kind in kinds):
            continue
        for names in _names(protocol, blocks, kinds):
            agents = {a: name for block, name in zip(blocks, names, strict=True) for a in block}
            classes = {name: kind for name, (kind,) in zip(names, kinds, strict=True)}
            yield Premise(claim.role, steps, agents), _trusted(protocol) | classes


def _names(protocol: Protocol, blocks: list[list[str]], kinds: list[set[str]]) -> Iterator[list[str]]:
    """Names for agents that coincide: each is a stranger, or one of the trusted agents that no other one is."""
    if not blocks:
        yield []
        return
    for names in _names(protocol, blocks[:-1], kinds[:-1]):
        yield [*names, _constant(protocol, blocks[-1][0])]
        if kinds[-1] == {HONEST}:
            yield from ([*names, one] for one in protocol.trusted if one not in names)


def _trusted(protocol: Protocol) -> dict[str, str]:
    return dict.fromkeys(protocol.trusted, HONEST)


def _constant(protocol: Protocol, agent: str) -> str:
    """A name for an agent in traces that no constant of the protocol has."""
    name = agent.lower()
    while name in protocol.constants or name in protocol.secrets:
        name += "'"
    return name


def partitions(items: tuple[str, ...]) -> Iterator[list[list[str]]]:
    """All set partitions, the one with every item apart first."""
    if not items:
        yield []
        return
    *front, last = items
    for blocks in partitions(tuple(front)):
        yield [*blocks, [last]]
    for blocks in partitions(tuple(front)):
        for i in range(len(blocks)):
            yield [*blocks[:i], [*blocks[i], last], *blocks[i + 1 :]]


def _rows(names: tuple[str, ...], length: int) -> Iterator[tuple[str, ...]]:
    """The rows of this length in which each name is."""
    if len(names) == length:
        yield from permutations(names)
    elif len(names) < length:
        yield from (row for row in product(names, repeat=length) if set(row) == set(names))


def _violations(protocol: Protocol, claim: Claim, options: tuple[Alternative, ...]) -> Iterator[Query]:
    for premise, classes in premises(protocol, claim):
        yield Query((premise,), classes, alternatives=options, unleaked=_unleaked(claim))


def _others(role: Role) -> tuple[str, ...]:
    return tuple(a for a in role.agents if a != role.actor)


def _unleaked(claim: Claim) -> tuple[Place, ...]:
    return tuple((0, t) for t in claim.unleaked)


def _agreements(protocol: Protocol, claim: Agree | Order) -> Iterator[tuple[int, tuple[tuple[Place, Place], ...]]]:
    """Each event of the peer that the claim may mean: its height, and what must be equal."""
    mine, peer = protocol.role(claim.role), protocol.role(claim.peer)
    data = claim.data or _data(mine, height(mine, claim.at))
    for number, step in enumerate(peer.steps):
        if isinstance(step, Event) and step.name == claim.running and len(step.data) == len(data):
            pairs = [*zip(data, step.data, strict=True), *claim.agents]
            yield number + 1, tuple(((0, a), (1, b)) for a, b in pairs)


def _synchronised(protocol: Protocol, claim: Claim, *, ordered: bool) -> Alternative:
    """A run of each role, such that all labels that causally precede the claim were sent and received alike."""
    labels = _preceding(protocol, claim)
    cast: dict[str, int] = {}
    for label in labels:
        for role, step in _ends(protocol, label):
            if role.name != claim.role:
                cast[role.name] = max(cast.get(role.name, 0), step + 1)
    place = {name: i + 1 for i, name in enumerate(cast)} | {claim.role: 0}
    equal: list[tuple[Place, Place]] = []
    before: list[tuple[Moment, Moment]] = []
    for label in labels:
        (sender, out), (receiver, into) = _ends(protocol, label)
        here, there = place[sender.name], place[receiver.name]
        sent, received = sender.steps[out], receiver.steps[into]
        assert isinstance(sent, Send) and isinstance(received, Recv)
        equal += [((here, sent.message), (there, received.message))]
        equal += [((here, a), (there, b)) for a, b in _parties(sent, received)]
        if ordered:
            before.append(((here, out), (there, into)))
    return Alternative(tuple(cast.items()), tuple(equal), tuple(before))


def _parties(sent: Send, received: Recv) -> list[tuple[str, str]]:
    return [(a, b) for a, b in ((sent.sender, received.sender), (sent.receiver, received.receiver)) if a and b]


def _ends(protocol: Protocol, label: str) -> list[tuple[Role, int]]:
    """Where a label is sent and where it is received; empty unless there is one of each."""
    found: dict[type, list[tuple[Role, int]]] = {Send: [], Recv: []}
    for role in protocol.roles:
        for number, step in enumerate(role.steps):
            if isinstance(step, Send | Recv) and step.label == label:
                found[type(step)].append((role, number))
    if len(found[Send]) != 1 or len(found[Recv]) != 1:
        return []
    return found[Send] + found[Recv]


def _preceding(protocol: Protocol, claim: Claim) -> list[str]:
    """Labels whose receipt causally precedes the claim, in the protocol's own order."""
    seen: list[str] = []
    work = [(protocol.role(claim.role), height(protocol.role(claim.role), claim.at))]
    while work:
        role, steps = work.pop()
        for step in role.steps[:steps]:
            if isinstance(step, Recv) and step.label and step.label not in seen:
                ends = _ends(protocol, step.label)
                if ends:
                    seen.append(step.label)
                    work.append((ends[0][0], ends[0][1]))
    return seen
