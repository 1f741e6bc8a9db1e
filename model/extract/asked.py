"""A verifier that relying parties ask: what it takes, what it answers, and what a relying party makes of that.

What a verifier is asked and answers goes over the network: nothing is taken for granted of the connection between the
two, so that it is the same whether the relying party asks or, with a passport, the attester. Evidence goes there too,
straight from its attester, so that nobody forwards what he has not read; where it stands in a frame nothing of it is
kept. A verifier is a role for each policy: that of the relying parties asks for what is expected, another one for
nothing. It answers any request, also with a result that affirms nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..protocol.attestation import EVIDENCE, binder
from ..protocol.background import QUESTION, RESULT, VERIFIER
from ..protocol.frames import SIDES
from ..table import Table
from ..terms import Term
from ..verifier.protocol import Template

if TYPE_CHECKING:
    from .reader import Reader
    from .view import View

AFFIRMING, CONTRAINDICATED = "affirming", "contraindicated"
POLICY, OTHER = "policy of the relying party", "another policy"
VERDICTS = ((AFFIRMING, POLICY), (AFFIRMING, OTHER), (CONTRAINDICATED, POLICY))
"""What a verifier comes to, and by which policy."""


def forwarded(table: Table) -> Mapping[str, Term]:
    """Evidence that a verifier judges, by the letter of its attester."""
    if all(role.name != VERIFIER for role in table.roles):
        return {}
    return {letter: EVIDENCE[letter].token.term for letter in SIDES}


def verdict(view: View, status: str, policy: str) -> Template:
    """What a result says of evidence."""
    return ("tuple", view.declared.constant(status, "status"), view.declared.constant(policy, "policy"))


def begin(reader: Reader, letter: str, status: str, policy: str) -> None:
    """What a verifier takes from its relying party, and what it will say."""
    reader.values[binder(SIDES[letter])] = reader.variable(QUESTION[letter].asked.label, "octets 32")
    reader.values[RESULT[letter].submods.defs[VERIFIER]] = verdict(reader, status, policy)


def alike(view: View, letter: str) -> None:
    """A request is one about either side: nothing in it tells."""
    other = "R" if letter == "I" else "I"
    view.values[QUESTION[other].asked] = view.values[QUESTION[letter].asked]
    view.values[SIDES[other].party.id_cred] = view.value(SIDES[letter].party.id_cred)


def _leaf(reader: Reader, letter: str) -> Template:
    """A certificate that the verifier does not judge: of anybody, with any key."""
    usage, key = reader.variable("usage of the leaf", "usage"), reader.variable("key of the leaf", "private key")
    return ("cert", usage, reader.agent, key)


def _submods(reader: Reader, letter: str) -> Template:
    says = verdict(reader, AFFIRMING, POLICY)
    status = says[1] if reader.is_on("ear_is_affirming") else reader.variable(f"EAR_STATUS_{letter}", "status")
    policy = says[2] if reader.is_on("ear_names_the_policy") else reader.variable(f"EAR_POLICY_{letter}", "policy")
    return ("tuple", status, policy)


SLOTS: Mapping[str, Callable[[Reader, str], Template]] = {
    "QUESTION_BINDER": lambda reader, letter: reader.need(binder(SIDES[letter])),
    "QUESTION_LEAF": _leaf,
    "EAR_SUBMODS": _submods,
}
"""Slots that predicates speak of, by the label without its letter."""
