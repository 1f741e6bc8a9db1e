"""An independent judge of attacks: a ground Dolev-Yao replay that shares no code with the search.

It instantiates the roles itself, derives each received message from what was sent before, and checks on the finished
trace that the claim is violated. A failure is a defect of the search, never an attack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from .attack import Attack, AttackEvent, Ground
from .protocol import AGENT, GROUP, Event, Leak, Match, Protocol, Recv, Role, Send, Step, Symbol, Template
from .query import Alternative, Query


class ReplayError(Exception):
    """The trace is not one of the protocol, or violates nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A ground term as a shared node: equal terms are one object. `head` is a name or a symbol."""

    head: str
    args: tuple[Value, ...] | None


class Values:
    """All values of one replay."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[object, ...], Value] = {}
        self._seen: dict[int, tuple[Ground, Value]] = {}

    def of(self, term: Ground) -> Value:
        """The value of a ground term, with exponents sorted and the ends of tuples flattened."""
        if isinstance(term, str):
            return self.make(term, None)
        kept = self._seen.get(id(term))
        if kept is None:
            kept = self._seen[id(term)] = (term, self.make(str(term[0]), tuple(self.of(t) for t in term[1:])))
        return kept[1]

    def make(self, head: str, args: tuple[Value, ...] | None) -> Value:
        """The value of a symbol applied to values, or of a name."""
        if head == "dh" and args is not None:
            flat = [e for a in args for e in (a.args if a.head == "dh" and a.args is not None else (a,))]
            if any(e.head == "neutral" for e in flat):
                return self.make("neutral", None)
            args = tuple(sorted(flat, key=id))
        elif head == "tuple" and args:
            last = args[-1]
            if last.head == "tuple" and last.args is not None:
                args = (*args[:-1], *last.args)
            if len(args) == 1:
                return args[0]
        key = (head, args if args is None else tuple(map(id, args)))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Value(head, args)
        return found


class Knowledge:
    """What the attacker knows, closed under taking terms apart."""

    def __init__(self, protocol: Protocol, values: Values) -> None:
        self._values = values
        self._symbols = dict(protocol.symbols)
        for symbol in protocol.symbols.values():
            if symbol.weak is not None:
                self._symbols[symbol.name + "~"] = Symbol(symbol.name + "~", symbol.arity, (symbol.weak,))
        self._inverses = protocol.inverses
        self._public = (set(protocol.constants) | {"neutral"}) - set(protocol.secrets)
        self._known: set[Value] = set()
        self._agents: set[str] = set()

    def agents(self, names: Iterable[Ground]) -> None:
        """Names of agents are public."""
        self._agents.update(n for n in names if isinstance(n, str))

    def add(self, term: Value) -> None:
        """Learn a term, and everything that now comes out of what is known."""
        self._known.add(term)
        grown = True
        while grown:
            grown = False
            for known in list(self._known):
                for part in self._open(known):
                    if part not in self._known:
                        self._known.add(part)
                        grown = True

    def _open(self, term: Value) -> Iterable[Value]:
        if term.args is None or term.head == "dh":
            return
        if term.head == "tuple":
            yield from term.args
            return
        for opening in self._symbols[term.head].opens:
            if term.args[opening.yields] in self._known:
                continue
            if all(self.derives(self._inverse(term.args[i])) for i in opening.needs):
                yield term.args[opening.yields]

    def _inverse(self, key: Value) -> Value:
        if key.args is None:
            return self._values.make(self._inverses.get(key.head, key.head), None)
        symbol = self._symbols.get(key.head)
        return self._values.make(symbol.inverse, key.args) if symbol is not None and symbol.inverse else key

    def derives(self, term: Value) -> bool:
        """Whether the attacker can make the term now."""
        return self._derives(term, {})

    def _derives(self, term: Value, memo: dict[Value, bool]) -> bool:
        if term not in memo:
            memo[term] = term in self._known or self._makes(term, memo)
        return memo[term]

    def _makes(self, term: Value, memo: dict[Value, bool]) -> bool:
        if term.args is None:
            return term.head in self._agents or term.head[0] == "~" or term.head in self._public
        if term.head == "tuple":
            return all(self._derives(t, memo) for t in term.args)
        if term.head == "dh":
            return self._derives_group(term.args, memo)
        args = term.args
        if any(all(self._derives(args[i], memo) for i in needed) for needed in self._symbols[term.head].builds):
            return True
        return term.head.endswith("~") and self._derives(self._values.make(term.head[:-1], args), memo)

    def _derives_group(self, exponents: tuple[Value, ...], memo: dict[Value, bool]) -> bool:
        """From the generator or a known element, multiply in and divide out exponents that are known."""
        wanted = Counter(exponents)
        bases = [k.args for k in self._known if k.head == "dh" and k.args is not None]
        for base in [(), *bases]:
            have = Counter(base)
            if all(self._derives(e, memo) for e in (*(wanted - have), *(have - wanted))):
                return True
        return False


class _Trace:
    def __init__(self, protocol: Protocol, attack: Attack) -> None:
        self.protocol, self.attack, self.values = protocol, attack, Values()
        self.roles: list[Role] = [protocol.role(r.role) for r in attack.runs]
        self.env = [{n: self.values.of(t) for n, t in {**r.agents, **r.values}.items()} for r in attack.runs]
        self.memo: list[dict[int, tuple[Template, Value]]] = [{} for _ in attack.runs]
        self.position: dict[tuple[int, int], int] = {}
        self.heights = [0] * len(attack.runs)
        runs = zip(attack.runs, self.roles, strict=True)
        self._sorts = {f"{n}#{run.number}": sort for run, role in runs for n, sort in role.fresh.items()}
        self._sorts |= {**protocol.secrets, **protocol.constants}

    def may_be_agent(self, term: Ground) -> bool:
        """Whether a term is a name that is neither a fresh value nor a constant of another sort."""
        return isinstance(term, str) and self._sorts.get(term, AGENT) == AGENT

    def alike(self, role: str, other: str, height: int) -> bool:
        """Whether two roles do the same up to a height: then runs that came so far are not told apart."""
        if role == other:
            return True
        one, two = self.protocol.role(role), self.protocol.role(other)
        mine, theirs = one.steps[:height], two.steps[:height]
        same = (one.agents, one.actor, len(mine)) == (two.agents, two.actor, len(theirs))
        return same and all(self._shape(a) == self._shape(b) for a, b in zip(mine, theirs, strict=True))

    def _shape(self, step: Step) -> tuple[object, ...]:
        of = self.values.of
        if isinstance(step, Send | Recv):
            return type(step), step.label, step.sender, step.receiver, of(step.message)
        if isinstance(step, Event):
            return type(step), step.name, *map(of, step.data)
        if isinstance(step, Leak):
            return type(step), step.power, of(step.message)
        return type(step), of(step.left), of(step.right), step.equal

    def term(self, run: int, template: Template) -> Value:
        """The ground value of a template in a run."""
        if isinstance(template, str):
            return self.env[run].get(template) or self.values.make(template, None)
        kept = self.memo[run].get(id(template))
        if kept is None:
            made = self.values.make(str(template[0]), tuple(self.term(run, t) for t in template[1:]))
            kept = self.memo[run][id(template)] = (template, made)
        return kept[1]


def replay(protocol: Protocol, attack: Attack, query: Query, powers: frozenset[str]) -> None:
    """Check an attack.

    Raises:
        ReplayError: a message that the attacker cannot make, a step that is not the role's, a reveal that is not
            allowed, or a trace that does not violate the claim.
    """
    trace = _Trace(protocol, attack)
    _check_values(trace)
    knowledge = Knowledge(protocol, trace.values)
    for run in attack.runs:
        knowledge.agents(run.agents.values())
    for number, event in enumerate(attack.events):
        if event.kind == "reveal":
            _check_reveal(trace, event, query, powers, number)
            knowledge.add(trace.values.of(event.term))
        else:
            _step(trace, event, knowledge, powers, number)
    _check_violation(trace, knowledge, query)


def _check_values(trace: _Trace) -> None:
    for run, role in zip(trace.attack.runs, trace.roles, strict=True):
        for name in role.fresh:
            if run.values[name] != f"{name}#{run.number}":
                raise ReplayError(f"run {run.number}: {name} is not its own fresh value")
        for name, sort in role.variables.items():
            value = run.values[name]
            is_group = value == "neutral" or (isinstance(value, tuple) and value[0] == "dh")
            if sort == GROUP and not is_group:
                raise ReplayError(f"run {run.number}: {name} is not a group element")
            if value == "neutral" and not trace.protocol.neutral_element:
                raise ReplayError(f"run {run.number}: the neutral element is refused")


def _step(trace: _Trace, event: AttackEvent, knowledge: Knowledge, powers: frozenset[str], number: int) -> None:
    run = event.run
    if event.step != trace.heights[run]:
        raise ReplayError(f"run {run} is at step {trace.heights[run]}, not {event.step}")
    step = trace.roles[run].steps[event.step]
    if isinstance(step, Send):
        knowledge.add(trace.term(run, step.message))
    elif isinstance(step, Recv):
        message = trace.term(run, step.message)
        if not knowledge.derives(message):
            raise ReplayError(f"run {run} cannot receive what it does at step {event.step}")
    elif isinstance(step, Leak):
        if event.kind == "leak":
            if step.power not in powers:
                raise ReplayError(f"run {run} leaks without the power {step.power}")
            knowledge.add(trace.term(run, step.message))
    elif isinstance(step, Match):
        if (trace.term(run, step.left) == trace.term(run, step.right)) != step.equal:
            raise ReplayError(f"run {run} stops at its match")
    else:
        assert isinstance(step, Event)
    trace.heights[run] += 1
    trace.position[run, event.step] = number


def _check_reveal(trace: _Trace, event: AttackEvent, query: Query, powers: frozenset[str], number: int) -> None:
    term = event.term
    symbol = trace.protocol.symbols.get(str(term[0])) if isinstance(term, tuple) else None
    if symbol is None or symbol.owners is None:
        raise ReplayError(f"{term!r} is no long-term key")
    claimed = query.late and (0, query.premises[0].height - 1) in trace.position
    for place in symbol.owners:
        if not trace.may_be_agent(term[1 + place]):
            continue
        kind = query.classes.get(str(term[1 + place]))
        granted = powers if kind is None else {kind}
        if granted & symbol.revealed_by or (kind is not None and claimed):
            return
    raise ReplayError(f"event {number}: nobody gives {term!r} away")


def _check_violation(trace: _Trace, knowledge: Knowledge, query: Query) -> None:
    for number, premise in enumerate(query.premises):
        run = trace.attack.runs[number]
        if run.role != premise.role or trace.heights[number] < premise.height:
            raise ReplayError(f"run {number} has not come to its event")
        if any(run.agents[name] != agent for name, agent in premise.agents.items()):
            raise ReplayError(f"run {number} has other agents than the claim says")
    for (i, left), (j, right) in query.equal:
        if trace.term(i, left) != trace.term(j, right):
            raise ReplayError("the runs do not have the data that the violation needs")
    for (i, first), (j, then) in query.before:
        if trace.position[i, first] > trace.position[j, then]:
            raise ReplayError("the events are not in the order that the violation needs")
    for i, template in query.learned:
        if not knowledge.derives(trace.term(i, template)):
            raise ReplayError(f"the attacker does not know {template!r}")
    _check_leaks(trace, query)
    if any(_holds(trace, query, alternative) for alternative in query.alternatives):
        raise ReplayError("the claim holds in this trace")


def _components(value: Value) -> tuple[Value, ...]:
    return value.args if value.head == "tuple" and value.args is not None else (value,)


def _check_leaks(trace: _Trace, query: Query) -> None:
    protected = {part for i, t in query.unleaked for part in _components(trace.term(i, t))}
    for event in trace.attack.events:
        if event.kind == "leak":
            given = _components(trace.values.of(event.term))
            if event.run < len(query.premises) or not protected.isdisjoint(given):
                raise ReplayError("what the claim protects was leaked by a run itself")


def _holds(trace: _Trace, query: Query, alternative: Alternative) -> bool:
    own = range(len(query.premises))
    choices = [
        [r.number for r in trace.attack.runs if trace.heights[r.number] >= h and trace.alike(r.role, role, h)]
        for role, h in alternative.cast
    ]
    return any(_facts(trace, alternative, [*own, *cast]) for cast in product(*choices))


def _facts(trace: _Trace, alternative: Alternative, runs: list[int]) -> bool:
    if any(trace.term(runs[i], a) != trace.term(runs[j], b) for (i, a), (j, b) in alternative.equal):
        return False
    return all(
        trace.position[runs[i], first] < trace.position[runs[j], then] for (i, first), (j, then) in alternative.before
    )
