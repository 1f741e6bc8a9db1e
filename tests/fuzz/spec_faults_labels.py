"""Faults about labels and environment objects (chapter 11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faulty_peer import FaultyRun, declare, instead, need, rows
from spec_faults_rows import without_assignment

from trustconn.harness.codec import cbor
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.harness.identity.world import Memory
from trustconn.model.protocol.frames import SIDES, own
from trustconn.model.protocol.labels import LABEL, LABEL_REGISTERS
from trustconn.model.table import Table
from trustconn.model.terms import ITEM

Honest = Callable[[], None]


def value(encoded: bytes) -> Any:
    """The value of an item."""
    return cbor.decode(encoded)


def signer_of(run: FaultyRun, id_cred: bytes) -> bytes:
    """SHA-256 of the peer's leaf, under which memory keeps labels."""
    return run.world.credential(id_cred).leaf.sha256


@instead("label_seq_increases", "LBL-09", "accepts a seq that it has accepted last")
def sequence_may_repeat(run: FaultyRun, honest: Honest, sequence: bytes, id_cred: bytes) -> None:
    need(value(sequence) >= run.world.memory.label_sequence.get(signer_of(run, id_cred), -1), "seq")


@instead("label_seq_increases", "LBL-09", "counts seq anew in each session")
def sequence_by_session(run: FaultyRun, honest: Honest, sequence: bytes, id_cred: bytes) -> None:
    need(value(sequence) > run.notes.get("seq", -1), "seq")
    run.notes["seq"] = value(sequence)


@instead("label_signature_verifies", "LBL-09", "remembers the seq of a label that does not verify")
def sequence_before_proof(run: FaultyRun, honest: Honest, *signed: Any) -> None:
    try:
        honest()
    except CheckFailed:
        party = signer_of(run, run.value(SIDES[run.peer].party.id_cred))
        run.world.memory.label_sequence[party] = value(run.value(LABEL[run.peer].sequence))
        raise


def _forget_sequence(memory: Memory) -> None:
    memory.label_sequence.clear()


declare("sequence_lost_at_restart", "LBL-09", "forgets accepted seq at a restart", restart=_forget_sequence)


@instead("label_cti_is_new", "LBL-11", "remembers one cti")
def cti_of_the_last(run: FaultyRun, honest: Honest, cti: bytes, id_cred: bytes) -> None:
    seen = run.world.memory.label_ids
    need(not seen or next(reversed(seen)) != signer_of(run, id_cred) + value(cti), "seen before")


@instead("label_subject_is_peer", "LBL-07", "compares sub and not iss")
def issuer_unread(run: FaultyRun, honest: Honest, sub: bytes, iss: bytes, id_cred: bytes) -> None:
    need(value(sub) == run.world.credential(id_cred).leaf.identity, "another subject")


@instead("label_sid_is_this_session", "LBL-08", "compares 8 octets of sid")
def label_sid_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(received[:8] == expected[:8], "another session")


@instead("env_sid_is_this_session", "LBL-18", "compares 8 octets of the environment's sid")
def environment_sid_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(received[:8] == expected[:8], "another session")


@instead("label_signature_verifies", "LBL-05", "verifies with the key of an x5chain that the label brings")
def key_from_the_label(run: FaultyRun, honest: Honest, key: Any, signature: bytes, message: bytes) -> None:
    chain = run.value(own(run.peer, "LABEL_CHAIN", ITEM))
    ES256.verify(run.world.x5chain(chain).leaf.public_key if chain else key, signature, message)


@instead("label_digest_is_content", "LBL-10", "compares 16 octets of the digest of the content")
def content_by_prefix(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(received[:16] == expected[:16], "another content")


@instead("env_epoch_is_attested_one", "LBL-19", "accepts environment objects of earlier epochs")
def environment_up_to_epoch(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) <= value(expected), "another epoch")


@instead("env_is_not_older", "LBL-21", "refuses an environment object of the same second as the last one")
def environment_must_be_younger(run: FaultyRun, honest: Honest, iat: bytes, last: bytes) -> None:
    need(value(iat) > value(last), "older")


@instead("env_signature_verifies", "LBL-15", "verifies the first environment object of a session alone")
def environment_verified_once(run: FaultyRun, honest: Honest, *signed: Any) -> None:
    if not run.notes.get("verified"):
        honest()
    run.notes["verified"] = True


@instead("env_signature_verifies", "LBL-15", "verifies an environment object over an empty external_aad too")
def environment_without_context(run: FaultyRun, honest: Honest, key: Any, signature: bytes, message: bytes) -> None:
    try:
        honest()
    except CheckFailed:
        context, protected, _, payload = value(message)
        ES256.verify(key, signature, cbor.encode([context, protected, b"", payload]))


@rows("LBL-14", "keeps the accepted environment object over a re-attestation")
def environment_kept_after_att(table: Table) -> Table:
    return without_assignment(table, "ATT", {LABEL_REGISTERS[s].reference for s in "IR"})
