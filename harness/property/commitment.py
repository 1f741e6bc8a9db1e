"""Attest, the module's part: a commitment to the configuration, signed with the binder and the identity key.

The token is the entity attestation token of chapter 6 with the commitment in place of the measurements, under a type
and an external_aad of its own, so that neither is ever taken for the other. The module alone measures, chooses the
opening and inserts cnf: a prover that could have a commitment of its own choice signed would prove what it likes.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ...model.protocol.attestation import EAT_PROFILE as PROFILE
from ..codec import cbor, cose
from ..codec.cose_key import cose_key, public_from_cose_key, thumbprint
from ..crypto.errors import BadSignature
from ..crypto.random import Random, system_random
from ..identity.certificate import PublicKey
from ..identity.errors import CredentialUnavailable, Refused
from ..identity.evidence_checks import UEID_LENGTH
from ..identity.keys import algorithm_of
from ..identity.predicates import PREDICATES, ak_public_key, leaf_public_key
from ..identity.tam import SoftwareTam, Tam
from ..identity.world import World
from .arithmetic import random_below, to_octets
from .certificate import configuration_value
from .errors import BadCommitment, Malformed, NoCommitter
from .group import Group
from .items import Reader, number, octets, read_map, read_members, text, unsigned
from .suites import Suite

TYPE = "application/vnd.tc.pba-commitment+cose"
EXTERNAL_AAD = b"tc1-pba"
IAT, CNF, NONCE, UEID, DBGSTAT, EAT_PROFILE, BOOTCOUNT, KEY_ATTRIBUTES = 6, 8, 10, 256, 263, 265, 267, -71901
COMMITMENT = -71904
"""Claims of the token: those of ATT-29 without measurements, and the commitment."""
BINDER = 32
MAX_TOKEN = 1 << 16
NO_COMMITTER = (
    "NOT IMPLEMENTED: a TPM 2.0 signs its PCR digest in clear (TPM2_Quote) and has no command that commits to it; "
    "software beside it is no trusted committer"
)
"""Why a module is refused (PBA-18)."""
ES256, ESP256 = -7, -9


@dataclass(frozen=True, slots=True, repr=False)
class Opening:
    """What the module tells the software beside the token: configuration, 32 octets, and what hides it."""

    configuration: bytes
    r: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """A token that has been accepted, or that was just made: the element, and what a proof is bound to with it."""

    group: Group
    element: int
    binder: bytes
    cnf: bytes
    """SHA-256 thumbprint (RFC 9679) of the identity key, 32 octets."""
    bootcount: int
    token: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the signed token, 32 octets."""
        return sha256(self.token).digest()


def commit(
    tam: Tam, x5chain: bytes, binder: bytes, suite: Suite, now: int, rng: Random = system_random
) -> tuple[Commitment, Opening]:
    """A fresh commitment to what the module has measured, in a token that its attestation key signs.

    `x5chain` is the encoded value of COSE header 33 for that key, `now` in unix seconds. Raises NoCommitter for a
    module that cannot commit.
    """
    element, opening = draw(tam, suite, rng)
    group, key = suite.group, tam.identity_key
    if isinstance(key, RSAPublicKey):
        raise NoCommitter("the identity key is an RSA key")
    claims = {IAT: now, CNF: {1: cose_key(key)}, NONCE: binder, UEID: tam.ueid}
    claims |= {DBGSTAT: tam.debug_status, EAT_PROFILE: PROFILE, BOOTCOUNT: tam.bootcount}
    claims |= {KEY_ATTRIBUTES: tam.key_attributes(), COMMITMENT: {1: group.name, 2: to_octets(element, group.bits)}}
    chain = cbor.decode(x5chain)
    protected = {cose.ALG: ES256, cose.TYP: TYPE, cose.X5T: cose.x5t(cose.parse_x5chain(chain)[0])}
    token = cose.sign1(tam.sign_attestation, protected, {cose.X5CHAIN: chain}, cbor.encode(claims), EXTERNAL_AAD)
    return Commitment(group, element, binder, thumbprint(key), tam.bootcount, token), opening


def draw(tam: Tam, suite: Suite, rng: Random) -> tuple[int, Opening]:
    """A fresh commitment to what the module has measured, and its opening. Raises NoCommitter."""
    require_committer(tam)
    opening = Opening(configuration_value(tam.measurements()), random_below(rng, suite.group.order))
    return suite.group.commit(int.from_bytes(opening.configuration, "big"), opening.r), opening


def read_commitment(value: Any, suite: Suite) -> int:
    """The element in a decoded claim, which is in the group of the suite. Raises Malformed."""
    element: int = _element(suite)(value)[2]
    return element


def require_committer(tam: Tam) -> None:
    """Raise NoCommitter unless the module can commit to what it has measured without revealing it."""
    if not isinstance(tam, SoftwareTam):
        raise NoCommitter(NO_COMMITTER)


def accept(world: World, id_cred: bytes, token: bytes, binder: bytes, suite: Suite, proofs: bytes = b"") -> Commitment:
    """The commitment in a token of the peer that the encoded ID_CRED_x names, for this binder.

    Every check of chapter 6 on a token applies, but that of measurements. `proofs` is the encoded list of status proofs
    that came with the evidence. Raises Malformed, BadCommitment.
    """
    if len(token) > MAX_TOKEN:
        raise Malformed(f"commitment token: {len(token)} octets, {MAX_TOKEN} at most")
    try:
        message = cose.parse_sign1(token)
    except ValueError as error:
        raise Malformed(f"commitment token: {error}") from error
    if message.payload is None or message.unprotected.keys() != {cose.X5CHAIN} or message.protected.keys() != HEADERS:
        raise Malformed("commitment token: no payload, or other headers than alg, typ, x5t and x5chain")
    claims = read_map(message.payload, "commitment token", MAX_TOKEN, _readers(suite))
    try:
        _check_signer(world, id_cred, message, proofs)
        _check_claims(world, id_cred, claims, binder)
    except (Refused, CredentialUnavailable) as error:
        raise BadCommitment(str(error)) from error
    element = claims[COMMITMENT][2]
    return Commitment(suite.group, element, binder, thumbprint(claims[CNF][1]), claims[BOOTCOUNT], token)


HEADERS = {cose.ALG, cose.TYP, cose.X5T}


def _check_signer(world: World, id_cred: bytes, message: cose.Sign1, proofs: bytes) -> None:
    if message.algorithm not in (ES256, ESP256) or message.parameter(cose.TYP) != TYPE:
        raise BadCommitment("another algorithm or type")
    x5chain = cbor.encode(message.unprotected[cose.X5CHAIN])
    for check in ("ak_path_verifies", "ak_is_for_eat", "ak_is_in_validity"):
        PREDICATES[check](world, x5chain)
    PREDICATES["eat_x5t_is_the_ak"](world, cbor.encode(message.parameter(cose.X5T)), x5chain)
    for check in ("ak_is_not_the_identity_key", "ak_names_peer_device"):
        PREDICATES[check](world, x5chain, id_cred)
    PREDICATES["ak_is_not_revoked"](world, x5chain, proofs)
    key = ak_public_key(world, x5chain)
    try:
        cose.verify1(message, lambda signature, signed: algorithm_of(key).verify(key, signature, signed), EXTERNAL_AAD)
    except (BadSignature, ValueError) as error:
        raise BadCommitment(f"the attestation key did not sign it: {error}") from error


def _check_claims(world: World, id_cred: bytes, claims: dict[int, Any], binder: bytes) -> None:
    if claims[EAT_PROFILE] != PROFILE:
        raise BadCommitment("another profile")
    if len(binder) != BINDER or claims[NONCE] != binder:
        raise BadCommitment("made for another binder")
    if claims[CNF][1] != leaf_public_key(world, id_cred):
        raise BadCommitment("cnf is not the peer's identity key")
    PREDICATES["ueid_is_peer_device"](world, claims[UEID], id_cred)
    PREDICATES["eat_debug_is_disabled"](world, cbor.encode(claims[DBGSTAT]))
    PREDICATES["key_attributes_show_custody"](world, cbor.encode(claims[KEY_ATTRIBUTES]))
    PREDICATES["eat_is_recent"](world, cbor.encode(claims[IAT]))


def _readers(suite: Suite) -> dict[int, Reader]:
    return {
        IAT: unsigned,
        CNF: lambda value: read_members(value, "cnf", {1: _public_key}),
        NONCE: octets(BINDER),
        UEID: octets(UEID_LENGTH),
        DBGSTAT: unsigned,
        EAT_PROFILE: text(64),
        BOOTCOUNT: unsigned,
        KEY_ATTRIBUTES: lambda value: value,
        COMMITMENT: _element(suite),
    }


def _element(suite: Suite) -> Reader:
    group = suite.group

    def read(value: Any) -> dict[int, Any]:
        members = read_members(value, "commitment", {1: text(16), 2: number(group.bits)})
        if members[1] != group.name:
            raise Malformed("commitment in another group")
        return {2: group.element(members[2])}

    return read


def _public_key(value: Any) -> PublicKey:
    try:
        if isinstance(value, dict):
            return public_from_cose_key(value)
    except ValueError as error:
        raise Malformed(str(error)) from error
    raise Malformed("no COSE_Key")
