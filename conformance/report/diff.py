"""What changed from one run to another, by requirement and by test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...harness.verdict.records import status_label
from ...harness.verdict.results import Results

RANK = {"pass": 0, "not applicable": 1, "not implemented": 1, "not exercised": 1, "inconc": 2, "fail": 3, "error": 3}
"""How bad a status is; to lose a pass is worse, and so is any step up."""
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement or test whose status is another one; `absent` where a run does not have it."""

    name: str
    before: str
    after: str

    @property
    def worse(self) -> bool:
        """Whether something that was better is no longer so: a pass that is gone counts, too."""
        if self.before == ABSENT:
            return RANK[self.after] > 1
        if self.after == ABSENT:
            return self.before == "pass"
        return RANK[self.after] > RANK[self.before]

    def __str__(self) -> str:
        return f"{'worse ' if self.worse else '      '}{self.name}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes; `circumstances` are differences that make the runs hard to compare."""

    requirements: tuple[Change, ...]
    tests: tuple[Change, ...]
    circumstances: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """Whether anything is worse than before."""
        return any(change.worse for change in (*self.requirements, *self.tests))


def difference(old: Results, new: Results) -> Difference:
    """What changed from `old` to `new`."""
    return Difference(
        tuple(_changes(_requirements(old), _requirements(new))),
        tuple(_changes(_tests(old), _tests(new))),
        tuple(_circumstances(old, new)),
    )


def _requirements(results: Results) -> dict[str, str]:
    return {name: status_label(status) for name, (status, _) in results.by_requirement().items()}


def _tests(results: Results) -> dict[str, str]:
    return {test.case.id: status_label(test.status) for test in results.tests}


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        change = Change(name, old.get(name, ABSENT), new.get(name, ABSENT))
        if change.before != change.after:
            yield change


def _circumstances(old: Results, new: Results) -> Iterator[str]:
    one, other = old.header, new.header
    for name in ("binding", "seed", "selection", "profile_set", "without", "faults", "versions"):
        before, after = getattr(one, name), getattr(other, name)
        if before != after:
            yield f"{name.replace('_', ' ')}: {_words(before)} -> {_words(after)}"
    for what, results in (("old", old), ("new", new)):
        if not results.complete:
            yield f"the {what} run was interrupted"


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return (", ".join(value) if isinstance(value, tuple) else str(value)) or "none"
