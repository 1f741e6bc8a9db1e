"""From the syntax tree to a protocol and its claims.

All protocols of a file become roles of one protocol, because an attacker mixes them. Protocols whose name starts with
`@` are helpers: they need not be executable, and nobody is alive by running them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..claims import Agree, Alive, Claim, Executable, Niagree, Nisynch, Secret, Weakagree
from ..protocol import AGENT, MESSAGE, Match, Protocol, Recv, Role, Send, Step, Template
from ..protocol import Event as Mark
from .functions import Functions
from .labels import check_labels
from .lexer import SpdlError, Token
from .syntax import Declaration, Event, File, Node, Parser, ProtocolTree, RoleTree, names_in

_AGENTS = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Simon", "Pete")
_LOCAL = ("fresh", "var")
_IN_ROLE = (*_LOCAL, "const", "secret")
"""What a role declares for each of its runs: there, a constant is a fresh value too."""
_TYPES = ("Agent", "Function", "Nonce", "Ticket", "SessionKey", "Data")


@dataclass(frozen=True, slots=True)
class SpdlClaim:
    """A claim of the file. `name` is its label, or its role and number; `text` is what it says."""

    name: str
    protocol: str
    role: str
    kind: str
    text: str
    claim: Claim
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Model:
    """A file, ready to be verified."""

    protocol: Protocol
    claims: tuple[SpdlClaim, ...]


def load(source: str) -> Model:
    """Read an SPDL file.

    Raises:
        SpdlError: with line and column of what is wrong or not supported.
    """
    return _Translator(Parser(source.removeprefix("\ufeff")).file()).model()


class _Scope:
    """What the names of one role stand for."""

    def __init__(self, agents: tuple[str, ...]) -> None:
        self.agents = agents
        self.fresh: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.received: set[str] = set()
        """Names in what has been received so far."""
        self.outside: set[str] = set()
        """Fresh values that the protocol declares, which says not whether two roles have the same."""
        self.meant: dict[str, Template] = {}
        """Variables that a match gave a value, and which were never received."""

    def __contains__(self, name: str) -> bool:
        return name in self.agents or name in self.fresh or name in self.variables


class _Translator:
    def __init__(self, tree: File) -> None:
        self._tree = tree
        self._types = {t: t for t in _TYPES} | {"Agent": AGENT, "Ticket": MESSAGE}
        self._constants: dict[str, str] = dict.fromkeys(_AGENTS, AGENT)
        self._secrets: dict[str, str] = {}
        self._sorts: dict[str, tuple[str, ...]] = {}
        self._inverses: dict[str, str] = {}
        self._functions = Functions(tree.calls)
        self._untrusted = {"Eve"}
        self._used: set[str] = set()
        """Constants of sort agent that a role uses."""
        self._claims: list[SpdlClaim] = []

    def model(self) -> Model:
        everything = [*self._tree.declarations]
        for tree in self._tree.protocols:
            everything += [d for d in tree.declarations if d.keyword not in _LOCAL]
            for role in tree.roles:
                everything += [i for i in role.items if isinstance(i, Declaration) and not _in_role(i)]
        for declaration in sorted(everything, key=lambda d: d.keyword != "usertype"):
            self._declare(declaration)
        for declaration in everything:
            self._relate(declaration)
        self._check_names()
        for tree in self._tree.protocols:
            check_labels(tree)
        roles = tuple(self._role(p, r) for p in self._tree.protocols for r in p.roles)
        protocol = Protocol(
            "+".join(p.name.value for p in self._tree.protocols if not p.name.value.startswith("@")),
            roles,
            self._functions.symbols,
            self._constants,
            self._secrets,
            self._sorts,
            inverses=self._inverses,
            trusted=tuple(sorted(self._used - self._untrusted)),
        )
        return Model(protocol, tuple(self._claims))

    def _check_names(self) -> None:
        """Names by which protocols and roles are told apart are used once."""
        for what, names in (
            ("protocol", [p.name for p in self._tree.protocols]),
            *(("parameter", p.parameters) for p in self._tree.protocols),
            *(("role", [r.name for r in p.roles]) for p in self._tree.protocols),
        ):
            seen: set[str] = set()
            for token in names:
                if token.value in seen:
                    raise _error(f"{what} {token.value} is there twice", token)
                seen.add(token.value)

    def _declare(self, declaration: Declaration) -> None:
        names = [t.name for t in declaration.terms]
        if declaration.keyword == "usertype":
            self._types |= {n: self._types.get(n, n) for n in names}
        elif declaration.keyword == "function" or (
            declaration.keyword in ("const", "secret") and [t.value for t in declaration.types] == ["Function"]
        ):
            for name in names:
                self._functions.declare(name, declaration.secret)
        elif declaration.keyword in ("const", "secret"):
            sort = self._sort(declaration.types, "constant")
            (self._secrets if declaration.secret else self._constants).update(dict.fromkeys(names, sort))
        elif declaration.keyword == "untrusted":
            self._untrusted |= set(names)
            self._constants |= dict.fromkeys(names, AGENT)

    def _relate(self, declaration: Declaration) -> None:
        """Inverse keys and compromises, once all names are known."""
        if declaration.keyword == "inversekeys":
            left, right = declaration.terms
            if left.kind != "name" or right.kind != "name":
                raise _error("inverse keys are two names", left.at)
            self._inverses |= {left.name: right.name, right.name: left.name}
            self._functions.pair(left, right)
            for term in (left, right):
                if not any(term.name in known for known in (self._functions.secret, self._constants, self._secrets)):
                    raise _error(f"{term.name} is not declared", term.at)
                if term.name in self._functions.secret:
                    self._as_value(term.name)
        elif declaration.keyword == "compromised":
            agents = {name for name, sort in self._constants.items() if sort == AGENT}
            for term in declaration.terms:
                self._functions.compromise(term, agents)

    def _sort(self, types: tuple[Token, ...], what: str) -> str:
        if not types:
            return MESSAGE if what == "variable" else "untyped"
        for token in types:
            if token.value not in self._types:
                raise _error(f"unknown type {token.value}", token)
            if token.value == "Function":
                raise _error(f"a {what} cannot be a function", token)
        names = [self._types[t.value] for t in types]
        if len(names) == 1:
            return names[0]
        joined = "|".join(names)
        self._sorts[joined] = tuple(names)
        return joined

    def _role(self, protocol: ProtocolTree, tree: RoleTree) -> Role:
        agents = tuple(p.value for p in protocol.parameters)
        if tree.name.value not in agents:
            raise _error(f"role {tree.name.value} is not a parameter of protocol {protocol.name.value}", tree.name)
        scope = _Scope(agents)
        for declaration in protocol.declarations:
            if declaration.keyword == "fresh":
                scope.outside |= {term.name for term in declaration.terms}
            elif declaration.keyword == "var":
                self._bind(declaration, scope)
        for item in tree.items:
            if isinstance(item, Declaration) and _in_role(item):
                self._bind(item, scope)
        name = f"{protocol.name.value},{tree.name.value}"
        steps: list[Step] = []
        for item in tree.items:
            if isinstance(item, Event):
                steps.extend(self._event(item, protocol, tree, scope, len(steps)))
        helper = protocol.name.value.startswith("@")
        return Role(
            name,
            agents,
            tree.name.value,
            tuple(steps),
            scope.fresh,
            scope.variables,
            family=protocol.name.value,
            helper=helper,
        )

    def _bind(self, declaration: Declaration, scope: _Scope) -> None:
        for term in declaration.terms:
            if declaration.keyword != "var":
                sort = self._sort(declaration.types, "fresh value")
                scope.fresh[term.name] = "Ticket" if sort == MESSAGE else sort
                scope.variables.pop(term.name, None)
            else:
                scope.variables[term.name] = self._sort(declaration.types, "variable")
                scope.fresh.pop(term.name, None)

    def _event(self, event: Event, protocol: ProtocolTree, role: RoleTree, scope: _Scope, number: int) -> list[Step]:
        if event.keyword == "claim":
            return self._claim(event, protocol, role, scope, number)
        if event.keyword in ("match", "not match"):
            if len(event.terms) != 2:
                raise _error("match takes a pattern and a term", event.at)
            return self._match(event, scope)
        if len(event.terms) < 3:
            raise _error(f"{event.keyword} takes a sender, a receiver and a message", event.at)
        if event.terms[event.keyword == "recv"].name != role.name.value:
            who = "sender of what it sends" if event.keyword == "send" else "receiver of what it receives"
            raise _error(f"role {role.name.value} is the {who}", event.at)
        sender, receiver = (self._agent(t, scope) for t in event.terms[:2])
        message = self._tuple(event.terms[2:], scope)
        label = "" if event.label.startswith("!") else f"{protocol.name.value},{event.label}"
        if event.keyword == "recv":
            scope.received |= set().union(*map(names_in, event.terms))
            return [Recv(message, label, sender, receiver)]
        _check_values(event.terms, scope)
        return [Send(message, label, sender, receiver)]

    def _match(self, event: Event, scope: _Scope) -> list[Step]:
        """A comparison; but a variable that stands for itself and has no value yet gets the one of the other side."""
        left, right = (self._term(t, scope) for t in event.terms)
        for variable, value in ((left, right), (right, left)):
            if event.keyword == "match" and isinstance(variable, str) and _is_new(variable, value, scope):
                scope.meant[variable] = value
                return []
        if event.keyword == "match":
            scope.received |= set().union(*map(names_in, event.terms))
        else:
            _check_values(event.terms, scope)
        return [Match(left, right, event.keyword == "match")]

    def _agent(self, node: Node, scope: _Scope) -> str:
        if node.kind != "name" or (node.name not in scope and node.name not in self._constants):
            raise _error("expected the name of an agent", node.at)
        return node.name if node.name in scope else self._constant(node.name)

    def _tuple(self, nodes: tuple[Node, ...], scope: _Scope) -> Template:
        terms = tuple(self._term(n, scope) for n in nodes)
        return terms[0] if len(terms) == 1 else ("tuple", *terms)

    def _term(self, node: Node, scope: _Scope) -> Template:
        if node.kind == "tuple":
            return self._tuple(node.args, scope)
        if node.kind == "encrypt":
            return ("enc", self._tuple(node.args[:-1], scope), self._term(node.args[-1], scope))
        if node.kind == "name":
            if node.name in scope.meant:
                return scope.meant[node.name]
            if node.name in scope:
                return node.name
            if node.name in self._constants or node.name in self._secrets:
                return self._constant(node.name)
            if node.name in self._functions.secret:
                return self._as_value(node.name)
            hint = " in this role: a fresh value belongs to the role that makes it"
            raise _error(f"{node.name} is not declared{hint if node.name in scope.outside else ''}", node.at)
        if node.name in self._functions or not self._is_value(node.name, scope):
            return self._functions.apply(node, tuple(self._term(a, scope) for a in node.args))
        key = Node("name", node.name, (), node.at)  # To Scyther, applying what is no function encrypts with it.
        return ("enc", self._tuple(node.args, scope), self._term(key, scope))

    def _as_value(self, function: str) -> str:
        """A function that is not applied stands for a value of its own."""
        (self._secrets if self._functions.secret[function] else self._constants).setdefault(function, "Function")
        return function

    def _is_value(self, name: str, scope: _Scope) -> bool:
        return name in scope or name in self._constants or name in self._secrets

    def _constant(self, name: str) -> str:
        if self._constants.get(name) == AGENT:
            self._used.add(name)
        return name

    def _claim(self, event: Event, protocol: ProtocolTree, role: RoleTree, scope: _Scope, number: int) -> list[Step]:
        if len(event.terms) < 2 or event.terms[1].kind != "name":
            raise _error("a claim names its role and its kind", event.at)
        if event.terms[0].kind != "name" or event.terms[0].name != role.name.value:
            raise _error(f"a claim of role {role.name.value} starts with its name", event.terms[0].at)
        kind, rest = event.terms[1].name, event.terms[2:]
        mark = f"{event.label or kind}@{number}"
        name = f"{protocol.name.value},{role.name.value}"
        if kind in ("Empty", "SID"):
            return []
        _check_values(rest, scope)
        if kind in ("Running", "Commit"):
            data = tuple(x for t in rest for x in _flat(self._term(t, scope)))
            if not data or data[0] not in scope.agents:
                raise _error(f"{kind} names its peer first", event.at)
            if kind == "Running":
                return [Mark(f"Running {role.name.value} {data[0]}", data[1:])]
            self._add(event, protocol, role, kind, self._commit(name, mark, str(data[0]), role, protocol, data[1:]))
            return [Mark(mark, data[1:])]
        made = self._simple(kind, name, mark, rest, scope, event)
        self._add(event, protocol, role, kind, made)
        return [Mark(mark)]

    def _simple(self, kind: str, role: str, mark: str, rest: tuple[Node, ...], scope: _Scope, event: Event) -> Claim:
        if kind in ("Secret", "SKR"):
            if not rest:
                raise _error(f"{kind} says which term", event.at)
            term = self._tuple(rest, scope)
            if isinstance(term, tuple) and term[0] == "tuple":
                raise _error(f"{kind} is claimed of one term: a tuple is known when all of it is", event.at)
            return Secret(role, mark, term=term)
        peers = tuple(self._agent(t, scope) for t in rest)
        if kind == "Alive":
            return Alive(role, mark, peers=peers)
        if kind == "Weakagree":
            return Weakagree(role, mark, peers=peers)
        simple: dict[str, type[Claim]] = {"Niagree": Niagree, "Nisynch": Nisynch, "Reachable": Executable}
        if kind not in simple:
            raise _error(f"claims of kind {kind} are not supported", event.terms[1].at)
        return simple[kind](role, mark)

    def _commit(
        self, role: str, mark: str, peer: str, tree: RoleTree, protocol: ProtocolTree, data: tuple[Template, ...]
    ) -> Claim:
        agents = ((tree.name.value, tree.name.value), (peer, peer))
        running = f"Running {peer} {tree.name.value}"
        return Agree(role, mark, peer=f"{protocol.name.value},{peer}", running=running, data=data, agents=agents)

    def _add(self, event: Event, protocol: ProtocolTree, role: RoleTree, kind: str, claim: Claim) -> None:
        name = event.label or f"{role.name.value}{sum(c.role == role.name.value for c in self._claims) + 1}"
        text = " ".join([kind, *(_show(t) for t in event.terms[2:])])
        self._claims.append(
            SpdlClaim(name, protocol.name.value, role.name.value, kind, text, claim, event.at.line, event.at.column)
        )


def _in_role(declaration: Declaration) -> bool:
    """Whether a declaration in a role makes something for each run. A constant that is a function does not."""
    return declaration.keyword in _IN_ROLE and [t.value for t in declaration.types] != ["Function"]


def _is_new(variable: str, value: Template, scope: _Scope) -> bool:
    """Whether a match gives a variable its value: it has none, and takes whatever that one is."""
    sort = scope.variables.get(variable)
    if sort is None or variable in scope.received or variable in _flat_names(value):
        return False
    return sort == MESSAGE or (isinstance(value, str) and sort == scope.variables.get(value, scope.fresh.get(value)))


def _flat_names(template: Template) -> set[str]:
    return {template} if isinstance(template, str) else set().union(*map(_flat_names, template[1:]))


def _check_values(terms: tuple[Node, ...], scope: _Scope) -> None:
    """All variables have been received, or got their value from a match."""
    for term in terms:
        if term.args:
            _check_values(term.args, scope)
        elif term.name in scope.variables and term.name not in scope.received and term.name not in scope.meant:
            raise _error(f"{term.name} has no value yet: it was not received before", term.at)


def _flat(template: Template) -> tuple[Template, ...]:
    if isinstance(template, tuple) and template[0] == "tuple":
        return tuple(x for t in template[1:] for x in _flat(t))
    return (template,)


def _show(node: Node) -> str:
    inner = ",".join(_show(a) for a in node.args)
    if node.kind == "encrypt":
        return "{" + ",".join(_show(a) for a in node.args[:-1]) + "}" + _show(node.args[-1])
    return node.name if node.kind == "name" else f"{node.name}({inner})"


def _error(message: str, at: Token) -> SpdlError:
    return SpdlError(message, at.line, at.column)
