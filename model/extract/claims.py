"""The statements of `model/claims` as queries over extracted roles, and the scenarios of powers they are asked in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..claims import fails_under, holds_under
from ..powers import POWERS, Power, Sessions, Whose
from ..protocol.channel import TRAFFIC_KEY
from ..protocol.edhoc import DEVICE, SERVICE, handshake
from ..statements import (
    Agree,
    Confirmed,
    Endorsed,
    Labelled,
    Meets,
    Order,
    Preceded,
    Proved,
    Secret,
    Signed,
    Statement,
    Unique,
    Unreachable,
)
from ..terms import Term
from ..verifier.claims import Claim, height, premises
from ..verifier.protocol import Protocol, Template
from ..verifier.query import Alternative, Place, Premise, Query
from .chains import LABELLED, LABELLERS, PARTIES, STEPS
from .extract import LEAK_POWER, Extracted, Snapshot
from .hosts import ENDORSER, HOST, VIRTUAL
from .interface import CONFIRMATION, CONFIRMED, INTERFACE
from .reader import MEETS
from .view import AGENT

NETWORK = "network"
SAME_AS_NETWORK = frozenset({"other-identity-key"})
"""The network's own certified identities are keys of others."""
ALL_OVER_OTHERS = frozenset({NETWORK, "other-tenant", "other-attestation-key", LEAK_POWER})
ANYBODY = "stolen-identity-key"
"""What a third party has signed must be true of a peer that is not honest at all."""
COMPLETED = "handshake_completed"
"""The event from which on a session has its keys."""
CAST = (Whose.PEER, Whose.CLAIMANT, Whose.DEVICE, Whose.HOST)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Powers that an adversary has at once. `claimant`, `peer`: classes of the agents of the claim.

    `powers` are those over everybody else; `own_leaks`: the claim's own session gives its keys away too.
    """

    name: str
    powers: frozenset[str]
    classes: Mapping[str, str] = field(default_factory=dict)
    own_leaks: bool = False


def scenarios(claim: str, role: str) -> tuple[list[Scenario], list[Scenario]]:
    """Scenarios in which a claim must hold for a claimant of that role, and those in which it must fail.

    The powers over others are had all at once; of those over a party of the claim each is a scenario.
    """
    holds = holds_under(claim)
    everybody = frozenset({NETWORK, *(n for p in holds for n in _over_others(p))})
    own = any(p.sessions is Sessions.THIS for p in holds)
    good = [Scenario(NETWORK, everybody, {}, own)]
    good += [Scenario(p.name, everybody, _classes(p, role), own) for p in holds if p.whose in CAST and not p.late]
    bad = [
        Scenario(p.name, frozenset({NETWORK, *_over_others(p)}), _classes(p, role), p.sessions is Sessions.THIS)
        for p in fails_under(claim)
    ]
    return good, bad


def scenario_under(names: tuple[str, ...], role: str) -> Scenario:
    """The scenario of these powers, for a claimant of that role.

    Raises:
        KeyError: no such power.
        ValueError: two of them are over the same party.
    """
    chosen = [POWERS[name] for name in names]
    over = [_classes(power, role) for power in chosen if power.whose in CAST]
    agents = [agent for classes in over for agent in classes]
    if len(agents) > len(set(agents)):
        raise ValueError("an agent of the claim can be under one power only")
    everybody = frozenset({NETWORK, *(n for power in chosen for n in _over_others(power))})
    classes = {agent: name for each in over for agent, name in each.items()}
    return Scenario(NETWORK, everybody, classes, any(power.sessions is Sessions.THIS for power in chosen))


def _over_others(power: Power) -> tuple[str, ...]:
    """What a power is to the engine: whose keys it gives away is said by its name, and sessions leak by one name."""
    if power.sessions is not Sessions.NONE:
        return (LEAK_POWER,)
    return (power.name,) if power.whose is Whose.OTHERS and power.name not in SAME_AS_NETWORK else ()


def _classes(power: Power, role: str) -> dict[str, str]:
    me, peer = ("D", "S") if role == DEVICE else ("S", "D")
    agent = {Whose.PEER: peer, Whose.CLAIMANT: me, Whose.DEVICE: "D", Whose.HOST: HOST}.get(power.whose)
    return {} if agent is None else {agent: power.name}


@dataclass(frozen=True, slots=True)
class TableClaim(Claim):
    """A statement about one extracted role: the runs of `premises`, and what must be there besides."""

    alternatives: tuple[Alternative, ...] = ()
    learned: tuple[Place, ...] = ()
    equal: tuple[tuple[Place, Place], ...] = ()
    second: tuple[str, int] | None = None
    late: bool = False
    lemma: tuple[Alternative, ...] = ()
    """What another claim has shown of these runs: one of these holds, so that the search may start from each."""
    secrets: tuple[Place, ...] = ()
    """What other claims have shown to be secret in these runs."""

    def queries(self, protocol: Protocol) -> Iterator[Query]:
        """One for each way in which the agents may coincide."""
        second = () if self.second is None else (Premise(self.second[0], self.second[1]),)
        unleaked = tuple((0, t) for t in self.unleaked)
        for first, classes in premises(protocol, self):
            plain = Query(
                (first, *second), classes, self.learned, self.equal, (), self.alternatives, unleaked, self.late,
                self.secrets,
            )  # fmt: skip
            yield from (_started(plain, known) for known in self.lemma) if self.lemma else (plain,)


def _started(query: Query, known: Alternative) -> Query:
    """The query, with the runs that a lemma has shown to be there."""
    ((role, steps),) = known.cast
    return replace(
        query,
        premises=(*query.premises, Premise(role, steps)),
        equal=(*query.equal, *known.equal),
        before=(*query.before, *known.before),
        alternatives=tuple(_shifted(a) for a in query.alternatives),
    )


def _shifted(alternative: Alternative) -> Alternative:
    """The same alternative when there is one more premise."""
    equal = tuple(((_next(i), a), (_next(j), b)) for (i, a), (j, b) in alternative.equal)
    before = tuple(((_next(i), a), (_next(j), b)) for (i, a), (j, b) in alternative.before)
    return Alternative(alternative.cast, equal, before)


def _next(run: int) -> int:
    return run + 1 if run else 0


class Translator:
    """Statements about the table, as claims about the roles that were extracted from it."""

    def __init__(self, extracted: Extracted) -> None:
        self.extracted, self.protocol = extracted, extracted.protocol

    def claims(self, statement: Statement, scenario: Scenario) -> Iterator[TableClaim]:
        """One claim for each extracted role that comes to the statement's event."""
        for name in self.extracted.roles(statement.role):
            mode = self.extracted.modes[name]
            if statement.where is not None and mode.guard(statement.where) is False:
                continue
            for snapshot in self._events(name, statement.at):
                yield from self._claims(statement, scenario, snapshot)

    def evidence(self, claim: TableClaim, scenario: Scenario, statement: Statement) -> TableClaim | None:
        """The claim about the evidence of the epoch in which an event lies: what an environment rests on."""
        _, space, epoch = claim.at.partition(" ")
        here = self.extracted.snapshots.get((claim.role, f"evidence_accepted{space}{epoch}"))
        if here is None:
            return None
        return next(self._claims(statement, scenario, here))

    def keys(self, claim: TableClaim, scenario: Scenario) -> tuple[TableClaim, ...]:
        """The claims that what the keys of a session are made from, and its record keys, are secret in the same run."""
        here = self.extracted.snapshots.get((claim.role, COMPLETED))
        if here is None or self._height(here) > height(self.protocol.role(claim.role), claim.at):
            return ()
        secrets = (Secret(here.role, COMPLETED, term) for term in (handshake(0).prk_2e, *TRAFFIC_KEY.values()))
        return tuple(one for secret in secrets for one in self._claims(secret, scenario, here))

    def _events(self, role: str, event: str) -> Iterator[Snapshot]:
        for (name, happened), snapshot in self.extracted.snapshots.items():
            if name == role and (happened == event or happened.rpartition(" ")[0] == event):
                yield snapshot

    def _claims(self, statement: Statement, scenario: Scenario, here: Snapshot) -> Iterator[TableClaim]:
        kept = () if scenario.own_leaks else (self._keys(here),)
        plain = TableClaim(here.role, here.event, classes=dict(scenario.classes), unleaked=kept)
        if isinstance(statement, Secret):
            yield replace(plain, learned=((0, _kept(here, statement.term)),), late=statement.forward)
        elif isinstance(statement, Proved):
            measured = () if statement.measured is None else (statement.measured,)
            data, peers = (*statement.data, *measured), (*statement.peers, *measured)
            yield from self._agree(replace(statement, data=data, peers=peers), here, plain)
        elif isinstance(statement, Agree):
            yield from self._agree(statement, here, plain)
        elif isinstance(statement, Unique):
            yield from self._unique(statement, here, plain)
        elif isinstance(statement, Preceded):
            yield replace(plain, alternatives=self._preceded(statement, here))
        elif isinstance(statement, Signed):
            whoever = {_peer(statement): ANYBODY, **scenario.classes}
            yield replace(plain, classes=whoever, alternatives=tuple(self._signed(statement, here)))
        elif isinstance(statement, Endorsed):
            if _is_virtual(here, statement.leaf):
                yield replace(plain, alternatives=tuple(self._endorsed(statement, here)))
        elif isinstance(statement, Confirmed):
            data = (*statement.data, CONFIRMATION)
            agreed = Agree(statement.role, statement.at, INTERFACE, CONFIRMED, data, injective=True)
            yield from self._agree(agreed, here, plain)
        elif isinstance(statement, Labelled):
            yield from self._labelled(statement, here, plain)
        elif isinstance(statement, Unreachable):
            if statement.step:
                yield replace(plain, classes={**scenario.classes, PARTIES[statement.step]: statement.over})
            elif statement.host is None:
                yield replace(plain, classes={**scenario.classes, _peer(statement): statement.over})
            elif _is_virtual(here, statement.host):
                yield replace(plain, classes={**scenario.classes, HOST: statement.over})
        elif isinstance(statement, Meets):
            same = ((0, _kept(here, statement.term)), (0, MEETS[statement.check][0]))
            yield replace(plain, alternatives=(Alternative((), (same,)),))

    def _keys(self, here: Snapshot) -> Template:
        return ("tuple", *(t for key in TRAFFIC_KEY.values() if (t := here.template(key)) is not None))

    def _agree(self, statement: Agree, here: Snapshot, plain: TableClaim) -> Iterator[TableClaim]:
        try:
            mine = [here.template(t) for t in statement.data]
        except LookupError:
            return  # Out of order, a role has come here without what the statement speaks of.
        options = []
        for name in self.extracted.roles(statement.peer):
            for there in self._events(name, statement.running):
                pairs = self._pairs(mine, there, statement.peers or statement.data)
                if pairs is not None:
                    options.append(self._option(statement, here, there, pairs))
        yield replace(plain, alternatives=tuple(options))
        if statement.injective:
            yield from self._injective(statement, mine, here, plain)

    def _labelled(self, statement: Labelled, here: Snapshot, plain: TableClaim) -> Iterator[TableClaim]:
        """Whoever the other parties of the chain are; and if all of them are honest, perhaps as one."""
        mine = PARTIES.get(statement.step, _peer(statement))
        others = {_peer(statement), *PARTIES.values()} - {mine}
        below = LABELLERS.get(statement.step)
        by = (_role(statement), "data_sent") if below is None else (below, LABELLED)
        agreed = Agree(statement.role, statement.at, *by, (STEPS[statement.step],))
        for classes in (dict.fromkeys(others, ANYBODY), {}):
            yield from self._agree(agreed, here, replace(plain, classes={**classes, **plain.classes}))

    def _pairs(
        self, mine: list[Template | None], there: Snapshot, terms: tuple[Term, ...]
    ) -> tuple[tuple[Place, Place], ...] | None:
        theirs = [there.template(t) for t in terms]
        if any((a is None) is not (b is None) for a, b in zip(mine, theirs, strict=True)):
            return None
        return tuple(((0, a), (1, b)) for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None)

    def _option(
        self, statement: Agree, here: Snapshot, there: Snapshot, pairs: tuple[tuple[Place, Place], ...]
    ) -> Alternative:
        at, running = self._height(here), self._height(there)
        order: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = (((1, running - 1), (0, at - 1)),)
        if isinstance(statement, Order):
            since = height(self.protocol.role(here.role), self._since(statement.since, here.event))
            order = (((0, since - 1), (1, running - 1)), *order)
        return Alternative(((there.role, running),), pairs, order)

    def _since(self, event: str, at: str) -> str:
        """The challenge of a later epoch goes out with the request for it."""
        return event if at.rpartition(" ")[0] == "" else "reattestation_requested"

    def _injective(
        self, statement: Agree, mine: list[Template | None], here: Snapshot, plain: TableClaim
    ) -> Iterator[TableClaim]:
        """No two runs come to the event with equal data, nor does one run twice."""
        twice = tuple(((0, t), (1, t)) for t in mine if t is not None)
        yield replace(plain, equal=twice, second=(here.role, self._height(here)))
        before = self.extracted.snapshots.get((here.role, here.event.removesuffix(" 2")))
        if before is not None and before is not here:
            first = [before.template(t) for t in statement.data]
            yield replace(
                plain,
                equal=tuple(
                    ((0, a), (0, b)) for a, b in zip(mine, first, strict=True) if a is not None and b is not None
                ),
            )

    def _unique(self, statement: Unique, here: Snapshot, plain: TableClaim) -> Iterator[TableClaim]:
        keys, agree = [here.template(t) for t in statement.keys], [here.template(t) for t in statement.agree]
        for name in self.extracted.roles(statement.other):
            for there in self._events(name, statement.other_at):
                same = self._pairs(keys, there, statement.keys)
                like = self._pairs(agree, there, statement.agree)
                if same is None or like is None:
                    continue
                options = () if statement.apart else (Alternative((), like),)
                yield replace(plain, equal=same, alternatives=options, second=(name, self._height(there)))

    def _preceded(self, statement: Preceded, here: Snapshot) -> tuple[Alternative, ...]:
        role, at = self.protocol.role(here.role), self._height(here)
        marks = [(here.role, event) in self.extracted.snapshots and height(role, event) for event in statement.by]
        if not all(mark and mark <= at for mark in marks):
            return ()
        return (Alternative(),)

    def _signed(self, statement: Signed, here: Snapshot) -> Iterator[Alternative]:
        data = (here.template(statement.key), here.meant(statement.message))
        for name in self.extracted.roles("authority"):
            signed = self.protocol.role(name).steps[0]
            content = getattr(signed, "data", ())
            pairs = tuple(((0, a), (1, b)) for a, b in zip(data, content, strict=True) if a is not None)
            yield Alternative(((name, 1),), pairs, (((1, 0), (0, self._height(here) - 1)),))

    def _endorsed(self, statement: Endorsed, here: Snapshot) -> Iterator[Alternative]:
        leaf = here.template(statement.leaf)
        assert leaf is not None
        for name in self.extracted.roles(ENDORSER):
            said = self.protocol.role(name).steps[0]
            pairs = tuple(((0, leaf), (1, data)) for data in getattr(said, "data", ()))
            yield Alternative(((name, 1),), pairs, (((1, 0), (0, self._height(here) - 1)),))

    def _height(self, snapshot: Snapshot) -> int:
        return height(self.protocol.role(snapshot.role), snapshot.event)


def _peer(statement: Statement) -> str:
    return AGENT["R" if statement.role == DEVICE else "I"]


def _role(statement: Statement) -> str:
    """The role of the table that a peer has."""
    return SERVICE if statement.role == DEVICE else DEVICE


def _is_virtual(here: Snapshot, leaf: Term) -> bool:
    found = here.template(leaf)
    return isinstance(found, tuple) and found[0] == VIRTUAL


def _kept(here: Snapshot, term: Term) -> Template:
    found = here.template(term)
    if found is None:
        raise LookupError(f"nothing is kept of {term!r}")
    return found
