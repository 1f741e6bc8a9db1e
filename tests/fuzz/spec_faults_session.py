"""Faults about the session: order, verdicts, epochs, time, receipts, the end (chapter 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from faulty_peer import FaultyEndpoint, FaultyRun, channel, endpoint, instead, need, rows
from spec_faults_rows import receiving, with_rows, without_assignment, without_guard, without_rows

from trustconn.harness.codec import cbor
from trustconn.harness.evaluator.errors import CheckFailed
from trustconn.harness.evaluator.machine import Effects, Machine
from trustconn.harness.peer.edhoc_channel import EdhocChannel
from trustconn.harness.peer.timers import Timers
from trustconn.model.protocol import local
from trustconn.model.protocol.attestation import REGISTERS
from trustconn.model.protocol.frames import PONG, VERDICT
from trustconn.model.table import Table, Transition
from trustconn.model.terms import const

Honest = Callable[[], None]


def value(encoded: bytes) -> Any:
    """The value of an item."""
    return cbor.decode(encoded)


# --- HELLO and verdicts ----------------------------------------------------------------------------------------------


@instead("hello_version_is_supported", "SES-05", "accepts versions above 1")
def version_or_later(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) >= 1, "version")


@instead("verdict_epoch_is_current", "SES-10", "accepts a verdict of an earlier epoch")
def verdict_up_to_epoch(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) <= value(expected), "another epoch")


@instead("verdict_epoch_is_current", "SES-10", "does not read the epoch of the first verdict")
def first_epoch_unread(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    if value(expected):
        honest()


@instead("verdict_tier_fits_direction", "SES-09", "takes every tier below 32 for affirming")
def tier_below_warning(run: FaultyRun, honest: Honest, tier: bytes, direction: bytes) -> None:
    if value(direction) != 1 or value(tier) >= 32:
        honest()


@instead("verdict_tier_fits_direction", "SES-09", "accepts 200 where nothing was required")
def waived_for_not_required(run: FaultyRun, honest: Honest, tier: bytes, direction: bytes) -> None:
    if (value(direction), value(tier)) != (0, 200):
        honest()


@instead("verdict_tier_fits_direction", "SES-09", "judges the tier of the first verdict of a session alone")
def tier_judged_once(run: FaultyRun, honest: Honest, tier: bytes, direction: bytes) -> None:
    if not run.notes.get("judged"):
        honest()
    run.notes["judged"] = True


@rows("SES-08", "takes a warning for affirming")
def warning_is_affirming(table: Table) -> Table:
    warnings = {(VERDICT[letter].tier, const(32)) for letter in "IR"}
    return without_rows(table, lambda row: any((g.term, g.equals) in warnings for g in row.when))


@rows("SES-08", "lets an affirming verdict follow a rejecting one")
def affirming_after_rejecting(table: Table) -> Table:
    waiting = receiving(table, "VERDICT", "wait_VERDICT_R") + receiving(table, "VERDICT", "wait_VERDICT_I")
    return with_rows(table, (replace(row, state="REFUSED") for row in waiting if row.next_state != "REFUSED"))


# --- order -----------------------------------------------------------------------------------------------------------


@rows("SES-03", "takes DATA while it waits for the verdict on itself", ("device",))
def data_before_open(table: Table) -> Table:
    early = (replace(r, state="wait_VERDICT_R", next_state="wait_VERDICT_R") for r in receiving(table, "DATA", "OPEN"))
    return with_rows(table, (row for row in early if row.role == "device"))


@rows("SES-03", "ignores a second HELLO")
def second_hello(table: Table) -> Table:
    hellos = {row.receives.name: row for row in table.rows if row.receives.name.startswith("HELLO")}
    return with_rows(table, (Transition(row.role, "OPEN", row.receives, "OPEN") for row in hellos.values()))


@instead("att_req_epoch_is_next", "SES-14", "answers an ATT_REQ of any later epoch")
def request_any_later_epoch(run: FaultyRun, honest: Honest, received: bytes, expected: bytes) -> None:
    need(value(received) >= value(expected), "an earlier epoch")


@rows("SES-14", "answers an ATT_REQ while one is outstanding")
def request_while_pending(table: Table) -> Table:
    return without_guard(table, "ATT_REQ", {REGISTERS[s].pending for s in "IR"})


@rows("ATT-05", "judges every ATT, asked for or not")
def evidence_without_request(table: Table) -> Table:
    return without_guard(table, "ATT", {REGISTERS[s].outstanding for s in "IR"})


@rows("SES-03", "takes a second verdict on one ATT")
def verdict_again(table: Table) -> Table:
    return without_guard(table, "VERDICT", {REGISTERS[s].pending for s in "IR"})


# --- time ------------------------------------------------------------------------------------------------------------


class _Later(Timers):
    def _validity(self) -> None:
        ends = [end for end in (self._mine, self._peers) if end is not None]
        if ends:
            self._arm(local.VALIDITY_ENDS, max(ends) - self._world.time())


class _Minutes(Timers):
    def verdict_received(self, valid_for: int) -> None:
        super().verdict_received(60 * valid_for)


class _OwnAlone(Timers):
    def verdict_received(self, valid_for: int) -> None:
        pass


class _OneReopens(Timers):
    def entered(self, before: str, state: str) -> None:
        if (before, state) == ("EXPIRED", "OPEN"):
            now = self._world.time()
            self._mine = self._mine if (self._mine or 0) > now else None
            self._peers = self._peers if (self._peers or 0) > now else None
        super().entered(before, state)


def _timers(name: str, requirement: str, says: str, kind: type[Timers]) -> None:
    class Clocked(FaultyEndpoint):
        def distort(self) -> None:
            self.timers = kind(self.world, self.letter, self.off)

    endpoint(name, requirement, says)(Clocked)


_timers("later_verdict_counts", "SES-15", "is EXPIRED only when both validities have ended", _Later)
_timers("valid_for_in_minutes", "SES-15", "counts the peer's valid_for in minutes", _Minutes)
_timers("own_verdict_alone", "SES-15", "does not count the peer's valid_for", _OwnAlone)
_timers("one_verdict_reopens", "SES-15", "is OPEN again after one verdict although the other has ended", _OneReopens)


@endpoint("expired_while_alive", "SES-16", "starts the 30 seconds of EXPIRED anew with each frame")
class _ExpiredWhileAlive(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        super().receive_frame(frame)
        if self.state == "EXPIRED":
            self.timers._arm(local.EXPIRED_TIMEOUT, self.world.policy.expired_timeout)


@endpoint("verdict_wait_while_alive", "SES-21", "starts the 30 seconds up to OPEN anew with each frame")
class _VerdictWhileAlive(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        super().receive_frame(frame)
        if local.VERDICT_TIMEOUT.name in self.timers._deadlines:
            self.timers._arm(local.VERDICT_TIMEOUT, self.world.policy.verdict_timeout)


@channel("handshake_wait_anew", "SES-20", "starts the 10 seconds anew with each message", ("service",))
class _HandshakeAnew(EdhocChannel):
    def _message(self, payload: bytes) -> None:
        super()._message(payload)
        if not self.stands:
            self._endpoint.timers.handshake_starts()


@endpoint("hello_without_deadline", "SES-20", "does not bound the wait for the responder's HELLO", ("device",))
class _HelloWithoutDeadline(FaultyEndpoint):
    def _entered(self, before: str) -> None:
        super()._entered(before)
        if self.state == "wait_HELLO_R":
            self.timers.disarm(local.HANDSHAKE_TIMEOUT)


# --- receipts, life and end ------------------------------------------------------------------------------------------


@instead("receipt_counts_my_data", "SES-17", "accepts a RECEIPT for any DATA that it sent")
def receipt_for_any_data(run: FaultyRun, honest: Honest, count: bytes, confirmed: bytes, sent: bytes) -> None:
    need(value(count) < value(sent), "never sent")


class _Uncounting(Machine):
    def _receipt(self, row: Transition, failure: CheckFailed) -> Effects:
        return super()._receipt(replace(row, then_sets=()), failure)


@endpoint("refused_data_uncounted", "SES-17", "does not count DATA that it refuses")
class _RefusedUncounted(FaultyEndpoint):
    def distort(self) -> None:
        self.machine.__class__ = _Uncounting


@rows("SES-18", "accepts a PONG again")
def pong_again(table: Table) -> Table:
    return without_assignment(table, "PONG", set(local.PING.slots))


@rows("SES-18", "answers no PING in EXPIRED")
def no_pong_when_expired(table: Table) -> Table:
    quiet = receiving(table, "PING", "EXPIRED")
    return with_rows(without_rows(table, lambda row: row in quiet), (replace(row, sends=()) for row in quiet))


@rows("SES-26", "answers PING after its own CLOSE")
def answers_after_close(table: Table) -> Table:
    silent = receiving(table, "PING", "CLOSING")
    answers = {f"PING_{row.receives.name[-1]}": PONG["R" if row.receives.name[-1] == "I" else "I"] for row in silent}
    return with_rows(table, (replace(row, sends=(answers[row.receives.name],)) for row in silent), first=True)


@rows("SES-28", "delivers DATA after its own CLOSE")
def data_after_close(table: Table) -> Table:
    late = (replace(r, state="CLOSING", next_state="CLOSING") for r in receiving(table, "DATA", "OPEN"))
    return with_rows(table, late, first=True)


@endpoint("alert_answered", "SES-30", "answers an ALERT by CLOSE")
class _AlertAnswered(FaultyEndpoint):
    def receive_frame(self, frame: bytes) -> None:
        super().receive_frame(frame)
        if frame[:2] == b"\x82\x06":
            self.send_frame(cbor.encode([7, {}]))
