"""What a verifier answered, read without trusting it: a tier or an error, and what is wrong with a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...model.protocol.background import EAR_PROFILE
from ...spec import identifiers
from ..codec import cbor, cose
from ..crypto.signatures import ES256
from ..identity.certificate import DEVICE_URN, Certificate

_EAR = identifiers()["ear"]
STATUS, VECTOR, RAW_EVIDENCE = _EAR["status"], _EAR["vector"], _EAR["raw_evidence"]
POLICY_IDS, VERIFIER_ID = _EAR["policy_ids"], _EAR["verifier_id"]
EXP, IAT, CNF, NONCE, UEID, PROFILE, SUBMODS, MEASUREMENTS = 4, 6, 8, 10, 256, 265, 266, 273
AFFIRMING = "ear:affirming"
GARBAGE = "garbage"
TOLERANCE = 60
"""Seconds by which clocks may differ."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a result must say: the binder, the attester's certificate, the policy id that was asked for, and when."""

    binder: bytes
    leaf: Certificate
    policy: str
    now: int
    properties: tuple[str, ...] = ()


def tier(status: object) -> str:
    """The tier of a status or of a claim of trustworthiness (draft-ietf-rats-ar4si section 2.3.2)."""
    if not isinstance(status, int) or isinstance(status, bool) or not -128 <= status <= 127:
        return GARBAGE
    if -1 <= status <= 1:
        return "none"
    size = status if status > 0 else -status - 1
    return "affirming" if size < 32 else "warning" if size < 96 else "contraindicated"


_ORDER = (GARBAGE, "contraindicated", "warning", "none", "affirming")


def read_reply(reply: bytes) -> str:
    """`ear:` and the worst tier in a result, `verifier-error:` and a code, or `garbage`."""
    try:
        body = cbor.decode(reply)
        if isinstance(body, dict) and body.keys() == {2} and type(body[2]) is int:
            return f"verifier-error:{body[2]}"
        tiers = {tier(submod[STATUS]) for submod in claims_in(reply)[SUBMODS].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return GARBAGE
    worst = next((name for name in _ORDER if name in tiers), GARBAGE)
    return GARBAGE if worst == GARBAGE else f"ear:{worst}"


def claims_in(reply: bytes) -> dict[int, Any]:
    """The claims of a result, its signature not verified. Raises ValueError and KeyError."""
    claims = cbor.decode(cbor.decode(reply)[1].value[2])
    if not isinstance(claims, dict):
        raise ValueError("the claims are no map")
    return claims


def complaints(reply: bytes, signer: Certificate, expected: Expected) -> Iterator[str]:
    """Everything that is wrong with an affirming result (VER-04, PBA-02). Raises ValueError where it is no result."""
    message = cose.parse_sign1(cbor.encode(cbor.decode(reply)[1]))
    claims = claims_in(reply)
    try:
        cose.verify1(message, lambda signature, signed: ES256.verify(signer.public_key, signature, signed), b"")
    except ValueError as error:
        yield f"the signature does not verify with the verifier's key: {error}"
    if message.protected.keys() != {cose.ALG, cose.TYP, cose.X5T} or message.protected.get(cose.TYP) != 263:
        yield "the protected header is not alg, typ 263 and x5t"
    if message.protected.get(cose.X5T) != [-16, signer.sha256]:
        yield "x5t does not name the verifier's certificate"
    yield from _claims(claims, expected)
    yield from _submods(claims.get(SUBMODS), expected)


def _claims(claims: dict[int, Any], expected: Expected) -> Iterator[str]:
    wanted = {
        NONCE: expected.binder,
        PROFILE: EAR_PROFILE,
        CNF: {1: cose.cose_key(expected.leaf.public_key)},
        UEID: bytes.fromhex(expected.leaf.platform.removeprefix(DEVICE_URN)),
    }
    names = {
        NONCE: "eat_nonce is not the binder",
        PROFILE: "another eat_profile",
        CNF: "cnf is not the attested key",
        UEID: "ueid is not that of the attested platform",
    }
    yield from (names[key] for key, value in wanted.items() if claims.get(key) != value)
    iat, exp = claims.get(IAT), claims.get(EXP)
    if type(iat) is not int or abs(iat - expected.now) > TOLERANCE:
        yield f"iat is {iat}, at {expected.now}"
    if type(exp) is not int or exp <= expected.now:
        yield f"exp is {exp}, at {expected.now}"
    identity = claims.get(VERIFIER_ID)
    if not isinstance(identity, dict) or not all(isinstance(identity.get(key), str) for key in (0, 1)):
        yield "the verifier's identity is not developer (0) and build (1)"


def _submods(submods: object, expected: Expected) -> Iterator[str]:
    named = expected.properties or (_EAR["submod"],)
    if not isinstance(submods, dict) or set(submods) != set(named):
        yield f"submods are not {', '.join(named)}"
        return
    for name, submod in submods.items():
        if submod.get(POLICY_IDS) != [expected.policy]:
            yield f"{name} does not name the policy that was asked for, alone"
        vector = submod.get(VECTOR)
        if not expected.properties and (not vector or {tier(value) for value in vector.values()} != {"affirming"}):
            yield f"{name} has no vector of affirming claims of trustworthiness"
