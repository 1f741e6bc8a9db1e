"""Typed reading of the specification, cached: sentences from the chapters, attributes from the registers.

Every function raises SpecError, with file and line, when prose and registers do not fit together: an id without a
sentence, a sentence without attributes, an unknown claim, threat, role or key.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .prose import FOLDER, Paragraph, SpecError, paragraphs

ROLES = ("any", "device", "service", "attester", "relying-party", "verifier", "issuer", "manufacturer")
"""Whom a requirement can bind."""
CATEGORIES = ("device", "service", "channel")
"""What a threat of Annex A is aimed at."""


class Level(Enum):
    """Strength of a requirement: the first key word of its sentence (RFC 2119, RFC 8174)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Testability(Enum):
    """What can decide a requirement."""

    WIRE = "wire"
    CONTROL = "control"
    ICS = "ics"
    ATTESTED = "attested"
    LABORATORY = "laboratory"

    @property
    def by_conversation(self) -> bool:
        """A conversation decides, with or without the control plane."""
        return self in (Testability.WIRE, Testability.CONTROL)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence with its attributes; `clauses` are those of ISO/IEC 27071."""

    id: str
    sentence: str
    file: str
    line: int
    level: Level
    testability: Testability
    roles: tuple[str, ...]
    claims: tuple[str, ...]
    threats: tuple[str, ...]
    clauses: tuple[str, ...]
    implemented: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A security claim: under which powers of the adversary together it holds, and which single power defeats it."""

    id: str
    sentence: str
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Threat:
    """A threat of Annex A: what answers it, and the powers of the adversary who poses it."""

    id: str
    title: str
    category: str
    claims: tuple[str, ...]
    powers: tuple[str, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsoRow:
    """One recommendation, term, scenario, threat, solution or step of ISO/IEC 27071, in our words.

    `id` is the clause, with `/n` for its n-th item. Where no conversation can decide, `not_wire_testable` says why and
    `evidence` what is asked for instead.
    """

    id: str
    label: str
    requirements: tuple[str, ...] = ()
    not_wire_testable: str | None = None
    evidence: Testability | None = None

    @property
    def clause(self) -> str:
        """The clause without the number of the item."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """How a check, or every check of a channel, may refuse, as actions.

    Actions: `edhoc-error:1`, `alert:22`, `receipt:30`, `close` (the transport, without a word), `close-frame`, `drop` (the
    session goes on). Empty `specified` stands for the check's own code. `because` is the requirement that allows it.
    """

    name: str
    because: str
    specified: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    handshake: tuple[str, ...] = ()
    """Tolerated too before the handshake is complete."""
    session: tuple[str, ...] = ()
    """Tolerated too in the record phase."""

    def tolerates(self, *, handshake: bool) -> tuple[str, ...]:
        """The tolerated actions in one of the two phases."""
        return self.tolerated + (self.handshake if handshake else self.session)


@dataclass(frozen=True, slots=True)
class RefusalRegister:
    """`channels` holds the rule for each channel of refusal, `checks` the rules that replace it for a check."""

    channels: Mapping[str, RefusalRule] = field(default_factory=dict)
    checks: Mapping[str, RefusalRule] = field(default_factory=dict)

    def rule(self, check: str, channel: str) -> RefusalRule:
        """The rule for a check that refuses on a channel (`edhoc-error`, `alert`, `receipt`, `silent`)."""
        return self.checks.get(check) or self.channels[channel]


_KEY_WORD = re.compile(r"\b(MUST|SHOULD|MAY)\b")
_CLAUSE = re.compile(r"(3\.3\.\d{1,2}|5\.[1-8]|6\.[1-7]|A\.[12](\.\d){1,2}|B\.[1-6](\.\d){0,3}|C\.1)(/\d)?")
_ACTION = re.compile(r"(edhoc-error|alert|receipt):\d+|close|close-frame|drop")


class _Register:
    """A TOML file of `registers/` with errors that name its lines."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.file = name
        self.text = (folder / name).read_text(encoding="utf-8")
        try:
            self.data: dict[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            raise SpecError(name, int(found[1]) if found else 1, str(error)) from error

    def error(self, key: str, problem: str) -> SpecError:
        """A SpecError at the line that opens the entry `key`."""
        found = re.search(rf"^[\[\"]*{re.escape(key)}[\]\" ]", self.text, re.MULTILINE)
        return SpecError(self.file, self.text.count("\n", 0, found.start()) + 1 if found else 1, f"{key}: {problem}")

    def texts(self, key: str, row: Mapping[str, Any], name: str) -> tuple[str, ...]:
        """The list of distinct texts `name` of an entry, empty if absent."""
        value = row.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"{name} is not a list of texts")
        if len(set(value)) != len(value):
            raise self.error(key, f"{name} names something twice")
        return tuple(value)

    def text_of(self, key: str, row: Mapping[str, Any], name: str) -> str:
        """The text `name` of an entry."""
        value = row.get(name)
        if not isinstance(value, str) or not value:
            raise self.error(key, f"{name} is not a text")
        return value

    def only(self, key: str, row: Mapping[str, Any], names: Iterable[str]) -> None:
        """Refuse unknown members of an entry."""
        unknown = sorted(set(row) - set(names))
        if unknown:
            raise self.error(key, f"unknown member {unknown[0]!r}")

    def known(self, key: str, what: str, used: Iterable[str], allowed: Iterable[str]) -> None:
        """Refuse names that are not among the allowed ones."""
        unknown = sorted(set(used) - set(allowed))
        if unknown:
            raise self.error(key, f"unknown {what} {unknown[0]!r}")


@cache
def _marked() -> tuple[Paragraph, ...]:
    return tuple(paragraphs())


@cache
def requirements() -> Mapping[str, Requirement]:
    """All requirements by id, in the order of the chapters."""
    register = _Register("registers/requirements.toml")
    found = [paragraph for paragraph in _marked() if not paragraph.id.startswith("CLM-")]
    written = {paragraph.id for paragraph in found}
    for id_ in register.data:
        if id_ not in written:
            raise register.error(id_, "no chapter has its sentence")
    return MappingProxyType({paragraph.id: _requirement(paragraph, register) for paragraph in found})


def _requirement(paragraph: Paragraph, register: _Register) -> Requirement:
    id_ = paragraph.id
    row = register.data.get(id_)
    if row is None:
        raise SpecError(paragraph.file, paragraph.line, f"{id_} has no row in {register.file}")
    register.only(id_, row, ("testability", "roles", "claims", "threats", "clauses", "implemented"))
    word = _KEY_WORD.search(paragraph.text)
    if word is None:
        raise SpecError(paragraph.file, paragraph.line, f"{id_} has no key word MUST, SHOULD or MAY")
    roles, named, posed, clauses = (
        register.texts(id_, row, name) for name in ("roles", "claims", "threats", "clauses")
    )
    register.known(id_, "role", roles or ("none",), ROLES)
    register.known(id_, "claim", named, claims())
    register.known(id_, "threat", posed, _threat_rows().data)
    register.known(id_, "clause", (clause for clause in clauses if not _CLAUSE.fullmatch(clause)), ())
    register.known(id_, "testability", (row.get("testability", ""),), (item.value for item in Testability))
    if not isinstance(row.get("implemented"), bool):
        raise register.error(id_, "implemented is not true or false")
    sentence = " ".join(paragraph.text.split())
    level, testability = Level(word[1]), Testability(row["testability"])
    place = (paragraph.file, paragraph.line)
    return Requirement(id_, sentence, *place, level, testability, roles, named, posed, clauses, row["implemented"])


@cache
def claims() -> Mapping[str, Claim]:
    """All security claims by id."""
    return MappingProxyType({mark.id: _claim(mark) for mark in _marked() if mark.id.startswith("CLM-")})


def _claim(mark: Paragraph) -> Claim:
    sentence, _, rest = mark.text.partition("\nHolds under: ")
    if not rest:
        raise SpecError(mark.file, mark.line, f"{mark.id} does not say under which powers it holds")
    holds, _, fails = rest.partition("\nFails under: ")
    lists = [tuple(part.replace("\n", " ").rstrip(".").split(", ")) if part else () for part in (holds, fails)]
    for power in (*lists[0], *lists[1]):
        if power not in powers():
            raise SpecError(mark.file, mark.line, f"{mark.id} names an unknown power {power!r}")
    return Claim(mark.id, " ".join(sentence.split()), lists[0], lists[1], mark.file, mark.line)


@cache
def powers() -> Mapping[str, str]:
    """The adversary's powers and what each means, from the chapter of claims."""
    text = (FOLDER / "16-claims.md").read_text(encoding="utf-8")
    return MappingProxyType(dict(re.findall(r"^\* `([a-z-]+)`: (.+)$", text, re.MULTILINE)))


@cache
def _threat_rows() -> _Register:
    return _Register("registers/threats.toml")


@cache
def threats() -> Mapping[str, Threat]:
    """The threats of Annex A by clause; their requirements are those whose attributes name the threat."""
    register = _threat_rows()
    result = {}
    for id_, row in register.data.items():
        register.only(id_, row, ("title", "category", "claims", "powers"))
        answers, powers_ = register.texts(id_, row, "claims"), register.texts(id_, row, "powers")
        register.known(id_, "claim", answers, claims())
        register.known(id_, "power", powers_, powers())
        category = register.text_of(id_, row, "category")
        register.known(id_, "category", (category,), CATEGORIES)
        met = tuple(item.id for item in requirements().values() if id_ in item.threats)
        result[id_] = Threat(id_, register.text_of(id_, row, "title"), category, answers, powers_, met)
    return MappingProxyType(result)


@cache
def iso_register() -> Mapping[str, IsoRow]:
    """ISO/IEC 27071, item by item, and the requirements that answer each."""
    register = _Register("registers/iso27071.toml")
    result = {}
    for id_, row in register.data.items():
        if not _CLAUSE.fullmatch(id_):
            raise register.error(id_, "no clause of ISO/IEC 27071 has this number")
        register.only(id_, row, ("label", "requirements", "not_wire_testable", "evidence"))
        answers = register.texts(id_, row, "requirements")
        register.known(id_, "requirement", answers, requirements())
        reason, evidence = row.get("not_wire_testable"), row.get("evidence")
        if (reason is None) != (evidence is None) or not (answers or reason):
            raise register.error(id_, "needs requirements, or not_wire_testable with evidence, or all three")
        if evidence is not None:
            register.known(id_, "evidence", (evidence,), ("ics", "attested", "laboratory"))
        asked = Testability(evidence) if evidence else None
        result[id_] = IsoRow(id_, register.text_of(id_, row, "label"), answers, reason, asked)
    return MappingProxyType(result)


@cache
def refusals() -> RefusalRegister:
    """Which refusals the specification allows beyond a check's own code."""
    register = _Register("registers/refusals.toml")
    register.only("refusals", register.data, ("channel", "check"))
    groups = {kind: register.data.get(kind, {}) for kind in ("channel", "check")}
    read = {kind: {name: _rule(register, name, row) for name, row in rows.items()} for kind, rows in groups.items()}
    return RefusalRegister(MappingProxyType(read["channel"]), MappingProxyType(read["check"]))


def _rule(register: _Register, name: str, row: Mapping[str, Any]) -> RefusalRule:
    lists = ("specified", "tolerated", "handshake", "session")
    register.only(name, row, [item.name for item in fields(RefusalRule) if item.name != "name"])
    because = register.text_of(name, row, "because")
    register.known(name, "requirement", (because,), requirements())
    actions = {kind: register.texts(name, row, kind) for kind in lists}
    for action in (item for kind in lists for item in actions[kind]):
        if not _ACTION.fullmatch(action):
            raise register.error(name, f"unknown action {action!r}")
    return RefusalRule(name, because, **actions)


@cache
def identifiers() -> Mapping[str, Any]:
    """All numbers and names of the profile, as the tables of `identifiers.toml`."""
    return MappingProxyType(_Register("identifiers.toml").data)
