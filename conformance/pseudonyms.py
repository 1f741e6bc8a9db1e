"""Pseudonyms of the tester and of the implementation: made by the issuer that both pin, for one relying party each."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from ..harness.crypto.random import SeededRandom
from ..harness.identity.anonymous import PseudonymIssuer, module_of, obtain
from ..harness.identity.credentials import Credentials
from ..harness.identity.tester import ANOTHER
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.linking import Seen
from ..harness.tester.session import Iut
from .parties import PARTIES, tam_of

RELYING_PARTIES = ("https://a.example/", "https://b.example/")
THIRD = "third device"
"""The label of the platform that is the control."""
SETTING = {"admits_anonymous": True}


def pseudonym(iut: Iut, role: str, label: str, relying_party: str) -> Credentials:
    """Credentials that the issuer gives the platform with that label, "" for a party's own, for one relying party."""
    pki, count = iut.pki, iut.stream(f"pseudonym of {role} {label}")
    platform = pki.party(role, label)
    issuer = PseudonymIssuer(pki.pseudonyms.issuing, (pki.attestation.root.certificate,), SeededRandom(count(32)))
    sign = pki.tam(role, platform).sign_attestation
    return obtain(issuer, platform, sign, role, relying_party, count(32), iut.clock.now())


def anonymous(iut: Iut, **changes: Any) -> World:
    """The tester under a pseudonym. Raises NeedNotMet."""
    iut.need_feature("anonymous")
    made = replace(pseudonym(iut, iut.opposite, "", RELYING_PARTIES[0]), **changes)
    tam = module_of(made, tam_of(iut, iut.world.credentials))
    return iut.fresh_world(credentials=made, tam=tam)


def relying(iut: Iut, label: str = "") -> World:
    """The tester as a relying party that admits pseudonyms, its usual self or another one."""
    policy = replace(iut.world.policy, admits_anonymous=True)
    if not label:
        return iut.fresh_world(policy=policy)
    own = iut.pki.party(iut.opposite, label)
    return iut.fresh_world(policy=policy, credentials=own, tam=iut.pki.tam(iut.opposite, own))


def under_pseudonym(iut: Iut, label: str, relying_party: str) -> Callable[[Path], None]:
    """Changes a folder of the implementation so that it is that platform, under a pseudonym for that relying party."""

    def change(folder: Path) -> None:
        made = pseudonym(iut, iut.role, label, relying_party)
        for file in ("leaf.key.pem", "ak.key.pem", "proofs.cbor", "waiver.cose", "tpm-ak.pem", "tpm-ak.key.pem"):
            (folder / file).unlink(missing_ok=True)
        made.save(folder)
        module = {"ueid": made.leaf.platform.rpartition(":")[2], "bootcount": 0}
        _rewrite(folder / "tam.toml", module)
        _rewrite(folder / "manifest.toml", {"identity": made.leaf.identity})
        known = [iut.world.credentials.leaf.identity, iut.pki.party(iut.opposite, ANOTHER).leaf.identity]
        if iut.role == "service":
            _rewrite(folder / "policy.toml", {"authorised_devices": known})

    return change


def _rewrite(file: Path, changes: dict[str, Any]) -> None:
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    file.write_text(tomli_w.dumps({**table, **changes}), encoding="utf-8")


def seen(conversation: Conversation) -> Seen:
    """What the tester has seen of the implementation, its certificates included."""
    peer = conversation.peer
    messages = [(o.name, o.data) for o in peer.observations if not o.name.startswith(("PONG", "RECEIPT"))]
    id_cred: bytes = peer.run.value(PARTIES["service" if peer.role == "device" else "device"].id_cred)
    own = "service" if peer.role == "device" else "device"
    said = b"".join(data for sender, data in conversation.transcript.turns() if sender == own)
    return Seen.of([*messages, ("certificates", id_cred)], _hello(said) if peer.binding == "tls" else b"")


def _hello(octets: bytes) -> bytes:
    """The content of the first record of TLS, a ClientHello or a ServerHello: what goes out in the clear."""
    return octets[5 : 5 + int.from_bytes(octets[3:5], "big")]
