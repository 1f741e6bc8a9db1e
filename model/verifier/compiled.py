"""Roles made ready for the search: instances with their terms, and every position from which a term comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations

from .protocol import (
    AGENT,
    EXPONENT,
    GROUP,
    MESSAGE,
    Event,
    Leak,
    Match,
    ModelError,
    Protocol,
    Recv,
    Role,
    Send,
    Symbol,
    Template,
)
from .protocol import Step as TemplateStep
from .terms import ANY, EXPONENTS, App, Atom, Group, Term, Var, app, deref, exponents, fresh_atoms
from .unify import TUPLE, TUPLE_BIT

INVERSE = "inverse"
NEUTRAL = "neutral"
SEND, RECV, EVENT, EQUAL, DIFFER = range(5)

Memo = dict[int, tuple[Template, Term]]
"""Terms of one environment by the identity of their templates, which are kept so that identities stay theirs."""


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


@dataclass(slots=True)
class Instance:
    """Run number `index` of a role: shared by all branches, because backtracking unbinds its variables."""

    role: CompiledRole
    index: int
    env: dict[str, Term]
    steps: list[Step]
    memo: Memo
    positions: dict[object, list[Position]] = field(default_factory=dict)
    first_send: dict[Atom, int] = field(default_factory=dict)


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


class Signature:
    """Sort bits, symbols with their weak twins, and the building of terms."""

    def __init__(self, protocol: Protocol, shortcuts: bool = True) -> None:
        self.protocol, self.shortcuts = protocol, shortcuts
        self._bits: dict[str, int] = {TUPLE: TUPLE_BIT}
        self.symbols: dict[str, Symbol] = dict(protocol.symbols)
        for symbol in protocol.symbols.values():
            if symbol.weak is not None:
                twin = symbol.name + "~"
                self.symbols[twin] = Symbol(twin, symbol.arity, (symbol.weak,), sort=symbol.result)
        self.transparent = frozenset(s.name for s in self.symbols.values() if _transparent(s))
        self.neutral = Atom(NEUTRAL, self.bit(GROUP))
        self.constants: dict[str, Atom] = {n: Atom(n, self.bit(s)) for n, s in protocol.constants.items()}
        self.constants |= {n: Atom(n, self.bit(s), public=False) for n, s in protocol.secrets.items()}
        self.agent_bit = self.bit(AGENT)
        self._groups: dict[tuple[tuple[Term, ...], Var | None], Group] = {}
        self._canonical: dict[int, tuple[Template, Template]] = {}
        self._templates: dict[tuple[object, ...], Template] = {}

    def bit(self, sort: str) -> int:
        """The bit of a base sort."""
        return self._bits.setdefault(sort, 1 << len(self._bits))

    def mask(self, sort: str) -> int:
        """The sorts that a variable of `sort` accepts."""
        if sort == MESSAGE or (self.protocol.untyped and sort not in (AGENT, GROUP)):
            return ANY
        mask = 0
        for base in self.protocol.sorts.get(sort, (sort,)):
            if base == MESSAGE:
                return ANY
            mask |= self.bit(base)
        return mask

    def term(self, template: Template, env: dict[str, Term], memo: Memo | None = None) -> Term:
        """Instantiate a template. `memo` keeps what was made for this environment, by the identity of templates.

        Raises:
            ModelError: an unknown name or symbol, or a wrong number of arguments.
        """
        if isinstance(template, str):
            found = env.get(template) or self.constants.get(template)
            if found is None:
                raise ModelError(f"unknown name {template!r}")
            return found
        memo = {} if memo is None else memo
        kept = memo.get(id(template))
        if kept is None:
            one = self._one(template)
            kept = memo.get(id(one))
            if kept is None:
                kept = memo[id(one)] = (one, self._made(one, env, memo))
            memo[id(template)] = (template, kept[1])
        return kept[1]

    def _one(self, template: Template) -> Template:
        """The same object for equal templates: roles have most of theirs in common."""
        if isinstance(template, str):
            return template
        known = self._canonical.get(id(template))
        if known is None:
            parts: tuple[Template, ...] = tuple(self._one(part) for part in template)
            one = self._templates.setdefault(tuple(p if isinstance(p, str) else id(p) for p in parts), parts)
            known = self._canonical[id(template)] = (template, one)
        return known[1]

    def _made(self, template: Template, env: dict[str, Term], memo: Memo) -> Term:
        assert not isinstance(template, str)
        head, *rest = template
        if not isinstance(head, str):
            raise ModelError(f"not a term: {template!r}")
        args = tuple(self.term(a, env, memo) for a in rest)
        if head == TUPLE:
            return tuple_of(args)
        if head == "dh":
            return self._group(args)
        symbol = self.symbols.get(head)
        if symbol is None or symbol.arity != len(args):
            raise ModelError(f"{head} with {len(args)} arguments is not a declared symbol")
        return self.apply(symbol, args)

    def apply(self, symbol: Symbol, args: tuple[Term, ...]) -> Term:
        """An application of a declared symbol."""
        return app(symbol.name, args, self.bit(symbol.result))

    def _group(self, args: tuple[Term, ...]) -> Term:
        atoms: list[Term] = []
        rest: Var | None = None
        for arg in args:
            if arg is self.neutral:
                return self.neutral
            if type(arg) is Group:
                more, tail = exponents(arg)
                atoms.extend(more)
                if tail is not None and rest is not None:
                    raise ModelError("a Diffie-Hellman term has more than one received share")
                rest = rest or tail
            elif type(arg) is Var:
                raise ModelError(f"{arg.name} is used in an exponent but is not of sort {GROUP}")
            else:
                atoms.append(arg)
        return self.group(tuple(atoms), rest)

    def group(self, atoms: tuple[Term, ...], rest: Var | None) -> Group:
        """A group element; the same object for the same exponents."""
        found = self._groups.get((atoms, rest))
        if found is None:
            found = self._groups[atoms, rest] = Group(atoms, rest, self.bit(GROUP))
        return found


def _transparent(symbol: Symbol) -> bool:
    everything = tuple(range(symbol.arity))
    free = {o.yields for o in symbol.opens if not o.needs}
    return symbol.arity > 0 and everything in symbol.builds and free == set(everything)


def tuple_of(args: tuple[Term, ...]) -> Term:
    """A tuple, flattened at its end: `(a, (b, c))` is `(a, b, c)`."""
    if len(args) == 1:
        return args[0]
    last = args[-1]
    if type(last) is App and last.symbol == TUPLE:
        args = (*args[:-1], *last.args)
    return app(TUPLE, args, TUPLE_BIT)


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

    def instance(self, index: int, common: Common | None = None) -> Instance:
        """Run number `index`. Roles that share what they call alike are the same until their steps differ."""
        sig, role = self.signature, self.role
        common = Common() if common is None else common
        shared = common.terms
        env: dict[str, Term] = {}
        for name in role.agents:
            env[name] = shared.setdefault((name, AGENT), Var(name, sig.agent_bit, index))
        for name, sort in role.fresh.items():
            env[name] = shared.setdefault((name, "fresh " + sort), Atom(name, sig.bit(sort), index))
        for name, sort in role.variables.items():
            known = NEUTRAL if name in self.zero else sort
            if (name, known) not in shared:
                shared[name, known] = self._variable(name, sort, index)
            env[name] = shared[name, known]
        memo = common.memo_of(env, sig)
        made = Instance(self, index, env, [self._step(s, env, memo) for s in self.steps], memo)
        _find_positions(made, sig)
        return made

    def _variable(self, name: str, sort: str, index: int) -> Term:
        if name in self.zero:
            return self.signature.neutral
        if sort == GROUP:
            return self.signature.group((), Var(name, EXPONENTS, index))
        if sort == EXPONENT:
            raise ModelError(f"variable {name}: an exponent is never received")
        return Var(name, self.signature.mask(sort), index)

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


def _find_positions(instance: Instance, signature: Signature) -> None:
    """Index the terms that come out of each send, without those that the attacker had before it."""
    sooner: dict[int, list[tuple[Term, ...]]] = {}
    for number, step in enumerate(instance.steps):
        if step.kind not in (RECV, SEND):
            continue
        out = list(_parts(step.terms[0], (), (), signature))
        if step.kind == SEND:
            for atom in fresh_atoms(step.terms[0]):
                instance.first_send.setdefault(atom, number)
            for term, keys, path in out:
                position = _position(number, path, term, keys, sooner.get(_identity(term), []), signature)
                if position is not None:
                    instance.positions.setdefault(_index_key(term), []).append(position)
        for term, keys, _ in () if step.leak else out:
            known = sooner.setdefault(_identity(term), [])
            if not any(set(k) <= set(keys) for k in known):
                known.append(keys)


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
        inside = term.mask == ANY or _openable(term.mask, signature)
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


def _openable(mask: int, signature: Signature) -> bool:
    """Whether a term of these sorts can have something inside that comes out of it."""
    return bool(mask & TUPLE_BIT) or any(s.opens and mask & signature.bit(s.result) for s in signature.symbols.values())


def inverse(key: Term, signature: Signature) -> Term:
    """The key that opens what `key` closes; `inverse(V)` while that depends on a variable."""
    key = deref(key)
    if type(key) is App:
        partner = signature.symbols[key.symbol].inverse if key.symbol in signature.symbols else None
        return app(partner, key.args, signature.bit(signature.symbols[partner].result)) if partner else key
    if type(key) is Atom and key.name in signature.protocol.inverses:
        return signature.constants[signature.protocol.inverses[key.name]]
    if type(key) is Var and (key.mask == ANY or _asymmetric(key.mask, signature)):
        return app(INVERSE, (key,), 0)
    return key


def _asymmetric(mask: int, signature: Signature) -> bool:
    return any(s.inverse and mask & signature.bit(s.result) for s in signature.symbols.values())


def _index_key(term: Term) -> object:
    """Under which key a position is found: its symbol, `group`, an atom itself, or `Var`."""
    if type(term) is App:
        return term.symbol
    if type(term) is Group:
        return GROUP
    return term if type(term) is Atom else Var
