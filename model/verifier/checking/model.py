"""Roles as the checker sees them: runs, everything that comes out of a message, and what variables carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations

from ..protocol import AGENT, GROUP, Event, Leak, Protocol, Recv, Role, Send, Step
from .terms import NEUTRAL, Subst, Term, Theory, resolve, unify

Path = tuple[int, ...]
Out = tuple[Term, Path, tuple[Term, ...]]
"""A term that comes out, where it is, and the keys that this takes."""

Place = tuple[Term, Path, tuple[Term, ...], list[tuple[Term, ...]]]
"""The same, with the sets of keys for which it came out of an earlier step."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run `number` of role variant `role`: what its names stand for."""

    role: int
    number: int
    env: dict[str, Term]


@dataclass(slots=True)
class Carried:
    """What a variable can bring that is new: `anything`, fresh values by (role, name), and other patterns."""

    anything: bool
    origins: set[tuple[str, str]]
    patterns: set[Term]
    sources: set[tuple[int, str]]


class Model:
    """A protocol under some powers."""

    def __init__(self, protocol: Protocol, powers: frozenset[str]) -> None:
        self.protocol, self.powers = protocol, powers
        self.theory = Theory(protocol)
        self._runs: dict[tuple[int, int], Run] = {}
        self._sent: dict[Term, bool] = {}
        self._forwarded: dict[str, bool] = {}
        self._places: dict[tuple[int, int, int], list[Place]] = {}
        self._outs: dict[tuple[int, int, int], list[Out]] = {}
        self._messages: dict[tuple[int, int, int], Term | None] = {}
        self.roles: list[tuple[Role, frozenset[str]]] = []
        for role in protocol.roles:
            shares = [n for n, s in role.variables.items() if s == GROUP] if protocol.neutral_element else []
            for zero in chain.from_iterable(combinations(shares, n) for n in range(len(shares) + 1)):
                self.roles.append((role, frozenset(zero)))

    def run(self, number: int, index: int) -> Run:
        """Run `index` of a role variant; its variables and fresh values get their sorts."""
        if (number, index) in self._runs:
            return self._runs[number, index]
        role, zero = self.roles[number]
        theory = self.theory
        env: dict[str, Term] = {}
        for name in role.agents:
            env[name] = ("v", name, index, AGENT)
            theory.sorts[env[name]] = frozenset({AGENT})
        for name, sort in role.fresh.items():
            env[name] = ("n", name, index, sort)
        for name, sort in role.variables.items():
            if name in zero:
                env[name] = NEUTRAL
            elif sort == GROUP:
                env[name] = ("g", (), ("e", name, index))
            else:
                env[name] = ("v", name, index, sort)
                theory.sorts[env[name]] = theory.accepts(sort)
        self._runs[number, index] = Run(number, index, env)
        return self._runs[number, index]

    @cached_property
    def ways(self) -> list[list[object]]:
        """For each role and height what it has done so far: roles with equal ways are not told apart."""
        found = []
        for number, (role, _) in enumerate(self.roles):
            run = self.run(number, -40)
            way: object = (role.agents, role.actor)
            found.append([way])
            for step in role.steps:
                way = (way, self._shape(run, step))
                found[-1].append(way)
        return found

    def _shape(self, run: Run, step: Step) -> tuple[object, ...]:
        make = self.theory.term
        if isinstance(step, Recv | Send):
            return type(step), step.label, step.sender, step.receiver, make(step.message, run.env)
        if isinstance(step, Event):
            return type(step), step.name, tuple(make(t, run.env) for t in step.data)
        if isinstance(step, Leak):
            return type(step), step.power in self.powers, make(step.message, run.env)
        return type(step), step.equal, make(step.left, run.env), make(step.right, run.env)

    def members(self, role: int, height: int) -> list[int]:
        """The role variants that a run of one of them may turn out to be, when it has come so far."""
        way = self.ways[role][height]
        return [n for n, other in enumerate(self.ways) if len(other) > height and other[height] == way]

    def onward(self, role: int, height: int, index: int) -> Iterator[tuple[Run, int]]:
        """Each next step from a height on, once for all variants that come to it alike; `role` -1 is any."""
        seen: list[object] = []
        for number in self.members(role, height) if role >= 0 else range(len(self.roles)):
            run = self.run(number, index)
            for step in range(height, len(self.steps(run))):
                way = self.ways[number][step + 1]
                if way not in seen:
                    seen.append(way)
                    yield run, step

    def plays(self, run: Run, name: str, height: int) -> bool:
        """Whether a run that has come to `height` may as well be one of the role `name`."""
        return any(self.roles[n][0].name == name for n in self.members(run.role, height))

    def steps(self, run: Run) -> tuple[Step, ...]:
        return tuple(self.roles[run.role][0].steps)

    def name(self, run: Run) -> str:
        return self.roles[run.role][0].name

    def message(self, run: Run, step: int) -> Term | None:
        """What the step sends (a leak only if it is granted), resolved."""
        key = (run.role, run.number, step)
        if key not in self._messages:
            what = self.steps(run)[step]
            sent = isinstance(what, Send) or (isinstance(what, Leak) and what.power in self.powers)
            self._messages[key] = self._whole(run, what) if sent else None
        return self._messages[key]

    def _whole(self, run: Run, what: Step) -> Term:
        assert isinstance(what, Send | Leak | Recv)
        return resolve(self.theory.term(what.message, run.env), {})

    def transparent(self, symbol: str) -> bool:
        """Whether everybody can take the symbol off and put it on."""
        if symbol == "tuple":
            return True
        known = self.theory.symbols[symbol]
        everything = tuple(range(known.arity))
        opened = {o.yields for o in known.opens if not o.needs}
        return known.arity > 0 and everything in known.builds and opened == set(everything)

    def inverse(self, key: Term) -> Term:
        """The key that opens what `key` closes; `("f", "inverse", (V,))` as long as that is open."""
        if key[0] == "f":
            symbol = self.theory.symbols.get(key[1])
            partner = symbol.inverse if symbol else None
            return ("f", partner, key[2]) if partner else key
        if key[0] == "c" and key[1] in self.protocol.inverses:
            return ("c", self.protocol.inverses[key[1]])
        if key[0] == "v":
            accepted = self.theory.sorts[key]
            pairs = {s.result for s in self.theory.symbols.values() if s.inverse}
            if accepted is None or accepted & pairs:
                return ("f", "inverse", (key,))
        return key

    def out(self, term: Term, path: Path = (), keys: tuple[Term, ...] = ()) -> Iterator[Out]:
        """Everything that comes out of a resolved term."""
        if term[0] == "f" and self.transparent(term[1]):
            for place, arg in enumerate(term[2]):
                yield from self.out(arg, (*path, place), keys)
            return
        yield term, path, keys
        if term[0] == "f" and term[1] != "inverse":
            for opening in self.theory.symbols[term[1]].opens:
                needed = (self.inverse(term[2][i]) for i in opening.needs)
                secret = tuple(k for k in needed if not self.public(k))
                yield from self.out(term[2][opening.yields], (*path, opening.yields), (*keys, *secret))

    def public(self, term: Term) -> bool:
        """Whether everybody knows a resolved term."""
        if term[0] == "c":
            return term[1] not in self.protocol.secrets
        if term[0] == "v":
            return self.theory.sorts[term] == frozenset({AGENT})
        if term[0] == "g":
            return not term[1] and term[2] is None
        if term[0] != "f" or term[1] == "inverse":
            return False
        if term[1] == "tuple":
            return all(self.public(a) for a in term[2])
        return any(all(self.public(term[2][i]) for i in need) for need in self.theory.symbols[term[1]].builds)

    def places(self, run: Run, step: int) -> list[Place]:
        """Everything new that comes out of what a step sends."""
        key = (run.role, run.number, step)
        if key not in self._places:
            message = self.message(run, step)
            self._places[key] = [
                (part, path, keys, sooner)
                for part, path, keys in (self.out(message) if message is not None else ())
                if not self.public(part)
                for sooner in [self.sooner(run, step, part)]
                if not any(set(earlier) <= set(keys) for earlier in sooner)
            ]
        return self._places[key]

    def comes_out(self, start: Term) -> bool:
        """Whether some send has a term that starts so (a symbol, or the name of a fresh value) where it comes out."""
        if start not in self._sent:
            runs = [self.run(n, -30) for n in range(len(self.roles))]
            messages = [m for run in runs for step in range(len(self.steps(run))) if (m := self.message(run, step))]
            self._sent[start] = any(part[:2] == start for m in messages for part, _, _ in self.out(m))
        return self._sent[start]

    def openable(self, variable: Term) -> bool:
        """Whether a value of the variable can have something inside that comes out of it."""
        accepted = self.theory.sorts[variable]
        opened = {s.result for s in self.theory.symbols.values() if s.opens} | {"tuple"}
        return accepted is None or bool(accepted & opened)

    def forwarded(self, sort: str) -> bool:
        """Whether a variable that may bring anything comes out of a send and accepts the sort, or something around."""
        if sort not in self._forwarded:
            runs = [self.run(n, -30) for n in range(len(self.roles))]
            parts = (
                (run.role, part)
                for run in runs
                for step in range(len(self.steps(run)))
                if (message := self.message(run, step))
                for part, _, _ in self.out(message)
                if part[0] == "v" and not self.public(part)
            )
            self._forwarded[sort] = any(
                self.carried[role, part[1]].anything
                and (self.openable(part) or sort in (self.theory.sorts[part] or ()))
                for role, part in parts
            )
        return self._forwarded[sort]

    def sooner(self, run: Run, step: int, term: Term) -> list[tuple[Term, ...]]:
        """Keys with which the same term came out of an earlier receive or send of the run."""
        return [
            keys
            for number, what in enumerate(self.steps(run)[:step])
            if isinstance(what, Recv | Send)
            for one, _, keys in self._out_of(run, number, what)
            if one == term
        ]

    def _out_of(self, run: Run, number: int, what: Step) -> list[Out]:
        key = (run.role, run.number, number)
        if key not in self._outs:
            self._outs[key] = list(self.out(self._whole(run, what)))
        return self._outs[key]

    @cached_property
    def carried(self) -> dict[tuple[int, str], Carried]:
        """What every variable of every role can bring."""
        pairs = [(self.run(n, -10), self.run(n, -20)) for n in range(len(self.roles))]
        table = {
            (n, name): self._direct(mine, name, [mine, *(other for _, other in pairs)])
            for n, (mine, _) in enumerate(pairs)
            for name in self.roles[n][0].variables
        }
        changed = True
        while changed:
            changed = False
            for entry in table.values():
                before = (entry.anything, len(entry.origins), len(entry.patterns))
                for source in entry.sources:
                    other = table[source]
                    entry.anything |= other.anything
                    entry.origins |= other.origins
                    entry.patterns |= other.patterns
                changed |= before != (entry.anything, len(entry.origins), len(entry.patterns))
        return table

    def _direct(self, mine: Run, name: str, others: list[Run]) -> Carried:
        carried = Carried(False, set(), set(), set())
        around = self._around(mine, name)
        if around is None:
            carried.anything = True
        elif around[0] == "f":
            symbol = around[1].removesuffix("~")
            for other in others:
                for step in range(len(self.steps(other))):
                    message = self.message(other, step)
                    for literal, _, _ in self.out(message) if message is not None else ():
                        if literal[0] == "f" and literal[1] == symbol:
                            for subst in unify(("f", symbol, around[2]), literal, {}, self.theory):
                                self._note(carried, resolve(mine.env[name], subst), other, subst)
        return carried

    def _around(self, mine: Run, name: str) -> Term | None:
        """The innermost term around a variable where it first comes in; the variable itself in the clear."""
        variable = mine.env[name]
        for step in self.steps(mine):
            if isinstance(step, Recv):
                for found, around in self._wrapped(resolve(self.theory.term(step.message, mine.env), {}), None):
                    if found == variable:
                        return around or variable
            elif isinstance(step, Send):
                message = resolve(self.theory.term(step.message, mine.env), {})
                if any(found == variable for found, _ in self._wrapped(message, None)):
                    return None
        return None

    def _wrapped(self, term: Term, around: Term | None) -> Iterator[tuple[Term, Term | None]]:
        if term[0] != "f":
            yield term, around
        elif self.transparent(term[1]):
            for arg in term[2]:
                yield from self._wrapped(arg, around)
        else:
            for opening in self.theory.symbols[term[1].removesuffix("~")].opens:
                inner = term if opening.needs or around else None
                yield from self._wrapped(term[2][opening.yields], inner)

    def _note(self, carried: Carried, value: Term, other: Run, subst: Subst) -> None:
        for part, _, _ in self.out(value):
            if part[0] == "n":
                carried.origins.add((self.name(other), part[1]))
            elif part[0] == "f":
                carried.patterns.add(self._general(part))
            elif part[0] == "g" and (part[1] or part[2] is None):
                carried.patterns.add(("v", "any group", -1, GROUP))
                self.theory.sorts["v", "any group", -1, GROUP] = frozenset({GROUP})
            elif part[0] == "c" and not self.public(part):
                carried.patterns.add(part)
            elif part[0] in ("v", "g") and not self.public(part):
                names = self.roles[other.role][0].variables
                carried.sources |= {(other.role, n) for n in names if resolve(other.env[n], subst) == part}

    def _general(self, term: Term) -> Term:
        """The term with its fresh values, group elements and variables made variables of any run."""
        if term[0] == "f":
            return ("f", term[1], tuple(self._general(a) for a in term[2]))
        if term[0] == "c":
            return term
        sorts = self.theory.sorts[term] if term[0] == "v" else frozenset({self.theory.sort(term)})
        general: Term = ("v", repr(term), -2, "")
        self.theory.sorts[general] = sorts
        return general
