"""What the branches of a search share: the instances of runs, and the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .clock import now
from .compiled import Common, CompiledRole
from .flow import Flow, analyse
from .instances import Copy, Instance, Position, Renaming
from .loose import Loose, loose_variables
from .protocol import Event, Recv, Send
from .protocol import Step as TemplateStep
from .signature import Signature
from .terms import App, Atom, Term, Var


class TimeLimit(Exception):
    """The search took longer than it may."""


class BudgetSpent(Exception):
    """The search looked at more patterns than this attempt may."""


class SetAside(Exception):
    """The search took so long that others may come first."""


@dataclass(slots=True)
class Stats:
    """Counters of one claim, over all its searches. `bound`: runs up to which the present one found nothing.

    `budget` and `aside`: the number of states that ends the present attempt, and the present query.
    """

    states: int = 0
    bound: int = 0
    deadline: float = float("inf")
    budget: float = float("inf")
    aside: float = float("inf")

    def tick(self) -> None:
        """Count a state.

        Raises:
            TimeLimit: the deadline has passed.
            BudgetSpent: the budget of states is spent.
            SetAside: others may come first.
        """
        self.states += 1
        if self.states > self.aside:
            raise SetAside
        if self.states > self.budget:
            raise BudgetSpent
        if not self.states & 15:
            self.check()

    def check(self) -> None:
        """Look at the clock.

        Raises:
            TimeLimit: the deadline has passed.
        """
        if now() > self.deadline:
            raise TimeLimit


class Pool:
    """Instances of roles by run number, made once and shared by all branches of one search."""

    def __init__(self, roles: list[CompiledRole], signature: Signature) -> None:
        self.roles, self._signature = roles, signature
        common = Common()
        self._first = [role.first(common) for role in roles]
        self._made: dict[tuple[int, int], Instance] = {(n, 0): one for n, one in enumerate(self._first)}
        self._renamings: dict[int, Renaming] = {}
        self._loose: dict[int, Loose] = {}
        self._choices: dict[tuple[int, int, int, object], list[tuple[Instance, Position]]] = {}
        self._sent: dict[str, bool] = {}
        self._leaked: dict[str, bool] = {}
        self._members: dict[int, list[int]] = {}
        self._kept: dict[str, bool] = {}
        self._find_prefixes()
        others = [self.get(role.number, 1) for role in roles]
        self.flow: Flow = analyse(self._first, others, signature)

    def get(self, role: int, index: int) -> Instance:
        key = (role, index)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Copy(self._first[role], self._renaming(index))
        return found

    def _renaming(self, index: int) -> Renaming:
        if index not in self._renamings:
            self._renamings[index] = Renaming(self._signature, index)
        return self._renamings[index]

    def _find_prefixes(self) -> None:
        """Number the ways that roles can come; what is alike has the same terms, because names are shared."""
        numbers: dict[object, int] = {}
        namesakes: dict[str, list[CompiledRole]] = {}
        for role in self.roles:
            namesakes.setdefault(role.name, []).append(role)
            role.namesakes = namesakes
            key: object = (role.role.agents, role.role.actor)
            role.prefix = [numbers.setdefault(key, len(numbers))]
            for step, source in zip(self._first[role.number].steps, role.steps, strict=True):
                key = (role.prefix[-1], _mark(source), step.kind, step.leak, tuple(map(id, step.terms)))
                role.prefix.append(numbers.setdefault(key, len(numbers)))
            for number in role.prefix:
                self._members.setdefault(number, []).append(role.number)

    def members(self, role: CompiledRole, height: int) -> list[int]:
        """The roles that a run of `role` at `height` may turn out to be."""
        return self._members[role.prefix[height]]

    def loose(self, index: int) -> Loose:
        """The loose variables in what run `index` may receive, whatever role it plays."""
        if 0 not in self._loose:
            self._loose[0] = loose_variables(self._first, self._signature)
        if index not in self._loose:
            one = self._renaming(index).term
            self._loose[index] = {one(part): frozenset(map(one, free)) for part, free in self._loose[0].items()}
        return self._loose[index]

    def choices(self, way: int, height: int, index: int, head: object) -> list[tuple[Instance, Position]]:
        """Positions from `height` on in all roles that have come this way (all roles for -1), each once."""
        key = (way, height, index, head)
        found = self._choices.get(key)
        if found is None:
            chosen = [
                (self.get(number, index), h, place) for number, h, place in self._places(way, height, index, head)
            ]
            found = self._choices[key] = [(i, i.positions(h)[place]) for i, h, place in chosen]
        return found

    def _places(self, way: int, height: int, index: int, head: object) -> Iterator[tuple[int, object, int]]:
        """The role, the head, and the place among its positions of each choice."""
        seen: set[tuple[int, tuple[int, ...]]] = set()
        fresh = index > 0 and type(head) is Atom and head.run >= 0
        model = self._renaming(index).original(head) if fresh and type(head) is Atom else head
        for number in self._members[way] if way >= 0 else range(len(self.roles)):
            first = self._first[number]
            for asked, known in ((head, model), (Var, Var)):
                for place, position in enumerate(first.positions(known)):
                    mark = (first.role.prefix[position.step + 1], position.path)
                    if position.step >= height and mark not in seen:
                        seen.add(mark)
                        yield number, asked, place

    def sent(self, term: App) -> bool:
        """Whether an application of this symbol can come out of some send."""
        found = self._sent.get(term.symbol)
        if found is None:
            found = any(one.positions(term.symbol) for one in self._first)
            found = self._sent[term.symbol] = found or self._forwarded(term)
        return found

    def _forwarded(self, term: App | Atom) -> bool:
        """Whether a variable of which nothing is known comes out of a send and may hold such a term, or open to it."""
        places = [(i.role.number, p) for i in self._first for p in i.positions(Var)]
        return any(
            self.flow[number, p.term.name].wild and (p.inside or p.term.mask & term.bit)
            for number, p in places
            if type(p.term) is Var
        )

    def only_leaked(self, term: App) -> bool:
        """Whether every send that gives an application of this symbol away is the leak of a session's keys."""
        found = self._leaked.get(term.symbol)
        if found is None:
            places = ((i, p) for i in self._first for p in i.positions(term.symbol))
            found = all(instance.step(position.step).leak for instance, position in places)
            found = self._leaked[term.symbol] = found and not self._forwarded(term)
        return found

    def keeps(self, value: Atom) -> bool:
        """Whether no role gives away its fresh value of that name, nor one that took it out of what it cannot open."""
        found = self._kept.get(value.name)
        if found is None:
            sent = (key for one in self._first for key in one.heads)
            found = not any(type(k) is Atom and k.name == value.name for k in sent) and not self._forwarded(value)
            self._kept[value.name] = found
        return found

    def brings(self, instance: Instance, position: Position, term: Term, origins: set[str]) -> bool:
        """Whether a position may bring the term: a forwarded variable only if it can carry it."""
        if type(position.term) is not Var:
            return True
        carried = self.flow[instance.role.number, position.term.name]
        return any(carried.may_be(term, origin) for origin in origins)


def _mark(step: TemplateStep) -> tuple[object, ...]:
    """What tells steps apart beside their terms."""
    if isinstance(step, Send | Recv):
        return (type(step), step.label, step.sender, step.receiver)
    return (type(step), step.name) if isinstance(step, Event) else (type(step),)
