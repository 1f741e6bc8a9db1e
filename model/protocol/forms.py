"""Forms of evidence: what the rows of the session need to know of one, whatever it is made of.

A direction of a session has one form, chosen by both HELLOs before anything of it is sent (ATT-04). The table is made
for the forms of both directions; everything else in it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..symbols import sha256
from ..table import Equals, Message, Step, step
from ..terms import Term, bstr
from .attestation import EAT_FORMAT, EMPTY, EVIDENCE, REGISTERS, TAM_NAME, evidence_checks
from .frames import SIDES
from .labels import ENVIRONMENT, environment_checks

Format = int | str
"""An evidence type of HELLO: a CoAP Content-Format or a media type."""
Kinds = tuple[Format, Format]
"""The evidence types of a session: the initiator's, the responder's."""
BY_TOKENS: Kinds = (EAT_FORMAT, EAT_FORMAT)
"""Both attest by tokens, or do not attest."""

PSA_FORMAT = 10003
"""CoAP Content-Format of a PSA token of profile `tfm` (RFC 9783)."""
TPM_FORMAT = "application/vnd.tc.tpm2-evidence+cbor"
COLLECTION_TYPE = "tag:trustconn.org,2026:tc1-platform"
COLLECTION_FORMAT = f'application/cmw+cbor; cmwc_t="{COLLECTION_TYPE}"'
"""A CMW collection of a token and a bundle of a TPM, by its media type (RFC 9999)."""
EAR_FORMAT = 'application/eat+cwt; eat_profile="tag:ietf.org,2026:rats/ear#04"'
"""An EAR as a CWT, by its media type (RFC 9782): a result that the attester fetched itself."""
PBA_FORMAT = "application/vnd.tc.pba-evidence+cbor"
"""Properties in zero knowledge."""


@dataclass(frozen=True)
class Form:
    """Evidence of one attester, and the environment object that goes with it."""

    att: Message
    quote: Message
    """What the TAM answers to a quote request: evidence and environment object, opaque to the software."""
    environment: Term
    issued: Term
    """When the environment object was made."""
    boot: Term
    """What tells one start of the platform from another."""
    ak: Term
    """What environment objects are known by: the chain of the attestation key, or the digest of the object itself."""
    asked: tuple[Term, ...]
    """What the TAM looks at anew for every request."""
    checks: tuple[Step, ...]
    checks_again: tuple[Step, ...]
    """What the relying party asks of ATT, in order: the first time, and in a re-attestation."""
    environment_checks: tuple[Step, ...]
    question: Message | None = None
    fetched: Message | None = None
    """What the attester asks a verifier once its TAM has answered, and the reply, where that is what ATT carries."""
    further: Term = EMPTY
    """Claims that the form's layout does not name."""
    registers: Term = EMPTY
    """Values of a TPM's registers."""


def _token(letter: str) -> Form:
    evidence, environment, tam = EVIDENCE[letter], ENVIRONMENT[letter], TAM_NAME[letter]
    token, side = evidence.token, SIDES[letter]
    return Form(
        evidence.att,
        environment.quote,
        environment.token.term,
        environment.token.iat,
        token.bootcount,
        token.chain,
        tuple(item.defs[tam] for item in (token.iat, token.bootcount, token.measurements, evidence.further)),
        evidence_checks(side, again=False),
        evidence_checks(side, again=True),
        environment_checks(side),
        further=evidence.further,
    )


def same_environment(letter: str, environment: Term) -> Step:
    """The environment object is what was accepted in ATT, octet for octet."""
    return step("env_is_the_accepted_evidence", Equals(REGISTERS[letter].attested_ak, bstr(sha256(environment))))


TOKENS: Mapping[str, Form] = {letter: _token(letter) for letter in SIDES}
"""Entity attestation tokens, by the letter of the attester."""


def chosen(accepted: Sequence[Format], offered: Sequence[Format]) -> Format | None:
    """The evidence type of a direction: the first accepted one that is offered, else the first offered (ATT-04)."""
    return next((item for item in accepted if item in offered), offered[0] if offered else None)
