"""What the reference peer tells its run: the values that `World` gives to the table's atoms, and its predicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ...model.protocol.frames import FLAG_ANONYMOUS, FLAG_REQUIRES_EVIDENCE, FLAG_TRUSTED_INTERFACE, FLAG_WAIVER
from ..codec import cbor, cose
from ..crypto.random import Random
from ..crypto.suites import SUITES
from ..evaluator.bare import judge_ead, judge_share, judge_suites
from ..evaluator.errors import CheckFailed
from ..identity.certificate import PublicKey
from ..identity.errors import Refused
from ..identity.footing import AGAIN, ENDS, IN_PLACE_OF, REVOCABLE
from ..identity.predicates import PREDICATES, ak_public_key, waiver_public_key
from ..identity.tam import TpmModule
from ..identity.tpm_emulation import EmulatedTpm
from ..identity.world import World
from ..tpm.structures import SHA256 as TPM_SHA256
from .judging import BOOTSEED, JUDGES, chain_digest
from .property_evidence import commitment, property_proofs

if TYPE_CHECKING:
    from ..identity.psa import SoftwarePsa

PROFILE_SUITES = (3, 2, 5)
"""Suites of the profile that a P-256 identity can speak, the preferred one first."""

SESSION_LIFETIME = 86_400
"""Seconds for which a session is used; no verdict lasts longer, so that it is EXPIRED then and ended (EDH-24)."""
CHAINS = 64
"""Chains of one's own whose encoding is kept."""


class WorldProvider:
    """Provider of one connection of one peer.

    `suites` are those this peer accepts; a device offers `suites_i`, by default the first of them.
    """

    def __init__(
        self, world: World, rng: Random, *, suites: tuple[int, ...] = PROFILE_SUITES, suites_i: tuple[int, ...] = ()
    ) -> None:
        self.world = world
        self.rng = rng
        self.suites = suites
        self.suites_i = suites_i or suites[:1]
        self.selected: Callable[[], int] = lambda: self.suites_i[-1]
        self.lives: Callable[[], bool] = lambda: True
        self._id_creds: dict[bytes, bytes] = {}
        self.opening = b""
        """Of the latest commitment of the module, for the software alone."""
        self.found: dict[str, tuple[bytes, ...]] = {}
        """Of what can be revoked: check to what it was about, where it held."""
        self.confirmed: set[bytes] = set()
        """Digests of the labels by which the peer's user has confirmed transactions of this session."""
        self._ends: dict[str, int | None] = {"session": world.time() + SESSION_LIFETIME}

    # --- atoms -------------------------------------------------------------------------------------------------------

    def given(self, label: str) -> Any:
        """Value of an atom; those of one side end in its letter."""
        return _ATOMS[label](self)

    def valid_for(self) -> int:
        """Seconds for a verdict: the policy's, never beyond its own re-attestation or what the verdict rests on.

        Raises CheckFailed when that has ended: then no verdict can be given any more.
        """
        world, policy = self.world, self.world.policy
        longest = min(policy.valid_for, policy.reattest_interval)
        seconds = min((longest, *(end - world.time() for end in self._ends.values() if end is not None)))
        if seconds <= 0:
            raise CheckFailed("verdicts_are_still_valid", "what a verdict would rest on has ended")
        return min(seconds, max(1, world.credentials.leaf.not_after - world.time()))

    def rests_on(self, check: str, ends: int | None) -> None:
        """A check has found what is good until then, unix seconds: no verdict outlives it."""
        self._ends[check] = ends

    def flags(self) -> int:
        """HELLO flags of this policy."""
        waiver = FLAG_WAIVER if self.world.credentials.waiver else 0
        anonymous = FLAG_ANONYMOUS if self.world.pseudonym else 0
        interface = FLAG_TRUSTED_INTERFACE if self.world.interface else 0
        return (FLAG_REQUIRES_EVIDENCE if self.world.policy.requires_evidence else 0) | waiver | anonymous | interface

    def look_again(self) -> None:
        """Whether anything that this session rests on is revoked by now. Raises CheckFailed of `AGAIN`."""
        for check, arguments in tuple(self.found.items()):
            try:
                self.judge(check, arguments)
            except CheckFailed as failure:
                raise CheckFailed(AGAIN, failure.reason) from failure

    # --- symbols -----------------------------------------------------------------------------------------------------

    def look_up(self, symbol: str, argument: bytes) -> Any:
        """Values that certificates decide."""
        try:
            return _LOOK_UP[symbol](self, argument)
        except Refused as refusal:
            raise CheckFailed(refusal.check, refusal.reason) from refusal

    def id_cred_of(self, cred: bytes) -> bytes:
        """The ID_CRED_x through which a CRED_x was resolved; a party's own it knows however it was named."""
        for id_cred, resolved in self._id_creds.items():
            if resolved == cred:
                return id_cred
        if cred == cbor.bstr(self.world.credentials.leaf.der):
            return own_id_cred(self.world)
        raise LookupError("no ID_CRED_x was resolved to this credential")

    def cred(self, id_cred: bytes) -> bytes:
        """CRED_x: a byte string of the leaf's DER (RFC 9528 section 3.5.2)."""
        own = own_id_cred(self.world)
        leaf = self.world.credentials.leaf if id_cred == own else self.world.credential(id_cred).leaf
        encoded = cbor.bstr(leaf.der)
        self._id_creds[id_cred] = encoded
        return encoded

    def leaf(self, cred: bytes) -> Any:
        """Certificate of a CRED_x."""
        id_cred = self.id_cred_of(cred)
        own = own_id_cred(self.world)
        return self.world.credentials.leaf if id_cred == own else self.world.credential(id_cred).leaf

    # --- predicates --------------------------------------------------------------------------------------------------

    def judge(self, check: str, arguments: tuple[bytes, ...]) -> None:
        """Predicates of the handshake, of headers and of the world."""
        if check in PREDICATES:
            try:
                PREDICATES[check](self.world, *arguments)
            except Refused as refusal:
                raise CheckFailed(check, refusal.reason) from refusal
            if check in ENDS:
                self.rests_on(IN_PLACE_OF.get(check, check), ENDS[check](self.world, *arguments))
            if check in REVOCABLE:
                self.found[check] = arguments
        elif check in JUDGES:
            try:
                JUDGES[check](self, *arguments)
            except ValueError as error:
                raise CheckFailed(check, str(error)) from error
        elif check == "suite_is_most_preferred":
            judge_suites(arguments[0], self.suites)
        elif check in ("g_x_is_valid", "g_y_is_valid"):
            judge_share(check, arguments[0], SUITES[self.selected()])
        else:
            judge_ead(check, arguments[0])


def own_id_cred(world: World) -> bytes:
    """ID_CRED_x by value: x5chain, leaf first, roots left out (RFC 9360)."""
    return _by_value(world.credentials.leaf.der, *(c.der for c in world.credentials.chain))


@lru_cache(CHAINS)
def _by_value(*certificates: bytes) -> bytes:
    return cbor.encode({33: cose.x5chain(certificates)})


@lru_cache(CHAINS)
def _chain(*certificates: bytes) -> bytes:
    return cbor.encode(cose.x5chain(certificates))


def _ak_chain(world: World) -> bytes:
    return _chain(world.credentials.ak.der, *(c.der for c in world.credentials.ak_chain))


def _tpm_chain(world: World) -> bytes:
    """Always an array (TPM-01)."""
    issued = world.credentials.tpm_ak
    if issued is None:
        raise LookupError("no certificate for the attestation key of a TPM")
    return cbor.encode([issued.certificate.der, *(c.der for c in issued.chain)])


def _module(provider: WorldProvider) -> TpmModule:
    module = provider.world.tam.module
    if module is None:
        raise LookupError("the trust anchor module is no TPM")
    return module


def _psa_chain(world: World) -> bytes:
    issued = world.credentials.psa_ak
    if issued is None:
        raise LookupError("no certificate for an initial attestation key")
    return _chain(issued.certificate.der, *(c.der for c in issued.chain))


def _psa(provider: WorldProvider) -> SoftwarePsa:
    from ..identity.psa import SoftwarePsa  # Few peers have one.

    issued = provider.world.credentials.psa_ak
    if issued is None or issued.key is None:
        raise LookupError("no initial attestation key")
    return SoftwarePsa(provider.world.tam, issued.key)


def _emulated(provider: WorldProvider) -> EmulatedTpm:
    """What a real TPM signs is never computed here."""
    module = _module(provider)
    if not isinstance(module, EmulatedTpm):
        raise LookupError("the TPM makes its structures itself")
    return module


def _cose_key(key: PublicKey) -> bytes:
    """A key as COSE_Key. Raises CheckFailed for a kind of key that the profile has no form for."""
    if isinstance(key, RSAPublicKey):
        raise CheckFailed("cnf_is_peer_identity_key", "an RSA key has no place in this profile")
    return cbor.encode(cose.cose_key(key))


def _encoded(value: Callable[[WorldProvider], Any]) -> Callable[[WorldProvider], bytes]:
    return lambda provider: cbor.encode(value(provider))


def _absent(provider: WorldProvider) -> bytes:
    return b""


def _random(length: int) -> Callable[[WorldProvider], bytes]:
    return lambda provider: provider.rng(length)


def _suites_i(provider: WorldProvider) -> bytes:
    offered = provider.suites_i
    return cbor.encode(offered[0] if len(offered) == 1 else list(offered))


def _further(provider: WorldProvider) -> bytes:
    """Claims that only some modules make: the boot seed of a virtualized root of trust, the user interface."""
    seed, interface = provider.world.tam.boot_seed, provider.world.interface
    claims = cbor.encode(BOOTSEED) + cbor.encode(seed) if seed else b""
    return claims + interface.claim() if interface else claims


_WHOLE: Mapping[str, Callable[[WorldProvider], Any]] = {
    "suites_i": _suites_i,
    "c_i": _encoded(lambda p: int.from_bytes(p.rng(1), "big") % 48 - 24),
    "c_r": _encoded(lambda p: int.from_bytes(p.rng(1), "big") % 48 - 24),
    **{f"ead_{number}": _absent for number in (1, 2, 3, 4)},
}

_now = _encoded(lambda p: p.world.time())

_GIVEN: Mapping[str, Callable[[WorldProvider], Any]] = {
    "id_cred": lambda p: own_id_cred(p.world),
    "sk": lambda p: p.world.tam.sign_identity,
    "ak": lambda p: p.world.tam.sign_attestation,
    "nonce": _random(32),
    "att_req_nonce": _random(32),
    "offered": _encoded(lambda p: list(p.world.policy.offered)),
    "accepted": _encoded(lambda p: list(p.world.policy.accepted)),
    "att_req_accepted": _absent,
    "flags": _encoded(WorldProvider.flags),
    "max_age": _encoded(lambda p: p.world.policy.max_age),
    "reattest_interval": _encoded(lambda p: p.world.policy.reattest_interval),
    "proofs": lambda p: p.world.credentials.proofs,
    "waiver": lambda p: p.world.credentials.waiver or b"",
    "purpose": _absent,
    "question_policy": _encoded(lambda p: p.world.policy.verifier_policy),
    "own_policy": _encoded(lambda p: p.world.policy.own_policy),
    "reason": _absent,
    "endorsements": _absent,
    "valid_for": _encoded(WorldProvider.valid_for),
    "ak_chain": lambda p: _ak_chain(p.world),
    "iat": _now,
    "bootcount": _encoded(lambda p: p.world.tam.bootcount),
    "debug": _encoded(lambda p: p.world.tam.debug_status),
    "eat_further": _further,
    "pba_commitment": commitment,
    "pba_opening": lambda p: p.opening,
    "key_attributes": _encoded(lambda p: p.world.tam.key_attributes()),
    "measurements": _encoded(lambda p: p.world.tam.measurements()),
    "idk": lambda p: _cose_key(p.world.tam.identity_key),
    "ueid": _encoded(lambda p: p.world.tam.ueid),
    "tpm_ak": lambda p: _emulated(p).sign,
    "tpm_ak_chain": lambda p: _tpm_chain(p.world),
    "tpm_ak_public": lambda p: _module(p).ak_public,
    "tpm_idk_public": lambda p: _module(p).idk_public,
    "tpm_pcrs": _encoded(lambda p: {TPM_SHA256: _module(p).pcrs()}),
    "tpm_log": _encoded(lambda p: _module(p).log()),
    "tpm_ima": _absent,
    "tpm_signer": lambda p: _emulated(p).signer,
    "tpm_clock": lambda p: _emulated(p).clock,
    "tpm_reset": lambda p: _emulated(p).reset_count,
    "tpm_restart": lambda p: _emulated(p).restart_count,
    "tpm_safe": lambda p: _emulated(p).safe,
    "tpm_firmware": lambda p: _emulated(p).firmware,
    "tpm_quoted": lambda p: _emulated(p).quoted,
    "tpm_certified": lambda p: _emulated(p).certified,
    "psa_ak": lambda p: _psa(p).sign,
    "psa_ak_chain": lambda p: _psa_chain(p.world),
    "psa_seed": _encoded(lambda p: _psa(p).boot_seed),
    "psa_client": _encoded(lambda p: _psa(p).client),
    "psa_lifecycle": _encoded(lambda p: _psa(p).lifecycle),
    "psa_implementation": _encoded(lambda p: _psa(p).implementation),
    "psa_components": _encoded(lambda p: _psa(p).components),
    "label_iss": _encoded(lambda p: p.world.credentials.leaf.platform),
    "label_sub": _encoded(lambda p: p.world.credentials.leaf.identity),
    "label_iat": _now,
    "label_cti": _random(16),
    "label_blocks": _absent,
    "label_action": _absent,
    "label_inputs": _absent,
    "label_tui": _absent,
    "label_chain": _absent,
    "data_plain": _absent,
    "data_inputs": _absent,
    "sequence": _encoded(lambda p: p.world.memory.next_sequence(p.world.pseudonym)),
}

_ATOMS = {f"{base}_{letter}": given for base, given in _GIVEN.items() for letter in "ir"} | dict(_WHOLE)

_LOOK_UP: Mapping[str, Callable[[WorldProvider, bytes], Any]] = {
    "cred": WorldProvider.cred,
    "public_key": lambda p, cred: p.leaf(cred).public_key,
    "leaf_digest": lambda p, cred: p.leaf(cred).sha256,
    "cose_key": lambda p, cred: _cose_key(p.leaf(cred).public_key),
    "device_id": lambda p, cred: cbor.encode(bytes.fromhex(p.leaf(cred).platform.rpartition(":")[2])),
    "chain_key": lambda p, chain: ak_public_key(p.world, chain),
    "chain_digest": lambda p, chain: chain_digest(p.world, chain),
    "property_proofs": property_proofs,
    "authority_key": lambda p, thumbprint: waiver_public_key(p.world, thumbprint),
}
