"""From a pattern in which no goal is left to a ground trace."""

from __future__ import annotations

from collections.abc import Iterator

from .attack import Attack, AttackEvent, AttackRun, Ground, Shared
from .instances import RECV, SEND
from .protocol import Protocol
from .query import Alternative, Query, at
from .state import EVENT_NODE, GOAL_NODE, LEARN_NODE, State
from .terms import App, Atom, Group, Term, Var, deref, equal, exponents
from .unify import TUPLE

KINDS = {SEND: "send", RECV: "receive"}


class Grounding:
    """Gives every variable that is left a constant of its own."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._kept: list[Var] = []
        self._made: dict[Term, Ground] = {}
        self._shared = Shared()

    def term(self, term: Term) -> Ground:
        """The ground term."""
        term = deref(term)
        if type(term) is Atom:
            return self._shared.name(term.name if term.run < 0 else f"{term.name}#{term.run}")
        if type(term) is Var:
            return self._own(term)
        if type(term) is App:
            made = self._made.get(term)
            if made is None:
                made = self._made[term] = self._applied(term)
            return made
        assert type(term) is Group
        atoms, rest = exponents(term)
        own = [self._own(rest)] if rest is not None else []
        return self._shared.term("dh", sorted((*map(self.term, atoms), *own), key=repr))

    def _applied(self, term: App) -> Ground:
        args = [self.term(a) for a in term.args]
        if term.symbol == TUPLE and isinstance(args[-1], tuple) and args[-1][0] == TUPLE:
            args[-1:] = args[-1][1:]
        return self._shared.term(term.symbol, args)

    def _own(self, variable: Var) -> str:
        name = self._names.get(id(variable))
        if name is None:
            name = self._names[id(variable)] = self._shared.name(f"~{variable.name}{len(self._names) + 1}")
            self._kept.append(variable)
        return name


def build(state: State, protocol: Protocol, query: Query) -> Attack:
    """The trace of a pattern without open goals.

    Raises:
        RuntimeError: no order of the events violates the claim; that would be a defect of the search.
    """
    ground = Grounding()
    runs = tuple(
        AttackRun(
            number,
            instance.role.name,
            {a: ground.term(instance.env[a]) for a in instance.role.role.agents},
            {n: ground.term(instance.env[n]) for n in (*instance.role.role.fresh, *instance.role.role.variables)},
        )
        for number, instance in enumerate(state.runs)
    )
    for violating in _violating(state, query, list(_casts(state, query))):
        events = tuple(_events(violating, ground))
        learned = tuple(ground.term(at(state, i, t)) for i, t in query.learned)
        return Attack(protocol.name, runs, events, learned, dict(query.classes), _named(state, ground))
    raise RuntimeError("no order of the events violates the claim")


def _named(state: State, ground: Grounding) -> dict[str, Ground]:
    """The terms that roles have names for, under the name of the first run that has it."""
    names: dict[str, Ground] = {}
    seen: set[int] = set()
    for number, instance in enumerate(state.runs):
        for name, template in instance.role.role.names.items():
            term = ground.term(at(state, number, template))
            if isinstance(term, tuple) and id(term) not in seen:
                seen.add(id(term))
                names[f"{name}#{number}"] = term
    return names


def _casts(state: State, query: Query) -> Iterator[tuple[Alternative, list[int]]]:
    """Each choice of runs for which an alternative holds but for its order."""
    for alternative in query.alternatives:
        for runs in _assign(state, alternative, list(range(len(query.premises)))):
            places = ((at(state, runs[i], a), at(state, runs[j], b)) for (i, a), (j, b) in alternative.equal)
            if all(equal(left, right) for left, right in places):
                yield alternative, runs


def _assign(state: State, alternative: Alternative, runs: list[int], chosen: int = 0) -> Iterator[list[int]]:
    if chosen == len(alternative.cast):
        yield runs
        return
    role, height = alternative.cast[chosen]
    for number, instance in enumerate(state.runs):
        if len(state.events[number]) >= height and instance.role.plays(role, height):
            yield from _assign(state, alternative, [*runs, number], chosen + 1)


def _violating(state: State, query: Query, casts: list[tuple[Alternative, list[int]]]) -> Iterator[State]:
    """Orders in which each of the casts has an event too late."""
    if not casts:
        yield state
        return
    (alternative, runs), *others = casts
    for (i, first), (j, then) in alternative.before:
        child = state.copy()
        if child.before(state.events[runs[j]][then], state.events[runs[i]][first]):
            yield from _violating(child, query, others)


def _events(state: State, ground: Grounding) -> Iterator[AttackEvent]:
    for node in _linear(state):
        what = state.nodes[node]
        if what.kind == LEARN_NODE and what.how in ("reveal", "late") and what.term is not None:
            yield AttackEvent("reveal", -1, -1, ground.term(what.term))
        if what.kind != EVENT_NODE:
            continue
        instance = state.runs[what.run]
        step = instance.step(what.step)
        source = instance.role.steps[what.step]
        label = str(getattr(source, "label", "") or getattr(source, "name", ""))
        term = ground.term(step.terms[0]) if step.terms else ("tuple",)
        leaked = any((what.run, what.step) == (run, number) for run, number, _ in state.leaks)
        kind = "leak" if leaked else "event" if step.leak else KINDS.get(step.kind, "event")
        yield AttackEvent(kind, what.run, what.step, term, label)


def _linear(state: State) -> list[int]:
    """All nodes in an order that respects the partial one, one run going on for as long as it can."""
    done, order, run = 0, [], -1
    todo = [n for n, node in enumerate(state.nodes) if node.kind != GOAL_NODE]
    while todo:
        ready = [n for n in todo if not state.preds[n] & ~done]
        chosen = min(ready, key=lambda n: (state.nodes[n].kind == EVENT_NODE, state.nodes[n].run != run, n))
        todo.remove(chosen)
        order.append(chosen)
        done |= 1 << chosen
        if state.nodes[chosen].kind == EVENT_NODE:
            run = state.nodes[chosen].run
    return order
