"""What a trusted connection is: chapters, grammar, numbers and registers, and the code that reads them.

The sentence of a requirement stands in a chapter and nowhere else. `reader` takes it from there, joins the attributes
of `registers/requirements.toml`, and refuses a specification that contradicts itself. `cddl` hands out the grammar.
"""

from .prose import SpecError
from .reader import (
    Specification,
    claims,
    identifiers,
    iso_register,
    powers,
    refusals,
    requirements,
    threats,
)
from .records import (
    Claim,
    IsoRow,
    Level,
    RefusalRegister,
    RefusalRule,
    Requirement,
    Testability,
    Threat,
)

__all__ = [
    "Claim",
    "IsoRow",
    "Level",
    "RefusalRegister",
    "RefusalRule",
    "Requirement",
    "SpecError",
    "Specification",
    "Testability",
    "Threat",
    "claims",
    "identifiers",
    "iso_register",
    "powers",
    "refusals",
    "requirements",
    "threats",
]
