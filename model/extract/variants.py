"""The tables that claims are asked over: the profile over each binding, and what may be different in it over EDHOC.

Everything else is decided over the first. A claim is asked over one of the others where it speaks of what only that one
has; a check that only that one has is left out of it. TLS is the exception: all claims of the first hold over it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from ..protocol.asking import asking_profile
from ..protocol.background import background
from ..protocol.forms import COLLECTION_FORMAT, PBA_FORMAT, PSA_FORMAT, TPM_FORMAT
from ..protocol.tables import BINDINGS, profile
from ..table import Table
from . import chains, interface
from .hosts import CHECKS
from .modes import MODES, Mode

DEFAULT = next(iter(BINDINGS))
"""The variant that decides what several have."""
ONE_WAY = (Mode("a", "n"), Mode("n", "a"))


@dataclass(frozen=True)
class Variant:
    """A table, the modes that are looked at, and the claims that are asked over it alone."""

    said: str
    """What a sentence calls it."""
    table: Callable[[], Table]
    modes: tuple[Mode, ...] = MODES
    claims: frozenset[str] = field(default=frozenset())
    shared: tuple[str, ...] = ()
    """Checks of the first variant that protect the same as some of this one."""

    to_open: bool = False
    """Roles end where they open: nothing that comes later is asked about."""
    hosted: bool = False
    """One of the peers is a virtualized root of trust."""
    confirms: bool = False
    """The user of the device confirms all that it sends."""
    chained: bool = False
    """All data has a processing chain behind it."""
    own: frozenset[str] = frozenset()
    """Checks that are left out of it although the first variant has them too."""

    def has(self, check: str) -> bool:
        """Whether one of its rows makes the check."""
        return check in self.table().checks


@cache
def _asking() -> Table:
    """Peers that have tokens judged by a verifier, and that verifier."""
    asking, verifier = asking_profile(DEFAULT), background()
    rows = tuple(row for row in verifier.rows if row.receives.name.startswith("question"))
    return replace(asking, roles=(*asking.roles, *verifier.roles), rows=(*asking.rows, *rows))


VARIANTS: dict[str, Variant] = {
    **{name: Variant(f"over {name.upper()}", partial(profile, name)) for name in BINDINGS},
    "tpm": Variant(
        "with TPM evidence",
        partial(profile, DEFAULT, (TPM_FORMAT, TPM_FORMAT)),
        ONE_WAY,
        frozenset({"CLM-24", "CLM-25", "CLM-26"}),
        ("ak_is_not_the_identity_key",),
    ),
    "psa": Variant(
        "with PSA tokens",
        partial(profile, DEFAULT, (PSA_FORMAT, PSA_FORMAT)),
        ONE_WAY,
        frozenset({"CLM-27", "CLM-28"}),
        ("ak_is_not_the_identity_key",),
    ),
    "collection": Variant(
        "with collections of a token and a TPM's bundle",
        partial(profile, DEFAULT, (COLLECTION_FORMAT, COLLECTION_FORMAT)),
        ONE_WAY,
        frozenset({"CLM-29"}),
        to_open=True,
    ),
    "proofs": Variant(
        "with proofs of properties in zero knowledge",
        partial(profile, DEFAULT, (PBA_FORMAT, PBA_FORMAT)),
        ONE_WAY,
        frozenset({"CLM-30"}),
        to_open=True,
    ),
    "verifier": Variant("where a verifier is asked", _asking, ONE_WAY, frozenset({"CLM-19"}), to_open=True),
    "virtual": Variant(
        "where one peer is a virtualized root",
        partial(profile, DEFAULT),
        (Mode("n", "n"),),
        frozenset({"CLM-23"}),
        to_open=True,
        hosted=True,
        own=CHECKS,
    ),
    "interface": Variant(
        "where a user confirms what the device sends",
        partial(profile, DEFAULT),
        ONE_WAY[:1],
        frozenset({"CLM-21"}),
        confirms=True,
        own=interface.CHECKS,
    ),
    "chain": Variant(
        "where data has a processing chain behind it",
        partial(profile, DEFAULT),
        (Mode("n", "n"),),
        frozenset({"CLM-18"}),
        chained=True,
        own=chains.CHECKS,
    ),
}
"""By name; the bindings first."""


def variant_of_claim(claim: str) -> str:
    """The variant that a claim is asked over."""
    return next((name for name, variant in VARIANTS.items() if claim in variant.claims), DEFAULT)


def variant_of(check: str) -> str:
    """The variant over which a check is left out; one beside the table belongs to all."""
    own = (name for name, variant in VARIANTS.items() if check in variant.own)
    return next(own, next((name for name, variant in VARIANTS.items() if variant.has(check)), DEFAULT))


def variant_of_all(checks: Sequence[str]) -> str:
    """The variant over which some checks are left out together."""
    return next((name for check in checks if (name := variant_of(check)) != DEFAULT), DEFAULT)
