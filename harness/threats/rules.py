"""Which threats apply to what in a system: `rules.toml` asks, the description answers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

from .system import MOST, Flow, System

Answers = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rule:
    """A threat applies to each element of the kind `to` that answers every question of `when` as one of these."""

    threat: str
    to: str
    when: Mapping[str, tuple[object, ...]]
    because: str

    def fits(self, answers: Answers) -> bool:
        """Whether the element that gives these answers is threatened."""
        return all(answers[question] in accepted for question, accepted in self.when.items())


@dataclass(frozen=True, slots=True)
class Applies:
    """A threat that applies to an element of the system, and why."""

    threat: str
    element: str
    because: str


@cache
def rules() -> Mapping[str, Rule]:
    """The rules by threat."""
    data = tomllib.loads((files(__package__) / "rules.toml").read_text(encoding="utf-8"))
    return {
        threat: Rule(threat, row["to"], {name: tuple(v) for name, v in row["when"].items()}, row["because"])
        for threat, row in data.items()
    }


def applicable(system: System) -> tuple[Applies, ...]:
    """Every threat with every element that it applies to, in the order of the rules."""
    elements = {"component": dict(_components(system)), "flow": dict(_flows(system))}
    return tuple(
        Applies(rule.threat, name, rule.because.format(title=system.title(name)))
        for rule in rules().values()
        for name, answers in elements[rule.to].items()
        if rule.fits(answers)
    )


def _components(system: System) -> Iterator[tuple[str, Answers]]:
    for name, component in system.components.items():
        devices = [peer for peer in peers(system, name) if system.components[peer].role == "device"]
        similar = not devices or any(not system.components[device].single for device in devices)
        yield name, asdict(component) | {"similar": similar}


def _flows(system: System) -> Iterator[tuple[str, Answers]]:
    for name, flow in system.flows.items():
        assets = [system.assets[asset] for asset in flow.assets]
        yield (
            name,
            {
                "channel": flow.channel,
                "exposed": _exposed(system, flow),
                "secret": not assets or any(asset.confidentiality for asset in assets),
                "valuable": not assets or any(asset.integrity for asset in assets),
            },
        )


def _exposed(system: System, flow: Flow) -> bool:
    zones = {system.components[end].zone for end in (flow.source, flow.target)}
    return len(zones) > 1 or system.zones[zones.pop()].trust < MOST


def peers(system: System, component: str, channel: str = "trusted connection") -> tuple[str, ...]:
    """The components that a component speaks with over a channel, each once."""
    found = []
    for flow in system.flows.values():
        if flow.channel == channel and component in (flow.source, flow.target):
            found.append(flow.target if flow.source == component else flow.source)
    return tuple(dict.fromkeys(found))
