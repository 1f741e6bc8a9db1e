"""What a run is asked to do: the one thing that passes from the command line to the suite."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..iut.equipment import DEFAULT, Equipment


class RequestError(Exception):
    """The request, or a file that it names, cannot be used. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run of the suite."""

    out: Path
    """Folder for events, results, transcripts and reports; made when missing."""
    iut: Path | None = None
    """Description of the implementation under test; `None` for the reference device and service."""
    role: str | None = None
    """The role of the implementation under test, `device` or `service`; `None` for both."""
    select: str | None = None
    """Expression over test and requirement ids; `None` for all tests."""
    seed: int = 0
    """Seed of every decision of the tester."""
    wait: bool = False
    """Wait for an implementation that is started by hand."""
    list_only: bool = False
    """Name the selected tests without running them."""
    tests: frozenset[str] | None = None
    """Test ids of which nothing else is run; `None` for no such confinement."""
    rerun: str | None = None
    """The one test id to run."""
    without: frozenset[str] = frozenset()
    """Checks switched off in the reference peers."""
    faults: frozenset[str] = frozenset()
    """Faults of the reference peers."""
    binding: str | None = None
    """The secure channel; `None` for the one that the description names, else EDHOC."""
    equipment: Equipment = DEFAULT
    """What the reference peers have beyond their default."""
    key_log: Path | None = None
    """File for the secrets of all sessions; `None` for none."""
    slow: bool = False
    """Wait for real timers where the implementation has no clock to advance."""
    profile_set: str | None = None
    """Name of the frozen list of tests to run; `None` for the whole suite."""

    def again(self, test: str, role: str | None = None) -> str:
        """The command that runs one test as this run does; `role` where the test's is not among those by default."""
        return shlex.join(("trustconn", "run", *self._options(role), "--seed", str(self.seed), "--rerun", test))

    def _options(self, role: str | None) -> Iterator[str]:
        if self.iut is not None:
            yield from ("--iut", str(self.iut))
        elif role is not None:
            yield from ("--role", role)
        yield from self.equipment.options()
        yield from (option for option, asked in (("--wait", self.wait), ("--slow", self.slow)) if asked)
        for option, names in (("--without", self.without), ("--fault", self.faults)):
            if names:
                yield from (option, ",".join(sorted(names)))
        if self.binding:
            yield from ("--binding", self.binding)
