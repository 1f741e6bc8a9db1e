"""Protocols as data: symbols, key families, roles and their steps.

A template is a string (a name) or a tuple `(symbol, argument, ...)`. Names are looked up in the role (its agents, fresh
values and variables), then among the constants of the protocol. Two symbols are built in: `tuple`, and `dh`, whose
arguments are exponents and at most one received share, in last place: `("dh", "x")` is a share, `("dh", "x", "Y")` a
secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Template = str | tuple["Template", ...]
"""A name, or a symbol with its arguments."""

AGENT = "agent"
GROUP = "group"
EXPONENT = "exponent"
MESSAGE = "message"
"""The sort of a variable that takes any term."""


class ModelError(ValueError):
    """The protocol is not well formed, or uses what the method does not support."""


@dataclass(frozen=True, slots=True)
class Opening:
    """With the inverses of the arguments at `needs`, the argument at `yields` comes out."""

    yields: int
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function symbol and what an attacker can do with it.

    `builds`: each alternative is the set of arguments from which the attacker makes the term; no alternative means that
    he cannot. `inverse` names the function whose result opens what this one's result closes (`pk` and `sk`).
    `owners` makes it a family of long-term keys: the arguments at these places own the key, and an owner whose class is
    in `revealed_by` gives it away. `weak` lists what suffices when a receiver does not verify: it declares a twin
    `name~`, to be used in the patterns of such a receiver.
    """

    name: str
    arity: int
    builds: tuple[tuple[int, ...], ...] = ()
    opens: tuple[Opening, ...] = ()
    inverse: str | None = None
    owners: tuple[int, ...] | None = None
    revealed_by: frozenset[str] = frozenset({"dishonest"})
    weak: tuple[int, ...] | None = None
    sort: str = ""

    @property
    def result(self) -> str:
        """Sort of the result: its own name, unless it was given one."""
        return self.sort or self.name


def public(
    name: str,
    arity: int,
    *,
    opens: tuple[Opening, ...] = (),
    inverse: str | None = None,
    weak: tuple[int, ...] | None = None,
    sort: str = "",
) -> Symbol:
    """A symbol that anybody applies to arguments that he knows."""
    return Symbol(name, arity, (tuple(range(arity)),), opens, inverse=inverse, weak=weak, sort=sort)


def key_family(name: str, arity: int = 1, *, revealed_by: frozenset[str] | None = None, sort: str = "") -> Symbol:
    """Long-term keys, one for every list of owners."""
    powers = frozenset({"dishonest"}) if revealed_by is None else revealed_by
    inverse = "pk" if name == "sk" else None
    return Symbol(name, arity, owners=tuple(range(arity)), revealed_by=powers, sort=sort, inverse=inverse)


STANDARD: Mapping[str, Symbol] = {
    s.name: s
    for s in (
        public("pk", 1, inverse="sk"),
        key_family("sk", revealed_by=frozenset({"dishonest", "stolen"})),
        key_family("k", 2),
        public("enc", 2, opens=(Opening(0, (1,)),)),
        public("senc", 2, opens=(Opening(0, (1,)),)),
        public("aenc", 2, opens=(Opening(0, (1,)),)),
        public("sign", 2, opens=(Opening(0),)),
        public("sig", 2),
        public("mac", 2),
        public("aead", 4, opens=(Opening(0, (1, 2)),), weak=(0,)),
        Symbol("stream", 2, builds=((0,),), opens=(Opening(0, (1,)),)),
        public("hash", 1),
        public("kdf", 2),
    )
}
"""`enc` is Scyther's `{m}k`, symmetric or not: the inverse of the key opens it. `aead`: message, key, nonce, data."""


@dataclass(frozen=True, slots=True)
class Send:
    """`message` goes out on the network; `sender` and `receiver` are what the claims of agreement compare."""

    message: Template
    label: str = ""
    sender: str = ""
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Recv:
    """`message` comes in; unbound variables are bound, everything else is compared."""

    message: Template
    label: str = ""
    sender: str = ""
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A mark in the run, with data, for claims to speak of."""

    name: str
    data: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Leak:
    """The run gives `message` away, when `power` is granted."""

    message: Template
    power: str


@dataclass(frozen=True, slots=True)
class Match:
    """Both terms are equal, or, with `equal` off, they are not; otherwise the run stops."""

    left: Template
    right: Template
    equal: bool = True


Step = Send | Recv | Event | Leak | Match


@dataclass(frozen=True, slots=True)
class Role:
    """A role: `agents` are its parameters, `actor` is the one who plays it; `fresh` and `variables` map names to sorts.

    `names` are what the specification calls terms of the role (`th_2`), each after those that it contains.
    `family` names the protocol that the role belongs to when several are put together. A `helper` is a role of the
    attacker's making: it need not be executable, and nobody is alive by playing it.
    """

    name: str
    agents: tuple[str, ...]
    actor: str
    steps: tuple[Step, ...]
    fresh: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Template] = field(default_factory=dict)
    family: str = ""
    helper: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """Roles over symbols. `sorts` says which base sorts a sort of variables accepts (by default only itself).

    `inverses` pairs constants that are keys of each other. `neutral_element`: a peer that does not refuse the
    all-zero secret. `untyped`: variables accept every sort. `trusted`: constants of sort agent that are honest.
    """

    name: str
    roles: tuple[Role, ...]
    symbols: Mapping[str, Symbol] = field(default_factory=lambda: STANDARD)
    constants: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inverses: Mapping[str, str] = field(default_factory=dict)
    neutral_element: bool = False
    untyped: bool = False
    trusted: tuple[str, ...] = ()

    def role(self, name: str) -> Role:
        """The role of that name.

        Raises:
            ModelError: there is none.
        """
        for role in self.roles:
            if role.name == name:
                return role
        raise ModelError(f"protocol {self.name} has no role {name}")
