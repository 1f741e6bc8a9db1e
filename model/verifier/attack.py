"""Attacks as data: a ground trace that violates a claim.

A ground term is a string (a name) or a tuple `(symbol, argument, ...)`. `n#2` is the value `n` of run 2; names that
start with `~` are the attacker's own. Equal terms of one attack are one object. In JSON a term that has a name in
`names` is written `["=", name]` wherever it occurs but there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .protocol import Template

Ground = Template
"""A term without variables, written as a template."""

NAME = "="


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
    """A trace that violates a claim.

    `learned`: what the attacker knows at the end and should not. `names`: what the specification calls terms, as
    `th_2#0`, each before those that contain it. `classes`: the class of each agent that the claim names.
    """

    protocol: str
    runs: tuple[AttackRun, ...]
    events: tuple[AttackEvent, ...]
    learned: tuple[Ground, ...]
    classes: dict[str, str]
    names: dict[str, Ground] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The attack for `json.dump`: lists, strings and numbers only."""
        write = _Writer(self.names)
        return {
            "protocol": self.protocol,
            "names": write.definitions,
            "runs": [
                {"number": r.number, "role": r.role, "agents": write.all(r.agents), "values": write.all(r.values)}
                for r in self.runs
            ],
            "events": [
                {"kind": e.kind, "run": e.run, "step": e.step, "label": e.label, "term": write.term(e.term)}
                for e in self.events
            ],
            "learned": [write.term(t) for t in self.learned],
            "classes": dict(self.classes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attack:
        """The attack that `to_json` wrote.

        Raises:
            KeyError: a part is missing, or a name is not defined before it is used.
        """
        read = _Reader(data["names"])
        events = data["events"]
        return cls(
            data["protocol"],
            tuple(
                AttackRun(r["number"], r["role"], read.all(r["agents"]), read.all(r["values"])) for r in data["runs"]
            ),
            tuple(AttackEvent(e["kind"], e["run"], e["step"], read.term(e["term"]), e["label"]) for e in events),
            tuple(read.term(t) for t in data["learned"]),
            dict(data["classes"]),
            read.names,
        )


class _Writer:
    def __init__(self, names: Mapping[str, Ground]) -> None:
        self._known: dict[int, str] = {}
        self.definitions: dict[str, object] = {}
        for name, term in names.items():
            self.definitions[name] = self.term(term)
            self._known.setdefault(id(term), name)

    def term(self, term: Ground) -> object:
        if isinstance(term, str):
            return term
        if id(term) in self._known:
            return [NAME, self._known[id(term)]]
        return [self.term(t) for t in term]

    def all(self, terms: Mapping[str, Ground]) -> dict[str, object]:
        return {n: self.term(t) for n, t in terms.items()}


class _Reader:
    def __init__(self, names: Mapping[str, Any]) -> None:
        self._shared = Shared()
        self.names: dict[str, Ground] = {}
        for name, data in names.items():
            self.names[name] = self.term(data)

    def term(self, data: Any) -> Ground:
        if isinstance(data, str):
            return self._shared.name(data)
        if data[0] == NAME:
            return self.names[data[1]]
        return self._shared.term(str(data[0]), map(self.term, data[1:]))

    def all(self, data: Mapping[str, Any]) -> dict[str, Ground]:
        return {n: self.term(t) for n, t in data.items()}


class Shared:
    """Makes ground terms of which equal ones are one object."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._terms: dict[tuple[object, ...], Ground] = {}

    def name(self, name: str) -> str:
        return self._names.setdefault(name, name)

    def term(self, symbol: str, args: Iterable[Ground]) -> Ground:
        made = (self.name(symbol), *args)
        return self._terms.setdefault((symbol, *map(id, made[1:])), made)
