"""Roles made ready for the search: instances with their terms, and every position from which a term comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations

from .instances import DIFFER, EQUAL, EVENT, RECV, SEND, Instance, Position, Step
from .protocol import AGENT, EXPONENT, GROUP, Event, Leak, Match, ModelError, Recv, Role, Send
from .protocol import Step as TemplateStep
from .signature import NEUTRAL, Memo, Signature, inverse
from .terms import EXPONENTS, App, Atom, Group, Term, Var, fresh_atoms
from .unify import TUPLE, TUPLE_BIT


@dataclass(slots=True)
class Common:
    """What the instances of one run number share: terms by name and sort, and what was made of templates."""

    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    env: dict[str, Term] = field(default_factory=dict)
    memo: Memo = field(default_factory=dict)

    def memo_of(self, env: dict[str, Term], signature: Signature) -> Memo:
        """The common memo, unless a name means something else to another role."""
        if any(self.env.get(name, term) is not term or name in signature.constants for name, term in env.items()):
            return {}
        self.env |= env
        return self.memo


class CompiledRole:
    """A role, with the received shares in `zero` fixed to the neutral element."""

    def __init__(
        self, signature: Signature, role: Role, number: int, powers: frozenset[str], zero: frozenset[str]
    ) -> None:
        self.signature, self.role, self.number, self.zero = signature, role, number, zero
        self.name = role.name
        self.steps = tuple(role.steps)
        self.powers = powers
        self.prefix: list[int] = []
        """For each height, which roles have come the same way so far: equal numbers are equal ways."""
        self.namesakes: dict[str, list[CompiledRole]] = {}
        if role.actor not in role.agents:
            raise ModelError(f"role {role.name}: its actor {role.actor} is not one of its agents")

    def plays(self, name: str, height: int) -> bool:
        """Whether a run of this role that has come to `height` may as well be one of the role `name`."""
        if self.name == name:
            return True
        same = (other.prefix for other in self.namesakes.get(name, ()))
        return any(len(prefix) > height and prefix[height] == self.prefix[height] for prefix in same)

    def first(self, common: Common) -> Instance:
        """Run 0. Roles that share what they call alike are the same until their steps differ."""
        sig, role, shared = self.signature, self.role, common.terms
        env: dict[str, Term] = {}
        for name in role.agents:
            env[name] = shared.setdefault((name, AGENT), Var(name, sig.agent_bit, 0))
        for name, sort in role.fresh.items():
            env[name] = shared.setdefault((name, "fresh " + sort), Atom(name, sig.bit(sort), 0))
        for name, sort in role.variables.items():
            known = NEUTRAL if name in self.zero else sort
            if (name, known) not in shared:
                shared[name, known] = self._variable(name, sort)
            env[name] = shared[name, known]
        memo = common.memo_of(env, sig)
        steps = [self._step(s, env, memo) for s in self.steps]
        return Instance(self, 0, env, memo, steps, *_positions(steps, sig))

    def _variable(self, name: str, sort: str) -> Term:
        if name in self.zero:
            return self.signature.neutral
        if sort == GROUP:
            return self.signature.group((), Var(name, EXPONENTS, 0))
        if sort == EXPONENT:
            raise ModelError(f"variable {name}: an exponent is never received")
        return Var(name, self.signature.mask(sort), 0)

    def _step(self, step: TemplateStep, env: dict[str, Term], memo: Memo) -> Step:
        make = self.signature.term
        if isinstance(step, Send):
            return Step(SEND, (make(step.message, env, memo),))
        if isinstance(step, Recv):
            return Step(RECV, (make(step.message, env, memo),))
        if isinstance(step, Leak):
            granted = step.power in self.powers
            return Step(SEND if granted else EVENT, (make(step.message, env, memo),), leak=granted)
        if isinstance(step, Event):
            return Step(EVENT, tuple(make(t, env, memo) for t in step.data))
        assert isinstance(step, Match)
        return Step(EQUAL if step.equal else DIFFER, (make(step.left, env, memo), make(step.right, env, memo)))


def compile_roles(signature: Signature, powers: frozenset[str]) -> list[CompiledRole]:
    """All roles; with the neutral element, once more for each set of shares that could be it."""
    compiled: list[CompiledRole] = []
    for role in signature.protocol.roles:
        shares = [n for n, s in role.variables.items() if s == GROUP] if signature.protocol.neutral_element else []
        for zero in chain.from_iterable(combinations(shares, n) for n in range(len(shares) + 1)):
            compiled.append(CompiledRole(signature, role, len(compiled), powers, frozenset(zero)))
    return compiled


def _positions(steps: list[Step], signature: Signature) -> tuple[dict[object, list[Position]], dict[Atom, int]]:
    """The terms that come out of each send, without those that the attacker had before it; where fresh values start."""
    positions: dict[object, list[Position]] = {}
    first_send: dict[Atom, int] = {}
    sooner: dict[int, list[tuple[Term, ...]]] = {}
    for number, step in enumerate(steps):
        if step.kind not in (RECV, SEND):
            continue
        out = list(_parts(step.terms[0], (), (), signature))
        if step.kind == SEND:
            for atom in fresh_atoms(step.terms[0]):
                first_send.setdefault(atom, number)
            for term, keys, path in out:
                position = _position(number, path, term, keys, sooner.get(_identity(term), []), signature)
                if position is not None:
                    positions.setdefault(_index_key(term), []).append(position)
        for term, keys, _ in () if step.leak else out:
            known = sooner.setdefault(_identity(term), [])
            if not any(set(k) <= set(keys) for k in known):
                known.append(keys)
    return positions, first_send


def _position(
    step: int,
    path: tuple[int, ...],
    term: Term,
    keys: tuple[Term, ...],
    sooner: list[tuple[Term, ...]],
    signature: Signature,
) -> Position | None:
    if not signature.shortcuts:
        sooner = []
    if any(set(k) <= set(keys) for k in sooner):
        return None
    if type(term) is Atom and term.run < 0 and term.public:
        return None
    if type(term) is Group and len(term.atoms) + (term.rest is not None) > 1:
        raise ModelError(f"{term!r} comes out of a send: derive a key from a shared secret before sending it")
    inside = False
    if type(term) is Var:
        if term.mask == signature.agent_bit:
            return None
        inside = openable(term.mask, signature)
    return Position(step, term, keys, inside, tuple(sooner), path)


def _parts(
    term: Term, keys: tuple[Term, ...], path: tuple[int, ...], signature: Signature
) -> Iterator[tuple[Term, tuple[Term, ...], tuple[int, ...]]]:
    """Everything that comes out of a message, with the keys that this takes and its place."""
    if type(term) is App and (term.symbol == TUPLE or term.symbol in signature.transparent):
        for place, arg in enumerate(term.args):
            yield from _parts(arg, keys, (*path, place), signature)
        return
    yield term, keys, path
    if type(term) is App:
        for opening in signature.symbols[term.symbol].opens:
            inverses = (inverse(term.args[i], signature) for i in opening.needs)
            needed = tuple(key for key in inverses if not _open(key, signature))
            inner = (*path, opening.yields)
            yield from _parts(term.args[opening.yields], (*keys, *needed), inner, signature)


def _open(key: Term, signature: Signature) -> bool:
    """Whether a key is one that everybody has: a public function of agents."""
    if type(key) is Atom:
        return key.public and key.run < 0
    if type(key) is Var:
        return key.mask == signature.agent_bit
    return (
        type(key) is App
        and key.symbol in signature.symbols
        and any(
            all(_open(key.args[i], signature) for i in alternative)
            for alternative in signature.symbols[key.symbol].builds
        )
    )


def _identity(term: Term) -> int:
    """Applications of one instance are interned; a received share is its exponent variable."""
    if type(term) is Group and not term.atoms and term.rest is not None:
        return id(term.rest)
    return id(term)


def openable(mask: int, signature: Signature) -> bool:
    """Whether a term of these sorts can have something inside that comes out of it."""
    return bool(mask & TUPLE_BIT) or any(s.opens and mask & signature.bit(s.result) for s in signature.symbols.values())


def _index_key(term: Term) -> object:
    """Under which key a position is found: its symbol, `group`, an atom itself, or `Var`."""
    if type(term) is App:
        return term.symbol
    if type(term) is Group:
        return GROUP
    return term if type(term) is Atom else Var
