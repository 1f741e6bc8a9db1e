"""When that ends on which a verdict rests, for each predicate that has been found to hold.

A verdict is given for no longer than the certificates, proofs and statements behind it are good.
"""

from collections.abc import Callable, Mapping

from .credential_checks import check_issuers, fresh_statuses, whole_path
from .deciding import unsigned
from .world import PeerCredential, World

AGAIN = "peer_leaf_is_still_not_revoked"
"""The check that decides while a session is open."""


def _path_ends(world: World, credential: PeerCredential) -> int:
    return min(certificate.not_after for certificate in whole_path(world, credential))


def _identity(world: World, id_cred: bytes) -> int:
    return _path_ends(world, world.credential(id_cred))


def _attestation_key(world: World, x5chain: bytes) -> int:
    return _path_ends(world, world.x5chain(x5chain))


def _proof_ends(
    world: World, credential: PeerCredential, proofs: bytes, local: bool, renewed: bytes = b""
) -> int | None:
    """The latest end of the proofs that are good now; None where none is needed, or one states no end."""
    ends = [status.next_update for status in fresh_statuses(world, credential, proofs, local, renewed)]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def _leaf_status(world: World, id_cred: bytes, proofs: bytes) -> int | None:
    return _proof_ends(world, world.credential(id_cred), proofs, False)


def _renewed_status(world: World, id_cred: bytes, proofs: bytes, renewed: bytes) -> int | None:
    return _proof_ends(world, world.credential(id_cred), proofs, False, renewed)


def _attestation_key_status(world: World, x5chain: bytes, proofs: bytes) -> int | None:
    credential = world.x5chain(x5chain)
    issuers = [status.next_update for status in check_issuers(world, credential, proofs)]
    ends = [_proof_ends(world, credential, proofs, True), *issuers]
    return min((end for end in ends if end is not None), default=None)


def _statement(world: World, iat: bytes, exp: bytes) -> int:
    return unsigned(exp)


ENDS: Mapping[str, Callable[..., int | None]] = {
    "cred_r_is_in_validity": _identity,
    "cred_i_is_in_validity": _identity,
    "peer_leaf_is_not_revoked": _leaf_status,
    AGAIN: _renewed_status,
    "ak_is_in_validity": _attestation_key,
    "ak_is_not_revoked": _attestation_key_status,
    "waiver_is_in_force": _statement,
    "ear_is_in_force": _statement,
}
"""Name of a check to a function of its predicate's arguments: unix seconds, or None for no end."""

IN_PLACE_OF: Mapping[str, str] = {AGAIN: "peer_leaf_is_not_revoked"}
"""A later check of what another has found: its end counts, and the other's no more."""

REVOCABLE = frozenset(
    {
        *(
            f"cred_{side}_{rest}"
            for side in "ir"
            for rest in ("is_not_revoked_locally", "physical_root_is_not_revoked")
        ),
        "peer_leaf_is_not_revoked",
        "ak_is_not_revoked",
        "waiver_is_not_revoked",
        "ear_is_not_revoked",
    }
)
"""Checks of what can be revoked while a session is open (REV-09)."""
