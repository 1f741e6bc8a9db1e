"""Faults of HELLO, waivers, verdicts, requests and PING: values that are judged or given wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.protocol.frames import ATT_REQ, PONG_PAYLOAD, SIDES, VERDICT
from ...model.protocol.session import valid_for
from ..codec import cbor
from .attestation_keys import degenerate
from .fault import DEVICE, GENERAL, Fault, fault
from .operators import accepts, constant, decoded, number, policy, refuses
from .peer import FaultyEndpoint
from .run import Judge

TIER, VALIDITY, EPOCH = "verdict_tier_fits_direction", "verdict_valid_for_is_positive", "verdict_epoch_is_current"
ATTESTS, WAIVED, NOT_REQUIRED = 1, 2, 0
LEVEL, FORCE, AUTHORITY = "waiver_level_suffices", "waiver_is_in_force", "waiver_authority_is_pinned"


def _tier(tier: int, direction: int) -> Judge:
    return accepts(lambda w, given, mode: decoded(given) == tier and decoded(mode) == direction)


_VALUES: tuple[tuple[str, str, str, str, str, str, Judge, str], ...] = (
    ("version_two_passes", "SES-05", "wrong direction", "version", "F9", "hello_version_is_supported",
     accepts(lambda w, given, mine: decoded(given) > decoded(mine)), "A later version passes."),
    ("version_zero_passes", "SES-05", "empty", "version", "F9", "hello_version_is_supported",
     accepts(lambda w, given, mine: not decoded(given)), "Version 0 passes."),
    ("waiver_without_flag", "WVR-01", "wrong direction", "flag 2", GENERAL, "waiver_comes_with_its_flag",
     accepts(lambda w, flags, waiver: bool(waiver)), "A waiver without its flag passes."),
    ("nothing_offered_passes", "ATT-02", "empty", "offered types", "C29", "peer_offers_evidence",
     accepts(lambda w, offered: True), "A HELLO that offers no evidence passes."),
    ("foreign_offer_passes", "ATT-03", "unknown name", "offered types", "C21", "evidence_formats_overlap",
     accepts(lambda w, mine, offered: bool(decoded(offered))), "A HELLO that offers other types passes."),
    ("first_offer_only", "ATT-03", "first of several", "offered types", GENERAL, "evidence_formats_overlap",
     refuses(lambda w, mine, offered: decoded(offered)[0] not in decoded(mine)),
     "Only the first type that a HELLO offers is looked at."),
    ("tier_waived_for_evidence", "SES-09", "confusion", "tier 200 where attested", "C35", TIER, _tier(200, ATTESTS),
     "A waived verdict passes where evidence was sent."),
    ("tier_not_required_for_evidence", "SES-09", "confusion", "tier 201 where attested", "C35", TIER,
     _tier(201, ATTESTS), "A verdict 'not required' passes where evidence was sent."),
    ("tier_affirming_for_waiver", "SES-09", "confusion", "tier 2 where waived", "C35", TIER, _tier(2, WAIVED),
     "An affirming verdict passes where a waiver was presented."),
    ("tier_not_required_for_waiver", "SES-09", "confusion", "tier 201 where waived", "C35", TIER, _tier(201, WAIVED),
     "A verdict 'not required' passes where a waiver was presented."),
    ("tier_affirming_for_nothing", "SES-09", "confusion", "tier 2 where not required", "C35", TIER,
     _tier(2, NOT_REQUIRED), "An affirming verdict passes where nothing was required."),
    ("tier_waived_for_nothing", "SES-09", "confusion", "tier 200 where not required", "C35", TIER,
     _tier(200, NOT_REQUIRED), "A waived verdict passes where nothing was required."),
    ("tier_unknown_passes", "SES-09", "unknown name", "tier", "C21", TIER,
     accepts(lambda w, tier, mode: decoded(tier) not in (2, 32, 96, 200, 201)), "A tier that does not exist passes."),
    ("verdict_earlier_epoch", "SES-10", "state kept", "epoch", GENERAL, EPOCH,
     accepts(lambda w, given, mine: decoded(given) < decoded(mine)), "A verdict on an earlier epoch passes."),
    ("verdict_later_epoch", "SES-10", "wrong direction", "epoch", GENERAL, EPOCH,
     accepts(lambda w, given, mine: decoded(given) > decoded(mine)), "A verdict on a later epoch passes."),
    ("verdict_long_validity_refused", "SES-11", "false reject", "valid_for", GENERAL, VALIDITY,
     refuses(lambda w, seconds: decoded(seconds) > w.policy.valid_for),
     "A verdict that is good for longer than one's own is refused."),
    ("request_same_epoch", "SES-14", "state kept", "ATT_REQ epoch", GENERAL, "att_req_epoch_is_next",
     accepts(lambda w, given, mine: decoded(given) == decoded(mine) - 1),
     "A request for the epoch that was attested last passes."),
    ("request_later_epoch", "SES-14", "wrong direction", "ATT_REQ epoch", GENERAL, "att_req_epoch_is_next",
     accepts(lambda w, given, mine: decoded(given) > decoded(mine)), "A request for a later epoch passes."),
    ("pong_to_nothing", "SES-18", "empty", "PONG", GENERAL, "pong_echoes_my_ping",
     accepts(lambda w, given, mine: not mine), "A PONG that answers nothing passes."),
    ("receipt_ahead", "SES-17", "wrong direction", "RECEIPT count", "C37", "receipt_counts_my_data",
     accepts(lambda w, count, confirmed, sent: decoded(count) > decoded(confirmed)),
     "A receipt for later DATA passes."),
    ("receipt_again", "SES-17", "state kept", "RECEIPT count", "C37", "receipt_counts_my_data",
     accepts(lambda w, count, confirmed, sent: decoded(count) < decoded(confirmed)),
     "A receipt that came already passes."),
    ("receipt_for_nothing", "SES-17", "empty", "RECEIPT count", "C37", "receipt_counts_my_data",
     accepts(lambda w, count, confirmed, sent: decoded(count) == decoded(sent)),
     "A receipt for DATA that was not sent passes."),
    ("waiver_level_two", "WVR-06", "off by one", "level", "C31", LEVEL, accepts(lambda w, level: decoded(level) == 2),
     "Level 2 suffices."),
    ("waiver_level_beyond", "WVR-06", "limit ignored", "level", "C31", LEVEL,
     accepts(lambda w, level: decoded(level) > 4), "A level that does not exist suffices."),
    ("waiver_level_four_refused", "WVR-06", "false reject", "level", GENERAL, LEVEL,
     refuses(lambda w, level: decoded(level) > 3), "Level 4 is refused."),
    ("waiver_at_its_end", "WVR-07", "off by one", "exp", GENERAL, FORCE,
     accepts(lambda w, iat, exp: decoded(exp) == w.time()), "A waiver passes at the second of its end."),
    ("waiver_after_its_end", "WVR-07", "missing", "exp", GENERAL, FORCE,
     accepts(lambda w, iat, exp: decoded(exp) < w.time()), "A waiver passes after its end."),
    ("waiver_of_the_future", "WVR-07", "wrong direction", "iat", GENERAL, FORCE,
     accepts(lambda w, iat, exp: decoded(iat) > w.time()), "A waiver of the future passes."),
    ("waiver_ahead_refused", "WVR-07", "false reject", "iat", GENERAL, FORCE,
     refuses(lambda w, iat, exp: decoded(iat) > w.time()), "A waiver of a clock that runs a little ahead is refused."),
    ("waiver_any_held_authority", "WVR-04", "any of several", "authority", "E11", AUTHORITY,
     accepts(lambda w, x5t: decoded(x5t)[1] in w.held()), "Any certificate that is held may sign waivers."),
    ("waiver_leaf_prefix", "WVR-05", "prefix", "leaf digest", "G13", "waiver_names_the_peer_leaf",
     accepts(lambda w, given, mine: given[:4] == mine[:4]),
     "Only the first octets of the leaf's digest are compared."),
    ("waiver_leaf_absent", "WVR-05", "empty", "leaf digest", "C29", "waiver_names_the_peer_leaf",
     accepts(lambda w, given, mine: not any(given)), "A waiver for a digest of zeros is one for everybody."),
    ("waiver_custody_truthy", "WVR-08", "type confusion", "key custody", "D11", "waiver_key_is_not_exportable",
     accepts(lambda w, kept: bool(decoded(kept))), "Whatever is not false asserts the key's custody."),
    ("waiver_custody_false", "WVR-08", "missing", "key custody", "C29", "waiver_key_is_not_exportable",
     accepts(lambda w, kept: decoded(kept) is False), "A waiver that denies the key's custody passes."),
    ("waiver_signature_degenerate", "WVR-03", "exception as success", "signature", "B25", "waiver_signature_verifies",
     accepts(degenerate), "A signature with a number out of range counts as good."),
    ("waiver_typ_not_judged", "WVR-02", "missing", "typ", "D1", "waiver_header_is_exact",
     accepts(lambda w, alg, typ: decoded(alg) == -7), "The type of a waiver is not looked at."),
    ("waiver_alg_by_family", "WVR-02", "family", "alg", "D5", "waiver_header_is_exact",
     accepts(lambda w, alg, typ: decoded(alg) < 0), "Every asymmetric algorithm passes in a waiver."),
)  # fmt: skip


def judging() -> Iterator[Fault]:
    """Values judged carelessly."""
    for name, requirement, operator, what, source, check, judge, sentence in _VALUES:
        yield fault(name, sentence, requirement, operator, what, source=source, judges={check: judge})


def giving() -> Iterator[Fault]:
    """Values given wrongly."""
    sides, verdicts = SIDES.values(), VERDICT.values()
    for name, requirement, operator, what, source, lies, sentence in (
        ("hello_nonce_short", "SES-02", "short", "HELLO nonce", "C7",
         {s.nonce.means: lambda run, honest: honest[:4] + bytes(28) for s in sides},
         "Only four octets of the nonce are random."),
        ("hello_other_version", "SES-02", "wrong value", "version", "F9",
         {s.version: constant(b"\x02") for s in sides}, "HELLO carries version 2."),
        ("hello_requires_nothing", "ATT-01", "constant", "flag 1", "C21",
         {s.flags: number(lambda flags: flags & ~1) for s in sides}, "HELLO never asks for evidence."),
        ("hello_without_proof", "REV-04", "empty", "own proof", "C33", {s.proofs: constant(b"") for s in sides},
         "HELLO carries no proof of the leaf's status."),
        ("verdict_always_waived", "SES-07", "constant", "own tier", GENERAL,
         {v.tier: constant(b"\x18\xc8") for v in verdicts}, "Every verdict says that a waiver was accepted."),
        ("verdict_always_affirming", "SES-07", "confusion", "own tier", "C15",
         {v.tier: constant(b"\x02") for v in verdicts}, "Every verdict is affirming."),
        ("verdict_valid_for_zero", "SES-07", "empty", "own valid_for", GENERAL,
         {v.valid_for: constant(b"\x00") for v in verdicts}, "Verdicts are good for no time."),
        ("verdict_valid_for_ever", "SES-12", "limit ignored", "own valid_for", GENERAL,
         {valid_for(s): constant(b"\x1a\x7f\xff\xff\xff") for s in sides}, "Verdicts are good for ever."),
        ("verdict_epoch_zero", "SES-14", "counter stands", "own epoch", GENERAL,
         {v.epoch: constant(b"\x00") for v in verdicts}, "Verdicts say epoch 0."),
        ("request_epoch_one", "SES-14", "counter stands", "own ATT_REQ epoch", "F5",
         {r.epoch: constant(b"\x01") for r in ATT_REQ.values()}, "Every request asks for epoch 1."),
        ("pong_constant", "SES-18", "constant", "PONG", GENERAL,
         {p: constant(cbor.encode(bytes(8))) for p in PONG_PAYLOAD.values()}, "Every PONG carries the same octets."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, source=source, lies=lies)
    yield fault(
        "hello_nonce_echoed", "The device echoes the service's nonce.", "ATT-27", "reused", "peer's nonce", DEVICE,
        "C5", lies={SIDES["I"].nonce.means: lambda run, honest: run.values.get(SIDES["R"].nonce, honest)},
    )  # fmt: skip
    yield fault(
        "waiver_end_ignored", "A verdict on a waiver may outlive the waiver.", "WVR-10", "limit ignored",
        "own valid_for", endpoint=_LongVerdicts,
    )  # fmt: skip
    yield fault(
        "certificate_end_ignored", "A verdict may outlive the certificates that it rests on.", "SES-12", "missing",
        "own valid_for", lies={valid_for(s): _policy_validity for s in sides},
    )  # fmt: skip
    yield fault(
        "interval_ignored", "A verdict may outlive the interval of re-attestation.", "SES-12", "wrong value",
        "re-attestation interval", world=policy(valid_for=lambda s: 10**6, reattest_interval=lambda s: s),
        lies={valid_for(s): constant(cbor.encode(10**6)) for s in sides},
    )  # fmt: skip


def _policy_validity(run: Any, honest: bytes) -> bytes:
    return cbor.encode(min(run.world.policy.valid_for, run.world.policy.reattest_interval))


class _LongVerdicts(FaultyEndpoint):
    """Does not keep when a waiver ends."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        honest = self.provider.rests_on
        self.provider.rests_on = (  # type: ignore[method-assign]  # An endpoint makes its provider itself.
            lambda check, ends: honest(check, None if check == "waiver_is_in_force" else ends)
        )


def session_faults() -> Iterator[Fault]:
    """All faults of these values."""
    yield from judging()
    yield from giving()
