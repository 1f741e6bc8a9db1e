"""What a fault of a reference peer is made of: other judgements, other rows, another world, another endpoint.

A fault is one distortion, beside the code that it distorts and never a copy of it. `faulty_iut` gives the reference
peer with a fault as an implementation under test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.harness.evaluator.machine import Machine
from trustconn.harness.evaluator.run import Run
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.world import Memory, World
from trustconn.harness.peer.edhoc_channel import EdhocChannel
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.peer.provider import WorldProvider
from trustconn.harness.tester.local import LocalIut
from trustconn.model.protocol.tables import profile
from trustconn.model.table import Equals, Form, Holds, Table, Verifies

Role = Literal["device", "service"]
ROLES: tuple[Role, ...] = ("device", "service")
Judge = Callable[..., None]
"""Called with the run, the honest judgement, and what that one looks at; raises ValueError to refuse."""


class FaultyRun(Run):
    """A run that judges some checks otherwise. `notes` last as long as the session, `store` as long as the peer."""

    __slots__ = ("judges", "notes", "store")

    judges: dict[str, Judge]
    notes: dict[str, Any]
    store: dict[Any, Any]

    def _judge(self, name: str, form: Form) -> None:
        judge = self.judges.get(name)
        if judge is None:
            super()._judge(name, form)
            return
        honest = partial(super()._judge, name, form)
        try:
            judge(self, honest, *_looked_at(self, form))
        except Refused as refusal:
            raise CheckFailed(name, refusal.reason) from refusal
        except ValueError as error:
            raise CheckFailed(name, str(error)) from error

    @property
    def world(self) -> World:
        """What this peer knows."""
        return self.own.world

    @property
    def own(self) -> WorldProvider:
        """What this peer is made of."""
        assert isinstance(self.provider, WorldProvider)
        return self.provider

    @property
    def peer(self) -> str:
        """Letter of the other side."""
        return "R" if self.role == "device" else "I"


def _looked_at(run: Run, form: Form) -> tuple[Any, ...]:
    """Arguments of a predicate; key, signature and message; or what was received and what is expected."""
    if isinstance(form, Holds):
        return tuple(map(run.value, form.arguments))
    if isinstance(form, Verifies):
        return run.value(form.key), run.value(form.slot), run.value(form.message)
    assert isinstance(form, Equals)
    expected = form.expected or form.slot.means
    assert expected is not None
    return run.value(form.slot), run.value(expected)


class FaultyEndpoint(Endpoint):
    """A reference endpoint with a fault in what it judges, in its rows, in its world or in its channel."""

    CHANNEL: type[EdhocChannel] = EdhocChannel

    def __init__(self, fault: SpecFault, store: dict[Any, Any], role: Role, world: World, **options: Any) -> None:
        super().__init__(role, fault.world(world), table=fault.table(profile()), channel=self.CHANNEL, **options)
        run = FaultyRun(role, self.provider, self.run.rng, off=self.off, rules=self.run.rules)
        run.judges, run.notes, run.store = fault.judges, {}, store
        self.run = run
        self.provider.selected = run.selected_suite
        self.machine = Machine(self.table, role, run)
        self.distort()

    def distort(self) -> None:
        """What a fault changes in an endpoint that has been made."""


@dataclasses.dataclass(frozen=True, slots=True)
class SpecFault:
    """One fault: what the peer does instead of the requirement, `requirements` by the role that may have it."""

    name: str
    requirements: dict[Role, str]
    says: str
    judges: dict[str, Judge] = dataclasses.field(default_factory=dict)
    table: Callable[[Table], Table] = lambda table: table
    world: Callable[[World], World] = lambda world: world
    endpoint: type[FaultyEndpoint] = FaultyEndpoint
    restart: Callable[[Memory], None] = lambda memory: None


FAULTS: dict[str, SpecFault] = {}
"""Every fault by name."""


def by_role(requirement: str, roles: tuple[Role, ...]) -> dict[Role, str]:
    """`requirement` is one id for all `roles`, or that of the device and that of the service with a slash between."""
    first, _, second = requirement.partition("/")
    ids: dict[Role, str] = {"device": first, "service": second or first}
    return {role: ids[role] for role in roles}


def declare(name: str, requirement: str, says: str, roles: tuple[Role, ...] = ROLES, **parts: Any) -> None:
    """Add a fault."""
    if name in FAULTS:
        raise ValueError(f"fault {name} is declared twice")
    FAULTS[name] = SpecFault(name, by_role(requirement, roles), says, **parts)


def instead(checks: str, requirement: str, says: str, roles: tuple[Role, ...] = ROLES) -> Callable[[Judge], Judge]:
    """The function judges these checks (blanks between them) instead; `{}` stands for the letters of both sides."""

    def register(judge: Judge) -> Judge:
        names = {check.format(letter) for check in checks.split() for letter in "ri"}
        declare(judge.__name__, requirement, says, roles, judges=dict.fromkeys(names, judge))
        return judge

    return register


def rows(
    requirement: str, says: str, roles: tuple[Role, ...] = ROLES
) -> Callable[[Callable[[Table], Table]], Callable[[Table], Table]]:
    """The function makes the rows of the faulty peer."""

    def register(distort: Callable[[Table], Table]) -> Callable[[Table], Table]:
        declare(distort.__name__, requirement, says, roles, table=distort)
        return distort

    return register


def endpoint(
    name: str, requirement: str, says: str, roles: tuple[Role, ...] = ROLES
) -> Callable[[type[FaultyEndpoint]], type[FaultyEndpoint]]:
    """The class is the endpoint of the faulty peer."""

    def register(kind: type[FaultyEndpoint]) -> type[FaultyEndpoint]:
        declare(name, requirement, says, roles, endpoint=kind)
        return kind

    return register


def channel(
    name: str, requirement: str, says: str, roles: tuple[Role, ...] = ROLES
) -> Callable[[type[EdhocChannel]], type[EdhocChannel]]:
    """The class is the channel of the faulty peer."""

    def register(kind: type[EdhocChannel]) -> type[EdhocChannel]:
        declare(name, requirement, says, roles, endpoint=type(kind.__name__, (FaultyEndpoint,), {"CHANNEL": kind}))
        return kind

    return register


def need(condition: bool, reason: str) -> None:
    """Refuse unless it holds."""
    if not condition:
        raise ValueError(reason)


class FaultyIut(LocalIut):
    """The reference peer of `role` with one fault, in this process."""

    def __init__(self, fault: SpecFault, role: Role, seed: bytes) -> None:
        super().__init__(role, seed=seed, make=partial(fault.endpoint, fault, {}))
        self._fault = fault

    def restart(self) -> None:
        super().restart()
        self._fault.restart(self._honest.memory)
