"""A run of the fuzzer, and a finding played again, as the command line asks for them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...harness.peer.binding import DEFAULT
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Iut
from ...harness.verdict.request import RequestError, RunRequest
from ..fleet import Fleet
from ..interrupt import listening
from .campaign import Campaign, Figures, Found
from .finding import Finding, drawn
from .ground import BothRoles, Ground, OneRole
from .oracle import Difference
from .relay import BOTH

RELAYED = "edhoc"
"""The binding whose units and handshake a relay between both roles takes apart."""


@dataclass(frozen=True)
class FuzzRequest:
    """What is asked for. `local` plays to the reference peers in this process; the rest is as for `RunRequest`."""

    run: RunRequest
    seconds: float
    cases: int | None = None
    local: bool = False


@dataclass
class Outcome:
    """What came of it, by role."""

    figures: dict[str, Figures]
    findings: list[tuple[Path, Finding]]
    interrupted: bool = False


class _FuzzFleet(Fleet):
    """Reference peers draw their randomness from the system: what repeats after a restart is a finding."""

    repeats = False


class Peers:
    """The implementations of a run. Use as a context manager."""

    def __init__(self, request: RunRequest, *, local: bool) -> None:
        """Raises DescriptionError for a description that cannot be used, RequestError for one of a handshake alone."""
        self._request, self._local = request, local
        self._fleet = None if local else _FuzzFleet(request)
        for description in self._fleet.descriptions.values() if self._fleet else ():
            if description.iut.scope == "handshake":
                raise RequestError(f"{description.iut.name}: an implementation of the handshake alone is not fuzzed")
        self._peers: dict[str, Iut] = {}

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles under test."""
        if self._fleet is not None:
            return self._fleet.roles
        return (self._request.role,) if self._request.role else ("device", "service")

    def iut(self, role: str) -> Iut:
        """The implementation of a role, started again if it has died."""
        if self._fleet is not None:
            return self._fleet.iut(role)
        if role not in self._peers:
            off = self._request.without | self._request.faults
            self._peers[role] = LocalIut(OPPOSITE[OPPOSITE[role]], off=off, binding=self.binding)
        return self._peers[role]

    @property
    def binding(self) -> str:
        """The secure channel of all of them."""
        return self._fleet.binding if self._fleet is not None else self._request.binding or DEFAULT

    def names(self, role: str) -> dict[str, str]:
        """What the implementation is called, for findings."""
        over = {"binding": self.binding}
        if self._fleet is None or role == BOTH:
            where = "" if self._fleet else " in this process"
            return {"name": f"trustconn reference{where}", "role": role, "version": version("trustconn"), **over}
        iut = self._fleet.descriptions[role].iut
        return {"name": iut.name, "role": iut.role, "version": iut.version, "digest": iut.digest or "", **over}

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._fleet is not None:
            self._fleet.__exit__()


Told = Callable[[dict[str, Figures], Finding | None], None]
"""Called after each trace, with a finding that is new."""


def fuzz(request: FuzzRequest, told: Told) -> Outcome:
    """Play until the time is over, the cases are used up, or somebody interrupts.

    Raises:
        DescriptionError: a description that cannot be used.
        LaunchError: an implementation that does not start.
    """
    outcome = Outcome({}, [])
    with Peers(request.run, local=request.local) as peers, listening() as interruption:
        campaigns = [Campaign(ground, request.run.seed) for ground in _grounds(peers, request.run.seed)]
        outcome.figures = {campaign.ground.name: campaign.figures for campaign in campaigns}
        ends = time.monotonic() + request.seconds
        for campaign, found in _turns(campaigns):
            finding = None if found is None else _kept(outcome, campaign, found, request.run, peers)
            told(outcome.figures, finding)
            outcome.interrupted = interruption.asked
            done = request.cases is not None and all(f.cases >= request.cases for f in outcome.figures.values())
            if interruption.asked or done or time.monotonic() >= ends:
                break
    return outcome


def _grounds(peers: Peers, seed: int) -> list[Ground]:
    """Each role, and where there are two over the binding that can be relayed, both at once."""
    grounds: list[Ground] = [OneRole(OPPOSITE[OPPOSITE[role]], peers.iut, seed) for role in peers.roles]
    return grounds if len(grounds) < 2 or peers.binding != RELAYED else [*grounds, BothRoles(peers.iut)]


def _turns(campaigns: list[Campaign]) -> Iterator[tuple[Campaign, Found | None]]:
    """A trace to each role in turn."""
    running = [(campaign, campaign.run()) for campaign in campaigns]
    while True:
        for campaign, traces in running:
            yield campaign, next(traces)


def _kept(outcome: Outcome, campaign: Campaign, found: Found, request: RunRequest, peers: Peers) -> Finding:
    """The finding, in a file of its own."""
    judged, names = found.judged, peers.names(campaign.ground.name)
    finding = Finding(
        found.trace, judged.difference or found.difference, request.seed, judged.telling, names,
        tuple(sorted(request.without)), tuple(sorted(request.faults)), found.cases, found.seconds,
    )  # fmt: skip
    finding = drawn(finding, judged.expected, judged.seen)
    path = request.out / f"finding-{len(outcome.findings) + 1:03}.json"
    finding.save(path)
    outcome.findings.append((path, finding))
    return finding


def replay(finding: Finding, request: RunRequest, *, local: bool = False) -> tuple[Difference | None, Finding]:
    """What an implementation does wrong now, and the finding with the chart of now.

    Raises:
        DescriptionError: a description that cannot be used.
        LaunchError: an implementation that does not start.
    """
    role, trace = finding.trace.role, finding.trace
    with Peers(request, local=local) as peers:
        one = None if role == BOTH else OPPOSITE[OPPOSITE[role]]
        ground: Ground = BothRoles(peers.iut) if one is None else OneRole(one, peers.iut, finding.seed)
        expected = ground.expected(trace, finding.case)
        seen, now = ground.seen(trace, expected, finding.case)
        again = dataclasses.replace(finding, difference=now or finding.difference, implementation=peers.names(role))
        return now, drawn(again, expected, seen)
