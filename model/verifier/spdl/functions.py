"""The functions of a file: hash functions, families of long-term keys, and which are inverses of each other."""

from __future__ import annotations

from ..protocol import Opening, Symbol, Template, public
from .lexer import SpdlError
from .syntax import Node, names_in

_BUILT_IN = {
    "pk": public("pk", 1, inverse="sk"),
    "sk": Symbol("sk", 1, owners=(0,), inverse="pk"),
    "k": Symbol("k", 2, owners=(0, 1)),
}
"""Keys that need no declaration. One in the same form changes nothing; those of dishonest agents are always known."""


class Functions:
    """What functions are declared, and the symbols of those that are used."""

    def __init__(self, calls: set[str]) -> None:
        self._calls = calls
        """The names that are applied anywhere in the file."""
        self.secret: dict[str, bool] = {}
        """Functions that are declared, and whether the attacker cannot apply them."""
        self.inverses: dict[str, str] = {"pk": "sk", "sk": "pk"}
        self.compromised: dict[str, set[int]] = {}
        """By function, the arguments at which a dishonest agent gives the key away."""
        self.symbols: dict[str, Symbol] = {"enc": public("enc", 2, opens=(Opening(0, (1,)),))}

    def __contains__(self, name: str) -> bool:
        return name in self.secret or name in _BUILT_IN

    def declare(self, name: str, secret: bool) -> None:
        """A function; that `pk` is public cannot be taken back."""
        self.secret[name] = secret and name != "pk"

    def pair(self, left: Node, right: Node) -> None:
        """Inverse functions, of each other only. What is said of `pk` or `sk` replaces what is built in.

        Raises:
            SpdlError: one of them is the inverse of another function already.
        """
        for one, other in ((left, right), (right, left)):
            old = self.inverses.get(one.name, other.name)
            if old != other.name and not {one.name, old} <= _BUILT_IN.keys():
                raise SpdlError(f"{one.name} is the inverse of {old} already", one.at.line, one.at.column)
            self.inverses.pop(old, None)
        self.inverses |= {left.name: right.name, right.name: left.name}

    def compromise(self, term: Node, agents: set[str]) -> None:
        """A key is known whose owner at one of these places is dishonest.

        Raises:
            SpdlError: the term is not a key, or names no agent as an argument.
        """
        places = {i for i, arg in enumerate(term.args) if arg.kind == "name" and arg.name in agents}
        if term.kind != "call" or not places or any(names_in(arg) & agents for arg in term.args if arg.args):
            hint = "only the keys of an untrusted agent can be compromised, as in compromised k2(Eve)"
            raise SpdlError(hint, term.at.line, term.at.column)
        self.compromised.setdefault(term.name, set()).update(places)

    def apply(self, node: Node, args: tuple[Template, ...]) -> Template:
        """The template of a call.

        Raises:
            SpdlError: no such function, or another number of arguments than a key of its family has.
        """
        name, count = node.name, len(args)
        if name not in self:
            raise SpdlError(f"{name} is not a function", node.at.line, node.at.column)
        if name not in self.symbols:
            self._make(name, count)
        symbol = self.symbols[name]
        if symbol.arity == count:
            return (name, *args)
        if symbol.arity == 1 and name in self.secret and not self._keyed(name):
            return (name, ("tuple", *args))
        raise SpdlError(f"{name} takes {symbol.arity} argument(s)", node.at.line, node.at.column)

    def _make(self, name: str, count: int) -> None:
        """The symbol of a function that is used for the first time, and that of its inverse."""
        built_in = _BUILT_IN.get(name)
        names = [name, *([self.inverses[name]] if name in self.inverses else [])]
        if built_in and all(self._as_built_in(n, count) for n in names):
            self.symbols |= {n: _BUILT_IN[n] for n in names}
            return
        arity = count if self._keyed(name) else 1
        self.symbols |= {n: self._symbol(n, arity) for n in names}

    def _as_built_in(self, name: str, count: int) -> bool:
        """Whether a name stands for what it does without a declaration."""
        if name not in self.secret:
            return name in _BUILT_IN
        return name in _BUILT_IN and count == _BUILT_IN[name].arity and self.secret[name] == (name != "pk")

    def _keyed(self, name: str) -> bool:
        """Whether the results are long-term keys of the arguments, or the public halves of such.

        Older files say that a function is a hash by a secret inverse that nobody applies.
        """
        partner = self.inverses.get(name, "")
        return self._is_secret(name) or (self._is_secret(partner) and partner in self._calls)

    def _is_secret(self, name: str) -> bool:
        return self.secret.get(name, name in ("sk", "k"))

    def _symbol(self, name: str, arity: int) -> Symbol:
        inverse = self.inverses.get(name)
        if not self._is_secret(name):
            return public(name, arity, inverse=inverse)
        owners = tuple(i for i in range(arity) if i in self.compromised.get(name, ()))
        return Symbol(
            name, arity, owners=owners, revealed_by=frozenset({"dishonest"} if owners else ()), inverse=inverse
        )
