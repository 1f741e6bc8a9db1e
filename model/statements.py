"""The kinds of statement that claims are made of: what must be true of a run that has come to an event of its role."""

from __future__ import annotations

from dataclasses import dataclass, field

from .table import Guard
from .terms import Term


@dataclass(frozen=True, slots=True)
class Statement:
    """What all statements share: they speak of every run of `role` that has come to the event `at`."""

    role: str
    at: str
    where: Guard | None = field(default=None, kw_only=True)
    """Speaks only of runs in which this holds."""


@dataclass(frozen=True, slots=True)
class Secret(Statement):
    """The adversary does not know `term`; with `forward`, not even once he learns all long-term keys afterwards."""

    term: Term
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Agree(Statement):
    """A run of `peer` has come to `running` before, with equal data; `injective`: each for one run of `role` alone.

    `peers` is the peer's view of `data`, where it is called otherwise there.
    """

    peer: str
    running: str
    data: tuple[Term, ...]
    peers: tuple[Term, ...] = ()
    injective: bool = False


@dataclass(frozen=True, slots=True)
class Order(Agree):
    """Besides, `running` lies behind the event `since` of the claiming run."""

    since: str = ""


@dataclass(frozen=True, slots=True)
class Proved(Agree):
    """Besides, `measured` of that run is a configuration that the issuer of properties has certified."""

    measured: Term | None = None


@dataclass(frozen=True, slots=True)
class Unique(Statement):
    """A run of `other` at `other_at` with equal `keys` has equal `agree` too; with `apart` there is no such run."""

    other: str
    other_at: str
    keys: tuple[Term, ...]
    agree: tuple[Term, ...] = ()
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Preceded(Statement):
    """The same run has come to every event of `by` before, in whatever order."""

    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signed(Statement):
    """The owner of the private key `key` has signed `message`."""

    key: Term
    message: Term


@dataclass(frozen=True, slots=True)
class Endorsed(Statement):
    """The physical root that `leaf`, that of a peer on a virtualized root, names has endorsed just this leaf."""

    leaf: Term


@dataclass(frozen=True, slots=True)
class Confirmed(Statement):
    """The user of the peer has confirmed `data` at the peer's trusted user interface, each time for one event alone."""

    data: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Labelled(Statement):
    """The party that a step of the processing chain behind data names has labelled just that, whoever the others are.

    `step`: what was done: `created`, `processed`, or `forwarded` by the peer.
    """

    step: str


@dataclass(frozen=True, slots=True)
class Unreachable(Statement):
    """No run comes to the event with a peer of whom the power `over` holds.

    With `host`, the leaf of a peer, it holds of the physical root on which that peer runs; peers that run on none are
    not spoken of. With `step`, it holds of the party that this step of a processing chain names.
    """

    over: str
    host: Term | None = None
    step: str = ""


@dataclass(frozen=True, slots=True)
class Meets(Statement):
    """The value of `term` is one that the check `check` lets pass: what it is about has been judged."""

    term: Term
    check: str


@dataclass(frozen=True, slots=True)
class Executable(Statement):
    """Some run comes to the event with honest agents only."""
