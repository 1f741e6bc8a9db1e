"""What the readers give out: requirements, claims, threats, rows of ISO/IEC 27071, rules of refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

ROLES = ("any", "device", "service", "attester", "relying-party", "verifier", "issuer", "manufacturer")
"""Whom a requirement can bind."""
CATEGORIES = ("device", "service", "channel")
"""What a threat of Annex A is aimed at."""
STRIDE = (
    "spoofing", "tampering", "repudiation", "information disclosure", "denial of service", "elevation of privilege",
)  # fmt: skip
"""The categories of STRIDE."""


class Level(Enum):
    """Strength of a requirement: the first key word of its sentence (RFC 2119, RFC 8174)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Testability(Enum):
    """What can decide a requirement."""

    __test__ = False  # no test class, whatever pytest makes of the name

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
    """A threat of Annex A: what answers it, and the powers of the adversary who poses it.

    `stride` are its categories, `emb3d` the threats of MITRE EMB3D through which it comes about, id to title.
    """

    id: str
    title: str
    category: str
    claims: tuple[str, ...]
    powers: tuple[str, ...]
    stride: tuple[str, ...]
    emb3d: Mapping[str, str]
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

    Actions: `edhoc-error:1`, `alert:22`, `receipt:30`, `close` (the transport, without a word), `close-frame`, `drop`
    (the session goes on). Empty `specified` stands for the check's own code. `because` is the requirement that allows
    it.
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
