"""Attest and verify: the proof without interaction, its challenge a hash of everything public (Fiat and Shamir).

The random oracle is a parameter, so that the security argument can be run: a simulator programs it, an extractor forks
it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import cbor
from ..crypto.random import Random, system_random
from . import sigma
from .arithmetic import digest_bits, to_octets
from .certificate import MAX_PROPERTY, PropertyCertificate
from .commitment import Commitment, Opening
from .errors import BadCertificate, BadProof, Malformed, Revoked
from .issuer import PublicKeyOfIssuer
from .items import Reader, listed, number, octets, read_map, text
from .revocation import MAX_REVOKED, RevocationList
from .suites import CHALLENGE, E_RANGE, MESSAGE

MAX_PROOF = 1 << 16

Oracle = Callable[[Sequence[Any]], int]
"""From the parts of a transcript to a challenge of 256 bits."""


def hash_oracle(parts: Sequence[Any]) -> int:
    """SHAKE256 over the deterministic encoding of the parts."""
    return digest_bits(CHALLENGE, *parts)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is proved: that the issuer has certified this property for the configuration behind the commitment, which
    was made for this binder and identity key, and that the configuration is not on the list."""

    issuer: PublicKeyOfIssuer
    property_name: str
    commitment: Commitment
    revocation: RevocationList

    @property
    def relation(self) -> sigma.Relation:
        """The equations."""
        revoked = (int.from_bytes(item, "big") for item in self.revocation.configurations)
        return sigma.Relation(self.issuer, self.property_name, self.commitment.element, tuple(revoked))

    def transcript(self, blinded: int, firsts: Sequence[int]) -> list[Any]:
        """Every public input, and the first message: what the challenge is a function of."""
        suite, made = self.issuer.suite, self.commitment
        group = suite.group
        parameters = [group.name, *(to_octets(value, group.bits) for value in (group.prime, group.g, group.h))]
        bound = [to_octets(made.element, group.bits), made.digest, made.binder, made.cnf, self.revocation.digest]
        signature, *others = firsts
        sent = [to_octets(blinded, suite.modulus), to_octets(signature, suite.modulus)]
        sent += [to_octets(first, group.bits) for first in others]
        return ["tc1-pba-proof", suite.name, self.issuer.id, parameters, self.property_name, bound, sent]


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof: blinded signature A', challenge and responses. `list_digest` says which list it answers."""

    property_name: str
    list_digest: bytes
    blinded: int
    challenge: int
    responses: sigma.Responses

    def encode(self, issuer: PublicKeyOfIssuer) -> bytes:
        """The octets that an attester sends."""
        suite, responses = issuer.suite, self.responses
        order = suite.group.bits - 1
        return cbor.encode(
            {
                1: self.property_name,
                2: self.list_digest,
                3: to_octets(self.blinded, suite.modulus),
                4: to_octets(self.challenge, CHALLENGE),
                5: to_octets(responses.e, suite.response(E_RANGE)),
                6: to_octets(responses.configuration, suite.response(MESSAGE)),
                7: to_octets(responses.v, suite.response(suite.blinded_v)),
                8: to_octets(responses.r, order),
                9: [[to_octets(a, order), to_octets(b, order)] for a, b in responses.inequalities],
            }
        )


def parse(data: bytes, issuer: PublicKeyOfIssuer) -> Proof:
    """The proof in `data`, every number as long as the suite says and in its range. Raises Malformed."""
    suite = issuer.suite
    modular = number(suite.group.bits - 1)
    readers: dict[int, Reader] = {1: text(MAX_PROPERTY), 2: octets(32), 3: number(suite.modulus), 4: number(CHALLENGE)}
    readers |= {5: number(suite.response(E_RANGE)), 6: number(suite.response(MESSAGE))}
    readers |= {7: number(suite.response(suite.blinded_v)), 8: modular}
    readers[9] = listed(listed(modular, 2, 2), 0, MAX_REVOKED)
    found = read_map(data, "proof", MAX_PROOF, readers)
    responses = sigma.Responses(found[5], found[6], found[7], found[8], tuple((a, b) for a, b in found[9]))
    return Proof(found[1], found[2], found[3], found[4], responses)


def prove(
    statement: Statement,
    certificate: PropertyCertificate,
    opening: Opening,
    now: int,
    rng: Random = system_random,
    oracle: Oracle = hash_oracle,
) -> Proof:
    """A proof of the statement. Raises BadCertificate, BadList, Revoked where there is none."""
    statement.revocation.require_good(statement.property_name, now)
    if (certificate.property_name, certificate.configuration) != (statement.property_name, opening.configuration):
        raise BadCertificate("certificate of another property or configuration")
    if certificate.configuration in statement.revocation.configurations:
        raise Revoked("the configuration is on the list")
    relation = statement.relation
    run = sigma.start(relation, sigma.witness(relation, certificate, opening, rng), rng)
    challenge = oracle(statement.transcript(run.witness.blinded, run.firsts))
    responses = run.respond(challenge)
    return Proof(statement.property_name, statement.revocation.digest, run.witness.blinded, challenge, responses)


def verify(statement: Statement, proof: Proof, now: int, oracle: Oracle = hash_oracle) -> None:
    """Raise Malformed, BadList, Revoked or BadProof unless the proof shows the statement."""
    statement.revocation.require_good(statement.property_name, now)
    if proof.property_name != statement.property_name:
        raise BadProof("proof of another property")
    if proof.list_digest != statement.revocation.digest:
        raise BadProof("made for another revocation list")
    check(statement, proof, oracle)


def check(statement: Statement, proof: Proof, oracle: Oracle = hash_oracle) -> None:
    """Raise Malformed or BadProof unless the challenge is that of the statement, whatever becomes of its list."""
    relation = statement.relation
    if not sigma.in_range(relation, proof.responses):
        raise BadProof("a response is out of range")
    statement.issuer.unit(proof.blinded)
    try:
        firsts = sigma.firsts(relation, proof.blinded, proof.challenge, proof.responses)
    except ZeroDivisionError as error:
        raise Malformed("a number is not invertible") from error
    if oracle(statement.transcript(proof.blinded, firsts)) != proof.challenge:
        raise BadProof("does not verify")
