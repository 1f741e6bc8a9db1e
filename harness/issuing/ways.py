"""The authorities of the ways to an identity certificate, and what a certificate of each shows (section 2.4).

An authority has a root of its own, which relying parties pin; a service that is deployed has its platform's, which is
the endorsement authority of `identity/virtual_party.py`.
"""

from __future__ import annotations

from dataclasses import replace

from ..identity.certificate import PublicKey
from ..identity.credentials import Credentials, TrustAnchors
from ..identity.keys import PrivateKey
from ..identity.oids import KEY_IN_HSM
from ..identity.pki import Branch, Issued, LeafSpec, Subject, issue_leaf, make_branch
from ..identity.tester import TesterPki


def authority(pki: TesterPki, role: str, way: str) -> Branch:
    """Who issues identities of that role this way."""
    return make_branch(pki.seed, pki.now, f"{way} {role}", constrained=not pki.plain)


def leaf_spec(pki: TesterPki, role: str, way: str, key: PrivateKey | PublicKey, *, verified: bool) -> LeafSpec:
    """What is certified of a key; `verified`: the issuer knows that it was made in an HSM and stays there (IDN-06)."""
    spec, branch = pki.leaf_spec(role, role), authority(pki, role, way)
    subject = Subject(branch.organization, spec.subject.common_name)
    return replace(spec, subject=subject, policies=(KEY_IN_HSM,) if verified else (), key=key)


def issue(pki: TesterPki, role: str, way: str, party: Credentials, *, verified: bool = True) -> Credentials:
    """The party with a leaf that was issued this way for the key that it has."""
    spec = leaf_spec(pki, role, way, party.key or party.leaf.public_key, verified=verified)
    return holding(pki, role, way, party, issue_leaf(spec, authority(pki, role, way).issuing))


def holding(pki: TesterPki, role: str, way: str, party: Credentials, leaf: Issued) -> Credentials:
    """The party with that leaf, and with what goes with it."""
    proofs = pki.staple(leaf.certificate, authority(pki, role, way).issuing)
    waiver = pki.waiver(leaf.certificate).sign(pki.waiver_authority) if party.waiver else None
    return replace(party, leaf=leaf.certificate, chain=leaf.chain, proofs=proofs, waiver=waiver)


def trusting(anchors: TrustAnchors, branch: Branch) -> TrustAnchors:
    """Those anchors and the root of a further authority for identities."""
    return replace(
        anchors,
        peer_roots=(*anchors.peer_roots, branch.root.certificate),
        known=(*anchors.known, branch.issuing.certificate),
    )
