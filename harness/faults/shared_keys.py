"""Faults of seeing that one key serves two identities."""

from __future__ import annotations

from collections.abc import Iterator

from ..identity.world import World
from .fault import DEVICE, Fault, fault
from .operators import accepts
from .run import Judge

CHECK = "cred_{}_key_is_of_one_identity"


def _both(judge: Judge) -> dict[str, Judge]:
    return {CHECK.format(side): judge for side in "ri"}


def _names(world: World, id_cred: bytes) -> list[str]:
    leaf = world.credential(id_cred).leaf
    return [leaf.identity, leaf.platform]


def _accepted(world: World, id_cred: bytes) -> list[list[str]]:
    return world.memory.names_of(world.credential(id_cred).leaf.spki)


def shared_key_faults() -> Iterator[Fault]:
    """What is compared with what."""
    yield fault(
        "keys_of_held_certificates_only", "A key is compared with those of certificates that are held, and no others.",
        "IDN-25", "first of several", "accepted keys", judges=_both(accepts(lambda w, cred: bool(_accepted(w, cred)))),
    )  # fmt: skip
    yield fault(
        "keys_of_accepted_leaves_only", "A key is compared with those that were accepted, and no others.", "IDN-25",
        "last of several", "held keys", judges=_both(accepts(lambda w, cred: not _accepted(w, cred))),
    )  # fmt: skip
    yield fault(
        "keys_by_identity_uri", "One key may serve two platforms under one identity URI.", "IDN-25", "prefix",
        "platform URN", DEVICE, judges=_both(accepts(_same_uri)),
    )  # fmt: skip
    yield fault(
        "keys_forgotten_at_restart", "After a restart nobody knows whose key was accepted.", "IDN-25", "reset lost",
        "accepted keys after restart", source="A31", kept=lambda saved: {**saved, "identities": {}},
    )  # fmt: skip


def _same_uri(world: World, id_cred: bytes) -> bool:
    return any(names[0] == _names(world, id_cred)[0] for names in _accepted(world, id_cred))
