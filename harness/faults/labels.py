"""Faults of judging labels and environment objects, and of making them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.distort import at, changed, unchecked
from ...model.protocol.frames import RECEIPT_CODE, SIDES
from ...model.protocol.labels import ENVIRONMENT, LABEL, environment_checks, label_checks
from ...model.table import Transition
from ..codec import cbor
from ..identity.world import World
from .attestation_keys import degenerate
from .fault import BOTH, GENERAL, SERVICE, Fault, fault
from .operators import accepts, constant, decides, decoded, forgives, number, prefix, refuses, sees
from .peer import FaultyEndpoint
from .run import Judge

SEQ, CTI, IAT = "label_seq_increases", "label_cti_is_new", "label_is_recent"


def _signer(world: World, id_cred: bytes) -> bytes:
    return world.credential(id_cred).leaf.sha256


def _last(world: World, id_cred: bytes) -> int:
    return world.memory.label_sequence.get(_signer(world, id_cred), -1)


_LABELS: tuple[tuple[str, str, str, str, str, str, Judge, str], ...] = (
    ("label_seq_equal", "LBL-09", "off by one", "seq", "F1", SEQ,
     accepts(lambda w, seq, cred: decoded(seq) == _last(w, cred)), "A number that was accepted last passes again."),
    ("label_seq_lower", "LBL-09", "wrong direction", "seq", "F5", SEQ,
     accepts(lambda w, seq, cred: decoded(seq) < _last(w, cred)), "A number below the last one passes."),
    ("label_seq_next_only", "LBL-26", "false reject", "seq", GENERAL, SEQ,
     refuses(lambda w, seq, cred: decoded(seq) > _last(w, cred) + 1), "A gap in the numbers is refused."),
    ("label_seq_of_32_bits", "LBL-26", "limit ignored", "seq", "F1", SEQ,
     refuses(lambda w, seq, cred: decoded(seq) >= 1 << 32), "A number of more than 32 bits is refused."),
    ("label_cti_prefix", "LBL-11", "prefix", "cti", GENERAL, CTI,
     refuses(lambda w, cti, cred: any(k.startswith(_signer(w, cred) + decoded(cti)[:2]) for k in w.memory.label_ids)),
     "An identifier that begins like an accepted one is refused."),
    ("label_old_by_a_second", "LBL-12", "off by one", "greatest age", GENERAL, IAT,
     sees(lambda w, iat: (cbor.encode(decoded(iat) + 1),)), "A label one second too old passes."),
    ("label_future_by_a_second", "LBL-12", "off by one", "clock tolerance", GENERAL, IAT,
     sees(lambda w, iat: (cbor.encode(max(0, decoded(iat) - 1)),)), "A label 61 seconds in the future passes."),
    ("label_future_passes", "LBL-12", "wrong direction", "iat", GENERAL, IAT,
     accepts(lambda w, iat: decoded(iat) > w.time()), "A label of the future counts as young."),
    ("label_old_passes", "LBL-12", "missing", "greatest age", GENERAL, IAT,
     accepts(lambda w, iat: decoded(iat) < w.time()), "How old a label is does not matter."),
    ("label_ahead_refused", "LBL-12", "false reject", "clock tolerance", GENERAL, IAT,
     refuses(lambda w, iat: decoded(iat) > w.time()), "A label of a clock that runs a little ahead is refused."),
    ("label_oldest_refused", "LBL-12", "false reject", "greatest age", GENERAL, IAT,
     refuses(lambda w, iat: decoded(iat) < w.time() - w.policy.max_age // 2),
     "A label older than half the greatest age is refused."),
    ("label_sub_only", "LBL-07", "first of several", "iss", GENERAL, "label_subject_is_peer",
     decides(lambda w, sub, iss, cred: decoded(sub) == w.credential(cred).leaf.identity),
     "Of sub and iss only sub is compared."),
    ("label_iss_only", "LBL-07", "last of several", "sub", GENERAL, "label_subject_is_peer",
     decides(lambda w, sub, iss, cred: decoded(iss) == w.credential(cred).leaf.platform),
     "Of sub and iss only iss is compared."),
    ("label_sub_absent_passes", "LBL-07", "empty", "sub", "C29", "label_subject_is_peer",
     accepts(lambda w, sub, iss, cred: not decoded(sub)), "An empty sub passes."),
    ("label_digest_prefix", "LBL-10", "prefix", "digest", "G1", "label_digest_is_content",
     prefix(4), "Only the first four octets of the digest are compared."),
    ("label_digest_absent_passes", "LBL-10", "empty", "digest", "G3", "label_digest_is_content",
     accepts(lambda w, given, expected: not any(given)), "A digest of zeros passes."),
    ("label_sid_prefix", "LBL-08", "prefix", "sid", GENERAL, "label_sid_is_this_session",
     prefix(0), "The session id only has to be there."),
    ("label_sid_zero_passes", "LBL-08", "empty", "sid", "C29", "label_sid_is_this_session",
     accepts(lambda w, given, expected: not any(given)), "A session id of zeros stands for any session."),
    ("label_signature_degenerate", "LBL-05", "exception as success", "signature", "B25", "label_signature_verifies",
     accepts(degenerate), "A signature with a number out of range counts as good."),
    ("label_x5t_of_chain", "LBL-06", "any of several", "x5t", "A15", "label_x5t_is_peer_leaf",
     accepts(lambda w, given, expected: decoded(given)[1] in w.held()),
     "The thumbprint of any certificate that is held passes."),
    ("label_x5t_short", "LBL-06", "short", "x5t", "D5", "label_x5t_is_peer_leaf",
     accepts(lambda w, given, expected: decoded(expected)[1].startswith(decoded(given)[1])),
     "A shortened thumbprint passes."),
    ("label_alg_by_family", "LBL-04", "family", "alg", "D5", "label_header_is_exact",
     accepts(lambda w, alg, typ, hash_: decoded(alg) < 0 and _label(typ) and decoded(hash_) == -16),
     "Every asymmetric algorithm passes in a label."),
    ("label_mac_passes", "LBL-04", "confusion", "alg", "D9", "label_header_is_exact",
     accepts(lambda w, alg, typ, hash_: decoded(alg) > 0 and _label(typ)),
     "A label that is said to have a MAC passes."),
    ("label_typ_not_judged", "LBL-04", "missing", "typ", "D1", "label_header_is_exact",
     accepts(lambda w, alg, typ, hash_: decoded(alg) == -7 and decoded(hash_) == -16),
     "The type of a label is not looked at."),
    ("label_hash_not_judged", "LBL-04", "missing", "payload-hash-alg", "D5", "label_header_is_exact",
     accepts(lambda w, alg, typ, hash_: decoded(alg) == -7 and _label(typ)),
     "The hash algorithm of the payload is not looked at."),
    ("label_without_environment", "LBL-13", "absent", "environment", "C29", "label_names_its_environment",
     accepts(lambda w, env, direction: not env), "A label may leave its environment out."),
    ("environment_by_any_name", "LBL-14", "missing", "environment digest", "G7", "env_is_referred_to",
     accepts(lambda w, given, expected: bool(given) and bool(expected)),
     "Whatever a label names, the environment object at hand is meant."),
    ("environment_unknown_passes", "LBL-14", "absent", "environment object", "C29", "env_is_referred_to",
     accepts(lambda w, given, expected: not expected), "Before an environment object has come, any may be named."),
    ("environment_key_by_path", "LBL-16", "any of several", "attestation key", "A15", "env_ak_is_the_attested_one",
     decides(lambda w, given, attested: w.verify_path(w.x5chain(given), attestation=True) is None),
     "Any attestation key with a path may sign an environment object."),
    ("environment_signature_degenerate", "LBL-15", "exception as success", "signature", "B25",
     "env_signature_verifies", accepts(degenerate), "A signature with a number out of range counts as good."),
    ("environment_bootcount_higher", "LBL-20", "wrong direction", "bootcount", "C23", "env_bootcount_is_attested_one",
     accepts(lambda w, given, attested: decoded(given) > decoded(attested)), "A higher boot count passes."),
    ("environment_bootcount_lower", "LBL-20", "off by one", "bootcount", "C23", "env_bootcount_is_attested_one",
     accepts(lambda w, given, attested: decoded(given) < decoded(attested)), "A lower boot count passes."),
    ("environment_epoch_earlier", "LBL-19", "state kept", "epoch", "C23", "env_epoch_is_attested_one",
     accepts(lambda w, given, attested: decoded(given) < decoded(attested)),
     "An environment object of an earlier epoch passes."),
    ("environment_epoch_later", "LBL-19", "wrong direction", "epoch", GENERAL, "env_epoch_is_attested_one",
     accepts(lambda w, given, attested: decoded(given) > decoded(attested)),
     "An environment object of a later epoch passes."),
    ("environment_sid_zero_passes", "LBL-18", "empty", "sid", "C29", "env_sid_is_this_session",
     accepts(lambda w, given, expected: not any(given)), "A session id of zeros stands for any session."),
    ("environment_as_old_refused", "LBL-21", "false reject", "iat", GENERAL, "env_is_not_older",
     refuses(lambda w, iat, last: decoded(iat) == decoded(last)),
     "A new environment object of the same second is refused."),
    ("environment_typ_not_judged", "LBL-22", "missing", "typ", "D1", "env_header_is_exact",
     accepts(lambda w, alg, typ, *_: decoded(alg) == -7), "The type of an environment object is not looked at."),
    ("environment_measures_less", "LBL-36", "subset", "measurements", GENERAL,
     "env_measurements_match_reference_values", forgives("a component is not measured"),
     "An environment object may leave components out."),
    ("environment_measures_anything_named", "LBL-36", "missing", "measured digest", GENERAL,
     "env_measurements_match_reference_values", forgives("no such reference value"),
     "The digests in an environment object are not looked at."),
    ("unlabelled_passes", "LBL-02", "absent", "label", "C29", "data_carries_a_label",
     accepts(lambda w, plain: bool(plain)), "Unlabelled octets pass although the policy wants labels."),
    ("unlabelled_refused", "LBL-02", "false reject", "label", GENERAL, "data_carries_a_label",
     refuses(lambda w, plain: True), "Unlabelled octets are refused although the policy allows them."),
    ("plain_beside_label_passes", "LBL-35", "ignored", "octets beside a label", GENERAL, "data_is_plain_or_labelled",
     accepts(lambda w, plain, label, *_: bool(label)), "Unlabelled octets beside a label are ignored."),
    ("plain_beside_content_passes", "LBL-35", "wrong order", "octets beside content", GENERAL,
     "data_is_plain_or_labelled", accepts(lambda w, plain, label, *_: not label),
     "Of unlabelled octets beside content policy is asked before the grammar."),
)  # fmt: skip


def _label(typ: bytes) -> bool:
    return bool(decoded(typ) == "application/vnd.tc.label+cose")


def judging() -> Iterator[Fault]:
    """Labels and environment objects judged carelessly."""
    for name, requirement, operator, what, source, check, judge, sentence in _LABELS:
        yield fault(name, sentence, requirement, operator, what, source=source, judges={check: judge})


def _with_environment(row: Transition) -> bool:
    return at("DATA", "OPEN")(row) and len(row.opens) == 3


def _without_environment(row: Transition) -> bool:
    return at("DATA", "OPEN")(row) and len(row.opens) == 2


def entries() -> Iterator[Fault]:
    """Two entry points that differ: DATA with an environment object, and DATA that refers to the last one."""
    of_services = {step.check for step in label_checks(SIDES["R"], None)}
    for step in label_checks(SIDES["I"], None):
        check = step.check
        roles = BOTH if check in of_services else SERVICE
        yield fault(
            f"{check.name}_with_environment_only", f"Without a new environment object {check.name} is not judged.",
            check.requirement, "two entry points", f"later label {check.name}", roles, source="C17",
            table=changed(_without_environment, unchecked(check.name)),
        )  # fmt: skip
        yield fault(
            f"{check.name}_without_environment_only", f"With a new environment object {check.name} is not judged.",
            check.requirement, "two entry points", f"first label {check.name}", roles, source="C17",
            table=changed(_with_environment, unchecked(check.name)),
        )  # fmt: skip
    yield fault(
        "environment_not_judged", "A new environment object is taken without a look at it.", "LBL-15",
        "error as success", "environment object", source="G9",
        table=changed(_with_environment, unchecked(*(s.check.name for s in environment_checks(SIDES["I"])))),
    )  # fmt: skip

    yield fault(
        "mixed_data_in_expired", "What is late is not judged by its grammar.", "LBL-35", "two entry points",
        "DATA in EXPIRED", table=changed(at("DATA", "EXPIRED"), unchecked("data_is_plain_or_labelled")),
    )  # fmt: skip


def making() -> Iterator[Fault]:
    """Labels made wrongly, and receipts that say something else."""
    labels, environments = LABEL.values(), ENVIRONMENT.values()
    for name, requirement, operator, what, lies, sentence in (
        ("label_same_cti", "LBL-04", "constant", "cti", {x.cti: constant(bytes(16)) for x in labels},
         "All labels carry one identifier."),
        ("label_seq_stands", "LBL-26", "counter stands", "own seq", {x.sequence: constant(b"\x05") for x in labels},
         "All labels carry one number."),
        ("label_seq_falls", "LBL-26", "wrong direction", "own seq",
         {x.sequence: number(lambda n: max(0, 1000 - n)) for x in labels}, "Numbers of labels fall."),
        ("label_other_digest", "LBL-03", "wrong value", "own digest", {x.digest: constant(bytes(32)) for x in labels},
         "Labels carry another digest than that of the content."),
        ("label_no_sid", "LBL-01", "constant", "own sid", {x.sid: constant(bytes(16)) for x in labels},
         "Labels carry no session id."),
        ("label_other_typ", "LBL-04", "wrong value", "own typ",
         {x.typ: constant(cbor.encode("application/cose")) for x in labels}, "Labels carry another type."),
        ("label_old_iat", "LBL-04", "constant", "own iat", {x.iat: number(lambda t: t - 86_400) for x in labels},
         "Labels carry the time of a day ago."),
        ("label_zero_signature", "LBL-27", "empty", "own signature",
         {x.signature: constant(bytes(64)) for x in labels}, "Labels are not signed."),
        ("environment_zero_signature", "LBL-22", "empty", "own environment signature",
         {x.token.signature: constant(bytes(64)) for x in environments}, "Environment objects are not signed."),
        ("environment_other_epoch", "LBL-29", "constant", "own environment epoch",
         {x.epoch: number(lambda n: n + 1) for x in environments}, "Environment objects carry the next epoch."),
        ("receipt_code_good", "LBL-02", "error as success", "RECEIPT code",
         {RECEIPT_CODE[x]: constant(b"\x00") for x in "IR"}, "Refused DATA is receipted as good."),
        ("receipt_code_bad", "SES-17", "false reject", "RECEIPT code",
         {RECEIPT_CODE[x]: constant(b"\x18\x1e") for x in "IR"}, "Good DATA is receipted as bad."),
        ("receipt_count_from_one", "SES-17", "off by one", "RECEIPT count", _counts(), "Receipts count from one."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, lies=lies)
    yield fault(
        "label_not_remembered", "Nothing is remembered of accepted labels.", "LBL-09", "reset lost", "accepted seq",
        source="A31", endpoint=_Forgets,
    )  # fmt: skip
    yield fault(
        "label_remembered_unjudged", "A refused label is remembered as if it were accepted.", "LBL-09", "state kept",
        "refused seq", source="A29", judges={"label_signature_verifies": _remembering},
    )  # fmt: skip


def _counts() -> dict[Any, Any]:
    from ...model.protocol.frames import RECEIPT_COUNT

    return {RECEIPT_COUNT[x]: number(lambda n: n + 1) for x in "IR"}


class _Forgets(FaultyEndpoint):
    """Has no memory of labels."""

    def _remember_label(self, data: dict[str, Any]) -> None:
        pass


def _remembering(run: Any, name: str, form: Any, honest: Any) -> None:
    """Keep the number before the signature has been verified."""
    letter = "R" if run.role == "device" else "I"
    signer = _signer(run.world, run.value(SIDES[letter].party.id_cred))
    run.world.memory.label_sequence[signer] = max(
        decoded(run.value(LABEL[letter].sequence)), run.world.memory.label_sequence.get(signer, -1)
    )
    honest()


def label_faults() -> Iterator[Fault]:
    """All faults about labels."""
    for faults in (judging, entries, making):
        yield from faults()
