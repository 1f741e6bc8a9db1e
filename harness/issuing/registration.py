"""An independent authority: what it asks of a request before it certifies the key in it.

The evidence is appraised by the reference verifier, with the digest of the key in the place of a binder: so every check
of chapter 6 is made on it, and it fits no other key, platform or name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from ..codec import cbor
from ..crypto.random import Random, system_random
from ..identity.credentials import Credentials
from ..identity.pki import Issued, Subject, issue_leaf
from ..identity.policy import EAT_CWT, Policy
from ..identity.tam import BootEvent, Tam, reference_values
from ..identity.tester import TesterPki
from ..identity.virtual_party import spki_of
from ..identity.world import World
from ..peer.platform_evidence import evidence_about
from ..tester.result import read_reply
from ..verifier.appraisal import Verifier
from ..verifier.folder import anchors, make_world, own_name
from ..verifier.ledger import Ledger
from ..verifier.policy import AppraisalPolicy
from . import THIRD_PARTY
from .request import Request, RequestRefused, make_request, read_request
from .ways import authority, holding, leaf_spec

POLICY = "enrolment"
AFFIRMING = "ear:affirming"
_ROLE = {"device": 0, "service": 1}


class Registration:
    """The authority for identities of one role. It remembers which key it has certified for whom (ROT-04)."""

    def __init__(self, pki: TesterPki, role: str, boot: Iterable[BootEvent], rng: Random = system_random) -> None:
        """`boot` is what platforms measure that it takes for genuine."""
        self.pki, self.role, self._rng = pki, role, rng
        self.branch = authority(pki, role, THIRD_PARTY)
        values = reference_values(tuple(boot))
        self._policy = AppraisalPolicy(POLICY, Policy(accepted=(EAT_CWT,), reference_values=values))
        self._given: dict[bytes, tuple[str, ...]] = {}

    def certify(self, der: bytes) -> Issued:
        """The certificate of the key in a request. Raises RequestRefused."""
        request = read_request(der)
        if self._given.get(request.spki, request.uris) != request.uris:
            raise RequestRefused("the key is that of another identity")
        spec = leaf_spec(self.pki, self.role, THIRD_PARTY, request.key, verified=True)
        leaf = issue_leaf(replace(spec, uris=request.uris), self.branch.issuing)
        self._appraise(request, leaf)
        self._given[request.spki] = request.uris
        return leaf

    def _appraise(self, request: Request, leaf: Issued) -> None:
        """The certificate is given away only where what it says is shown by the evidence. Raises RequestRefused."""
        world = make_world(self.pki.verifier(), anchors(self.pki), lambda: self.pki.now)
        verifier = Verifier(world, {POLICY: self._policy}, Ledger(), own_name(), rng=self._rng)
        mine, digest = self.branch.issuing.certificate.sha256, leaf.certificate.sha256
        context = ["tc1-binder", _ROLE[self.role], 0, self._rng(32), digest, mine, bytes(32)]
        question = {
            1: request.evidence, 2: sha256(request.spki).digest(), 3: cbor.encode(context), 4: POLICY,
            5: leaf.certificate.der,
        }  # fmt: skip
        answer = read_reply(verifier.answer(cbor.encode(question)))
        if answer != AFFIRMING:
            raise RequestRefused(f"the evidence about the key is not affirmed: {answer}")


def requested(world: World, subject: Subject, rng: Random = system_random) -> bytes:
    """The request of a party for the names of its leaf, DER; its module signs it and attests the key."""
    spki = spki_of(world.tam.identity_key)
    evidence = evidence_about(world, spki, rng)
    return make_request(world.tam.sign_identity, spki, subject, world.credentials.leaf.uris, evidence)


def enrol(pki: TesterPki, role: str, party: Credentials, tam: Tam, boot: Iterable[BootEvent]) -> Credentials:
    """A party that has asked for its certificate after delivery, and got it. Raises RequestRefused."""
    world = World(role, lambda: pki.now, party, pki.anchors(role), pki.policy(role, party.leaf), tam)
    leaf = Registration(pki, role, boot).certify(requested(world, pki.leaf_spec(role, role).subject))
    return holding(pki, role, THIRD_PARTY, party, leaf)
