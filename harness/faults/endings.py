"""Faults of timers, of what is said at the end, and of what a restart keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.protocol import local
from ...model.table import Message
from ..codec import cbor
from ..evaluator.errors import CheckFailed
from ..identity.world import Memory
from ..peer.endpoint import SEND_MARGIN
from ..peer.timers import Timers
from .fault import Fault, fault
from .operators import policy
from .peer import FaultyEndpoint


def timer_faults() -> Iterator[Fault]:
    """Deadlines."""
    for name, requirement, setting, what in (
                                                                    ("verdict", "SES-21", "verdict_timeout",
                                                                     "30 seconds"),
        ("expired", "SES-16", "expired_timeout", "30 seconds"),
    ):  # fmt: skip
        yield fault(
            f"{name}_timer_late", f"The {name} timer runs a second longer.", requirement, "off by one", what,
            world=policy(**{setting: lambda s: s + 1}),
        )  # fmt: skip
        yield fault(
            f"{name}_timer_early", f"The {name} timer ends after half its time.", requirement, "false reject", what,
            world=policy(**{setting: lambda s: s // 2}),
        )  # fmt: skip
    for name, requirement, operator, what, kind, sentence in (
        ("verdict_timer_restarts", "SES-21", "state kept", "each frame", _Restarting,
         "Every step on the way to OPEN starts the timer again."),
        ("peers_validity_only", "SES-15", "first of several", "own verdict", _PeersOnly,
         "Only the end of the verdict on oneself counts."),
        ("own_validity_only", "SES-15", "last of several", "peer's verdict", _OwnOnly,
         "Only the end of one's own verdict counts."),
        ("validity_by_a_second", "SES-15", "off by one", "valid_for", _Longer, "A verdict counts a second longer."),
        ("no_send_margin", "SES-22", "missing", "5 seconds", _NoMargin,
         "Data is sent until the very end of a verdict."),
        ("short_send_margin", "SES-22", "off by one", "5 seconds", _ShortMargin,
         "Data is sent until 4 seconds before the end."),
        ("late_request", "SES-14", "missing message", "own request in time", _NeverAsks,
         "Evidence is never asked for again."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, endpoint=_timed(kind))


def _timed(kind: type[Timers]) -> type[FaultyEndpoint]:
    class Endpoint(FaultyEndpoint):
        """With other timers."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.timers = kind(self.world, self.letter, self.off)

    return Endpoint


class _Restarting(Timers):
    """Starts again."""

    def entered(self, before: str, state: str) -> None:
        self.disarm(local.VERDICT_TIMEOUT)
        super().entered(before, state)


class _PeersOnly(Timers):
    """Forgets its own."""

    def verdict_sent(self, valid_for: int) -> None:
        super().verdict_sent(1 << 40)


class _OwnOnly(Timers):
    """Forgets the peer's."""

    def verdict_received(self, valid_for: int) -> None:
        super().verdict_received(1 << 40)


class _Longer(Timers):
    """Counts one more."""

    def verdict_received(self, valid_for: int) -> None:
        super().verdict_received(valid_for + 1)

    def verdict_sent(self, valid_for: int) -> None:
        super().verdict_sent(valid_for + 1)


class _NoMargin(Timers):
    """Sends to the end."""

    def ends_within(self, seconds: int) -> bool:
        return super().ends_within(0)


class _ShortMargin(Timers):
    """Sends almost to the end."""

    def ends_within(self, seconds: int) -> bool:
        return super().ends_within(SEND_MARGIN - 1)


class _NeverAsks(Timers):
    """Has no timer for it."""

    def _arm(self, message: Message, seconds: int) -> None:
        if message is not local.REATTEST:
            super()._arm(message, seconds)


# --- the end, and what is said about it ------------------------------------------------------------------------------


def alert_faults() -> Iterator[Fault]:
    """What is said when something is refused."""
    for name, operator, what, endpoint, sentence in (
        ("alert_missing", "missing message", "ALERT", _Mute, "A refusal closes the connection without ALERT."),
        ("alert_internal", "wrong code", "ALERT code", _Internal, "Every refusal is said to be an internal error."),
        ("alert_decode_error", "constant", "ALERT code", _Decode, "Every refusal is said to be a decoding error."),
        ("alert_twice", "twice", "ALERT", _Stutters, "A refusal is said twice."),
        (
            "alert_without_end",
            "state kept",
            "connection",
            _Stays,
            "After its ALERT the peer goes on as if nothing had happened.",
        ),
    ):
        yield fault(name, sentence, "ERR-02", operator, what, source="C15", endpoint=endpoint)
    yield fault(
        "alert_tells_values", "ALERT carries the value that was expected.", "ERR-11", "extra message", "ALERT body",
        source="C19", endpoint=_Talkative,
    )  # fmt: skip
    yield fault(
        "unconfirmed_not_told", "Data without a receipt is not reported at the end.", "SES-29", "counter stands",
        "unconfirmed", endpoint=_Careless,
    )  # fmt: skip
    yield fault(
        "truncation_clean", "An end without CLOSE is reported as an orderly one.", "SES-19", "error as success",
        "truncation", endpoint=_Content,
    )  # fmt: skip


class _Mute(FaultyEndpoint):
    """Says nothing."""

    def _alert(self, code: int) -> None:
        pass


class _Internal(FaultyEndpoint):
    """Says one thing."""

    def _alert(self, code: int) -> None:
        super()._alert(80)


class _Decode(FaultyEndpoint):
    """Says one thing."""

    def _alert(self, code: int) -> None:
        super()._alert(11)


class _Stutters(FaultyEndpoint):
    """Says it again."""

    def _alert(self, code: int) -> None:
        super()._alert(code)
        super()._alert(code)


class _Stays(FaultyEndpoint):
    """Does not end."""

    def _refuse(self, failure: CheckFailed) -> None:
        state = self.machine.state
        super()._refuse(failure)
        if self.channel.stands:
            self.machine.state, self.closed = state, False


class _Talkative(FaultyEndpoint):
    """Explains itself."""

    def _alert(self, code: int) -> None:
        self.send_frame(cbor.encode([6, {1: code, 2: self.sid}]))


class _Careless(FaultyEndpoint):
    """Counts nothing."""

    def report(self, name: str, **fields: Any) -> None:
        super().report(name, **{**fields, "unconfirmed": 0} if "unconfirmed" in fields else fields)


class _Content(FaultyEndpoint):
    """Reports every end as a good one."""

    def report(self, name: str, **fields: Any) -> None:
        super().report(name, **{**fields, "clean": True, "truncated": False} if name == "closed" else fields)


# --- restart ---------------------------------------------------------------------------------------------------------


def restart_faults() -> Iterator[Fault]:
    """What a restart loses."""
    empty = Memory().save()
    for key, requirement, sentence in (
        ("label_sequence", "LBL-09", "the numbers of accepted labels"),
        ("label_ids", "LBL-11", "the identifiers of accepted labels"),
        ("own_sequence", "SES-31", "its own label numbers"),
        ("time_floor", "REV-10", "the latest verified time"),
    ):
        yield fault(
            f"restart_loses_{key}", f"A restart loses {sentence}.", requirement, "reset lost", f"{key} after restart",
            source="A31", kept=lambda saved, key=key: {**saved, key: empty[key]},
        )  # fmt: skip
    yield fault(
        "clock_turned_back", "The latest verified time does not hold the clock.", "REV-10", "missing", "time floor",
        endpoint=_NoFloor,
    )  # fmt: skip


class _NoFloor(FaultyEndpoint):
    """Forgets the latest time that a proof has shown."""

    def _entered(self, before: str) -> None:
        self.world.memory.time_floor = 0
        super()._entered(before)


def ending_faults() -> Iterator[Fault]:
    """All faults of these parts."""
    for faults in (timer_faults, alert_faults, restart_faults):
        yield from faults()
