"""A good request with one bit other, with octets cut out or doubled: never an internal error, hardly ever affirmed.

Affirmed it may be where the alteration is in what a verifier cannot judge, or has no reason to.
"""

import logging
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from trustconn.harness.codec import cbor
from trustconn.harness.identity.policy import EAT_CWT, PSA_TOKEN, TPM_FORMAT
from trustconn.harness.identity.psa import psa_party
from trustconn.harness.tester.result import AFFIRMING, read_reply
from trustconn.harness.tester.verifier_iut import CONTEXT, EVIDENCE, Question
from trustconn.harness.tester.verifier_session import LocalVerifier
from trustconn.model.refusals import VerifierError

BITS, CUTS = 300, 60
INTERNAL = f"verifier-error:{VerifierError.INTERNAL}"


@pytest.fixture(scope="module")
def verifier() -> Iterator[LocalVerifier]:
    logger = logging.getLogger("trustconn.harness.verifier")
    logger.setLevel(logging.CRITICAL)
    yield LocalVerifier(seed=b"altered")
    logger.setLevel(logging.NOTSET)


def not_judged(request: bytes, kind: int | str) -> set[int]:
    """Places of the context, for which the relying party vouches, and of a TPM's bundle: what events are called, and
    attributes of the attestation key, which its certificate vouches for."""
    body = cbor.decode(request)
    places = _places(request, body[CONTEXT])
    if kind == TPM_FORMAT:
        bundle = cbor.decode(cbor.decode(body[EVIDENCE])[1])
        places |= _places(request, bundle[10]) | _places(request, bundle[2][:8])
    return places


def _places(request: bytes, part: bytes) -> set[int]:
    start = request.index(part)
    return set(range(start, start + len(part)))


def asked(verifier: LocalVerifier, role: str, kind: int | str) -> Question:
    world = verifier.world(role)
    if kind == PSA_TOKEN:
        world = replace(world, credentials=psa_party(verifier.pki, role))
    return verifier.question(role, kind=kind, world=world)


def answered(verifier: LocalVerifier, request: bytes) -> str:
    verifier.forget()
    reply, _ = verifier.send(request)
    assert reply is not None
    return read_reply(reply)


@pytest.mark.parametrize("kind", [EAT_CWT, TPM_FORMAT, PSA_TOKEN], ids=["token", "tpm", "psa"])
@pytest.mark.parametrize("role", ["device", "service"])
def test_one_bit(verifier: LocalVerifier, role: str, kind: int | str) -> None:
    request = asked(verifier, role, kind).encoded()
    draw, free, actions = random.Random(f"{role} {kind}"), not_judged(request, kind), set[str]()
    for _ in range(BITS):
        place, bit = draw.randrange(len(request)), draw.randrange(8)
        altered = bytearray(request)
        altered[place] ^= 1 << bit
        action = answered(verifier, bytes(altered))
        assert action != INTERNAL, (place, bit)
        assert action != AFFIRMING or place in free, (place, bit)
        actions.add(action)
    assert {"ear:contraindicated", "verifier-error:4"} <= actions


@pytest.mark.parametrize("kind", [EAT_CWT, TPM_FORMAT, PSA_TOKEN], ids=["token", "tpm", "psa"])
def test_octets_cut_out_or_doubled(verifier: LocalVerifier, kind: int | str) -> None:
    request, draw = asked(verifier, "device", kind).encoded(), random.Random(str(kind))
    for _ in range(CUTS):
        start = draw.randrange(len(request))
        end = min(len(request), start + draw.randrange(1, 64))
        for altered in (request[:start] + request[end:], request[:end] + request[start:]):
            assert answered(verifier, altered) not in (INTERNAL, AFFIRMING)
