"""Faults about evidence (chapter 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faulty_peer import FaultyRun, instead, need

from trustconn.harness.codec import cbor, cose
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.harness.identity.evidence_checks import CUSTODY, _measured_component
from trustconn.harness.identity.oids import EKU_EAT_AK
from trustconn.model.protocol.attestation import EAT_PROFILE
from trustconn.model.protocol.frames import SIDES

Honest = Callable[[], None]
MEASURED = "measurements_match_reference_values"


def value(encoded: bytes) -> Any:
    """The value of an item."""
    return cbor.decode(encoded)


@instead("att_epoch_is_requested", "ATT-05", "accepts an ATT of an earlier epoch")
def epoch_not_above(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) <= value(expected), "another epoch")


@instead("cmw_is_marked_evidence", "ATT-07", "tests the evidence bit of the indicator")
def indicator_bit(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(bool(value(received) & 4), "no evidence")


@instead("eat_profile_is_this_one", "ATT-10", "accepts a profile that begins with this one's name")
def profile_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(str(value(received)).startswith(EAT_PROFILE), "another profile")


@instead("eat_signature_verifies", "ATT-08", "verifies a token over an empty external_aad too")
def token_without_context(run: FaultyRun, honest: Honest, key: Any, signature: bytes, message: bytes) -> None:
    try:
        honest()
    except CheckFailed:
        context, protected, _, payload = value(message)
        ES256.verify(key, signature, cbor.encode([context, protected, b"", payload]))


@instead("eat_signature_verifies", "ATT-11", "verifies a signature in the first epoch alone")
def token_verified_once(run: FaultyRun, honest: Honest, *signed: Any) -> None:
    if not run.notes.get("verified"):
        honest()
    run.notes["verified"] = True


@instead("ak_is_for_eat", "ATT-13", "wants tc-eat-ak among the usages")
def ak_usage_among_others(run: FaultyRun, honest: Honest, chain: bytes) -> None:
    need(EKU_EAT_AK in run.world.x5chain(chain).leaf.eku, "no evidence key")


@instead("ak_names_peer_device", "ATT-19", "looks for the platform URN among all names of the certificate")
def platform_among_names(run: FaultyRun, honest: Honest, chain: bytes, id_cred: bytes) -> None:
    need(run.world.credential(id_cred).leaf.platform in run.world.x5chain(chain).leaf.uris, "another platform")


@instead("eat_x5t_is_the_ak", "ATT-09", "compares the first 8 octets of the thumbprint")
def ak_thumbprint_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received)[1][:8] == value(expected)[1][:8], "another certificate")


@instead("eat_nonce_is_binder", "ATT-16", "keeps the session's binders and accepts each of them")
def binder_of_any_epoch(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    binders = run.notes.setdefault("binders", set())
    binders.add(expected)
    need(received in binders, "another binder")


@instead("eat_nonce_is_binder", "ATT-16", "compares 16 octets of the binder")
def binder_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received)[:16] == value(expected)[:16], "another binder")


@instead("cnf_is_peer_identity_key", "ATT-17", "compares the x-coordinate alone")
def cnf_by_x(run: FaultyRun, honest: Honest, key: bytes, id_cred: bytes) -> None:
    honest_key = cose.cose_key(run.world.credential(id_cred).leaf.public_key)
    need(value(key).get(-2) == honest_key[-2], "another key")


@instead("cnf_is_peer_identity_key", "ATT-17", "compares encodings of keys, so that a further parameter is refused")
def cnf_by_encoding(run: FaultyRun, honest: Honest, key: bytes, id_cred: bytes) -> None:
    need(value(key) == cose.cose_key(run.world.credential(id_cred).leaf.public_key), "another key")


@instead("ueid_is_peer_device", "ATT-18", "compares the first 16 octets of the UEID")
def ueid_by_prefix(run: FaultyRun, honest: Honest, ueid: bytes, id_cred: bytes) -> None:
    platform = bytes.fromhex(run.world.credential(id_cred).leaf.platform.rpartition(":")[2])
    need(value(ueid)[:16] == platform[:16], "another platform")


# --- measurements, attributes, times ---------------------------------------------------------------------------------


def _measured(measurements: bytes) -> list[tuple[str, bytes]]:
    return [_measured_component(item) for item in value(measurements)]


@instead(MEASURED, "ATT-20", "ignores components without a reference value")
def extra_component_ignored(run: FaultyRun, honest: Honest, measurements: bytes) -> None:
    references = run.world.policy.reference_values
    found = [(name, digest) for name, digest in _measured(measurements) if name in references]
    need(bool(references) and sorted(found) == sorted(references.items()), "measured otherwise")


@instead(MEASURED, "ATT-20", "reads measurements into a map, so that the last of two with one name counts")
def second_component_wins(run: FaultyRun, honest: Honest, measurements: bytes) -> None:
    need(dict(_measured(measurements)) == dict(run.world.policy.reference_values) != {}, "measured otherwise")


@instead(MEASURED, "ATT-20", "compares 8 octets of a measurement")
def digest_by_prefix(run: FaultyRun, honest: Honest, measurements: bytes) -> None:
    measured = {name: digest[:8] for name, digest in _measured(measurements)}
    expected = {name: digest[:8] for name, digest in run.world.policy.reference_values.items()}
    need(measured == expected != {} and len(value(measurements)) == len(expected), "measured otherwise")


@instead(MEASURED, "ATT-20", "appraises what is measured and does not miss what is not")
def absent_component_is_good(run: FaultyRun, honest: Honest, measurements: bytes) -> None:
    references = run.world.policy.reference_values
    need(all(references.get(name) == digest for name, digest in _measured(measurements)), "measured otherwise")


@instead(MEASURED, "ATT-20", "compares the set of digests and not which component has which")
def digests_change_places(run: FaultyRun, honest: Honest, measurements: bytes) -> None:
    measured = sorted(digest for _, digest in _measured(measurements))
    need(measured == sorted(run.world.policy.reference_values.values()) != [], "measured otherwise")


@instead("eat_debug_is_disabled", "ATT-21", "accepts debug that is disabled at this moment only")
def debug_now_is_enough(run: FaultyRun, honest: Honest, dbgstat: bytes) -> None:
    need(1 <= value(dbgstat) <= 4, "debug")


@instead("key_attributes_show_custody", "ATT-22", "refuses a bad key attribute, not an absent one")
def absent_attribute_is_good(run: FaultyRun, honest: Honest, attributes: bytes) -> None:
    stated = value(attributes)
    need(all(stated.get(key, wanted) is wanted for key, wanted in CUSTODY.items()), "custody")


@instead("key_attributes_show_custody", "ATT-22", "asks whether the key is extractable and not whether it ever was")
def once_extractable_is_good(run: FaultyRun, honest: Honest, attributes: bytes) -> None:
    stated = value(attributes)
    need(all(stated.get(key) is wanted for key, wanted in CUSTODY.items() if key != 2), "custody")


@instead("eat_is_recent", "ATT-23", "refuses old evidence, not such from the future")
def future_is_recent(run: FaultyRun, honest: Honest, iat: bytes) -> None:
    need(run.world.time() - run.world.policy.max_age <= value(iat), "too old")


@instead("eat_is_recent", "ATT-23", "takes the greatest age of evidence from the peer's HELLO")
def age_by_peer(run: FaultyRun, honest: Honest, iat: bytes) -> None:
    _recent_for_peer(run, iat)


@instead("label_is_recent", "LBL-12", "takes the greatest age of labels from the peer's HELLO")
def label_age_by_peer(run: FaultyRun, honest: Honest, iat: bytes) -> None:
    _recent_for_peer(run, iat)


def _recent_for_peer(run: FaultyRun, iat: bytes) -> None:
    now, oldest = run.world.time(), value(run.value(SIDES[run.peer].max_age))
    need(now - oldest <= value(iat) <= now + 60, "not recent")


@instead("bootcount_has_not_changed", "ATT-24", "refuses a lower bootcount only")
def boot_may_rise(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) >= value(expected), "booted backwards")
