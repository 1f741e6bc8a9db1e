"""Who appears in an attack: certificates, keys and trust anchor modules for the names of a trace.

The suite owns every authority, so each credential of the trace can be made: that of an honest party, of another party
with a name of its own, one under a root that nobody trusts, one that has been revoked. A key that the attacker does not
have signs octets drawn at random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256

from ...model.claims import REVOKED_ATTESTATION_KEY
from ...model.extract.reader import EXPECTED
from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.edhoc import INITIATOR, RESPONDER
from ...model.protocol.frames import NOT_REQUIRED, WAIVED
from ...model.verifier.replay import Value
from ..codec import cbor
from ..crypto.random import SeededRandom
from ..identity.certificate import DEVICE_URN, Certificate
from ..identity.credentials import Credentials
from ..identity.keys import PrivateKey, derive_key, signer
from ..identity.oids import EKU_CLIENT_AUTH, EKU_DEVICE, EKU_SERVER_AUTH, EKU_SERVICE
from ..identity.pki import Authority, Issued, LeafSpec, issue_leaf, leaf_spec
from ..identity.status import encode_proofs, make_ocsp
from ..identity.tam import BootEvent, SoftwareTam
from ..identity.tester import TesterPki, boot_events, opposite
from ..identity.world import World
from ..tester.session import Iut
from .story import LETTER, OTHER, ROLE, WEAK, Inexpressible, Player, Role, Story

CREDENTIAL = {"I": INITIATOR.id_cred, "R": RESPONDER.id_cred}
REVOKED_CERTIFICATE = "revoked-certificate"
USAGES = {"device": (EKU_DEVICE, EKU_CLIENT_AUTH), "service": (EKU_SERVICE, EKU_SERVER_AUTH)}
SIGNATURE = 64
"""Octets of an ES256 signature."""


class Cast:
    """The parties of one trace. `iut` is the implementation under test; its peer is the tester's own party."""

    def __init__(self, story: Story, iut: Iut, rng: SeededRandom) -> None:
        self.story, self.iut, self.rng = story, iut, rng
        self.pki = iut.pki
        victim = story.victim
        self.victim_name = victim.agents[victim.letter]
        self.peer_name = victim.agents[OTHER[victim.letter]]
        self.endorsements: dict[int, bytes] = {}
        """Proofs of status that come with evidence towards a run, for keys that no held list is about."""

    @cached_property
    def rogue(self) -> TesterPki:
        """Authorities with the names of the honest ones and other keys."""
        return TesterPki.from_seed(sha256(b"rogue" + self.pki.seed).digest(), self.pki.now)

    # --- worlds ------------------------------------------------------------------------------------------------------

    def honest(self, player: Player) -> World:
        """The world of an honest run that the suite plays.

        Raises:
            Inexpressible: it needs the private keys of the implementation under test.
        """
        name = player.agents[player.letter]
        if name is self.victim_name and player.role == self.iut.role:
            raise Inexpressible(f"a second run of the {player.role} under test, whose keys are not the suite's")
        credentials = self._with_waiver(self._credentials(player.role, name), player)
        world = self._world(player.role, credentials, self._tam(player.role, credentials))
        return self._towards(world, player, player.agents[OTHER[player.letter]])

    def peer(self) -> World:
        """The honest peer of the implementation under test, in the mode of the trace."""
        victim = self.story.victim
        peer = dataclasses.replace(victim, letter=OTHER[victim.letter])
        credentials = self._with_waiver(self.iut.world.credentials, peer)
        return self._towards(self.iut.fresh_world(credentials=credentials), peer, self.victim_name)

    def signs(self, player: Player) -> bool:
        """Whether the attacker has the key to the certificate that he shows to a run."""
        shown = self.story.about(player.number, CREDENTIAL[OTHER[player.letter]])
        return shown is None or self.story.holds(_key(shown))

    def attacker(self, player: Player) -> World:
        """The world that the attacker shows to a run: whom he plays there, with the keys that he has."""
        letter, story = OTHER[player.letter], self.story
        role, token = ROLE[letter], EVIDENCE[letter].token
        shown = story.about(player.number, CREDENTIAL[letter])
        chain = story.about(player.number, token.chain)
        measured = story.about(player.number, token.measurements)
        credentials = self._shown(role, shown) if shown else self._credentials(role, player.agents[letter])
        if chain is not None:
            credentials = self._attesting(role, credentials, chain)
            if _key(chain).args is None:
                self.endorsements[player.number] = self._staple(credentials.ak, self.rogue.attestation.issuing)
        tam = self._tam(role, credentials, expected=measured is None or measured.head == EXPECTED)
        tam.lacks(
            self.rng,
            identity=shown is not None and not story.holds(_key(shown)),
            attestation=chain is not None and not story.holds(_key(chain)),
        )
        mirrored = dataclasses.replace(player, letter=letter)
        world = self._world(role, self._with_waiver(credentials, mirrored), tam)
        return self._towards(world, mirrored, player.agents[player.letter])

    def _world(self, role: Role, credentials: Credentials, tam: SoftwareTam) -> World:
        if role == self.iut.opposite:
            return self.iut.fresh_world(credentials=credentials, tam=tam)
        known = [self.iut.world.credentials.leaf]
        anchors, policy = self.pki.anchors(role, known), self.pki.policy(role, known[0])
        return World(role, self.iut.clock.now, credentials, anchors, policy, tam)

    def _towards(self, world: World, player: Player, peer: Value) -> World:
        """The policy of this mode, towards this peer."""
        asks = player.mode.direction(OTHER[player.letter]) is not NOT_REQUIRED
        policy = dataclasses.replace(world.policy, requires_evidence=asks)
        if peer is not self.victim_name:
            identity = self._leaf(opposite(player.role), peer).certificate.identity
            own = {"intended_peer": identity} if player.role == "device" else {"authorised_devices": (identity,)}
            policy = dataclasses.replace(policy, **own)
        return dataclasses.replace(world, policy=policy)

    # --- credentials -------------------------------------------------------------------------------------------------

    def _label(self, role: str, name: Value) -> str:
        return role if name in (self.peer_name, self.victim_name) else f"{role} {name.head.strip(WEAK)}"

    def _spec(self, role: str, name: Value) -> LeafSpec:
        label = self._label(role, name)
        names = self.pki.names(role, label)
        if role == "service" and label != role:
            names = (f"https://{name.head.strip(WEAK).replace(' ', '-').lower()}.example/", *names[1:])
        return leaf_spec(self.pki.seed, self.pki.now, role, names, f"{label} identity")

    def _leaf(self, role: str, name: Value) -> Issued:
        return issue_leaf(self._spec(role, name), self.pki.branch(role).issuing)

    def _is(self, name: Value, state: str) -> bool:
        """Whether the trace says so of a party."""
        return self.story.attack.classes.get(name.head) == state

    def _credentials(self, role: Role, name: Value) -> Credentials:
        """Honest credentials of a party, revoked where the trace says that they are."""
        credentials = self._good_credentials(role, name)
        if self._is(name, REVOKED_CERTIFICATE):
            spec = dataclasses.replace(self._spec(role, name), serial=self.pki.revoked_serial(role))
            issuer = self.pki.branch(role).issuing
            credentials = self._replaced(credentials, issue_leaf(spec, issuer), issuer, "revoked")
        if self._is(name, REVOKED_ATTESTATION_KEY):
            chain = self.story.values.make("akcert", (name, self.story.values.make("ak", (name,))))
            credentials = self._attesting(role, credentials, chain)
        return credentials

    def _good_credentials(self, role: str, name: Value) -> Credentials:
        if name is self.peer_name and role == self.iut.opposite:
            return self.iut.world.credentials
        issuer = self.pki.branch(role).issuing
        return self._replaced(self.pki.party(role, self._label(role, name)), self._leaf(role, name), issuer)

    def _replaced(
        self, credentials: Credentials, issued: Issued, issuer: Authority, status: str = "good"
    ) -> Credentials:
        leaf, key = issued.certificate, issued.key or credentials.key
        proofs = self._staple(leaf, issuer, status)
        return dataclasses.replace(credentials, leaf=leaf, chain=issued.chain, key=key, proofs=proofs)

    def _staple(self, certificate: Certificate, issuer: Authority, status: str = "good") -> bytes:
        return encode_proofs(ocsp=[make_ocsp(certificate, issuer, self.iut.clock.now(), status=status)])

    def _shown(self, role: Role, certificate: Value) -> Credentials:
        """Credentials with a certificate of the trace: usage, name, and the key that it certifies."""
        assert certificate.args is not None
        usage, name, key = certificate.args
        if name is self.victim_name and usage.head == self.iut.role != role:
            raise Inexpressible(f"the certificate of the {usage.head} under test is shown to itself")
        credentials = self._credentials(role, name)
        if key.args is None:
            spec = dataclasses.replace(self._spec(role, name), key=derive_key(self.pki.seed, f"attacker {key.head}"))
            issuer = self.rogue.branch(role).issuing
            return self._replaced(credentials, issue_leaf(spec, issuer), issuer)
        if usage.head != role:
            spec = dataclasses.replace(self._spec(role, name), eku=USAGES[usage.head])
            issuer = self.pki.branch(role).issuing
            return self._replaced(credentials, issue_leaf(spec, issuer), issuer)
        return credentials

    def _attesting(self, role: Role, credentials: Credentials, chain: Value) -> Credentials:
        """Credentials with an attestation certificate of the trace."""
        issued = self._attestation(role, chain, credentials.key)
        ak_key = issued.key or credentials.ak_key
        return dataclasses.replace(credentials, ak=issued.certificate, ak_chain=issued.chain, ak_key=ak_key)

    def _attestation(self, role: Role, chain: Value, identity_key: PrivateKey | None = None) -> Issued:
        """An attestation certificate: the platform that it names, and the key that it certifies."""
        assert chain.args is not None
        name, key = chain.args
        spec, issuer = self.pki.ak_spec(self._label(role, name)), self.pki.attestation.issuing
        if key.args is None:
            spec = dataclasses.replace(spec, key=derive_key(self.pki.seed, f"attacker {key.head}"))
            issuer = self.rogue.attestation.issuing
        elif key.head == "sk" and identity_key is not None:
            spec = dataclasses.replace(spec, key=identity_key, eku=USAGES[key.args[0].head])
        elif key.args[-1] is not name:
            spec = dataclasses.replace(spec, key=self.pki.ak_spec(self._label(role, key.args[-1])).key)
        if self._is(name, REVOKED_ATTESTATION_KEY):
            spec = dataclasses.replace(spec, serial=self.pki.revoked_serial("attestation"))
        return issue_leaf(spec, issuer)

    def attestation_key(self, role: Role, chain: Value) -> tuple[bytes, Callable[[bytes], bytes]]:
        """An attestation certificate of the trace, encoded with its path, and what signs with its key."""
        issued = self._attestation(role, chain)
        assert issued.key is not None
        if self.story.holds(_key(chain)):
            return issued.x5chain(), signer(issued.key)
        return issued.x5chain(), lambda message: self.rng(SIGNATURE)

    def _with_waiver(self, credentials: Credentials, player: Player) -> Credentials:
        waived = player.mode.direction(player.letter) is WAIVED
        honest = self.pki.waiver(credentials.leaf).sign(self.pki.waiver_authority) if waived else None
        return dataclasses.replace(credentials, waiver=honest)

    def waiver(self, statement: Value, leaf_of: Callable[[Value], Certificate]) -> bytes:
        """The waiver statement of the trace: who signs it, and the leaf that it names.

        Raises:
            Inexpressible: it has another form.
        """
        named = _find(statement, "leaf_digest")
        if named is None or named.args is None:
            raise Inexpressible("a waiver statement that names no leaf")
        waiver = self.pki.waiver(leaf_of(named.args[0]))
        if statement.head != "sign waiver":
            signed = cbor.decode(waiver.sign(self.pki.waiver_authority))
            signed.value[3] = self.rng(SIGNATURE)
            return cbor.encode(signed)
        assert statement.args is not None
        pinned = not statement.args[0].head.startswith(WEAK)
        return waiver.sign(self.pki.waiver_authority if pinned else self.pki.unpinned_authority)

    def leaf(self, role: str, certificate: Value) -> Certificate:
        """The leaf that a certificate of the trace is, unless it is the implementation's own."""
        return self._shown(ROLE[LETTER[role]], certificate).leaf

    def _tam(self, role: str, credentials: Credentials, *, expected: bool = True) -> HinderedTam:
        """The module of a platform; with software that the reference values do not know if not `expected`."""
        assert credentials.key is not None and credentials.ak_key is not None
        boot = boot_events(role)
        if not expected:
            boot = (*boot[:-1], BootEvent(boot[-1].component, sha256(b"unexpected").digest()))
        ueid = bytes.fromhex(credentials.leaf.platform.removeprefix(DEVICE_URN))
        return HinderedTam(credentials.key, credentials.ak_key, ueid, boot)

    def ueid(self, role: str, name: Value) -> bytes:
        """The identifier of the platform of that name, 33 octets."""
        return self.pki.ueid(self._label(role, name))


class HinderedTam(SoftwareTam):
    """A module some of whose keys may be missing: in their place it signs octets drawn at random."""

    def lacks(self, rng: SeededRandom, *, identity: bool, attestation: bool) -> None:
        """From now on it does without these keys."""
        if identity:
            self._sign_identity = lambda message: rng(SIGNATURE)
        if attestation:
            self._sign_attestation = lambda message: rng(SIGNATURE)


def _key(certificate: Value) -> Value:
    """The private key behind a certificate."""
    assert certificate.args is not None
    return certificate.args[-1]


def _find(term: Value, head: str) -> Value | None:
    if term.head == head and term.args is not None:
        return term
    return next((found for part in term.args or () if (found := _find(part, head)) is not None), None)
