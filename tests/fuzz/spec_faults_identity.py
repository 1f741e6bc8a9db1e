"""Faults about certificates, paths, revocation and waivers (chapters 2, 8 and 14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from faulty_peer import FaultyEndpoint, FaultyRun, declare, endpoint, instead, need

from trustconn.harness.codec import cbor
from trustconn.harness.identity.certificate import Certificate
from trustconn.harness.identity.credential_checks import check_validity, local_statuses
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.oids import EKU_DEVICE, EKU_EAT_AK, EKU_SERVICE
from trustconn.harness.identity.path import verify_path
from trustconn.harness.identity.predicates import PREDICATES
from trustconn.harness.identity.revocation import SHORT_LIVED
from trustconn.harness.identity.world import Memory, PeerCredential, World, thumbprint_digest
from trustconn.harness.peer.provider import WorldProvider
from trustconn.model.protocol.frames import SIDES

Honest = Callable[[], None]


def leaf_of(run: FaultyRun, id_cred: bytes) -> Certificate:
    """The leaf that an ID_CRED_x names."""
    return run.world.credential(id_cred).leaf


def values(encoded: bytes) -> Any:
    """The value of an item."""
    return cbor.decode(encoded)


# --- names and purposes ----------------------------------------------------------------------------------------------


@instead("cred_r_is_intended", "IDN-15", "compares the service's identity URI without regard to case", ("device",))
def identity_ignores_case(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    intended = run.world.policy.intended_peer or ""
    need(leaf_of(run, id_cred).identity.lower() == intended.lower(), "another service")


@instead("cred_r_is_intended", "IDN-15", "accepts an identity URI that begins with the configured one", ("device",))
def identity_by_prefix(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need(leaf_of(run, id_cred).identity.startswith(run.world.policy.intended_peer or "?"), "another service")


@instead("cred_r_is_intended", "IDN-15", "looks for the configured URI among all URIs of the leaf", ("device",))
def any_name_is_the_identity(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need(run.world.policy.intended_peer in leaf_of(run, id_cred).uris, "another service")


@instead("cred_i_is_authorised", "IDN-16", "accepts an identity that is the beginning of a listed one", ("service",))
def authorised_by_prefix(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    identity = leaf_of(run, id_cred).identity
    listed = run.world.policy.authorised_devices
    need(bool(identity) and any(item.startswith(identity) for item in listed), "not listed")


@instead("cred_i_is_authorised", "IDN-16", "looks for a listed device among all URIs of the leaf", ("service",))
def any_name_is_authorised(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need(bool(set(run.world.policy.authorised_devices) & set(leaf_of(run, id_cred).uris)), "not listed")


@instead(
    "cred_r_has_service_role cred_i_has_device_role", "IDN-13/IDN-14", "does not mind the other role beside its own"
)
def role_among_others(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need((EKU_SERVICE if run.role == "device" else EKU_DEVICE) in leaf_of(run, id_cred).eku, "not this role")


@instead("cred_{}_is_not_mine", "IDN-17", "knows its own certificate by its digest and compares no keys")
def mine_by_certificate(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need(leaf_of(run, id_cred).sha256 != run.world.credentials.leaf.sha256, "my own")


@instead("cred_{}_key_usage_is_signature", "IDN-12", "takes a leaf without key usage for one that allows everything")
def no_key_usage_is_any(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    try:
        leaf_of(run, id_cred).parsed.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE)
    except x509.ExtensionNotFound:
        return
    honest()


@instead(
    "cred_{}_is_no_attestation_certificate", "IDN-18", "refuses tc-eat-ak in an identity leaf, not the usage of TCG"
)
def tpm_key_as_identity(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    need(EKU_EAT_AK not in leaf_of(run, id_cred).eku, "an attestation key")


# --- paths -----------------------------------------------------------------------------------------------------------


@instead("cred_{}_is_in_validity ak_is_in_validity", "IDN-11", "looks at notAfter only")
def validity_ignores_beginning(run: FaultyRun, honest: Honest, named: bytes) -> None:
    credential = run.world.x5chain(named) if values(named).__class__ is not dict else run.world.credential(named)
    for certificate in (credential.leaf, *credential.chain):
        need(run.world.time() <= certificate.not_after, "expired")


@instead("cred_{}_is_in_validity", "IDN-11", "judges the validity period of the leaf alone")
def validity_of_leaf_alone(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    check_validity(leaf_of(run, id_cred), run.world.time())


@instead("cred_{}_is_in_validity", "IDN-11", "accepts a certificate for a minute after its end")
def validity_with_tolerance(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    credential, now = run.world.credential(id_cred), run.world.time()
    for certificate in (credential.leaf, *credential.chain):
        need(certificate.not_before <= now <= certificate.not_after + 60, "not valid")


def _verify(world: World, credential: PeerCredential, *, limited: bool, everywhere: bool, attestation: bool) -> None:
    anchors = world.roots(attestation) + (world.roots(not attestation) if everywhere else ())
    changes: dict[str, Any] = {} if limited else {"path_length": None}
    chain, roots = ([dataclasses.replace(c, **changes) for c in part] for part in (credential.chain, anchors))
    verify_path(credential.leaf, chain, roots)


@instead("cred_{}_path_verifies", "IDN-10", "ignores path length constraints")
def path_length_ignored(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    _verify(run.world, run.world.credential(id_cred), limited=False, everywhere=False, attestation=False)


@instead("cred_{}_path_verifies", "IDN-10", "takes the roots of attestation keys for identities too")
def any_root_for_any_role(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    _verify(run.world, run.world.credential(id_cred), limited=True, everywhere=True, attestation=False)


@instead("ak_path_verifies", "ATT-12", "takes the roots of identities for attestation keys too")
def ak_below_identity_root(run: FaultyRun, honest: Honest, chain: bytes) -> None:
    _verify(run.world, run.world.x5chain(chain), limited=True, everywhere=True, attestation=True)


@instead("cred_{}_path_verifies", "IDN-10", "remembers verified paths by issuer and serial number of the leaf")
def path_by_serial(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    leaf = leaf_of(run, id_cred)
    if (leaf.issuer, leaf.serial) not in run.store:
        honest()
        run.store[leaf.issuer, leaf.serial] = True


class _ByPrefix(World):
    def _by_hash(self, thumbprint: object) -> PeerCredential:
        digest = thumbprint_digest(thumbprint)
        found = next((c for h, c in self.held().items() if h[:8] == digest[:8]), None)
        return World._by_hash(self, [-16, found.sha256 if found else digest])


class _ClockGoesBack(World):
    def time(self) -> int:
        return self.now()


def _as(kind: type[World]) -> Callable[[World], World]:
    def make(world: World) -> World:
        return kind(**{f.name: getattr(world, f.name) for f in dataclasses.fields(world) if not f.name.startswith("_")})

    return make


declare("thumbprint_by_prefix", "IDN-19", "finds a certificate by the first 8 octets of x5t", world=_as(_ByPrefix))
declare("clock_goes_back", "REV-10", "does not heed the latest thisUpdate", world=_as(_ClockGoesBack))


def _forget_time(memory: Memory) -> None:
    memory.time_floor = 0


declare("clock_lost_at_restart", "REV-10", "forgets the latest thisUpdate at a restart", restart=_forget_time)


# --- revocation ------------------------------------------------------------------------------------------------------


@instead("cred_{}_is_not_revoked_locally", "REV-02", "looks up the leaf in its lists, not the issuers")
def revoked_leaf_alone(run: FaultyRun, honest: Honest, id_cred: bytes) -> None:
    credential = run.world.credential(id_cred)
    statuses = local_statuses(run.world, credential)
    need(not any(s.revoked for c, s in statuses if c is credential.leaf), "revoked")


PROVEN = "peer_leaf_is_not_revoked ak_is_not_revoked"


def _under(run: FaultyRun, judge: Honest, **policy: Any) -> None:
    """Judge under another policy."""
    kept = run.world.policy
    run.world.policy = dataclasses.replace(kept, **policy)
    try:
        judge()
    finally:
        run.world.policy = kept


@instead(PROVEN, "REV-06", "accepts a proof whose thisUpdate is to come")
def proof_from_future(run: FaultyRun, honest: Honest, *named: bytes) -> None:
    kept = run.world.memory.time_floor
    _under(run, honest, clock_tolerance=1 << 40)
    run.world.memory.time_floor = kept


@instead("peer_leaf_is_not_revoked", "REV-07", "accepts a proof as old as the peer's own HELLO allows")
def proof_age_by_peer(run: FaultyRun, honest: Honest, *named: bytes) -> None:
    theirs = values(run.value(SIDES[run.peer].max_age))
    _under(run, honest, revocation_max_age=max(run.world.policy.revocation_max_age, theirs))


@instead("peer_leaf_is_not_revoked", "REV-14", "reads the first proof only and refuses what that one does not prove")
def first_proof_alone(run: FaultyRun, honest: Honest, id_cred: bytes, proofs: bytes) -> None:
    first = cbor.encode(values(proofs)[:1]) if proofs else b""
    PREDICATES["peer_leaf_is_not_revoked"](run.world, id_cred, first)


@instead("peer_leaf_is_not_revoked", "REV-03", "is content with a good proof beside one that says revoked")
def one_good_proof(run: FaultyRun, honest: Honest, id_cred: bytes, proofs: bytes) -> None:
    for proof in values(proofs) if proofs else ():
        try:
            PREDICATES["peer_leaf_is_not_revoked"](run.world, id_cred, cbor.encode([proof]))
        except Refused:
            continue
        return
    honest()


@instead("peer_leaf_is_not_revoked", "REV-03", "takes a leaf that ends within seven days for a short-lived one")
def remaining_life_counts(run: FaultyRun, honest: Honest, id_cred: bytes, proofs: bytes) -> None:
    if leaf_of(run, id_cred).not_after - run.world.time() > SHORT_LIVED:
        honest()


@instead("ak_is_not_revoked", "REV-05", "asks for the status of the attestation key in the first epoch alone")
def ak_status_once(run: FaultyRun, honest: Honest, *named: bytes) -> None:
    if not run.notes.setdefault("asked", False):
        honest()
    run.notes["asked"] = True


# --- waivers ---------------------------------------------------------------------------------------------------------


@instead("waiver_is_in_force", "WVR-07", "accepts a waiver in the second of its exp")
def waiver_at_its_end(run: FaultyRun, honest: Honest, iat: bytes, exp: bytes) -> None:
    need(values(iat) <= run.world.time() + 60 and run.world.time() <= values(exp), "not in force")


@instead("waiver_is_in_force", "WVR-07", "does not read the waiver's iat")
def waiver_from_future(run: FaultyRun, honest: Honest, iat: bytes, exp: bytes) -> None:
    need(run.world.time() < values(exp), "not in force")


@instead("waiver_level_suffices", "WVR-06", "demands level 3 whatever its policy says")
def waiver_level_three(run: FaultyRun, honest: Honest, level: bytes) -> None:
    need(3 <= values(level) <= 4, "level")


@instead("waiver_names_the_peer_leaf", "WVR-05", "compares 8 octets of the digest of the leaf")
def waiver_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(received[:8] == expected[:8], "another leaf")


@instead("waiver_comes_with_its_flag", "WVR-01", "ignores a waiver that no flag announces")
def waiver_without_flag(run: FaultyRun, honest: Honest, flags: bytes, waiver: bytes) -> None:
    if values(flags) & 2:
        honest()


def _outlives(name: str, requirement: str, says: str, *checks: str) -> None:
    class Unmindful(WorldProvider):
        def valid_for(self) -> int:
            self._ends |= dict.fromkeys(self._ends.keys() & set(checks))
            return super().valid_for()

        def rests_on(self, check: str, ends: int | None) -> None:
            super().rests_on(check, None if check in checks else ends)

    class Outliving(FaultyEndpoint):
        def distort(self) -> None:
            self.provider.__class__ = Unmindful

    endpoint(name, requirement, says)(Outliving)


_outlives("verdict_outlives_waiver", "WVR-10", "does not end valid_for with the waiver", "waiver_is_in_force")
_outlives("session_without_end", "EDH-24", "uses a session for more than 24 hours", "session")
_outlives("verdict_outlives_proof", "SES-12", "does not end valid_for with a proof", *PROVEN.split())
_outlives("verdict_outlives_attestation_key", "SES-12", "does not end valid_for with that key", "ak_is_in_validity")


class _Endless(WorldProvider):
    """Gives verdicts the policy's time."""

    def given(self, label: str) -> Any:
        return cbor.encode(self.valid_for()) if label.startswith("valid_for") else super().given(label)

    def valid_for(self) -> int:
        return min(self.world.policy.valid_for, self.world.policy.reattest_interval)


@endpoint("verdict_outlives_leaf", "SES-12", "does not end valid_for with the peer's leaf")
class _OutlivesLeaf(FaultyEndpoint):
    def distort(self) -> None:
        self.provider.__class__ = _Endless


class _BeyondInterval(_Endless):
    """Gives verdicts what the policy says of them, whatever the interval."""

    def valid_for(self) -> int:
        return self.world.policy.valid_for


@endpoint("verdict_outlives_interval", "SES-12", "does not end valid_for with its re-attestation interval")
class _OutlivesInterval(FaultyEndpoint):
    def distort(self) -> None:
        self.provider.__class__ = _BeyondInterval
