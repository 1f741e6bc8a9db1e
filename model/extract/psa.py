"""A PSA root of trust to the verifier: what its tokens say, whom it answers, and what a relying party takes of them.

The root of trust signs whatever challenge it is given, and says who asked: a caller in the secure environment, which is
software as it should be on a channel of its own, or anybody else. Whoever asks, it is of its implementation, and a
platform that is not in the state Secured says so. Other software asks it for whatever it likes: from outside the secure
environment with components as they are, from within with components that are others, or on a platform that is not
Secured with components of its choice. A start is its boot seed, which whoever starts the platform chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..protocol.attestation import TAM_NAME
from ..protocol.psa import PSA
from ..table import Holds, Step
from ..terms import Term
from ..verifier.protocol import Recv, Role, Send, Template
from .algebra import OCTETS_32
from .tpm import INSIDE

if TYPE_CHECKING:
    from .reader import Reader
    from .view import Declarations, Setting, View

CLIENT, LIFECYCLE, IMPLEMENTATION, COMPONENTS, SEED = "client", "lifecycle", "implementation", "measurements", "seed"
SECURE, OUTSIDE = "secure client", "client outside"
SECURED, OPENED = "secured", "not secured"
KNOWN, UNKNOWN = "known implementation", "another implementation"
CUSTODY = "certificate policy"
OTHERS: Mapping[str, Mapping[str, str]] = {
    "answers from outside": {CLIENT: OUTSIDE, LIFECYCLE: SECURED},
    "answers other software": {LIFECYCLE: SECURED, COMPONENTS: "unexpected"},
    "is not secured": {LIFECYCLE: OPENED},
}
"""What other software comes by, and what the root of trust says of it then; all else is of its choice."""


def held(view: View, base: str) -> Template | None:
    """What a root of trust says under a name of the table without its letter; None of what is not looked at."""
    platform, declared = view.held(), view.declared
    own = {"psa_ak": "ak", "psa_ak_chain": "ak_chain", "psa_components": "measurements"}.get(base)
    if own is not None:
        return platform[own]
    said = {
        "psa_client": (SECURE, CLIENT),
        "psa_lifecycle": (SECURED, LIFECYCLE),
        "psa_implementation": (view.setting.choices.get(IMPLEMENTATION, KNOWN), IMPLEMENTATION),
    }.get(base)
    return None if said is None else declared.constant(*said)


def any_machine(reader: Reader, letter: str) -> dict[Term, Template | None]:
    """What software does not know of its root of trust before it answers: its start, and what it is."""
    token, tam = PSA[letter].token, TAM_NAME[letter]
    names = {token.seed.defs[tam]: SEED, token.implementation.defs[tam]: IMPLEMENTATION}
    return {name: reader.variable(name.label, sort) for name, sort in names.items()}


def start(reader: Reader, letter: str) -> dict[Term, Template | None]:
    """A start of a platform."""
    seed = PSA[letter].token.seed.defs[TAM_NAME[letter]]
    return {seed: reader.variable(seed.label, SEED)}


def others(letter: str, setting: Setting, declared: Declarations) -> Iterator[Role]:
    """What the root of trust of this side signs for other software."""
    from .reader import Reader

    token, tam = PSA[letter].token, TAM_NAME[letter]
    for what, says in OTHERS.items():
        reader = Reader(tam, letter, setting, declared)
        reader.values[token.nonce] = reader.variable("CHALLENGE", OCTETS_32)
        reader.values[token.seed] = reader.variable("SEED", SEED)
        for slot, sort in ((token.client, CLIENT), (token.lifecycle, LIFECYCLE), (token.components, COMPONENTS)):
            said = says.get(sort)
            reader.values[slot] = reader.variable(sort.upper(), sort) if said is None else declared.constant(said, sort)
        made = token.signature.means
        assert made is not None
        signed = reader.signature(reader.need(made.args[0]), reader.need(made.args[1]))
        asked = Recv(("tuple", *reader.variables), "challenge")
        steps = (Recv(("rogue", reader.agent), "other software"), asked, Send(signed, "token"))
        yield Role(f"{tam} {what}", (reader.agent,), reader.agent, steps, {}, reader.variables, helper=True)


# --- what a relying party takes --------------------------------------------------------------------------------------


def _taken(label: str, sort: str, value: str, check: str) -> Callable[[Reader, str], Template]:
    """A field of a token: the value that a check lets pass, or any where the check is not made."""

    def take(reader: Reader, letter: str) -> Template:
        if reader.is_on(check):
            return reader.declared.constant(value, sort)
        return reader.variable(f"{label}_{letter}", sort)

    return take


_FIELDS = (
    ("PSA_CLIENT", CLIENT, SECURE, "psa_client_is_secure"),
    ("PSA_ENV_CLIENT", CLIENT, SECURE, "env_token_client_is_secure"),
    ("PSA_LIFECYCLE", LIFECYCLE, SECURED, "psa_lifecycle_is_secured"),
    ("PSA_ENV_LIFECYCLE", LIFECYCLE, SECURED, "env_token_lifecycle_is_secured"),
    ("PSA_IMPLEMENTATION", IMPLEMENTATION, KNOWN, "psa_implementation_is_known"),
    ("PSA_ENV_IMPLEMENTATION", IMPLEMENTATION, "", ""),
    ("PSA_SEED", SEED, "", ""),
    ("PSA_ENV_SEED", SEED, "", ""),
    ("PSA_ENV_COMPONENTS", COMPONENTS, "", ""),
)
SLOTS: Mapping[str, Callable[[Reader, str], Template]] = {
    "PSA_CHAIN": lambda reader, letter: reader.attestation_certificate(letter),
    "PSA_COMPONENTS": lambda reader, letter: reader.measured(
        f"PSA_COMPONENTS_{letter}", "psa_components_match_reference_values"
    ),
    **{field[0]: _taken(*field) for field in _FIELDS},
}
"""Slots that predicates speak of, by the label without its letter."""


def shows_custody(reader: Reader, step: Step) -> None:
    """The leaf says that its key cannot leave the hardware that it is in."""
    assert isinstance(step.form, Holds)
    reader.ask(Recv((INSIDE, reader.need(step.form.arguments[0])[2]), CUSTODY))
