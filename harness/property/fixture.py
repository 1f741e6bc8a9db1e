"""What the parties of a test pin and hold: an issuer that protects nothing, its lists, certificates for both roles."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from ..crypto.random import SeededRandom
from ..identity.tam import COMPONENTS, measure, measurements
from ..identity.tester import boot_events
from . import revocation
from .certificate import certify, configuration_value
from .evidence import Demand
from .fixed import fixed_issuer
from .issuer import Issuer
from .proving import Holdings
from .revocation import RevocationList
from .suites import PBA_2048

PROPERTIES = ("tag:trustconn.org,2026:test-approved", "tag:trustconn.org,2026:test-hardened")
REVOKED = tuple(sha256(f"revoked configuration {index}".encode()).digest() for index in range(1))
"""Configurations that every list revokes."""
VALIDITY = 86_400
"""Seconds for which a list is current."""


def issuer() -> Issuer:
    """The issuer of every test."""
    return fixed_issuer(PBA_2048)


def configuration(role: str) -> bytes:
    """That of a platform of the role, as the tester and the reference peers start it, 32 octets."""
    registers = measure(boot_events(role))
    return configuration_value(measurements({name: registers[index] for name, index in COMPONENTS.items()}))


def list_of(
    name: str, now: int, revoked: tuple[bytes, ...] = REVOKED, *, number: int = 1, withdrawn: bool = False
) -> RevocationList:
    """A list for one property that is current from `now`."""
    return revocation.make_list(
        issuer(), name, number, revoked, issued_at=now, next_update=now + VALIDITY, withdrawn=withdrawn
    )


@cache
def holdings(role: str, now: int) -> Holdings:
    """Of a party of the role."""
    made = issuer()
    certificates = {
        name: certify(made, name, configuration(role), SeededRandom(f"{role} {name}".encode())) for name in PROPERTIES
    }
    return Holdings(Demand(made.public, {name: list_of(name, now) for name in PROPERTIES}), certificates)
