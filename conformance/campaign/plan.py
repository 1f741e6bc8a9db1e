"""The plan of a campaign: a TOML file with implementations, configurations and seeds; every combination is an item.

[iut.camera]
description = "camera/iut.toml"

[iut.reference]
reference = "service"

[configuration.attestation]
command = "run"
select = "ATT"
seeds = "1-50"
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path

from ...harness.iut.description import load as load_description
from ...harness.iut.description import parse
from ...harness.iut.features import BINDINGS, TAMS
from ...harness.iut.keys import Source, key, read_section, shown, unknown_key

MOST_ITEMS = 1_000_000
"""Items of one plan."""

_SEEDS = r"\d{1,18}(-\d{1,18})?(,\d{1,18}(-\d{1,18})?)*"


@dataclass(frozen=True, slots=True)
class Target:
    """Section `[iut.NAME]`: an implementation under test, or a reference peer."""

    description: Path | None = key(None, "file that describes the implementation")  # noqa: RUF009
    reference: str | None = key(None, "reference peer in its place", choices=("device", "service", "verifier"))


@dataclass(frozen=True, slots=True)
class Configuration:
    """Section `[configuration.NAME]`: a command, its seeds, and its options as `trustconn COMMAND --help` has them."""

    command: str = key(meaning="what is done with the implementation", choices=("run", "fuzz", "learn"))
    seeds: str = key("0", "seeds, one item for each", pattern=_SEEDS, form='seeds such as "1-50" or "1,2,7-9"')
    binding: str | None = key(None, "secure channel", choices=BINDINGS)
    select: str | None = key(None, "expression over test and requirement ids (run)")
    profile_set: str | None = key(None, "frozen list of tests (run)")
    tam: str | None = key(None, "what holds the keys of a reference peer (run)", choices=TAMS)
    virtual: bool = key(False, "the root of trust of a reference peer is virtual (run)")
    slow: bool = key(False, "wait for real timers (run)")
    seconds: float | None = key(None, "how long (fuzz)", least=0.1)
    cases: int | None = key(None, "at most so many traces (fuzz)", least=1)
    alphabet: str | None = key(None, "letters to ask with (learn)", choices=("basic", "full"))
    without: tuple[str, ...] = key((), "checks of a reference peer that are off")
    fault: tuple[str, ...] = key((), "faults of a reference peer")


_OPTIONS = {
    "run": ("binding", "select", "profile_set", "tam", "virtual", "slow", "without", "fault"),
    "fuzz": ("binding", "seconds", "cases", "without", "fault"),
    "learn": ("binding", "alphabet", "without", "fault"),
}
_OF_REFERENCE = ("tam", "virtual", "without", "fault")


@dataclass(frozen=True, slots=True)
class Item:
    """One call of a command. `id`: 16 hexadecimal digits, the same for the same implementation, options and seed."""

    iut: str
    configuration: str
    seed: int
    whom: tuple[str, str]
    """The arguments that name the implementation."""
    digest: str
    """Of its description, in hexadecimal: another one is another item. Empty for a reference peer."""
    command: str
    options: tuple[str, ...]

    @property
    def id(self) -> str:
        """The name under which the result is kept, wherever the plan lies."""
        told = [self.iut, self.digest, self.configuration, self.command, self.options, self.seed, version("trustconn")]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of `trustconn`, without `--out`."""
        return (self.command, *self.whom, *self.options, "--seed", str(self.seed))


def load(path: Path) -> list[Item]:
    """The items of a plan, those of one seed after those of the seed before.

    Raises:
        DescriptionError: the plan, or a description that it names, cannot be used.
    """
    source, table = parse(path)
    for name in table:
        if name not in ("iut", "configuration"):
            raise source.error("", name, unknown_key(name, ["iut", "configuration"]), f'the unknown key "{name}"')
    targets = {name: _target(name, given, source) for name, given in _named("iut", table, source)}
    configurations = [
        (name, read_section(Configuration, f"configuration.{name}", given, source))
        for name, given in _named("configuration", table, source)
    ]
    for name, configuration in configurations:
        _check(name, configuration, targets, source)
    items = [
        item
        for name, configuration in configurations
        for item in _items(name, configuration, targets, source)
    ]  # fmt: skip
    if len(items) > MOST_ITEMS:
        raise source.error("", "configuration", f"at most {MOST_ITEMS} items", f"{len(items)}")
    return sorted(items, key=lambda item: item.seed)


def _named(section: str, table: dict[str, object], source: Source) -> list[tuple[str, object]]:
    found = table.get(section)
    if not isinstance(found, dict) or not found:
        raise source.error("", section, f"at least one table [{section}.NAME]", shown(found) if found else "nothing")
    for name in found:
        if not re.fullmatch(r"[\w-]{1,64}", name):
            raise source.error(section, name, "a name of letters, digits, _ and -", shown(name))
    return list(found.items())


def _target(name: str, given: object, source: Source) -> tuple[Target, str]:
    """The target and the digest of its description."""
    section = f"iut.{name}"
    target = read_section(Target, section, given, source)
    if (target.description is None) == (target.reference is None):
        raise source.error(section, None, "either description or reference", "both" if target.reference else "neither")
    if target.description is None:
        return target, ""
    load_description(target.description)
    return target, hashlib.sha256(target.description.read_bytes()).hexdigest()


def _check(name: str, found: Configuration, targets: dict[str, tuple[Target, str]], source: Source) -> None:
    section, allowed = f"configuration.{name}", _OPTIONS[found.command]
    for option in fields(found):
        given = getattr(found, option.name)
        if option.name in ("command", "seeds") or given == option.default:
            continue
        if option.name not in allowed:
            raise source.error(section, option.name, f"an option of {found.command}", "one of another command")
        others = [target for target, (one, _) in targets.items() if one.reference is None]
        if option.name in _OF_REFERENCE and others:
            raise source.error(section, option.name, "reference peers only", f"the implementation {others[0]}")


def _items(
    name: str, configuration: Configuration, targets: dict[str, tuple[Target, str]], source: Source
) -> Iterator[Item]:
    options = tuple(_options(configuration))
    for target, (one, digest) in targets.items():
        path = one.description
        whom = ("--iut", str(path.resolve())) if path is not None else ("--role", str(one.reference))
        for seed in _seeds(f"configuration.{name}", configuration.seeds, source):
            yield Item(target, name, seed, whom, digest, configuration.command, options)


def _options(configuration: Configuration) -> Iterator[str]:
    for name in _OPTIONS[configuration.command]:
        given = getattr(configuration, name)
        if given is None or given is False or given == ():
            continue
        yield f"--{name.replace('_', '-')}"
        if given is not True:
            yield ",".join(given) if isinstance(given, tuple) else f"{given:g}" if type(given) is float else str(given)


def _seeds(section: str, text: str, source: Source) -> list[int]:
    seeds: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if last and int(last) < int(first):
            raise source.error(section, "seeds", "ranges that go up", part)
        if int(last or first) - int(first) >= MOST_ITEMS:
            raise source.error(section, "seeds", f"at most {MOST_ITEMS} items", part)
        seeds.update(range(int(first), int(last or first) + 1))
    return sorted(seeds)
