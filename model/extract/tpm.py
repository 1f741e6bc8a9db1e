"""A TPM to the verifier: what it holds, and what a relying party takes of what it says.

Its structures keep the fields that a symbolic check or a claim looks at. A digest of registers is the selection with
what is in them, a name is the public area itself: hashing them would only make fewer terms equal. A start of the
platform is its two counts, which whoever starts it chooses: two TPMs, or two starts of one, may well have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..protocol.attestation import EVIDENCE, TAM_NAME
from ..protocol.tpm import BUNDLE, CERTIFY, GENERATED, QUOTE
from ..table import Equals, Holds
from ..terms import Term
from ..verifier.protocol import Match, Symbol, Template

if TYPE_CHECKING:
    from ..table import Step
    from .reader import Reader
    from .view import View

OCTETS: Mapping[bytes, str] = {GENERATED: "TPM generated", QUOTE: "quote", CERTIFY: "certify"}
"""What the first octets of a structure say."""
ALIKE = ("QUOTE", "CERTIFICATION", "ENV_QUOTE", "PSA", "PSA_ENV")
"""Kinds of structures, and of PSA tokens. They are signed by one key: a field that is kept of one is kept of all."""
KEPT, IMPORTED = "made inside", "made outside"
"""Where a key was made, as the attributes in its public area say: the first kind never leaves the TPM."""
INSIDE, ORIGIN = "keeps its key", "origin of the identity key"
"""The word that the identity key of a platform was made inside, and what a trace calls it."""
POLICY, OTHERS = "registers of the policy", "other registers"
ATTESTED, ATTRIBUTES, SELECTION, SIGNER = "attested", "attributes", "selection", "tpm_sized_name"

AREA = Symbol("public area", 2, ((0,),), sort="public area")
NAME = Symbol("named", 1, ((0,),), sort=ATTESTED)
REGISTERS = Symbol("registers", 2, ((0, 1),), sort=ATTESTED)
QUALIFIED = Symbol("signer", 1, ((0,),), sort=SIGNER)


def area(view: View, made: Template, key: Template) -> Template:
    """The public area of a key. Anybody can write one of any key down."""
    return (view.declared.symbol(AREA), made, key)


def named(view: View, public: Template) -> Template:
    """What a certification attests."""
    return (view.declared.symbol(NAME), public)


def registers(view: View, selection: Template, content: Template) -> Template:
    """What a quote attests."""
    return (view.declared.symbol(REGISTERS), selection, content)


def held(view: View, base: str) -> Template | None:
    """What a TPM holds under a name of the table without its letter; None of what is not looked at."""
    platform = view.held()
    own, letter = platform["ak"], view.letter
    if base == "tpm_idk_public":
        return area(view, view.declared.constant(KEPT, ATTRIBUTES), platform["sk"])
    if base == "tpm_certified":
        return named(view, view.need(BUNDLE[letter].idk_public.defs[TAM_NAME[letter]]))
    if base == "tpm_quoted":
        return registers(view, view.declared.constant(POLICY, SELECTION), platform["measurements"])
    if base == "tpm_signer":
        return (view.declared.symbol(QUALIFIED), own)
    return {"tpm_ak": own, "tpm_ak_chain": platform["ak_chain"], "tpm_pcrs": platform["measurements"]}.get(base)


def of_a_start(letter: str) -> tuple[Term, Term]:
    """The names of the counts of a start."""
    quote, tam = BUNDLE[letter].quote, TAM_NAME[letter]
    return quote.reset.defs[tam], quote.restart.defs[tam]


def any_machine(reader: Reader, letter: str, inside: bool | None = None) -> dict[Term, Template | None]:
    """What is not fixed of a TPM: the start, and where the identity key was made if nobody says it."""
    public = BUNDLE[letter].idk_public.defs[TAM_NAME[letter]]
    if inside is None:
        made: Template = reader.variable(public.label, ATTRIBUTES)
    else:
        made = reader.declared.constant(KEPT if inside else IMPORTED, ATTRIBUTES)
    start: dict[Term, Template | None] = {n: reader.variable(n.label, n.sort.name) for n in of_a_start(letter)}
    start[EVIDENCE[letter].token.bootcount] = start[of_a_start(letter)[0]]
    return {**start, public: area(reader, made, reader.held()["sk"])}


# --- what a relying party takes --------------------------------------------------------------------------------------


def _quoted(reader: Reader, letter: str) -> Template:
    """A digest of the registers that policy names, and of their values in the bundle, as far as that is judged."""
    selection = reader.declared.constant(POLICY, SELECTION)
    if not reader.is_on("tpm_quote_covers_the_policy"):
        selection = reader.variable(f"QUOTE_SELECTION_{letter}", SELECTION)
    if reader.is_on("tpm_quoted_digest_is_recomputed"):
        return registers(reader, selection, reader.need(BUNDLE[letter].pcrs))
    return registers(reader, selection, reader.variable(f"QUOTE_REGISTERS_{letter}", "measurements"))


def _pcrs(reader: Reader, letter: str) -> Template:
    return reader.measured(f"TPM_PCRS_{letter}", "tpm_pcrs_match_reference_values")


def _certified(reader: Reader, letter: str) -> Template:
    if reader.is_on("tpm_certified_name_is_the_identity_key"):
        return named(reader, reader.need(BUNDLE[letter].idk_public))
    return reader.variable(f"CERTIFICATION_ATTESTED_{letter}", ATTESTED)


def _idk_public(reader: Reader, letter: str) -> Template:
    made, key = reader.declared.constant(KEPT, ATTRIBUTES), reader.peer_key(letter)
    if not reader.is_on("tpm_identity_key_is_kept"):
        made = reader.variable(f"TPM_IDK_MADE_{letter}", ATTRIBUTES)
    if not reader.is_on("tpm_identity_key_is_the_leafs"):
        key = reader.variable(f"TPM_IDK_{letter}", "private key")
    return area(reader, made, key)


def _chain(reader: Reader, letter: str) -> Template:
    return reader.attestation_certificate(letter, "tpm_ak_names_peer_device")


SLOTS: Mapping[str, Callable[[Reader, str], Template]] = {
    "QUOTE_ATTESTED": _quoted,
    "TPM_PCRS": _pcrs,
    "CERTIFICATION_ATTESTED": _certified,
    "TPM_IDK_PUBLIC": _idk_public,
    "TPM_AK_CHAIN": _chain,
    "BOOTCOUNT": lambda reader, letter: reader.variable(f"BOOTCOUNT_{letter}", "tpm_4"),
    "ENV_QUOTE_ATTESTED": lambda reader, letter: reader.variable(f"ENV_QUOTE_ATTESTED_{letter}", ATTESTED),
}
"""Slots that predicates speak of, by the label without its letter."""


def one_start(reader: Reader, step: Step) -> None:
    """The token in a collection counts the start that its bundle counts."""
    assert isinstance(step.form, Holds)
    count, reset = step.form.arguments
    reader.ask(Match(reader.need(count), reader.need(reset)))


def same_start(reader: Reader, step: Step) -> None:
    """What was attested before has the counts of what comes now."""
    assert isinstance(step.form, Equals) and step.form.expected is not None
    reader.ask(Match(reader.need(step.form.slot), reader.need(step.form.expected)))
