"""What the search builds terms with: sorts as bits, symbols with their weak twins, and the key that opens a term."""

from __future__ import annotations

from collections.abc import Mapping

from .protocol import AGENT, GROUP, MESSAGE, ModelError, Protocol, Symbol, Template
from .terms import ANY, App, Atom, Group, Term, Var, app, deref
from .unify import TUPLE, TUPLE_BIT

INVERSE = "inverse"
NEUTRAL = "neutral"

Memo = dict[int, tuple[Template, Term]]
"""Terms of one environment by the identity of their templates, which are kept so that identities stay theirs."""


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

    def term(self, template: Template, env: Mapping[str, Term], memo: Memo | None = None) -> Term:
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

    def _made(self, template: Template, env: Mapping[str, Term], memo: Memo) -> Term:
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

    def strong(self, term: App) -> Term:
        """What a term that nobody verifies is taken for."""
        return self.apply(self.symbols[term.symbol.removesuffix("~")], term.args)

    def _group(self, args: tuple[Term, ...]) -> Term:
        atoms: list[Term] = []
        rest: Var | None = None
        for arg in args:
            if arg is self.neutral:
                return self.neutral
            if type(arg) is Group:
                atoms.extend(arg.atoms)  # Not what its variable is bound to at the moment: the term is kept.
                if arg.rest is not None and rest is not None:
                    raise ModelError("a Diffie-Hellman term has more than one received share")
                rest = rest or arg.rest
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
