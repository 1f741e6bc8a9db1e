"""Runs of roles as a search meets them, each with variables and fresh values of its own.

Run 0 of a role is made from its templates. Every other run is a copy of it, made of one step and of one place in a
message at a time, when it is first asked for: a search looks at few of all the runs that there could be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .signature import Memo, Signature
from .terms import App, Atom, Group, Term, Var, app

if TYPE_CHECKING:
    from .compiled import CompiledRole

SEND, RECV, EVENT, EQUAL, DIFFER = range(5)

T = TypeVar("T", bound=Term)


@dataclass(slots=True)
class Position:
    """`term` comes out of the send at `step` for whoever has `keys`. With `inside`, what is within it may come out too.

    `sooner`: sets of keys with which the term came out of an earlier step. Who has all keys of such a set had the term
    before this send: then the send is not where he got it from. `path` is the place in the message.
    """

    step: int
    term: Term
    keys: tuple[Term, ...]
    inside: bool
    sooner: tuple[tuple[Term, ...], ...]
    path: tuple[int, ...]


@dataclass(slots=True)
class Step:
    """One instantiated step: `terms` holds the message, the two sides of a match, or the data of an event."""

    kind: int
    terms: tuple[Term, ...]
    leak: bool = False


class Instance:
    """Run number `index` of a role: shared by all branches, because backtracking unbinds its variables.

    `positions` are by symbol, `group`, an atom itself, or `Var`; `first_send` is the step that first sends something
    with a fresh value.
    """

    __slots__ = ("_positions", "_steps", "env", "first_send", "index", "memo", "role")

    def __init__(
        self,
        role: CompiledRole,
        index: int,
        env: Mapping[str, Term],
        memo: Memo,
        steps: Sequence[Step] = (),
        positions: Mapping[object, list[Position]] | None = None,
        first_send: Mapping[Atom, int] | None = None,
    ) -> None:
        self.role, self.index, self.env, self.memo = role, index, env, memo
        self._steps: dict[int, Step] = dict(enumerate(steps))
        self._positions: dict[object, list[Position]] = dict(positions or {})
        self.first_send: Mapping[Atom, int] = first_send or {}

    def step(self, number: int) -> Step:
        return self._steps[number]

    @property
    def steps(self) -> list[Step]:
        """All steps."""
        return [self.step(number) for number in range(len(self.role.steps))]

    @property
    def heads(self) -> Iterable[object]:
        """What comes out of some send, as keys of `positions`."""
        return self._positions

    def positions(self, head: object) -> Sequence[Position]:
        """Where terms with this head come out."""
        return self._positions.get(head, ())


class Copy(Instance):
    """Another run of the same role."""

    __slots__ = ("_model", "_renaming")

    def __init__(self, model: Instance, renaming: Renaming) -> None:
        one = renaming.term
        super().__init__(model.role, renaming.index, {n: one(t) for n, t in model.env.items()}, renaming.memo(model))
        self._model, self._renaming = model, renaming
        self.first_send = {one(atom): step for atom, step in model.first_send.items()}

    def step(self, number: int) -> Step:
        found = self._steps.get(number)
        if found is None:
            model = self._model.step(number)
            found = self._steps[number] = Step(model.kind, self._renaming.terms(model.terms), model.leak)
        return found

    @property
    def heads(self) -> Iterable[object]:
        """What comes out of some send; fresh values as those of the run that this one is a copy of."""
        return self._model.heads

    def positions(self, head: object) -> Sequence[Position]:
        """Where terms with this head come out."""
        found = self._positions.get(head)
        if found is None:
            model = self._renaming.original(head) if type(head) is Atom and head.run >= 0 else head
            found = self._positions[head] = [self._moved(p) for p in self._model.positions(model)]
        return found

    def _moved(self, position: Position) -> Position:
        many = self._renaming.terms
        return Position(
            position.step,
            self._renaming.term(position.term),
            many(position.keys),
            position.inside,
            tuple(map(many, position.sooner)),
            position.path,
        )


class Renaming:
    """Run 0 of all roles, with the variables and fresh values of run `index` in the place of its own."""

    def __init__(self, signature: Signature, index: int) -> None:
        self.index = index
        self._signature = signature
        self._made: dict[Any, Any] = {}
        self._originals: dict[Atom, Atom] = {}
        self._memos: dict[int, Memo] = {}

    def term(self, term: T) -> T:
        """The term of this run. What the variables of run 0 are bound to at the moment is not looked at."""
        made: T | None = self._made.get(term)
        if made is None:
            made = self._made[term] = self._other(term)
        return made

    def terms(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(map(self.term, terms))

    def original(self, atom: Atom) -> Atom | None:
        """The fresh value of run 0 in whose place `atom` is; None if it is of another run."""
        return self._originals.get(atom)

    def memo(self, model: Instance) -> Memo:
        """The memo for copies of all runs that have one in common with `model`."""
        return self._memos.setdefault(id(model.memo), {})

    def _other(self, term: Term) -> Any:
        if type(term) is App:
            args = self.terms(term.args) if term.atoms or term.variables else term.args
            return app(term.symbol, args, term.bit)
        if type(term) is Group:
            return self._signature.group(self.terms(term.atoms), term.rest and self.term(term.rest))
        if type(term) is Var:
            return Var(term.name, term.mask, self.index)
        if term.run < 0:
            return term
        other = Atom(term.name, term.bit, self.index, term.public)
        self._originals[other] = term
        return other
