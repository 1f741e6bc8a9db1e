"""Properties in zero knowledge to the verifier: a commitment, a proof about what is in it, and who certifies that.

A proof is a term over what it shows and what it shows it with: whoever has both makes it, anybody learns the first of
it, and nobody the second. It shows a commitment, the binder, the peer's leaf and a list of revoked configurations; with
it go a certificate on a configuration, that configuration, and the opening of the commitment. What a relying party
verifies is that the three fit the commitment, that the configuration is not on the list, and what it computes itself.
The issuer has certified two configurations, gives the certificates to everybody, and has one of the two on its current
list. That it is hidden which configuration it is, is an equivalence, which traces do not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..protocol.attestation import EVIDENCE, TAM_NAME, binder
from ..protocol.frames import SIDES
from ..protocol.proving import PROVING
from ..terms import Term
from ..verifier.protocol import Match, Opening, Role, Send, Symbol, Template

if TYPE_CHECKING:
    from .reader import Reader
    from .view import Declarations, View

ISSUER = "property issuer"
OPENING, CERTIFIED, WITHDRAWN = "opening", "expected", "withdrawn"
CURRENT, LIST = "current list", "list"
COMMITMENT = Symbol("commitment", 2, ((0, 1),))
CERTIFICATE = Symbol("property certificate", 1)
PROOF = Symbol("property proof", 2, ((0, 1),), (Opening(1),), sort="proof")


def commitment(view: View, configuration: Template, opening: Template) -> Template:
    """A commitment to a configuration."""
    return (view.declared.symbol(COMMITMENT), configuration, opening)


def certificate(declared: Declarations, configuration: Template) -> Template:
    """What the issuer says of a configuration."""
    return (declared.symbol(CERTIFICATE), configuration)


def held(view: View, base: str) -> Template | None:
    """What a module holds under a name of the table without its letter."""
    if base == "pba_opening" and view.role in TAM_NAME.values():
        return view.draw(OPENING, OPENING)
    if base == "pba_opening":
        raise LookupError(f"{view.role} does not draw an opening")
    if base == "pba_commitment":
        return commitment(view, view.held()["measurements"], view.need(opening(view.letter)))
    return None


def opening(letter: str) -> Term:
    """The name of the opening."""
    return PROVING[letter].opening


def any_machine(reader: Reader, letter: str) -> dict[Term, Template | None]:
    """What software does not know of its module before it answers."""
    return {opening(letter): reader.variable(opening(letter).label, OPENING)}


def proved(view: View) -> Template:
    """The proof that software makes of what its module has committed to."""
    configuration, current = view.held()["measurements"], view.declared.constant(CURRENT, LIST)
    return proof(view, configuration, view.need(opening(view.letter)), current, view.letter)


def proof(view: View, configuration: Template, opened: Template, revoked: Template, letter: str) -> Template:
    """A proof about the commitment to this configuration, for this session and this list."""
    witness = ("tuple", certificate(view.declared, configuration), configuration, opened)
    about, session = commitment(view, configuration, opened), view.need(binder(SIDES[letter]))
    return (
        view.declared.symbol(PROOF),
        witness,
        ("tuple", about, session, view.need(SIDES[letter].party.cred), revoked),
    )


def issuer(declared: Declarations) -> Iterator[Role]:
    """Who certifies configurations; the certificates are no secrets."""
    for configuration in (CERTIFIED, WITHDRAWN):
        certified = certificate(declared, declared.constant(configuration, "measurements"))
        yield Role(f"{ISSUER}: {configuration}", ("V",), "V", (Send(certified, "certificate"),))


# --- what a relying party takes --------------------------------------------------------------------------------------


def _commitment(reader: Reader, letter: str) -> Template:
    if not reader.is_on("property_proofs_verify"):
        return reader.variable(f"COMMITMENT_{letter}", COMMITMENT.name)
    configuration = reader.variable(f"CONFIGURATION_{letter}", "measurements")
    return commitment(reader, configuration, reader.variable(f"OPENING_{letter}", OPENING))


def _proofs(reader: Reader, letter: str) -> Template:
    """What it stands for: that the configuration, of which nothing is told, is the certified one."""
    committed = reader.need(PROVING[letter].commitment)
    reader.values[EVIDENCE[letter].token.measurements] = reader.declared.constant(CERTIFIED, "measurements")
    if not reader.is_on("property_proofs_verify"):
        return reader.variable(f"PROOFS_{letter}", PROOF.result)
    if not reader.is_on("proofs_answer_current_lists"):
        return proof(reader, committed[1], committed[2], reader.variable(f"LIST_{letter}", LIST), letter)
    reader.ask(Match(committed[1], reader.declared.constant(WITHDRAWN, "measurements"), equal=False))
    return proof(reader, committed[1], committed[2], reader.declared.constant(CURRENT, LIST), letter)


SLOTS: Mapping[str, Callable[[Reader, str], Template]] = {
    "PBA_CHAIN": lambda reader, letter: reader.attestation_certificate(letter),
    "PBA_COMMITMENT": _commitment,
    "PBA_PROOFS": _proofs,
}
"""Slots that predicates speak of, by the label without its letter."""
