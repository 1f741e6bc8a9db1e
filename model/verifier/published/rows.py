"""The key exchanges with the claims on them and their published verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from ..claims import Agree, Claim, Order, Secret
from ..protocol import Protocol
from . import key_exchange as kx

BOTH = {"I": "R", "R": "I"}


@dataclass(frozen=True, slots=True)
class Row:
    """One protocol with its claims, each with the verdict that was published."""

    name: str
    protocol: Protocol
    claims: dict[str, tuple[Claim, str]]


def _secrecy(role: str, forward: bool = False) -> Claim:
    return Secret(role, "done", term=kx.key(role), forward=forward)


def _agreement(role: str) -> Claim:
    return Agree(role, "done", peer=BOTH[role], running="running", injective=True)


def _row(name: str, protocol: Protocol, **verdicts: str) -> Row:
    """Secrecy, forward secrecy and injective agreement at both sides; `proof` unless said otherwise."""
    claims: dict[str, tuple[Claim, str]] = {}
    for role in BOTH:
        for kind, claim in (
            ("secrecy", _secrecy(role)),
            ("forward", _secrecy(role, forward=True)),
            ("agreement", _agreement(role)),
        ):
            verdict = verdicts.get(f"{kind}_{role}", verdicts.get(kind, "proof"))
            claims[f"{kind}_{role}"] = (claim, verdict)
    return Row(name, protocol, claims)


def _evidence(verdicts: dict[str, str]) -> dict[str, tuple[Claim, str]]:
    """What accepted evidence says, when the device is honest and when its identity key was stolen."""
    claims: dict[str, tuple[Claim, str]] = {}
    for kind in ("honest", "stolen"):
        classes = {"I": kind, "R": "honest"}
        binding = Agree("R", "accept", peer="I", running="attest", injective=True, classes=classes)
        fresh = Order("R", "accept nonce", peer="I", running="attest nonce", since="challenge", classes=classes)
        for name, claim in ((f"binding_{kind}", binding), (f"freshness_{kind}", fresh)):
            claims[name] = (claim, verdicts.get(name, "proof"))
    return claims


def _sigma_row(name: str, verdicts: dict[str, str], **options: bool) -> Row:
    protocol = kx.sigma(**options)
    row = _row(name, protocol, **verdicts)
    return Row(name, protocol, row.claims | _evidence(verdicts))


ALL = dict.fromkeys(("secrecy", "forward", "agreement"), "attack")
RELAY = {"binding_stolen": "attack"}
STALE = {"binding_stolen": "attack", "freshness_stolen": "attack"}
OPEN_I = {"secrecy_I": "attack", "forward_I": "attack", "agreement_I": "attack"}
OPEN_R = {"secrecy_R": "attack", "forward_R": "attack", "agreement_R": "attack"}

ROWS: tuple[Row, ...] = (
    _row("Diffie-Hellman without authentication", kx.unauthenticated(), **ALL),
    _row("signed, without identities", kx.signed(), agreement="attack"),
    _row("signed, with identities (ISO)", kx.iso()),
    _row("STS, encrypted signatures", kx.sts(), agreement_I="attack"),
    _row("STS with a MAC", kx.sts_mac(), agreement="attack"),
    _row("STS with a MAC that names its sender", kx.sts_mac(1), agreement_I="attack"),
    _row("STS with a MAC that names both", kx.sts_mac(2)),
    _sigma_row("SIGMA-I with attestation", {}),
    _sigma_row("SIGMA-I, identity out of the MAC", {}, identity_in_mac=False),
    _sigma_row("SIGMA-I, evidence with the nonce alone", RELAY, bound=False),
    _sigma_row("SIGMA-I, evidence that says nothing of the session", STALE, bound=False, fresh=False),
    _sigma_row("SIGMA-I, evidence bound but without the nonce", {}, fresh=False),
    _sigma_row("SIGMA-I, no signature of the initiator", OPEN_R, initiator_signs=False),
    _sigma_row("SIGMA-I, no signature of the responder", OPEN_I, responder_signs=False),
)
"""In the order of the literature: each row adds or removes one protection."""
