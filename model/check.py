"""What a check is: the form of an entry of the register (`checks`)."""

from dataclasses import dataclass
from enum import Enum

from .refusals import Refusal


class CheckClass(Enum):
    """What can show that a check matters."""

    SYMBOLIC = "symbolic"
    """Carries a security claim: without it, alone or in a smallest set, the verifier finds an attack."""
    ENCODING = "encoding"
    """Decides about a field or a form that the algebra does not see; a wire test decides."""
    AVAILABILITY = "availability"
    """Bounds size, depth, time or count."""
    EVIDENCE_ONLY = "evidence-only"
    """No wire test can decide it: an ICS statement or a laboratory check does."""


BINDING_OF = {"EDH": "edhoc", "TLS": "tls"}
"""The chapter of a requirement to the binding that it is about."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named decision to refuse: the requirement it enforces, how it refuses, and what can show that it matters."""

    name: str
    requirement: str
    refusal: Refusal
    cls: CheckClass
    beside_table: bool = False
    form: str = ""
    """The form of evidence, as conformance statements name it, that it is made of alone, so in tables of that alone."""

    @property
    def binding(self) -> str:
        """The binding whose handshake or protection makes the check; empty for what holds over both."""
        return BINDING_OF.get(self.requirement[:3], "")


def declare(
    cls: CheckClass, refusal: Refusal, *rows: tuple[str, str], beside_table: bool = False, form: str = ""
) -> tuple[Check, ...]:
    """Checks of one class that refuse alike, each of `rows` its name and its requirement."""
    return tuple(Check(name, requirement, refusal, cls, beside_table, form) for name, requirement in rows)


SYMBOLIC, ENCODING, AVAILABILITY = CheckClass.SYMBOLIC, CheckClass.ENCODING, CheckClass.AVAILABILITY
