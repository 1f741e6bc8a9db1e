"""A virtualized root of trust to the verifier: a leaf below a physical root, which has endorsed it.

A leaf names its host, and the signature of an endorsement authority goes with it. An honest authority endorses every
agent with that agent's own key, on the host whose authority it is; whoever holds its key endorses what he likes. Time
and what a relying party remembers (validity, generation, boot seed) are not seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..protocol.frames import SIDES
from ..table import Holds, Step
from ..verifier.protocol import AGENT as AGENT_SORT
from ..verifier.protocol import Event, Recv, Role, Send, Template
from .algebra import made_from

if TYPE_CHECKING:
    from .reader import Reader
    from .view import View

HOST = "P"
"""The agent of the physical root in every role; one of the two peers runs on it."""
VIRTUAL = "virtual root"
"""The choice of the letter of that peer, and the symbol of its leaf: usage, name, host and key."""
ENDORSER, ENDORSED = "endorser", "endorsed"


def is_virtual(view: View, letter: str) -> bool:
    """Whether the peer of that letter runs on a physical root that is somebody else."""
    return view.setting.choices.get(VIRTUAL) == letter


def endorsement(view: View, key: Template, leaf: Template) -> Template:
    """What an endorsement authority with this key says of a leaf."""
    symbol = view.declared.symbol(replace(made_from("sign"), name="sign endorsement"))
    return (symbol, key, ("tuple", *leaf[1:]))


def endorser(view: View) -> Role:
    """The endorsement authority of a host: no role of the table, because it speaks to nobody there."""
    leaf = view.held()["id_cred"]
    signed = endorsement(view, ("endorsement key", HOST), leaf)
    steps = (Event(ENDORSED, (leaf,)), Send(signed, ENDORSED))
    return Role(f"{ENDORSER} of {leaf[1]}s", (view.agent, HOST), HOST, steps, helper=True)


def _endorsed(reader: Reader, step: Step) -> None:
    """The leaf is below an endorsement authority: that of the host that it names, as far as this is judged."""
    letter = _letter(step)
    if is_virtual(reader, letter):
        leaf = reader.need(SIDES[letter].party.id_cred)
        well_formed = reader.is_on(f"cred_{letter.lower()}_virtual_root_is_well_formed")
        host = leaf[3] if well_formed else reader.variable("endorsing host", AGENT_SORT)
        kind = reader.setting.choices.get("endorsement key", "")
        key = ("sk", leaf[1], host) if kind else ("endorsement key", host)
        reader.ask(Recv(endorsement(reader, key, leaf), "endorsement"))


def _not_revoked(reader: Reader, step: Step) -> None:
    if is_virtual(reader, _letter(step)):
        leaf = reader.need(SIDES[_letter(step)].party.id_cred)
        reader.ask(Recv(("host_not_revoked", leaf[3]), "revocation data"))


def _letter(step: Step) -> str:
    assert isinstance(step.form, Holds)
    return step.form.arguments[0].label[-1]


WORLD: Mapping[str, Callable[[Reader, Step], None]] = {
    f"cred_{side}_{rest}": ask
    for side in "ri"
    for rest, ask in (("virtual_root_is_endorsed", _endorsed), ("physical_root_is_not_revoked", _not_revoked))
}
"""Predicates that ask the world for something."""
CHECKS = frozenset(
    f"cred_{side}_{rest}"
    for side in "ri"
    for rest in (
        "virtual_root_is_well_formed",
        "virtual_root_is_endorsed",
        "endorser_key_is_for_that_alone",
        "physical_root_is_not_revoked",
    )
)
"""Checks of which more is seen where a peer is a virtualized root."""
