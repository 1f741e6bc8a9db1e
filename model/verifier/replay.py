"""An independent judge of attacks: a ground Dolev-Yao replay that shares no code with the search.

It instantiates the roles itself, derives each received message from what was sent before, and checks on the finished
trace that the claim is violated. A failure is a defect of the search, never an attack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product

from .attack import Attack, AttackEvent, Ground
from .protocol import GROUP, Event, Leak, Match, Protocol, Recv, Role, Send, Symbol, Template
from .query import Alternative, Query


class ReplayError(Exception):
    """The trace is not one of the protocol, or violates nothing."""


class Knowledge:
    """What the attacker knows, closed under taking terms apart."""

    def __init__(self, protocol: Protocol) -> None:
        self._symbols = protocol.symbols
        self._inverses = protocol.inverses
        self._public = set(protocol.constants) | {"neutral"}
        self._secret = set(protocol.secrets)
        self._known: set[Ground] = set()
        self._agents: set[str] = set()

    def agents(self, names: Iterable[Ground]) -> None:
        """Names of agents are public."""
        self._agents.update(n for n in names if isinstance(n, str))

    def add(self, term: Ground) -> None:
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

    def _open(self, term: Ground) -> Iterable[Ground]:
        if isinstance(term, str) or term[0] == "dh":
            return
        if term[0] == "tuple":
            yield from term[1:]
            return
        for opening in self._symbol(term).opens:
            if all(self.derives(self._inverse(term[1 + i])) for i in opening.needs):
                yield term[1 + opening.yields]

    def _symbol(self, term: tuple[Template, ...]) -> Symbol:
        name = str(term[0])
        if name.endswith("~"):
            strong = self._symbols[name[:-1]]
            return Symbol(name, strong.arity, (strong.weak or (),))
        return self._symbols[name]

    def _inverse(self, key: Ground) -> Ground:
        if isinstance(key, str):
            return self._inverses.get(key, key)
        partner = self._symbols[str(key[0])].inverse if key[0] in self._symbols else None
        return (partner, *key[1:]) if partner else key

    def derives(self, term: Ground) -> bool:
        """Whether the attacker can make the term now."""
        if term in self._known:
            return True
        if isinstance(term, str):
            return term in self._agents or term[0] == "~" or (term in self._public and term not in self._secret)
        if term[0] == "tuple":
            return all(self.derives(t) for t in term[1:])
        if term[0] == "dh":
            return self._derives_group(term)
        symbol = self._symbol(term)
        if any(all(self.derives(term[1 + i]) for i in needed) for needed in symbol.builds):
            return True
        return symbol.name.endswith("~") and self.derives((symbol.name[:-1], *term[1:]))

    def _derives_group(self, term: tuple[Template, ...]) -> bool:
        """From the generator or a known element, multiply in and divide out exponents that are known."""
        wanted = Counter(term[1:])
        bases = [t for t in self._known if isinstance(t, tuple) and t[0] == "dh"]
        for base in [("dh",), *bases]:
            have = Counter(base[1:])
            if all(self.derives(e) for e in (*(wanted - have), *(have - wanted))):
                return True
        return False


class _Trace:
    def __init__(self, protocol: Protocol, attack: Attack) -> None:
        self.protocol, self.attack = protocol, attack
        self.roles: list[Role] = [protocol.role(r.role) for r in attack.runs]
        self.env: list[dict[str, Ground]] = [{**r.agents, **r.values} for r in attack.runs]
        self.position: dict[tuple[int, int], int] = {}
        self.heights = [0] * len(attack.runs)

    def term(self, run: int, template: Template) -> Ground:
        """The ground value of a template in a run."""
        return _normal(_substitute(template, self.env[run]))


def _substitute(template: Template, env: Mapping[str, Ground]) -> Ground:
    if isinstance(template, str):
        return env.get(template, template)
    return (template[0], *(_substitute(t, env) for t in template[1:]))


def _normal(term: Ground) -> Ground:
    """Flatten exponents and the ends of tuples."""
    if isinstance(term, str):
        return term
    args = [_normal(t) for t in term[1:]]
    if term[0] == "dh":
        flat: list[Ground] = []
        for arg in args:
            if arg == "neutral":
                return "neutral"
            flat.extend(arg[1:] if isinstance(arg, tuple) and arg[0] == "dh" else (arg,))
        return ("dh", *sorted(flat, key=repr))
    if term[0] == "tuple" and args:
        last = args[-1]
        if isinstance(last, tuple) and last[0] == "tuple":
            args = [*args[:-1], *last[1:]]
        if len(args) == 1:
            return args[0]
    return (term[0], *args)


def replay(protocol: Protocol, attack: Attack, query: Query, powers: frozenset[str]) -> None:
    """Check an attack.

    Raises:
        ReplayError: a message that the attacker cannot make, a step that is not the role's, a reveal that is not
            allowed, or a trace that does not violate the claim.
    """
    trace = _Trace(protocol, attack)
    _check_values(trace)
    knowledge = Knowledge(protocol)
    for run in attack.runs:
        knowledge.agents(run.agents.values())
    for number, event in enumerate(attack.events):
        if event.kind == "reveal":
            _check_reveal(trace, event, query, powers, number)
            knowledge.add(event.term)
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
            raise ReplayError(f"run {run} cannot receive {message!r}")
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


def _check_leaks(trace: _Trace, query: Query) -> None:
    protected = [trace.term(i, t) for i, t in query.unleaked]
    for event in trace.attack.events:
        if event.kind == "leak" and (event.run < len(query.premises) or event.term in protected):
            raise ReplayError("what the claim protects was leaked by a run itself")


def _holds(trace: _Trace, query: Query, alternative: Alternative) -> bool:
    own = range(len(query.premises))
    choices = [[r.number for r in trace.attack.runs if r.role == role] for role, _ in alternative.cast]
    for cast in product(*choices):
        runs = [*own, *cast]
        if all(trace.heights[r] >= h for r, (_, h) in zip(cast, alternative.cast, strict=True)) and _facts(
            trace, alternative, runs
        ):
            return True
    return False


def _facts(trace: _Trace, alternative: Alternative, runs: list[int]) -> bool:
    if any(trace.term(runs[i], a) != trace.term(runs[j], b) for (i, a), (j, b) in alternative.equal):
        return False
    return all(
        trace.position[runs[i], first] < trace.position[runs[j], then] for (i, first), (j, then) in alternative.before
    )
