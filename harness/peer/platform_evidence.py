"""Evidence of a physical root of trust about the environment in which it lets a tenant run, for the tenant's leaf.

The same token that the platform gives to a relying party (chapter 6), over the tenant's key in place of a binder
(VRT-09).
"""

from dataclasses import replace
from hashlib import sha256

from ...model.protocol.attestation import EVIDENCE, QUOTE_REQUEST, TAM_NAME
from ..crypto.random import Random, SeededRandom
from ..evaluator.run import Run
from ..identity.tester import TesterPki
from ..identity.virtual_party import PLATFORM
from ..identity.world import World
from .endpoint import LETTER
from .provider import WorldProvider


def platform_evidence(pki: TesterPki, role: str, spki: bytes) -> bytes:
    """The CMW record about a key that a party of that role holds, given as SubjectPublicKeyInfo (DER)."""
    platform = replace(pki.party("device", PLATFORM), tpm_ak=None)
    anchors, policy = pki.anchors(role), pki.policy(role, platform.leaf)
    world = World(role, lambda: pki.now, platform, anchors, policy, pki.tam(role, platform))
    return evidence_about(world, spki, SeededRandom(pki.seed + spki))


def evidence_about(world: World, spki: bytes, rng: Random) -> bytes:
    """The CMW record with a token of that party's module, in which the digest of a key stands for the binder."""
    letter = LETTER[world.role]
    run = Run(TAM_NAME[letter], WorldProvider(world, rng), rng)
    run.bind(QUOTE_REQUEST[letter].binder, sha256(spki).digest())
    record: bytes = run.value(EVIDENCE[letter].cmw)
    return record
