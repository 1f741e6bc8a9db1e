"""The parser of SPDL: recursive descent, from tokens to a syntax tree. Macros are expanded on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from .lexer import SpdlError, Token, tokenize

MAX_DEPTH = 100
MAX_TERMS = 100_000
"""Terms in a file with all macros expanded."""
MAX_ROLES = 7
"""Roles of one protocol: a claim is asked for each way in which their agents may coincide, 877 for seven."""
MAX_EVENTS = 2000
"""Events in a file, claims among them."""


@dataclass(frozen=True, slots=True)
class Node:
    """A term: `kind` is `name`, `call` of `name` with `args`, `encrypt` (the last of `args` is the key) or `tuple`."""

    kind: str
    name: str
    args: tuple[Node, ...]
    at: Token


def names_in(node: Node) -> set[str]:
    """The names in a term, those of its functions among them."""
    return {node.name}.union(*map(names_in, node.args))


@dataclass(frozen=True, slots=True)
class Declaration:
    """`keyword` is const, fresh, var, secret, function, usertype, inversekeys, untrusted, compromised or knows."""

    keyword: str
    terms: tuple[Node, ...]
    types: tuple[Token, ...]
    secret: bool
    at: Token


@dataclass(frozen=True, slots=True)
class Event:
    """`keyword` is send, recv, claim, match or `not match`."""

    keyword: str
    label: str
    terms: tuple[Node, ...]
    at: Token


@dataclass(slots=True)
class RoleTree:
    """A role: its declarations and events in order."""

    name: Token
    items: list[Declaration | Event] = field(default_factory=list)


@dataclass(slots=True)
class ProtocolTree:
    """A protocol: its parameters, its own declarations, its roles."""

    name: Token
    parameters: list[Token]
    declarations: list[Declaration] = field(default_factory=list)
    roles: list[RoleTree] = field(default_factory=list)


@dataclass(slots=True)
class File:
    """A file: global declarations and protocols. `calls` are the functions that it applies."""

    declarations: list[Declaration] = field(default_factory=list)
    protocols: list[ProtocolTree] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)


_DECLARATIONS = frozenset(
    {"const", "fresh", "var", "secret", "function", "hashfunction", "usertype", "inversekeys", "inversekeyfunctions"}
    | {"untrusted", "compromised", "knows", "macro", "option"}
)
_EVENTS = frozenset({"read", "recv", "send", "claim", "match", "not"})
_KEYWORDS = _DECLARATIONS | _EVENTS | {"protocol", "role", "singular", "run", "trusted", "include", "symmetric-role"}


class Parser:
    """One pass over the tokens of a file."""

    def __init__(self, source: str) -> None:
        self._tokens = tokenize(source)
        self._next = 0
        self._calls: set[str] = set()
        self._macros: dict[str, tuple[Node, ...]] = {}
        self._sizes: dict[str, int] = {}
        self._depths: dict[str, int] = {}
        self._count = self._deepest = self._events = 0

    def file(self) -> File:
        """The whole file.

        Raises:
            SpdlError: with the place of the first token that cannot be read.
        """
        tree = File(calls=self._calls)
        while self._peek().kind != "end":
            word = self._peek()
            if word.value in ("protocol", "symmetric-role"):
                self._accept("symmetric-role")
                tree.protocols.append(self._protocol())
            elif self._accept("run"):
                self._run()
            elif word.value in _DECLARATIONS:
                tree.declarations.extend(self._declaration())
            else:
                raise self._unexpected("a declaration or a protocol")
        return tree

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _unexpected(self, wanted: str) -> SpdlError:
        token = self._peek()
        if token.value in ("include", "trusted"):
            return SpdlError(f"'{token.value}' is not supported", token.line, token.column)
        return SpdlError(f"expected {wanted}, found '{token.value[:40]}'", token.line, token.column)

    def _mark(self, mark: str) -> Token:
        if self._peek().kind != "mark" or self._peek().value != mark:
            raise self._unexpected(f"'{mark}'")
        return self._take()

    def _accept(self, value: str) -> bool:
        if self._peek().value == value and self._peek().kind != "text":
            self._next += 1
            return True
        return False

    def _name(self, wanted: str) -> Token:
        token = self._peek()
        if token.kind != "id" or token.value in _KEYWORDS:
            raise self._unexpected(wanted)
        return self._take()

    def _names(self, wanted: str) -> list[Token]:
        names = [self._name(wanted)]
        while self._accept(","):
            names.append(self._name(wanted))
        return names

    def _run(self) -> None:
        """A run that a bounded search is to have: here there are any number of all of them."""
        self._name("the name of a protocol")
        self._mark(".")
        self._name("the name of a role")
        self._mark("(")
        self._terms(0)
        self._mark(")")
        self._mark(";")

    def _protocol(self) -> ProtocolTree:
        if not self._accept("protocol"):
            raise self._unexpected("'protocol'")
        tree = ProtocolTree(self._name("the name of a protocol"), [])
        self._mark("(")
        tree.parameters = self._names("the name of a role")
        for token in tree.parameters[MAX_ROLES:]:
            raise SpdlError(f"a protocol has at most {MAX_ROLES} roles", token.line, token.column)
        self._mark(")")
        self._mark("{")
        while not self._accept("}"):
            if self._peek().value in ("role", "singular"):
                self._accept("singular")
                tree.roles.append(self._role())
            elif self._peek().value in _DECLARATIONS:
                tree.declarations.extend(self._declaration())
            else:
                raise self._unexpected("a role, a declaration or '}'")
        self._accept(";")
        return tree

    def _role(self) -> RoleTree:
        if not self._accept("role"):
            raise self._unexpected("'role'")
        role = RoleTree(self._name("the name of a role"))
        self._mark("{")
        while not self._accept("}"):
            word = self._peek().value
            if word in _EVENTS:
                role.items.append(self._event())
            elif word in _DECLARATIONS:
                role.items.extend(self._declaration())
            else:
                raise self._unexpected("an event, a declaration or '}'")
        self._accept(";")
        return role

    def _event(self) -> Event:
        at = self._take()
        self._events += 1
        if self._events > MAX_EVENTS:
            raise SpdlError(f"more than {MAX_EVENTS} events", at.line, at.column)
        keyword = "recv" if at.value == "read" else at.value
        if keyword == "not":
            if not self._accept("match"):
                raise self._unexpected("'match'")
            keyword = "not match"
        label = ""
        if keyword in ("send", "recv", "claim") and self._accept("_"):
            label = self._name("a label").value
        elif keyword in ("send", "recv"):
            raise self._unexpected(f"a label, as in {keyword}_1")
        self._mark("(")
        terms = self._terms(0)
        self._mark(")")
        self._mark(";")
        return Event(keyword, label, terms, at)

    def _declaration(self) -> list[Declaration]:
        at = self._take()
        keyword, secret = at.value, at.value == "secret"
        if secret and self._peek().value in ("const", "var", "function", "hashfunction"):
            keyword = self._take().value
        if keyword == "option":
            if self._peek().kind != "text":
                raise self._unexpected("a text")
            self._take()
            self._accept(";")
            return []
        if keyword == "macro":
            self._macro()
            return []
        made = self._declared(keyword, secret, at)
        self._mark(";")
        return [made]

    def _declared(self, keyword: str, secret: bool, at: Token) -> Declaration:
        types: list[Token] = []
        if keyword in ("inversekeys", "inversekeyfunctions"):
            self._mark("(")
            pair = (self._term(0), self._comma_term())
            self._mark(")")
            return Declaration("inversekeys", pair, (), False, at)
        if keyword in ("untrusted", "compromised", "knows"):
            return Declaration(keyword, self._terms(0), (), secret, at)
        names = self._names("a name")
        for name in names:
            if name.value in self._macros:
                raise SpdlError(f"{name.value} is a macro already", name.line, name.column)
        if keyword in ("const", "fresh", "var", "secret") and self._accept(":"):
            types = self._names("a type")
        nodes = tuple(Node("name", n.value, (), n) for n in names)
        keyword = {"hashfunction": "function"}.get(keyword, keyword)
        return Declaration(keyword, nodes, tuple(types), secret, at)

    def _comma_term(self) -> Node:
        self._mark(",")
        return self._term(0)

    def _macro(self) -> None:
        name = self._name("the name of a macro")
        self._mark("=")
        before, self._deepest = self._count, 0
        self._macros[name.value] = self._terms(0)
        self._sizes[name.value], self._depths[name.value] = self._count - before, self._deepest
        self._mark(";")

    def _terms(self, depth: int) -> tuple[Node, ...]:
        terms = [self._term(depth)]
        while self._accept(","):
            terms.append(self._term(depth))
        return tuple(terms)

    def _term(self, depth: int) -> Node:
        token = self._peek()
        self._deepest = max(self._deepest, depth + self._depths.get(token.value, 0))
        if max(depth, self._deepest) > MAX_DEPTH:
            raise SpdlError("terms are nested too deeply", token.line, token.column)
        self._count += 1 + self._sizes.get(token.value, 0)
        if self._count > MAX_TERMS:
            raise SpdlError("more terms than a file may have, macros expanded", token.line, token.column)
        if self._accept("{"):
            inner = self._terms(depth + 1)
            self._mark("}")
            return Node("encrypt", "", (*inner, self._term(depth + 1)), token)
        if self._accept("("):
            inner = self._terms(depth + 1)
            self._mark(")")
            return inner[0] if len(inner) == 1 else Node("tuple", "", inner, token)
        name = self._name("a term")
        if self._accept("("):
            args = self._terms(depth + 1)
            self._mark(")")
            self._calls.add(name.value)
            return Node("call", name.value, args, name)
        if name.value in self._macros:
            body = self._macros[name.value]
            return body[0] if len(body) == 1 else Node("tuple", "", body, name)
        return Node("name", name.value, (), name)
