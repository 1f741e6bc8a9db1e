"""Collections judged carelessly: one item for all, or items that do not belong together."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.checks import CHECKS
from ..identity.world import World
from .fault import GENERAL, Fault, fault
from .operators import accepts, decoded

_OF_TOKENS = (
    "eat_header_is_exact", "eat_profile_is_this_one", "ak_is_for_eat", "eat_x5t_is_the_ak", "eat_signature_verifies",
    "eat_nonce_is_binder", "cnf_is_peer_identity_key", "ueid_is_peer_device", "ak_names_peer_device",
    "key_attributes_show_custody", "eat_is_recent", "eat_debug_is_disabled", "measurements_match_reference_values",
)  # fmt: skip
_OF_BUNDLES = tuple(name for name, check in CHECKS.items() if check.form == "tpm2" and name.startswith("tpm_"))


def _always(world: World, *octets: bytes) -> bool:
    return True


def _not_before(world: World, bootcount: bytes, reset: bytes) -> bool:
    return bool(decoded(bootcount) >= int.from_bytes(reset, "big"))


def collection_faults() -> Iterator[Fault]:
    """What is put together is taken for bound together."""
    parts = (("token", _OF_BUNDLES), ("bundle", _OF_TOKENS))
    for judged, others in parts:
        yield fault(
            f"collection_by_its_{judged}", f"Of a collection only the {judged} is looked at.", "ATT-49",
            "one of several", judged, source=GENERAL, judges={name: accepts(_always) for name in others},
        )  # fmt: skip
    yield fault(
        "collected_token_of_a_later_start", "A token of a later start than the bundle beside it passes.", "ATT-49",
        "comparison", "bootcount", source=GENERAL,
        judges={"collected_items_are_of_one_start": accepts(_not_before)},
    )  # fmt: skip
