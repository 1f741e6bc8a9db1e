"""Typed reading of the specification, cached: sentences from the chapters, attributes from the registers.

Every function raises SpecError, with file and line, when prose and registers do not fit together: an id without a
sentence, a sentence without attributes, an unknown claim, threat, role or member.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .prose import FOLDER, Paragraph, SpecError, paragraphs
from .records import (
    CATEGORIES,
    ROLES,
    STRIDE,
    Claim,
    IsoRow,
    Level,
    RefusalRegister,
    RefusalRule,
    Requirement,
    Testability,
    Threat,
)
from .register import Register

_KEY_WORD = re.compile(r"\b(MUST|SHOULD|MAY)\b")
_CLAUSE = re.compile(r"(3\.3\.\d{1,2}|5\.[1-8]|6\.[1-7]|A\.[12](\.\d){1,2}|B\.[1-6](\.\d){0,3}|C\.1)(/\d)?")
_ACTION = re.compile(r"(edhoc-error|tls-alert|alert|receipt):\d+|tls-alert:any|close|close-frame|drop")
_POWER = re.compile(r"^\* `([a-z-]+)`: (.+)$", re.MULTILINE)
_ATTRIBUTES = ("testability", "roles", "claims", "threats", "clauses", "implemented")


class Specification:
    """The specification in one folder; each part is read when it is first asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @cached_property
    def _marked(self) -> tuple[Paragraph, ...]:
        return tuple(paragraphs(self._folder))

    @cached_property
    def _threat_rows(self) -> Register:
        return Register("registers/threats.toml", self._folder)

    @cached_property
    def requirements(self) -> Mapping[str, Requirement]:
        """All requirements by id, in the order of the chapters."""
        register = Register("registers/requirements.toml", self._folder)
        found = [mark for mark in self._marked if not mark.id.startswith("CLM-")]
        written = {mark.id for mark in found}
        for id_ in register.data:
            if id_ not in written:
                raise register.error(id_, "no chapter has its sentence")
        return MappingProxyType({mark.id: self._requirement(mark, register) for mark in found})

    def _requirement(self, mark: Paragraph, register: Register) -> Requirement:
        row = register.data.get(mark.id)
        if row is None:
            raise SpecError(mark.file, mark.line, f"{mark.id} has no row in {register.file}")
        word = _KEY_WORD.search(mark.text)
        if word is None:
            raise SpecError(mark.file, mark.line, f"{mark.id} has no key word MUST, SHOULD or MAY")
        self._check_attributes(mark.id, row, register)
        return Requirement(
            id=mark.id,
            sentence=" ".join(mark.text.split()),
            file=mark.file,
            line=mark.line,
            level=Level(word[1]),
            testability=Testability(row["testability"]),
            roles=tuple(row["roles"]),
            claims=tuple(row.get("claims", ())),
            threats=tuple(row.get("threats", ())),
            clauses=tuple(row.get("clauses", ())),
            implemented=row["implemented"],
        )

    def _check_attributes(self, id_: str, row: Mapping[str, Any], register: Register) -> None:
        register.only(id_, row, _ATTRIBUTES)
        register.known(id_, "role", register.texts(id_, row, "roles") or ("none",), ROLES)
        register.known(id_, "claim", register.texts(id_, row, "claims"), self.claims)
        register.known(id_, "threat", register.texts(id_, row, "threats"), self._threat_rows.data)
        for clause in register.texts(id_, row, "clauses"):
            if not _CLAUSE.fullmatch(clause):
                raise register.error(id_, f"ISO/IEC 27071 has no clause {clause!r}")
        register.known(id_, "testability", (row.get("testability", "none"),), [item.value for item in Testability])
        if not isinstance(row.get("implemented"), bool):
            raise register.error(id_, "implemented is not true or false")

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """All security claims by id."""
        return MappingProxyType({mark.id: self._claim(mark) for mark in self._marked if mark.id.startswith("CLM-")})

    def _claim(self, mark: Paragraph) -> Claim:
        sentence, _, rest = mark.text.partition("\nHolds under: ")
        if not rest:
            raise SpecError(mark.file, mark.line, f"{mark.id} does not say under which powers it holds")
        holds, _, fails = rest.partition("\nFails under: ")
        named = [tuple(" ".join(part.split()).rstrip(".").split(", ")) if part else () for part in (holds, fails)]
        for power in (*named[0], *named[1]):
            if power not in self.powers:
                raise SpecError(mark.file, mark.line, f"{mark.id} names an unknown power {power!r}")
        return Claim(mark.id, " ".join(sentence.split()), named[0], named[1], mark.file, mark.line)

    @cached_property
    def powers(self) -> Mapping[str, str]:
        """The adversary's powers and what each means, from the chapter of claims."""
        return MappingProxyType(dict(_POWER.findall((self._folder / "16-claims.md").read_text(encoding="utf-8"))))

    @cached_property
    def threats(self) -> Mapping[str, Threat]:
        """The threats of Annex A by clause; their requirements are those whose attributes name the threat."""
        rows = self._threat_rows.data
        return MappingProxyType({id_: self._threat(id_, row) for id_, row in rows.items()})

    def _threat(self, id_: str, row: Mapping[str, Any]) -> Threat:
        register = self._threat_rows
        register.only(id_, row, ("title", "category", "claims", "powers", "stride", "emb3d"))
        answers, powers_ = register.texts(id_, row, "claims"), register.texts(id_, row, "powers")
        register.known(id_, "claim", answers, self.claims)
        register.known(id_, "power", powers_, self.powers)
        title, category = register.text(id_, row, "title"), register.text(id_, row, "category")
        register.known(id_, "category", (category,), CATEGORIES)
        stride, emb3d, titles = *(register.texts(id_, row, name) for name in ("stride", "emb3d")), self._emb3d.data
        register.known(id_, "STRIDE category", stride, STRIDE)
        register.known(id_, "threat of EMB3D", emb3d, titles)
        met = tuple(item.id for item in self.requirements.values() if id_ in item.threats)
        return Threat(id_, title, category, answers, powers_, stride, {name: titles[name] for name in emb3d}, met)

    @cached_property
    def _emb3d(self) -> Register:
        return Register("registers/emb3d.toml", self._folder)

    @cached_property
    def iso_register(self) -> Mapping[str, IsoRow]:
        """ISO/IEC 27071, item by item, and the requirements that answer each."""
        register = Register("registers/iso27071.toml", self._folder)
        return MappingProxyType({id_: self._iso_row(id_, row, register) for id_, row in register.data.items()})

    def _iso_row(self, id_: str, row: Mapping[str, Any], register: Register) -> IsoRow:
        if not _CLAUSE.fullmatch(id_):
            raise register.error(id_, "ISO/IEC 27071 has no such clause")
        register.only(id_, row, ("label", "requirements", "not_wire_testable", "evidence"))
        answers = register.texts(id_, row, "requirements")
        register.known(id_, "requirement", answers, self.requirements)
        reason, evidence = row.get("not_wire_testable"), row.get("evidence")
        if (reason is None) != (evidence is None) or not (answers or reason):
            raise register.error(id_, "needs requirements, or not_wire_testable with evidence, or all three")
        if evidence is not None:
            register.known(id_, "evidence", (evidence,), ("ics", "attested", "laboratory"))
        asked = Testability(evidence) if evidence else None
        return IsoRow(id_, register.text(id_, row, "label"), answers, reason, asked)

    @cached_property
    def refusals(self) -> RefusalRegister:
        """Which refusals the specification allows beyond a check's own code."""
        register = Register("registers/refusals.toml", self._folder)
        register.only("refusals", register.data, ("channel", "check"))
        channels, checks = (
            MappingProxyType({name: self._rule(name, row, register) for name, row in register.data[kind].items()})
            for kind in ("channel", "check")
        )
        return RefusalRegister(channels, checks)

    def _rule(self, name: str, row: Mapping[str, Any], register: Register) -> RefusalRule:
        lists = ("specified", "tolerated", "handshake", "session")
        register.only(name, row, [item.name for item in fields(RefusalRule) if item.name != "name"])
        because = register.text(name, row, "because")
        register.known(name, "requirement", (because,), self.requirements)
        actions = {kind: register.texts(name, row, kind) for kind in lists}
        for action in (item for kind in lists for item in actions[kind]):
            if not _ACTION.fullmatch(action):
                raise register.error(name, f"unknown action {action!r}")
        return RefusalRule(name, because, **actions)

    @cached_property
    def identifiers(self) -> Mapping[str, Any]:
        """All numbers and names of the profile, as the tables of `identifiers.toml`."""
        return MappingProxyType(Register("identifiers.toml", self._folder).data)


_THIS = Specification()


def requirements() -> Mapping[str, Requirement]:
    """All requirements by id, in the order of the chapters."""
    return _THIS.requirements


def claims() -> Mapping[str, Claim]:
    """All security claims by id."""
    return _THIS.claims


def powers() -> Mapping[str, str]:
    """The adversary's powers and what each means."""
    return _THIS.powers


def threats() -> Mapping[str, Threat]:
    """The threats of Annex A by clause."""
    return _THIS.threats


def iso_register() -> Mapping[str, IsoRow]:
    """ISO/IEC 27071, item by item, and the requirements that answer each."""
    return _THIS.iso_register


def refusals() -> RefusalRegister:
    """Which refusals the specification allows beyond a check's own code."""
    return _THIS.refusals


def identifiers() -> Mapping[str, Any]:
    """All numbers and names of the profile, as the tables of `identifiers.toml`."""
    return _THIS.identifiers
