"""The attacker's identities: certified by the authorities that both ends trust, stolen, revoked, or none."""

from __future__ import annotations

import dataclasses
from functools import cache, cached_property
from typing import Any

from ..identity.credentials import Credentials
from ..identity.keys import PrivateKey, derive_key
from ..identity.pki import Authority, LeafSpec, authority_spec, issue_leaf, issue_root, leaf_spec
from ..identity.tam import SoftwareTam, Tam, platform_urn
from ..identity.tester import TesterPki, boot_events
from ..identity.world import Memory, World
from ..tester.session import OPPOSITE, Role
from .ends import Pair

SERVICE = "https://insider.example/"


class Cast:
    """Who the attacker can be. Every world faces the live end of the opposite role."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    @cached_property
    def pki(self) -> TesterPki:
        """The authorities that both ends trust."""
        return self._pair.device.session.pki

    def identity(self, role: str) -> str:
        """URI of the attacker's own certificate in a role."""
        return self._names(role)[0]

    def introducing(self, role: Role) -> dict[str, Any]:
        """The configuration of the end that is meant to speak with the insider of a role."""
        if role == "service":
            return {"intended_peer": self.identity(role)}
        return {"authorised_devices": [self._pair.device.identity, self.identity(role)]}

    # --- who -----------------------------------------------------------------------------------------------------

    def stolen(self, role: Role) -> World:
        """The honest party of a role, with its identity key."""
        return self._pair.end(OPPOSITE[role]).session.fresh_world(memory=Memory())

    @cache  # noqa: B019 (one cast for a run)
    def insider(self, role: Role) -> World:
        """A dishonest party of a role, with a genuine platform of its own."""
        return self._world(role, self._credentials(role, self._spec(role)))

    def revoked(self, role: Role) -> World:
        """The insider, under a certificate that has been revoked."""
        serial = self.pki.revoked_serial(role)
        return self._world(role, self._credentials(role, dataclasses.replace(self._spec(role), serial=serial)))

    def impostor(self, role: Role) -> World:
        """Somebody who shows the honest party's certificate and has another key."""
        honest = self.stolen(role)
        key = derive_key(self.pki.seed, f"impostor {role}")
        return self._world(role, dataclasses.replace(honest.credentials, key=key))

    def forger(self, role: Role) -> World:
        """The honest party's names in a certificate of the attacker's own authority."""
        spec = dataclasses.replace(self._spec(role), uris=tuple(self.stolen(role).credentials.leaf.uris))
        root = issue_root(authority_spec(b"forger", self.pki.now, role, "root"))
        return self._world(role, self._credentials(role, spec, root))

    def other_role(self, role: Role) -> World:
        """The insider under a certificate that the role's authority issued for the other role."""
        spec = dataclasses.replace(self._spec(role), eku=self._spec(OPPOSITE[role]).eku)
        return self._world(role, self._credentials(role, spec))

    def cuckoo(self, role: Role) -> World:
        """The honest party's identity key, and evidence by the attacker's own platform."""
        victim, own = self.stolen(role), self.insider(role).credentials
        credentials = dataclasses.replace(victim.credentials, ak=own.ak, ak_chain=own.ak_chain, ak_key=own.ak_key)
        return dataclasses.replace(victim, credentials=credentials, tam=_Split(victim.tam, own, role))

    # --- how -----------------------------------------------------------------------------------------------------

    def _names(self, role: str) -> tuple[str, ...]:
        urn = platform_urn(self.pki.ueid(f"insider {role}"))
        return (urn,) if role == "device" else (SERVICE, urn)

    def _spec(self, role: Role) -> LeafSpec:
        return leaf_spec(self.pki.seed, self.pki.now, role, self._names(role), f"insider {role} identity")

    def _credentials(self, role: Role, spec: LeafSpec, issuer: Authority | None = None) -> Credentials:
        issuer = issuer or self.pki.branch(role).issuing
        leaf = issue_leaf(spec, issuer)
        ak = issue_leaf(self.pki.ak_spec(f"insider {role}"), self.pki.attestation.issuing)
        return Credentials(
            leaf.certificate, leaf.chain, leaf.key, ak.certificate, ak.chain, ak.key,
            self.pki.staple(leaf.certificate, issuer),
        )  # fmt: skip

    def _world(self, role: Role, credentials: Credentials) -> World:
        tam = SoftwareTam(*_module(credentials), boot_events(role))
        return dataclasses.replace(self.stolen(role), credentials=credentials, tam=tam)


def _module(credentials: Credentials) -> tuple[PrivateKey, PrivateKey, bytes]:
    """Identity key, attestation key and identifier of the platform that the leaf names."""
    assert credentials.key is not None and credentials.ak_key is not None
    return credentials.key, credentials.ak_key, bytes.fromhex(credentials.leaf.platform.rpartition(":")[2])


class _Split(SoftwareTam):
    """The attacker's own module, but handshakes are signed with another identity key."""

    def __init__(self, identity: Tam, own: Credentials, role: str) -> None:
        super().__init__(*_module(own), boot_events(role))
        self._identity = identity

    def sign_identity(self, message: bytes) -> bytes:
        return self._identity.sign_identity(message)
