"""The description of a system: parties, trust zones, assets, components, data flows, and decisions about threats.

One TOML file. Every part has a table of its own, `[component.camera]`, whose last word is its name. What is left out
has the value that leaves the most threats in force. A complaint names file, line and key.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...spec import threats
from ..iut.description import parse
from ..iut.keys import Source, key, read_section, shown, unknown_key

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = TypeVar("P", bound="DataclassInstance")
ROLES = ("device", "service", "verifier", "other")
"""What a component can be; the first three are roles of the profile."""
CHANNELS = ("trusted connection", "verification", "other")
"""What a flow goes over: the profile's connection, a request to a verifier, or something that the profile knows not."""
CHOICES = ("mitigate", "transfer", "accept")
MOST = 100
"""Ratings go from 0 to this, as those of the Open Threat Model do."""
_DATE = r"\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True, slots=True)
class About:
    """Section `[system]`."""

    name: str = key(meaning="name that the review shows")
    version: str = key("", "version that is reviewed")
    description: str = key("", "what it is for")
    owner: str = key("", "who answers for it")
    contact: str = key("", "how to reach him")


@dataclass(frozen=True, slots=True)
class Party:
    """Section `[party.NAME]`: who makes, owns or runs a component."""

    title: str = key(meaning="who it is")


@dataclass(frozen=True, slots=True)
class Zone:
    """Section `[zone.NAME]`: where everything is trusted alike."""

    title: str = key(meaning="what it is")
    trust: int = key(0, "how far it is trusted, from 0 to 100: wholly")


@dataclass(frozen=True, slots=True)
class Asset:
    """Section `[asset.NAME]`: data, and what its loss of a property would cost, from 0 to 100."""

    title: str = key(meaning="what it is")
    confidentiality: int = key(MOST, "how bad it is when others read it, 0 to 100")
    integrity: int = key(MOST, "how bad it is when it is changed, 0 to 100")
    availability: int = key(MOST, "how bad it is when it is missing, 0 to 100")


@dataclass(frozen=True, slots=True)
class Component:
    """Section `[component.NAME]`. Attributes that a role does not have are ignored by the rules."""

    title: str = key(meaning="what it is")
    role: str = key(meaning="the part that it plays", choices=ROLES)
    zone: str = key(meaning="the trust zone that it is in")
    party: str | None = key(None, "who answers for it")
    assets: tuple[str, ...] = key((), "what it keeps or makes", empty=True)
    iut: str | None = key(None, "the name that results of the suite give it")
    version: str | None = key(None, "its version; results of another one do not count")
    digest: str | None = key(None, "its digest, as results have it; results of another one do not count")
    outside: str | None = key(None, "why it is outside this review: others test it")
    software: str = key("open", "who puts software on it", choices=("open", "maker", "fixed", "none"))
    sensors: bool = key(True, "it gathers data about its surroundings (device)")
    reachable: bool = key(True, "an adversary can get hold of one (device)")
    single: bool = key(False, "there is no other of its model (device)")
    shared_certificate: bool = key(True, "other services have its certificate or its name (service)")
    shared_platform: bool = key(True, "software of others runs on the same machines (service)")
    relies_on_evidence: bool = key(True, "what it grants depends on evidence about its peer (service)")


@dataclass(frozen=True, slots=True)
class Flow:
    """Section `[flow.NAME]`: data between two components, in both directions."""

    title: str = key(meaning="what goes over it")
    source: str = key(meaning="the component that begins it")
    target: str = key(meaning="the other component")
    channel: str = key("trusted connection", "what it goes over", choices=CHANNELS)
    assets: tuple[str, ...] = key((), "what it carries", empty=True)


@dataclass(frozen=True, slots=True)
class Decision:
    """Section `[decision.NAME]`: what somebody decided about what is left of a threat."""

    threat: str = key(meaning="clause of the threat")
    choice: str = key(meaning="what is done about what is left", choices=CHOICES)
    reason: str = key(meaning="why")
    by: str = key(meaning="who decided")
    date: str = key(meaning="when", pattern=_DATE, form="a date as 2026-01-31, in quotes")
    at: str | None = key(None, "the one component or flow that it is about; all, if left out")


@dataclass(frozen=True, slots=True)
class System:
    """A whole description; every part by its name."""

    file: Path
    about: About
    parties: Mapping[str, Party]
    zones: Mapping[str, Zone]
    assets: Mapping[str, Asset]
    components: Mapping[str, Component]
    flows: Mapping[str, Flow]
    decisions: Mapping[str, Decision]

    def title(self, element: str) -> str:
        """The title of a component or flow."""
        return (self.components.get(element) or self.flows[element]).title


def example() -> str:
    """The described example: a camera and the service that it reports to."""
    return (files(__package__) / "example.toml").read_text(encoding="utf-8")


def load(path: Path) -> System:
    """The system described in a file.

    Raises:
        DescriptionError: the file cannot be read, or something in it is wrong or names what is not there.
    """
    source, tables = parse(path)
    kinds = ("system", "party", "zone", "asset", "component", "flow", "decision")
    for name in tables:
        if name not in kinds:
            raise source.error(name, None, unknown_key(name, list(kinds)), f'the unknown section "{name}"')
    about = read_section(About, "system", tables.get("system", {}), source)
    system = System(
        Path(path), about, _parts(Party, "party", tables, source), _parts(Zone, "zone", tables, source),
        _parts(Asset, "asset", tables, source), _parts(Component, "component", tables, source),
        _parts(Flow, "flow", tables, source), _parts(Decision, "decision", tables, source),
    )  # fmt: skip
    _Judge(system, source).judge()
    return system


def _parts(cls: type[P], kind: str, tables: Mapping[str, Any], source: Source) -> dict[str, P]:
    listed = tables.get(kind, {})
    if not isinstance(listed, Mapping):
        raise source.error("", kind, f"tables such as [{kind}.NAME]", shown(listed))
    for name in listed:
        if not re.fullmatch(r"[\w-]{1,64}", name, re.ASCII):
            raise source.error(kind, name, "a name of at most 64 letters, digits, - and _", shown(name))
    return {name: read_section(cls, f"{kind}.{name}", table, source) for name, table in listed.items()}


class _Judge:
    """What no single section can tell: names lead somewhere, ratings have their range, dates are dates."""

    def __init__(self, system: System, source: Source) -> None:
        self._system, self._source = system, source

    def judge(self) -> None:
        system = self._system
        for name, zone in system.zones.items():
            self._rating(f"zone.{name}", "trust", zone.trust)
        for name, asset in system.assets.items():
            for rating in ("confidentiality", "integrity", "availability"):
                self._rating(f"asset.{name}", rating, getattr(asset, rating))
        for name, component in system.components.items():
            self._component(f"component.{name}", component)
        for name, flow in system.flows.items():
            self._flow(name, flow)
        for name, decision in system.decisions.items():
            self._decision(f"decision.{name}", decision)
        if not any(component.role != "other" for component in system.components.values()):
            expected = "a component whose role is device, service or verifier"
            raise self._source.error("component", None, expected, "none")

    def _rating(self, section: str, name: str, value: int) -> None:
        if value > MOST:
            raise self._source.error(section, name, f"a number from 0 to {MOST}", shown(value))

    def _known(self, section: str, name: str, value: str | None, known: Mapping[str, object], what: str) -> None:
        if value is not None and value not in known:
            expected = (
                f"the name of {'an' if what[0] in 'aeiou' else 'a'} {what}: {', '.join(known) or 'none is described'}"
            )
            raise self._source.error(section, name, expected, shown(value))

    def _component(self, section: str, component: Component) -> None:
        self._known(section, "zone", component.zone, self._system.zones, "zone")
        self._known(section, "party", component.party, self._system.parties, "party")
        for asset in component.assets:
            self._known(section, "assets", asset, self._system.assets, "asset")
        if component.iut and component.outside:
            raise self._source.error(
                section, "outside", "nothing, because iut names its results", shown(component.outside)
            )

    def _flow(self, name: str, flow: Flow) -> None:
        section, components = f"flow.{name}", self._system.components
        if name in components:
            raise self._source.error(section, None, "a name that no component has", shown(name))
        self._known(section, "source", flow.source, components, "component")
        self._known(section, "target", flow.target, components, "component")
        for asset in flow.assets:
            self._known(section, "assets", asset, self._system.assets, "asset")
        roles = {components[flow.source].role, components[flow.target].role}
        if flow.channel == "trusted connection" and roles != {"device", "service"}:
            found = f"{components[flow.source].role} and {components[flow.target].role}"
            raise self._source.error(section, "channel", "a device and a service at a trusted connection", found)
        if flow.channel == "verification" and ("verifier" not in roles or len(roles) == 1):
            raise self._source.error(section, "channel", "a verifier at one end of a verification", f"{sorted(roles)}")

    def _decision(self, section: str, decision: Decision) -> None:
        self._known(section, "threat", decision.threat, threats(), "threat")
        elements = {**self._system.components, **self._system.flows}
        self._known(section, "at", decision.at, elements, "component or flow")
        try:
            datetime.date.fromisoformat(decision.date)
        except ValueError as error:
            raise self._source.error(section, "date", "a day of the calendar", shown(decision.date)) from error
