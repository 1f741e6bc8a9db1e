"""What a run is asked to do: the one thing that passes from the command line to the suite."""

from dataclasses import dataclass
from pathlib import Path


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
    tam: str = "software"
    """The module that holds the keys of the reference peers, `software` or `swtpm`."""
    verifier: bool = False
    """Whether the reference peers declare that they can have evidence judged by a verifier."""
    virtual: bool = False
    """Whether the roots of trust of the reference peers are virtual."""
    evidence: tuple[str, ...] = ()
    """Further forms of evidence that the reference peers declare, as conformance statements name them."""
    chains: bool = False
    """Whether the reference peers declare blocks and processing chains."""
    anonymous: bool = False
    """Whether the reference peers declare that they can be, and can admit, pseudonyms."""
    interface: bool = False
    """Whether the reference device has a trusted user interface, and the service judges what it confirms."""
    key_log: Path | None = None
    """File for the secrets of all sessions; `None` for none."""
    slow: bool = False
    """Wait for real timers where the implementation has no clock to advance."""
    profile_set: str | None = None
    """Name of the frozen list of tests to run; `None` for the whole suite."""
