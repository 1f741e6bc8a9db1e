"""Certificates of attestation keys with which evidence must not be believed: the token says the truth, and verifies."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...harness.identity.faults import ATTESTATION_FAULTS, bad_ak
from ...harness.identity.keys import signer
from ...harness.identity.pki import authority_spec, issue_authority, issue_leaf
from ...harness.tester.attesting import cmw
from ...model.terms import Term
from .judged import Candidate

if TYPE_CHECKING:
    from .evidence import Maker

BELOW_A_REVOKED_ISSUER = "issuer-revoked"


def bad_keys(maker: "Maker") -> Iterator[Candidate]:
    """Attestation certificates with one thing wrong; their keys sign."""
    at = maker.at
    for name in ATTESTATION_FAULTS:
        if name == BELOW_A_REVOKED_ISSUER:
            continue
        bad = bad_ak(at.iut.pki, at.sender.role, name, at.peer.leaf)
        credentials = dataclasses.replace(at.peer, ak=bad.issued.certificate, ak_chain=bad.issued.chain)
        world = dataclasses.replace(at.sender.world, credentials=credentials)
        tales: dict[Term, Any] = {}
        if (key := bad.issued.key) is not None:
            tales[maker.terms.token.signature] = _signing_with(key, maker.terms.token.tbs)
        wrapped = cmw(maker.token(tales, world))
        yield maker.candidate(
            "attestation certificate", name, "one thing is wrong with the certificate or its path", wrapped
        )


def below_a_revoked_issuer(maker: "Maker") -> Iterator[Candidate]:
    """A key that is known to be good, of an issuer that is on a list: it has the key by which that list is signed."""
    at, pki = maker.at, maker.at.iut.pki
    spec = authority_spec(pki.seed, pki.now, "attestation", "issuing")
    listed = dataclasses.replace(spec, serial=pki.revoked_issuer("attestation"))
    issued = issue_leaf(pki.ak_spec(at.sender.role), issue_authority(listed, pki.attestation.root))
    credentials = dataclasses.replace(at.peer, ak=issued.certificate, ak_chain=issued.chain)
    world = dataclasses.replace(at.sender.world, credentials=credentials)
    wrapped = cmw(maker.token(world=world))
    yield maker.candidate("attestation certificate", BELOW_A_REVOKED_ISSUER, "its issuer is revoked", wrapped)


def _signing_with(key: Any, tbs: Term) -> Any:
    sign = signer(key)
    return lambda attester, honest: sign(attester.tam.run.value(tbs))
