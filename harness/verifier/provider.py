"""What the reference verifier tells its run: claims of its results, and decisions about a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model.refusals import Code
from ...spec import identifiers
from ..codec import cbor
from ..crypto.random import Random
from ..evaluator.errors import CheckFailed
from ..identity.world import World
from ..peer.provider import WorldProvider
from .ledger import Ledger
from .policy import AppraisalPolicy

_EAR: Mapping[str, Any] = identifiers()["ear"]
STATUS, VECTOR, POLICY_IDS = _EAR["status"], _EAR["vector"], _EAR["policy_ids"]
SUBMOD: str = _EAR["submod"]
_TRUST: Mapping[str, int] = _EAR["trustworthiness"]
AFFIRMING, CONTRAINDICATED = _TRUST["affirming"], _TRUST["contraindicated"]
IDENTITY, CONFIGURATION, EXECUTABLES = (_TRUST[name] for name in ("instance_identity", "configuration", "executables"))
GOOD = dict.fromkeys((IDENTITY, CONFIGURATION, EXECUTABLES, _TRUST["hardware"]), AFFIRMING)

_OF_CHECK = {
    "measurements_match_reference_values": (EXECUTABLES, CONTRAINDICATED),
    "psa_components_match_reference_values": (EXECUTABLES, CONTRAINDICATED),
    "psa_signers_are_the_named_ones": (EXECUTABLES, CONTRAINDICATED),
    "tpm_pcrs_match_reference_values": (EXECUTABLES, CONTRAINDICATED),
    "eat_debug_is_disabled": (CONFIGURATION, CONTRAINDICATED),
    "psa_lifecycle_is_secured": (CONFIGURATION, CONTRAINDICATED),
}
_OF_CODE = {
    Code.IDENTITY_MISMATCH: (IDENTITY, _TRUST["not_recognised"]),
    Code.REVOKED: (IDENTITY, CONTRAINDICATED),
}


class VerifierProvider(WorldProvider):
    """Provider of one request. `appraised_by` is the policy that it names, None for one that is not held."""

    def __init__(
        self,
        world: World,
        rng: Random,
        ledger: Ledger,
        appraised_by: AppraisalPolicy | None,
        identity: Mapping[int, str],
    ) -> None:
        super().__init__(world, rng)
        self.ledger, self.appraised_by, self.identity = ledger, appraised_by, identity
        self.refused: CheckFailed | None = None
        """Why the evidence is refused; while there is no reason the result is affirming."""

    def given(self, label: str) -> Any:
        """Value of an atom."""
        own = _GIVEN.get(label)
        return own(self) if own else super().given(label)

    def judge(self, check: str, arguments: tuple[bytes, ...]) -> None:
        """A verifier's own decisions, and those of every relying party."""
        if check == "policy_is_known":
            if self.appraised_by is None or not self.appraised_by.usable:
                raise CheckFailed(check, f"{cbor.decode(arguments[0])!r} names no policy that could affirm anything")
        elif check == "binder_is_new":
            if not self.ledger.use(arguments[0]):
                raise CheckFailed(check, "a binder that was asked about before")
        else:
            super().judge(check, arguments)

    def submods(self) -> dict[str, dict[int, Any]]:
        """The appraisal: of the platform as a whole, or of each property."""
        assert self.appraised_by is not None, "policy_is_known comes first"
        status = CONTRAINDICATED if self.refused else AFFIRMING
        common = {STATUS: status, POLICY_IDS: [self.appraised_by.id]}
        if self.appraised_by.properties:
            return {name: dict(common) for name in self.appraised_by.properties}
        return {SUBMOD: {**common, VECTOR: vector(self.refused) if self.refused else GOOD}}

    def expiry(self) -> int:
        """Unix seconds at which a result ends: with its policy, or with what it rests on."""
        world = self.world
        return world.time() + (world.policy.valid_for if self.refused else self.valid_for())


def vector(refused: CheckFailed) -> dict[int, int]:
    """The one claim of trustworthiness that a refusal speaks of."""
    check = refused.check
    by_code = _OF_CODE.get(check.refusal.code, (IDENTITY, _TRUST["cryptography_failed"]))
    claim, value = _OF_CHECK.get(check.name, by_code)
    return {claim: value}


_GIVEN: Mapping[str, Callable[[VerifierProvider], Any]] = {
    "sk_verifier": lambda p: p.world.tam.sign_identity,
    "ear_x5t": lambda p: cbor.encode([-16, p.world.credentials.leaf.sha256]),
    "ear_chain": lambda p: b"",
    "ear_iat": lambda p: cbor.encode(p.world.time()),
    "ear_exp": lambda p: cbor.encode(p.expiry()),
    "ear_submods": lambda p: cbor.encode(p.submods()),
    "ear_verifier_id": lambda p: cbor.encode(dict(p.identity)),
}
