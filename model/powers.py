"""The adversary's powers as data: what each hands over, and of whom. What they mean is said in the chapter of claims.

Parties are named from the view of the party that makes a claim. Every power is added to the network, which is always
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..spec import powers
from .protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from .terms import Term


class Whose(Enum):
    """The parties that a power is about."""

    NOBODY = "nobody"
    CLAIMANT = "claimant"
    PEER = "peer"
    PARTIES = "both parties of the claim"
    DEVICE = "the claim's device"
    OTHERS = "parties that are none of the claim's"
    HOST = "the physical root of trust on which the claim's peer runs"
    REVOKED = "parties whose certificate has been revoked"


class Part(Enum):
    """A part of a platform that the adversary commands: it does whatever he wants with whatever it holds."""

    SOFTWARE = "software"
    TAM = "tam"
    ENDORSER = "endorsement authority"
    INTERFACE = "trusted user interface"


class Sessions(Enum):
    """The sessions whose keys a power gives away."""

    NONE = "none"
    OTHER = "other"
    THIS = "this"


IDENTITY_KEY, ATTESTATION_KEY = "sk", "ak"
"""Bases of the names of long-term keys: `sk_i` is the initiator's identity key."""


@dataclass(frozen=True, slots=True)
class Power:
    """`keys` of `whose` are known to the adversary, from the start or, with `late`, after the claim.

    `commands` are parts of the platforms of `whose`; `leaks` are terms of the `sessions`.
    """

    name: str
    whose: Whose = Whose.NOBODY
    keys: tuple[str, ...] = ()
    commands: tuple[Part, ...] = ()
    sessions: Sessions = Sessions.NONE
    late: bool = False

    @property
    def meaning(self) -> str:
        """The specification's words."""
        return powers()[self.name]

    @property
    def leaks(self) -> tuple[Term, ...]:
        """Terms that runs of the `sessions` give away: record keys and initialisation vectors of both directions."""
        return () if self.sessions is Sessions.NONE else (*TRAFFIC_KEY.values(), *TRAFFIC_IV.values())


POWERS: dict[str, Power] = {
    power.name: power
    for power in (
        Power("network", Whose.OTHERS, (IDENTITY_KEY,)),
        Power("device-software", Whose.DEVICE, (IDENTITY_KEY,), (Part.SOFTWARE,)),
        Power("exploited-software", Whose.PEER, (IDENTITY_KEY,), (Part.SOFTWARE,)),
        Power("other-tenant", Whose.OTHERS, (IDENTITY_KEY,), (Part.SOFTWARE,)),
        Power("session-key", sessions=Sessions.OTHER),
        Power("this-session-key", sessions=Sessions.THIS),
        Power("other-identity-key", Whose.OTHERS, (IDENTITY_KEY,)),
        Power("stolen-identity-key", Whose.PEER, (IDENTITY_KEY,)),
        Power("imported-identity-key", Whose.PEER, (IDENTITY_KEY,), (Part.SOFTWARE,)),
        Power("own-identity-key", Whose.CLAIMANT, (IDENTITY_KEY,)),
        Power("other-attestation-key", Whose.OTHERS, (ATTESTATION_KEY,)),
        Power("later-identity-key", Whose.PARTIES, (IDENTITY_KEY,), late=True),
        Power("revoked-certificate", Whose.REVOKED, (IDENTITY_KEY,)),
        Power("other-physical-root", Whose.OTHERS, (), (Part.ENDORSER,)),
        Power("host-identity-key", Whose.HOST, (IDENTITY_KEY,)),
        Power("hostile-host", Whose.HOST, (), (Part.ENDORSER,)),
        Power("hostile-interface", Whose.PEER, (), (Part.INTERFACE,)),
        Power("hostile-tam", Whose.PEER, (ATTESTATION_KEY,), (Part.TAM,)),
    )
}
"""All powers by name, in the order of the chapter."""
