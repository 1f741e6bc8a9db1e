"""Parties that the tester can be: honest ones with other certificates, and bad ones under roots that are trusted."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..harness.identity.certificate import DEVICE_URN, Certificate
from ..harness.identity.credentials import Credentials
from ..harness.identity.faults import Bad
from ..harness.identity.keys import PrivateKey, derive_key
from ..harness.identity.pki import issue_leaf
from ..harness.identity.tam import SoftwareTam
from ..harness.identity.tester import boot_events
from ..harness.identity.tpm_emulation import fit
from ..harness.identity.virtual_party import boot_seed
from ..harness.identity.world import World
from ..harness.tester.session import Iut, NeedNotMet
from ..model.protocol.edhoc import INITIATOR, RESPONDER, Party

PARTIES: dict[str, Party] = {"device": INITIATOR, "service": RESPONDER}
LETTERS = {"device": "I", "service": "R"}
CREDENTIAL_MESSAGE = {
    "edhoc": {"device": "message_3", "service": "message_2"},
    "tls": {"device": "client_flight", "service": "server_flight"},
}


def credential_message(iut: Iut, role: str = "") -> str:
    """The message with which a party, by default the tester, presents its certificate."""
    return CREDENTIAL_MESSAGE[iut.binding][role or iut.opposite]


def world_with(iut: Iut, **changes: Any) -> World:
    """The tester's world with other credentials of its own, and a module with their keys."""
    credentials = dataclasses.replace(iut.world.credentials, **changes)
    return iut.fresh_world(credentials=credentials, tam=tam_of(iut, credentials))


def tam_of(iut: Iut, credentials: Credentials) -> SoftwareTam:
    """A module of the platform that the leaf names, or else of the tester's own."""
    assert credentials.key is not None and credentials.ak_key is not None
    ueid = bytes.fromhex(ueid_digits(credentials.leaf) or ueid_digits(iut.world.credentials.leaf))
    seed = boot_seed(iut.pki, credentials.leaf)
    tam = SoftwareTam(credentials.key, credentials.ak_key, ueid, boot_events(iut.opposite), boot_seed=seed)
    return fit(tam, credentials.tpm_ak.key if credentials.tpm_ak else None)


def ueid_digits(leaf: Certificate) -> str:
    """Hexadecimal digits of the platform in a leaf, "" where they are none."""
    digits = leaf.platform.removeprefix(DEVICE_URN)
    return digits if len(digits) == 66 else ""


def presenting(iut: Iut, bad: Bad, key: PrivateKey | None = None) -> World:
    """A bad leaf, its key, a fresh proof of its status, and evidence of the platform that it names.

    A leaf that names no platform comes with a waiver, because no evidence could fit it.
    """
    leaf = bad.issued.certificate
    changes: dict[str, Any] = {
        "leaf": leaf,
        "chain": bad.issued.chain,
        "key": key or bad.issued.key,
        "proofs": iut.pki.staple(leaf, bad.issuer),
    }
    if not ueid_digits(leaf):
        changes["waiver"] = iut.pki.waiver(leaf).sign(iut.pki.waiver_authority)
    elif leaf.platform != iut.world.credentials.leaf.platform:
        spec = dataclasses.replace(iut.pki.ak_spec(iut.opposite), uris=(leaf.platform,))
        changes["ak"] = issue_leaf(spec, iut.pki.attestation.issuing).certificate
    return world_with(iut, **changes)


def leaf_of(iut: Iut) -> Certificate:
    """The leaf that the implementation presents."""
    peer = iut.good().peer
    id_cred = peer.run.value(PARTIES[iut.role].id_cred)
    return peer.world.credential(id_cred).leaf


def key_of(iut: Iut, leaf: Certificate) -> PrivateKey:
    """The implementation's identity key: known where the tester made it.

    Raises:
        NeedNotMet: the implementation made its key itself.
    """
    key = derive_key(iut.pki.seed, f"{iut.role} identity")
    if key.public_key() != leaf.public_key:
        raise NeedNotMet("the tester does not hold the implementation's identity key")
    return key
