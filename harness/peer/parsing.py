"""A frame's form before the table sees it: strict CBOR, `[type, body]`, a known type."""

from __future__ import annotations

from functools import lru_cache

from ...model.protocol.frames import FrameType
from ..codec import cbor
from ..evaluator.errors import CheckFailed

GREASE = 128
"""Frame types from here on are ignored by whoever does not know them."""
DEPTH = 16
NO_DEPTH = 200
_NAMES = {int(kind): kind.name for kind in FrameType}


@lru_cache(64)
def rules_without(off: frozenset[str]) -> cbor.Strictness:
    """The codec's rules with the checks in `off` not made."""
    return cbor.Strictness(
        deterministic="frame_is_deterministic" not in off and "edhoc_message_is_deterministic" not in off,
        duplicate_keys="frame_has_no_duplicate_keys" not in off,
        trailing="frame_has_no_trailing_bytes" not in off,
        depth=NO_DEPTH if "frame_depth_is_bounded" in off else DEPTH,
    )


def check_of(error: cbor.CborError) -> str:
    """The check that a codec error is about."""
    if isinstance(error, cbor.DuplicateKey):
        return "frame_has_no_duplicate_keys"
    if isinstance(error, cbor.TrailingBytes):
        return "frame_has_no_trailing_bytes"
    if isinstance(error, cbor.TooDeep):
        return "frame_depth_is_bounded"
    if isinstance(error, cbor.NotDeterministic):
        return "frame_is_deterministic"
    return "frame_matches_its_grammar"


def frame_name(frame: bytes, sender: str, rules: cbor.Strictness, off: frozenset[str]) -> str | None:
    """Name of the message in a frame of side `sender`; None for a type that is to be ignored.

    Raises:
        CheckFailed: malformed, or a type below 128 that does not exist.
    """
    try:
        parts = cbor.split_array(frame, rules=rules)
        kind = cbor.decode(parts[0], rules=rules) if len(parts) == 2 else None
    except cbor.CborError as error:
        raise CheckFailed(check_of(error), str(error)) from error
    if not isinstance(kind, int) or isinstance(kind, bool) or kind < 0:
        raise CheckFailed("frame_matches_its_grammar", "a frame is [type, body]")
    if (name := _NAMES.get(kind)) is not None:
        return f"{name}_{sender}"
    if kind < GREASE and "frame_type_is_known" not in off:
        raise CheckFailed("frame_type_is_known", f"type {kind}")
    return None
