"""Models with a message or two, and the verdict on a claim of theirs."""

from __future__ import annotations

from typing import Any

from trustconn.model.verifier.claims import Claim
from trustconn.model.verifier.protocol import Event, Protocol, Recv, Role, Send, Step, Template
from trustconn.model.verifier.verify import verify

CONSTANTS = dict.fromkeys(("zero", "header", "label", "tag"), "label")


def protocol(*roles: Role, **more: Any) -> Protocol:
    return Protocol("test", roles, constants=CONSTANTS, **more)


def role(name: str, *steps: Step, fresh: str = "", variables: dict[str, str] | None = None) -> Role:
    """A role of agents A and B, played by the agent of its name; `fresh` lists nonces."""
    return Role(name, ("A", "B"), name, steps, dict.fromkeys(fresh.split(), "nonce"), variables or {})


def kinds(p: Protocol, claim: Claim, *powers: str) -> str:
    return verify(p, claim, powers=frozenset(powers), time_limit=10).kind


def transport(message: Template) -> Protocol:
    """A sends a fresh `n` in `message`, B answers that it has it."""
    return protocol(
        role("A", Event("running", ("n",)), Send(message), Event("sent", ("n",)), fresh="n"),
        role("B", Recv(message), Event("done", ("n",)), variables={"n": "nonce"}),
    )
