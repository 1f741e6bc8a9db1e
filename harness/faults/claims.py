"""Faults of judging the claims and headers of a token."""

from __future__ import annotations

from collections.abc import Iterator

from ...spec import identifiers
from ..codec import cbor
from ..codec.cose_key import cose_key
from ..identity.world import World
from .fault import Fault, fault
from .operators import Condition, accepts, decoded, forgives_exceptions, refuses, sees
from .run import Judge

_CUSTODY = {1: False, 2: True, 3: True, 4: True}


def _custody() -> Iterator[Fault]:
    """Attributes of the identity key."""
    custody = "key_attributes_show_custody"
    yield fault(
        "absent_key_attribute_passes", "A key attribute that is absent is not judged.", "ATT-22", "absent",
        "key attribute", source="C29",
        judges={custody: accepts(lambda w, a: all(decoded(a).get(k, v) is v for k, v in _CUSTODY.items()))},
    )  # fmt: skip
    for key, meaning in {1: "extractable", 2: "never extractable", 3: "sensitive", 4: "generated locally"}.items():
        yield fault(
            f"key_attribute_{key}_not_judged", f"The key attribute {meaning!r} is not looked at.", "ATT-22", "missing",
            f"key attribute {key}", source="C31",
            judges={custody: accepts(lambda w, a, k=key: {**decoded(a), k: _CUSTODY[k]} == _CUSTODY)},
        )  # fmt: skip
    yield fault(
        "key_attribute_truthy", "Key attributes are taken by their truth, so that 1 and 0 count as true and false.",
        "ATT-22", "type confusion", "key attribute", source="D11",
        judges={custody: accepts(lambda w, a: all(bool(decoded(a).get(k, not v)) is v for k, v in _CUSTODY.items()))},
    )  # fmt: skip


def _without(key: int) -> Judge:
    """The form of one claim is not looked at."""

    def others(world: World, further: bytes) -> tuple[bytes]:
        items = cbor.split_sequence(further) if further else []
        return (b"".join(a + b for a, b in zip(items[::2], items[1::2], strict=True) if decoded(a) != key),)

    return sees(others)


def _tells(key: int) -> Condition:
    return lambda world, further: further.startswith(cbor.encode(key))


def _types() -> Iterator[Fault]:
    """Forms of claims that a token need not have."""
    typed, claims = "eat_claims_have_their_types", identifiers()["claim"]
    for claim, meaning in {"bootseed": "boot seed", "trusted_ui": "interface", "iso19790": "validation"}.items():
        yield fault(
            f"{claim}_not_typed", f"The form of the claim of the {meaning} is not judged where nothing asks for it.",
            "ATT-51", "missing", f"form of {claim}", judges={typed: _without(claims[claim])},
        )  # fmt: skip
        yield fault(
            f"{claim}_refused_unasked", f"The claim of the {meaning} is refused where nothing asks for it.",
            "ATT-51", "false reject", claim,
            judges={typed: refuses(_tells(claims[claim]))},
        )  # fmt: skip


def _debug() -> Iterator[Fault]:
    """The debug status."""
    yield fault(
        "dbgstat_one_passes", "Debug that is disabled at this moment only passes.", "ATT-21", "off by one", "dbgstat",
        source="C31", judges={"eat_debug_is_disabled": accepts(lambda w, d: decoded(d) == 1)},
    )  # fmt: skip
    yield fault(
        "dbgstat_unknown_passes", "A debug status that does not exist passes: only the known bad ones are refused.",
        "ATT-21", "unknown name", "dbgstat", source="C21",
        judges={"eat_debug_is_disabled": accepts(lambda w, d: decoded(d) > 4)},
    )  # fmt: skip
    yield fault(
        "dbgstat_zero_passes", "Debug status 0 is read as absent.", "ATT-21", "empty", "dbgstat",
        judges={"eat_debug_is_disabled": accepts(lambda w, d: not decoded(d))},
    )  # fmt: skip
    yield fault(
        "dbgstat_three_refused", "Permanently disabled debug is refused.", "ATT-21", "false reject", "dbgstat",
        judges={"eat_debug_is_disabled": refuses(lambda w, d: decoded(d) > 2)},
    )  # fmt: skip


def _age() -> Iterator[Fault]:
    """The time of issue."""
    yield fault(
        "old_evidence_by_a_second", "Evidence one second older than allowed passes.", "ATT-23", "off by one",
        "greatest age", judges={"eat_is_recent": sees(lambda w, iat: (cbor.encode(decoded(iat) + 1),))},
    )  # fmt: skip
    yield fault(
        "future_evidence_by_a_second", "Evidence 61 seconds in the future passes.", "ATT-23", "off by one",
        "clock tolerance", judges={"eat_is_recent": sees(lambda w, iat: (cbor.encode(max(0, decoded(iat) - 1)),))},
    )  # fmt: skip
    yield fault(
        "future_evidence_passes", "The age of evidence has no lower limit: a token of the future is young.", "ATT-23",
        "wrong direction", "iat", judges={"eat_is_recent": accepts(lambda w, iat: decoded(iat) > w.time())},
    )  # fmt: skip
    yield fault(
        "old_evidence_passes", "Only evidence of the future is refused.", "ATT-23", "missing", "greatest age",
        judges={"eat_is_recent": accepts(lambda w, iat: decoded(iat) < w.time())},
    )  # fmt: skip
    yield fault(
        "young_evidence_refused", "Evidence of a clock that runs a little ahead is refused.", "ATT-23", "false reject",
        "clock tolerance", judges={"eat_is_recent": refuses(lambda w, iat: decoded(iat) > w.time())},
    )  # fmt: skip
    yield fault(
        "oldest_evidence_refused", "Evidence older than half the greatest age is refused.", "ATT-23", "false reject",
        "greatest age", judges={"eat_is_recent": refuses(lambda w, iat: decoded(iat) < w.time() - 150)},
    )  # fmt: skip


def _identity() -> Iterator[Fault]:
    """Platform and key."""
    yield fault(
        "ueid_prefix", "Only the first 8 octets of the UEID are compared.", "ATT-18", "prefix", "ueid", source="G13",
        judges={"ueid_is_peer_device": accepts(_same_start)},
    )  # fmt: skip
    yield fault(
        "cnf_by_one_coordinate", "Of the key in cnf only one coordinate is compared.", "ATT-17", "first of several",
        "cnf", judges={"cnf_is_peer_identity_key": accepts(_same_x)},
    )  # fmt: skip
    yield fault(
        "cnf_unreadable_passes", "A cnf that is no usable key passes.", "ATT-17", "exception as success", "cnf",
        source="C13", judges={"cnf_is_peer_identity_key": forgives_exceptions},
    )  # fmt: skip


def _headers() -> Iterator[Fault]:
    """Profile and headers."""
    yield fault(
        "eat_profile_prefix", "Every eat_profile of this authority passes.", "ATT-10", "prefix", "eat_profile",
        source="G13", judges={"eat_profile_is_this_one": accepts(_same_but_the_end)},
    )  # fmt: skip
    yield fault(
        "alg_by_family", "Every asymmetric algorithm in the header of a token passes.", "ATT-08", "family", "alg",
        source="D5",
        judges={"eat_header_is_exact": accepts(lambda w, alg, typ: decoded(alg) < 0 and decoded(typ) == 263)},
    )  # fmt: skip
    yield fault(
        "hmac_token_passes", "A token that is said to be authenticated by a MAC passes.", "ATT-08", "confusion", "alg",
        source="D9",
        judges={"eat_header_is_exact": accepts(lambda w, alg, typ: decoded(alg) > 0 and decoded(typ) == 263)},
    )  # fmt: skip
    yield fault(
        "typ_not_judged", "The type of a token is not looked at.", "ATT-08", "missing", "typ", source="D1",
        judges={"eat_header_is_exact": accepts(lambda w, alg, typ: decoded(alg) in (-7, -9))},
    )  # fmt: skip
    yield fault(
        "esp256_refused", "A token with the fully specified algorithm is refused.", "ATT-08", "false reject", "alg",
        judges={"eat_header_is_exact": refuses(lambda w, alg, typ: decoded(alg) == -9)},
    )  # fmt: skip


def _wrapper() -> Iterator[Fault]:
    """The wrapper."""
    yield fault(
        "unknown_type_of_evidence_passes", "A type of evidence that is not known is appraised like the known one.",
        "ATT-06", "unknown name", "CMW type", source="C21",
        judges={"cmw_type_was_accepted": accepts(lambda w, kind: isinstance(decoded(kind), str))},
    )  # fmt: skip
    yield fault(
        "unsigned_claims_type_passes", "Evidence announced as unprotected claims is appraised.", "ATT-06", "confusion",
        "CMW type", source="D9", judges={"cmw_type_was_accepted": accepts(lambda w, kind: decoded(kind) == 267)},
    )  # fmt: skip
    yield fault(
        "indicator_by_bit", "A CMW that is marked evidence and something else passes.", "ATT-07", "any of several",
        "CMW indicator",
        judges={"cmw_is_marked_evidence": accepts(lambda w, given, expected: bool(decoded(given) & 4))},
    )  # fmt: skip
    yield fault(
        "indicator_of_results_passes", "A CMW that is marked as attestation results passes for evidence.", "ATT-07",
        "confusion", "CMW indicator",
        judges={"cmw_is_marked_evidence": accepts(lambda w, given, expected: decoded(given) == 8)},
    )  # fmt: skip


def _order() -> Iterator[Fault]:
    """Boot count and epoch."""
    yield fault(
        "any_reset_since", "Evidence after a reset passes: only a falling boot count is refused.", "ATT-24",
        "wrong direction", "bootcount", source="C23",
        judges={"bootcount_has_not_changed": accepts(lambda w, given, before: decoded(given) > decoded(before))},
    )  # fmt: skip
    yield fault(
        "falling_bootcount_passes", "Only a rising boot count is refused.", "ATT-24", "off by one", "bootcount",
        source="C23",
        judges={"bootcount_has_not_changed": accepts(lambda w, given, before: decoded(given) < decoded(before))},
    )  # fmt: skip
    yield fault(
        "earlier_epoch_passes", "Evidence of an earlier epoch than the one asked for passes.", "ATT-05", "state kept",
        "epoch",
        judges={"att_epoch_is_requested": accepts(lambda w, given, expected: decoded(given) < decoded(expected))},
    )  # fmt: skip
    yield fault(
        "later_epoch_passes", "Evidence of a later epoch than the one asked for passes.", "ATT-05", "wrong direction",
        "epoch",
        judges={"att_epoch_is_requested": accepts(lambda w, given, expected: decoded(given) > decoded(expected))},
    )  # fmt: skip


def claim_faults() -> Iterator[Fault]:
    """All faults of judging a token."""
    for faults in (_custody, _types, _debug, _age, _identity, _headers, _wrapper, _order):
        yield from faults()


def _same_start(world: World, ueid: bytes, id_cred: bytes) -> bool:
    return decoded(ueid)[:8].hex() in world.credential(id_cred).leaf.platform


def _same_but_the_end(world: World, given: bytes, expected: bytes) -> bool:
    return bool(decoded(given)[:-1] == decoded(expected)[:-1])


def _same_x(world: World, key: bytes, id_cred: bytes) -> bool:
    expected = cose_key(world.credential(id_cred).leaf.public_key)
    return bool(decoded(key).get(-2) == expected[-2])
