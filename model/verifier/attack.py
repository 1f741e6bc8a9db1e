"""Attacks as data: a ground trace, taken from a pattern in which no goal is left.

A ground term is a string (a name) or a list `[symbol, argument, ...]`. `n#2` is the value `n` of run 2; names that
start with `~` are the attacker's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .compiled import RECV, SEND
from .protocol import Protocol, Template
from .query import Alternative, Query, at
from .state import EVENT_NODE, GOAL_NODE, LEARN_NODE, State
from .terms import App, Atom, Group, Term, Var, deref, equal, exponents

Ground = Template
"""A term without variables, written as a template."""

KINDS = {SEND: "send", RECV: "receive"}


@dataclass(frozen=True, slots=True)
class AttackRun:
    """Run `number` of `role`: who its agents are and what its names stand for."""

    number: int
    role: str
    agents: dict[str, Ground]
    values: dict[str, Ground]


@dataclass(frozen=True, slots=True)
class AttackEvent:
    """`kind`: `send`, `receive`, `event` or `leak` (step `step` of run `run`), or `reveal` of a long-term key."""

    kind: str
    run: int
    step: int
    term: Ground
    label: str = ""


@dataclass(frozen=True, slots=True)
class Attack:
    """A trace that violates a claim. `learned`: what the attacker knows at the end and should not."""

    protocol: str
    runs: tuple[AttackRun, ...]
    events: tuple[AttackEvent, ...]
    learned: tuple[Ground, ...]
    classes: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The attack for `json.dump`: lists, strings and numbers only."""
        return {
            "protocol": self.protocol,
            "runs": [
                {"number": r.number, "role": r.role, "agents": _plain(r.agents), "values": _plain(r.values)}
                for r in self.runs
            ],
            "events": [
                {"kind": e.kind, "run": e.run, "step": e.step, "label": e.label, "term": _list(e.term)}
                for e in self.events
            ],
            "learned": [_list(t) for t in self.learned],
            "classes": dict(self.classes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attack:
        """The attack that `to_json` wrote."""
        return cls(
            data["protocol"],
            tuple(AttackRun(r["number"], r["role"], _names(r["agents"]), _names(r["values"])) for r in data["runs"]),
            tuple(AttackEvent(e["kind"], e["run"], e["step"], _ground(e["term"]), e["label"]) for e in data["events"]),
            tuple(_ground(t) for t in data["learned"]),
            dict(data["classes"]),
        )


def _ground(data: Any) -> Ground:
    return data if isinstance(data, str) else tuple(_ground(d) for d in data)


def _names(data: Mapping[str, Any]) -> dict[str, Ground]:
    return {n: _ground(t) for n, t in data.items()}


def _list(term: Ground) -> object:
    return term if isinstance(term, str) else [_list(t) for t in term]


def _plain(names: dict[str, Ground]) -> dict[str, object]:
    return {n: _list(t) for n, t in names.items()}


class Grounding:
    """Gives every variable that is left a constant of its own."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._kept: list[Var] = []
        self._made: dict[Term, Ground] = {}

    def term(self, term: Term) -> Ground:
        """The ground term."""
        term = deref(term)
        if type(term) is Atom:
            return term.name if term.run < 0 else f"{term.name}#{term.run}"
        if type(term) is Var:
            return self._own(term)
        if type(term) is App:
            made = self._made.get(term)
            if made is None:
                made = self._made[term] = (term.symbol, *(self.term(a) for a in term.args))
            return made
        assert type(term) is Group
        atoms, rest = exponents(term)
        own = [self._own(rest)] if rest is not None else []
        return ("dh", *sorted((*map(self.term, atoms), *own), key=repr))

    def _own(self, variable: Var) -> str:
        name = self._names.get(id(variable))
        if name is None:
            name = self._names[id(variable)] = f"~{variable.name}{len(self._names) + 1}"
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
        events = tuple(_events(violating, ground, protocol))
        learned = tuple(ground.term(at(state, i, t)) for i, t in query.learned)
        return Attack(protocol.name, runs, events, learned, dict(query.classes))
    raise RuntimeError("no order of the events violates the claim")


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
        if instance.role.name == role and len(state.events[number]) >= height:
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


def _events(state: State, ground: Grounding, protocol: Protocol) -> Iterator[AttackEvent]:
    for node in _linear(state):
        what = state.nodes[node]
        if what.kind == LEARN_NODE and what.how in ("reveal", "late") and what.term is not None:
            yield AttackEvent("reveal", -1, -1, ground.term(what.term))
        if what.kind != EVENT_NODE:
            continue
        instance = state.runs[what.run]
        step = instance.steps[what.step]
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
