"""A user's confirmation to the verifier: a trusted user interface, its key, and what a relying party takes of both.

A confirmation is a label, but of an action that no other label has: it is a message of its own kind. It goes over the
network and not within DATA, so that whoever commands the software of a device has it too. Evidence names the key of the
interface. What the interface is asked to show comes from the network; that it signs is the user's action.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..protocol.attestation import REGISTERS, SID
from ..protocol.labels import LABEL
from ..verifier.protocol import Event, Match, Recv, Role, Send, Step, Symbol, Template
from .algebra import HOSTILE_INTERFACE, OCTETS_16, PRIVATE_KEY, made_from

if TYPE_CHECKING:
    from .reader import Reader
    from .view import View

LETTER = "I"
"""A device alone has a user interface."""
INTERFACE, CONFIRMED = "user interface", "confirmed"
CONFIRMATION = LABEL[LETTER].carried_inputs
"""Where it stands in DATA, which stands for it in claims."""
NUMBER = "CONFIRMATION_CTI"
KEY = Symbol("confirmation key", 1, owners=(0,), revealed_by=frozenset({HOSTILE_INTERFACE}), sort=PRIVATE_KEY)
CHECKS = frozenset({"confirmation_is_by_the_interface", "confirmation_names_the_transaction", "confirmation_is_new"})
"""Checks of confirmations, which are seen here alone."""


def told(view: View) -> Template:
    """What evidence says of the interface: its key."""
    return ("public key", (view.declared.symbol(KEY), view.agent))


def named(reader: Reader, letter: str) -> Template:
    """What a relying party takes of that: any key, until a TAM has signed it."""
    reader.declared.symbol(KEY)
    return ("public key", reader.variable(f"CONFIRMATION_KEY_{letter}", PRIVATE_KEY))


def _signed(view: View, key: Template, *content: Template) -> Template:
    symbol = view.declared.symbol(replace(made_from("sign"), name="sign confirmation"))
    return (symbol, key, ("tuple", *content))


def shown(view: View) -> Template:
    """What the software of a device asks the interface to show."""
    return ("tuple", view.need(SID), view.need(LABEL[LETTER].content))


def interface(reader: Reader) -> Role:
    """The interface of a device: it shows a transaction of a session, and signs once the user acts."""
    sid, content = reader.variable("SID", OCTETS_16), reader.variable("TRANSACTION", "octets")
    reader.fresh[NUMBER] = OCTETS_16
    key = (reader.declared.symbol(KEY), reader.agent)
    signed = _signed(reader, key, sid, content, NUMBER)
    reader.values.update({SID: sid, LABEL[LETTER].content: content, CONFIRMATION: signed})
    steps = (Recv(shown(reader), "transaction"), Event(CONFIRMED), Send(signed, "confirmation"))
    return Role(INTERFACE, (reader.agent,), reader.agent, steps, reader.fresh, reader.variables, helper=True)


def taken(reader: Reader) -> Iterator[Step]:
    """What a relying party asks for with each DATA of the device, as far as it is judged."""
    before = [name for name in reader.variables if name.startswith(NUMBER)]
    key: Template = reader.need(REGISTERS[LETTER].attested_further)[1]
    if not reader.is_on("confirmation_is_by_the_interface"):
        key = reader.variable("key of the confirmation", PRIVATE_KEY)
    what = shown(reader)[1:]
    if not reader.is_on("confirmation_names_the_transaction"):
        what = tuple(reader.variable("CONFIRMED", reader.sort_of(part)) for part in what)
    number = reader.variable(NUMBER, OCTETS_16)
    reader.values[CONFIRMATION] = signed = _signed(reader, key, *what, number)
    yield Recv(signed, "confirmation")
    if reader.is_on("confirmation_is_new"):
        yield from (Match(number, other, equal=False) for other in before)
