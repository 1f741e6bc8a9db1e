"""The records that a run keeps, as values and as JSON (`results.schema.json` and `events.schema.json` say the same)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .verdict import (
    Grade,
    Judgement,
    NotApplicable,
    NotExercised,
    NotYetImplemented,
    Standing,
    Status,
    Verdict,
    Witness,
)

Json = dict[str, Any]
Feature = bool | int | str | tuple[int | str, ...]
"""A declared value of the implementation conformance statement."""

_STANDINGS: dict[type, str] = {
    NotExercised: "not exercised",
    NotYetImplemented: "not implemented",
    NotApplicable: "not applicable",
}
_STANDING_OF = {label: cls for cls, label in _STANDINGS.items()}


def status_label(status: Status) -> str:
    """`pass`, `inconc`, `fail`, `error`, `not exercised`, `not implemented` or `not applicable`."""
    return status.label if isinstance(status, Verdict) else _STANDINGS[type(status)]


def status_reason(status: Status) -> str:
    """Why there is no verdict; empty for a verdict."""
    return "" if isinstance(status, Verdict) else status.reason


def one_line(text: str) -> str:
    """What an implementation said without control characters: it must not drive a terminal or end a comment."""
    return "".join(character if character.isprintable() else " " for character in text)


def standing(label: str, reason: str) -> Standing:
    """The standing with a label. Raises `KeyError` for a label that is none."""
    made: Standing = _STANDING_OF[label](reason)
    return made


@dataclass(frozen=True, slots=True)
class IutRecord:
    """An implementation under test: its own name, `sha256:` and hex of what ran where known, and its features (ICS)."""

    name: str
    role: str
    version: str
    digest: str | None = None
    features: dict[str, Feature] = field(default_factory=dict)

    def to_json(self) -> Json:
        """As in the schema."""
        features = {name: list(value) if isinstance(value, tuple) else value for name, value in self.features.items()}
        return asdict(self) | {"features": features}

    @classmethod
    def from_json(cls, data: Json) -> "IutRecord":
        """From a validated object."""
        listed = data["features"].items()
        features = {name: tuple(value) if isinstance(value, list) else value for name, value in listed}
        return cls(**(data | {"features": features}))


@dataclass(frozen=True, slots=True)
class Header:
    """The circumstances of a run: what is needed to repeat it."""

    started: str
    """UTC, RFC 3339."""
    versions: dict[str, str]
    """Package or specification to its version."""
    iuts: tuple[IutRecord, ...]
    seed: int
    selection: str = ""
    profile_set: str | None = None
    without: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    binding: str = "edhoc"
    """The secure channel of all conversations."""
    scope: str = "session"
    """What was asked: the whole `session`, or the `handshake` of an implementation of nothing else."""

    def to_json(self) -> Json:
        """As in the schema."""
        listed = {"without": list(self.without), "faults": list(self.faults)}
        return asdict(self) | {"iuts": [iut.to_json() for iut in self.iuts], **listed}

    @classmethod
    def from_json(cls, data: Json) -> "Header":
        """From a validated object."""
        iuts = tuple(IutRecord.from_json(iut) for iut in data["iuts"])
        return cls(**(data | {"iuts": iuts, **{key: tuple(data.get(key, ())) for key in ("without", "faults")}}))


@dataclass(frozen=True, slots=True)
class RequirementRecord:
    """A requirement of the specification, and its status when no selected test gives it a verdict."""

    id: str
    otherwise: Standing

    def to_json(self) -> Json:
        """As in the schema."""
        return {"id": self.id, "otherwise": status_label(self.otherwise), "reason": self.otherwise.reason}

    @classmethod
    def from_json(cls, data: Json) -> "RequirementRecord":
        """From a validated object."""
        return cls(data["id"], standing(data["otherwise"], data["reason"]))


@dataclass(frozen=True, slots=True)
class TestCase:
    """A selected test: `operator` and `field` say what it does to what, `negative` that it sends a fault."""

    __test__ = False

    id: str
    requirements: tuple[str, ...]
    role: str
    operator: str
    field: str
    negative: bool
    rerun: str
    """The command that repeats this test alone."""

    def to_json(self) -> Json:
        """As in the schema."""
        return _fields(self) | {"requirements": list(self.requirements)}

    @classmethod
    def from_json(cls, data: Json) -> "TestCase":
        """From a validated object."""
        return cls(**(data | {"requirements": tuple(data["requirements"])}))


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test that ran, or why it did not. Raises `ValueError` when case and judgement disagree about the fault."""

    __test__ = False

    case: TestCase
    judgement: Judgement | NotExercised | NotApplicable
    seed: int = 0
    transcript: str | None = None
    """SHA-256 of the conversation, hex; see `Transcript.digest`."""
    duration: float = 0.0
    """Seconds."""

    def __post_init__(self) -> None:
        if isinstance(self.judgement, Judgement) and self.judgement.negative != self.case.negative:
            raise ValueError(f"{self.case.id}: case and judgement disagree about the fault")

    @property
    def status(self) -> Verdict | NotExercised | NotApplicable:
        """Verdict, or standing."""
        return self.judgement.verdict if isinstance(self.judgement, Judgement) else self.judgement

    def to_json(self) -> Json:
        """As in the schema."""
        known = self.judgement if isinstance(self.judgement, Judgement) else None
        return self.case.to_json() | {
            "status": status_label(self.status),
            "reason": self.judgement.reason,
            "grade": known.grade.value if known and known.grade else None,
            "witness": _fields(known.witness) if known and known.witness else None,
            "seed": self.seed,
            "transcript": self.transcript,
            "duration": round(self.duration, 6),
        }

    @classmethod
    def from_json(cls, data: Json) -> "TestResult":
        """From a validated object. Raises `UnwitnessedPass` as `Judgement` does."""
        case = TestCase.from_json({name: data[name] for name in TestCase.__dataclass_fields__})
        return cls(case, _judgement(data), data["seed"], data["transcript"], data["duration"])


def _fields(record: TestCase | Witness) -> Json:
    """What `dataclasses.asdict` gives, without its deep copies: every field is a plain value."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _judgement(data: Json) -> Judgement | NotExercised | NotApplicable:
    if data["status"] in _STANDING_OF:
        cls = NotExercised if data["status"] == "not exercised" else NotApplicable
        return cls(data["reason"])
    grade = Grade(data["grade"]) if data["grade"] else None
    witness = Witness(**data["witness"]) if data["witness"] else None
    return Judgement(Verdict[data["status"].upper()], data["negative"], grade, witness, data["reason"])
