"""The shape of the table: roles, messages, rows.

Every state change is a row. A (state, message) pair without a row is the refusal `frame_is_expected`, in one place of
the interpreter. Error rows are derived: a failed check answers with its own `Refusal` and closes, or, for a receipt,
stays. Framing, record counters, timers and retries are not rows; their checks are declared `beside_table`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from .checks import CHECKS, Check
from .symbols import received_slots
from .terms import Term

NET, RECORD, LOCAL, APP, TIMER = "net", "record", "local", "app", "timer"
"""Channels: handshake messages, frames in the protected channel, software to its TAM, application, injected clock."""
ASKED = "asked"
"""A channel beside the session: a relying party and its verifier, over a protected connection of their own."""


@dataclass(frozen=True)
class Message:
    """A message: `frame_type` for frames of the protected channel, none for the others."""

    name: str
    channel: str
    term: Term
    sender: str
    frame_type: int | None = None
    blind: tuple[Term, ...] = ()
    """Sub-terms that the receiver takes as opaque octets: blind forwarding, allowed only by name."""
    by_library: bool = False
    """A library makes and reads its octets; a run binds what the library tells of it."""

    @cached_property
    def slots(self) -> tuple[Term, ...]:
        """Slots that receiving this message binds."""
        return received_slots(self.term)


@dataclass(frozen=True, slots=True)
class Equals:
    """A received slot equals its meaning (or `expected`, when the receiver's view of it has another form)."""

    slot: Term
    expected: Term | None = None


@dataclass(frozen=True, slots=True)
class Verifies:
    """A received signature slot verifies under `key` over `message`."""

    slot: Term
    key: Term
    message: Term
    algorithm: str = "ES256"


@dataclass(frozen=True, slots=True)
class TagVerifies:
    """The tag of an AEAD term of the message verifies; decided while the message is matched."""

    term: Term


@dataclass(frozen=True, slots=True)
class Holds:
    """A predicate over the world, named like its check, with the octets of `arguments`.

    `binds` is the slot that thereby equals its meaning: what the predicate is worth to the prover.
    """

    arguments: tuple[Term, ...]
    binds: Term | None = None


Form = Equals | Verifies | TagVerifies | Holds


@dataclass(frozen=True, slots=True)
class Step:
    """One check of a row: which, and what it compares."""

    check: Check
    form: Form
    by_library: bool = False
    """The library that reads the message decides it; a run does not."""


def step(check: str, form: Form) -> Step:
    """A step for a registered check.

    Raises:
        KeyError: the check is not in the register.
    """
    return Step(CHECKS[check], form)


def by_library(check: str, form: Form) -> Step:
    """A step that the library behind the message decides before the row is reached."""
    return Step(CHECKS[check], form, True)


def holds(check: str, *arguments: Term, binds: Term | None = None) -> Step:
    """A predicate step."""
    return step(check, Holds(arguments, binds))


def equals(check: str, received: Term, expected: Term | None = None) -> Step:
    """An equality step."""
    return step(check, Equals(received, expected))


@dataclass(frozen=True, slots=True)
class Guard:
    """Chooses among rows of the same state and message; its failure is no error, another row may fit."""

    term: Term
    equals: Term


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a run reports: to claims (`running`, `commit`) and to whoever watches an implementation."""

    name: str
    data: tuple[tuple[str, Term], ...] = ()


def event(event_name: str, **data: Term) -> Event:
    """An event with named data."""
    return Event(event_name, tuple(data.items()))


@dataclass(frozen=True, slots=True)
class Transition:
    """One row.

    Order of work: match `receives`, choose by `when`, match `opens` inside, judge `checks` in order, renew `fresh`,
    assign `sets`, send `sends`, report `events`, assign `then_sets` and enter `next_state`.
    """

    role: str
    state: str
    receives: Message
    next_state: str
    when: tuple[Guard, ...] = ()
    opens: tuple[tuple[Term, Term], ...] = ()
    """(slot, pattern): the slot's octets are matched against a pattern of their own."""
    checks: tuple[Step, ...] = ()
    fresh: tuple[Term, ...] = ()
    sets: tuple[tuple[Term, Term], ...] = ()
    sends: tuple[Message, ...] = ()
    then_sets: tuple[tuple[Term, Term], ...] = ()
    """Assignments after sending: counters."""
    events: tuple[Event, ...] = ()
    receipt: Message | None = None
    """How a check that refuses by receipt is answered; `then_sets` follow, the state stays."""
    receipt_code: Term | None = None
    """Register that carries the receipt's code."""

    @property
    def id(self) -> str:
        """Stable name of the row: role, state, message and, where there are several, the guards."""
        guards = ",".join(f"{g.term!r}={g.equals!r}" for g in self.when)
        return f"{self.role}:{self.state}:{self.receives.name}" + (f"[{guards}]" if guards else "")


@dataclass(frozen=True, slots=True)
class Role:
    """A party of the protocol.

    `given` maps what it holds before the first message to the owner of the secret; roles with the same owner share a
    device. `fresh` is drawn anew for every run.
    """

    name: str
    start: str
    given: dict[Term, str] = field(default_factory=dict)
    fresh: tuple[Term, ...] = ()
    initial: tuple[tuple[Term, Term], ...] = ()
    """Registers and their first values."""


@dataclass(frozen=True)
class Table:
    """A protocol: its roles and rows, indexed for the interpreter."""

    name: str
    roles: tuple[Role, ...]
    rows: tuple[Transition, ...]
    waived: frozenset[str] = frozenset()
    """Findings of the linter that this table allows by name."""

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], tuple[Transition, ...]]:
        index: dict[tuple[str, str, str], list[Transition]] = defaultdict(list)
        for row in self.rows:
            index[row.role, row.state, row.receives.name].append(row)
        return {key: tuple(rows) for key, rows in index.items()}

    def candidates(self, role: str, state: str, message: str) -> tuple[Transition, ...]:
        """Rows of `role` in `state` that receive `message`, in the order of the table."""
        return self._index.get((role, state, message), ())

    @cached_property
    def messages(self) -> dict[str, Message]:
        """All messages, received or sent, by name."""
        found: dict[str, Message] = {}
        for row in self.rows:
            for message in (row.receives, *row.sends):
                if found.setdefault(message.name, message) is not message:
                    raise ValueError(f"two messages are called {message.name}")
        return found

    def role(self, role_name: str) -> Role:
        """The role of that name."""
        return next(r for r in self.roles if r.name == role_name)

    def states(self, role_name: str) -> tuple[str, ...]:
        """States of a role in the order of the table, the start first."""
        names: Iterable[str] = (s for row in self.rows if row.role == role_name for s in (row.state, row.next_state))
        return tuple(dict.fromkeys((self.role(role_name).start, *names)))

    def receivable(self, role_name: str) -> tuple[Message, ...]:
        """Messages that some row of the role receives, each once."""
        return tuple({row.receives.name: row.receives for row in self.rows if row.role == role_name}.values())

    @cached_property
    def checks(self) -> dict[str, tuple[Transition, ...]]:
        """Check name to the rows that list it."""
        found: dict[str, list[Transition]] = defaultdict(list)
        for row in self.rows:
            for s in row.checks:
                found[s.check.name].append(row)
        return {key: tuple(rows) for key, rows in found.items()}
