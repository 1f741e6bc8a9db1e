"""Whole sessions over EDHOC, unit by unit, as somebody sees them who knows both ephemeral keys and one peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import takewhile
from typing import Any, NamedTuple

from ...harness.bits import one_bit_other
from ...harness.codec import cbor
from ...harness.codec.cbor import bstr
from ...harness.identity.world import World
from ...harness.peer.protection import Protection
from ...harness.peer.provider import own_id_cred
from ...harness.tester.conversation import Conversation
from ...harness.tester.deviation import After, AlterOctets, AlterUnit, Before, Deviation, Drop, Duplicate, Swap
from ...harness.tester.frames import receipt, verdict
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Role
from ...harness.transport.record import RECORD_LIMIT
from ...harness.transport.units import UnitReader, write_unit
from ...model.protocol.attestation import SID
from ...model.protocol.edhoc import X, Y
from ..judging import refusals, requirement
from ..keys import public_key
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import evidence, hellos
from .evidence import LETTER, RECEIVERS
from .honest import CONTENT, reference

SOURCE = "generated; chapters 3, 5, 6 and 11"
RECORD = 3
PING, REPLY = b"8 octets", b"set point 20.0"
Act = Callable[[LocalIut, Conversation], None]


class Played(NamedTuple):
    """A session: its units with their senders, and the check by which the implementation ended it, if it did."""

    iut: LocalIut
    conversation: Conversation
    check: str | None

    @property
    def units(self) -> list[list[str]]:
        """Sender and unit, in the order in which they passed; what a refusing receiver answers is left out."""
        turns = list(self.conversation.transcript.turns())
        if self.check is not None and turns[-1][0] == self.iut.role:
            turns.pop()
        return [[sender, octets(unit)] for sender, data in turns for unit in _cut(data)]


def _cut(data: bytes) -> Iterator[bytes]:
    for unit in UnitReader(lambda kind: 1 << 24).feed(data):
        yield write_unit(unit.kind, unit.payload)


def _open(iut: LocalIut, conversation: Conversation) -> None:
    conversation.until(lambda: conversation.peer.state == "OPEN")


def _data(iut: LocalIut, conversation: Conversation) -> None:
    _open(iut, conversation)
    if conversation.peer.state == "OPEN":
        conversation.peer.send_data(CONTENT, "text/plain")
        conversation.flush()
        conversation.until_seen(f"RECEIPT_{conversation.peer.peer}")


def _answered(iut: LocalIut, conversation: Conversation) -> None:
    """The implementation sends data, and the tester its receipt."""
    _open(iut, conversation)
    iut.sends(conversation, REPLY)
    conversation.until_seen(f"DATA_{conversation.peer.peer}")


def _everything(iut: LocalIut, conversation: Conversation) -> None:
    _data(iut, conversation)
    _answered(iut, conversation)
    peer = conversation.peer
    peer.ping(PING)
    conversation.flush()
    conversation.until_seen(f"PONG_{peer.peer}")
    peer.reattest()
    conversation.flush()
    conversation.until_seen(f"ATT_{peer.peer}", len(peer.observations))
    conversation.finish()


def play(role: Role, act: Act, deviation: Deviation | None = None, off: frozenset[str] = frozenset()) -> Played:
    """A session of the implementation of `role` with the tester."""
    iut = reference(role, off)
    conversation = iut.converse(deviation, label="vectors")
    act(iut, conversation)
    conversation.timed_out = False
    conversation.until(lambda: False)
    assert iut.latest is not None
    told = [event.fields["check"] for event in iut.latest.events if event.name in ("refused", "data_refused")]
    return Played(iut, conversation, told[0] if told else None)


# --- faults ----------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """A deviation of the tester, and what it takes to come to it."""

    field: str
    operator: str
    make: Callable[[], Deviation]
    comment: str
    act: Act = _open


def _frame(kind: int, body: Any) -> Callable[[Any], None]:
    return lambda peer: peer.put_frame(kind, body)


def _always(frame: bytes) -> Callable[[bytes], bytes]:
    return lambda honest: frame


STRAY: dict[str, tuple[int, Any]] = {
    "ATT_REQ": (2, {1: 1, 2: bytes(32)}),
    "VERDICT": (4, {1: 2, 3: 0, 4: 60}),
    "DATA": (5, {1: CONTENT}),
    "PING": (8, {1: PING}),
    "RECEIPT": (9, {1: 0, 2: 0}),
    "PONG": (10, {1: PING}),
    "type-11": (11, {}),
    "type-127": (127, {}),
}
"""Frames that come where they do not belong."""


def _order(letter: str) -> Iterator[Fault]:
    """Frames left out, doubled, exchanged, or between others."""
    for kind in ("HELLO", "ATT", "VERDICT"):
        name = f"{kind}_{letter}"
        yield Fault(name, "duplicated", partial(Duplicate, name), "the frame comes twice")
        yield Fault(name, "left-out", partial(Drop, name), "the next frame comes in its place")
        yield Fault(name, "swapped", partial(Swap, name), "it changes places with the next one")
        for stray, (number, body) in STRAY.items():
            make = partial(Before, name, _frame(number, body))
            yield Fault(f"{stray} before {name}", "inserted", make, "a frame that the state does not allow")
    for stray in ("VERDICT", "RECEIPT", "PONG", "type-11", "type-127"):
        number, body = STRAY[stray]
        after = partial(After, f"DATA_{letter}", _frame(number, body))
        yield Fault(f"{stray} after DATA", "inserted", after, "a frame that answers nothing", _data)


def _verdicts(letter: str) -> Iterator[Fault]:
    name = f"VERDICT_{letter}"
    for operator, frame, comment in (
        ("tier-waived", verdict(200), "a waiver was not presented"),
        ("tier-not-required", verdict(201), "evidence was required"),
        ("tier-3", verdict(3), "a tier that does not exist"),
        ("next-epoch", verdict(2, epoch=1), "of an epoch that was not attested"),
        ("valid-for-nothing", verdict(2, valid_for=0), "no validity"),
    ):
        yield Fault(name, operator, partial(AlterOctets, name, _always(frame)), comment)
    count = f"RECEIPT_{letter}"
    for number in (1, 2**32):
        make = partial(AlterOctets, count, _always(receipt(number)))
        yield Fault(count, f"count-{number}", make, "answers DATA that was not sent", _answered)


def _replayed(role: Role) -> Iterator[Fault]:
    """What was genuine in another session."""
    letter = LETTER[OPPOSITE[role]]
    other = _of_another_session(role)
    for kind, act in (("ATT", _open), ("DATA", _data)):
        name, frame = f"{kind}_{letter}", other[kind]
        make = partial(AlterOctets, name, _always(frame))
        yield Fault(name, "of-another-session", make, "genuine, of another session of the same peers", act)


@cache
def _of_another_session(role: Role) -> dict[str, bytes]:
    """ATT and DATA of a session of the same parties with other randomness."""
    letter = LETTER[OPPOSITE[role]]
    iut = reference(role)
    conversation = iut.converse(label="another session")
    _data(iut, conversation)
    return {kind: conversation.peer.sent[f"{kind}_{letter}"] for kind in ("ATT", "DATA")}


def _records() -> Iterator[Fault]:
    """Units of the tester changed on the way."""
    for nth, name in ((0, "first record"), (1, "second record")):
        changes: dict[str, tuple[Callable[[bytes], list[tuple[int, bytes]]], str]] = {
            "doubled": (lambda payload: [(RECORD, payload), (RECORD, payload)], "the record twice"),
            "bit-flipped": (lambda payload: [(RECORD, one_bit_other(payload))], "one bit of the tag"),
            "left-out": (lambda payload: [], "the record never comes"),
            "emptied": (lambda payload: [(RECORD, b"")], "a record without a tag"),
        }
        for operator, (change, comment) in changes.items():
            yield Fault(name, operator, partial(AlterUnit, RECORD, nth, change), comment, _data)


def _faults(role: Role) -> Iterator[Fault]:
    letter = LETTER[OPPOSITE[role]]
    yield from _order(letter)
    yield from _verdicts(letter)
    yield from _replayed(role)
    yield from _records()


# --- vectors ---------------------------------------------------------------------------------------------------------

WITHOUT_SWITCH = frozenset({"frame_is_expected", "frame_type_is_known", "record_is_in_sequence", "record_tag_verifies"})
"""Checks without which nothing sensible follows: they are not tried switched off."""


def _invalid(role: Role) -> Iterator[Vector]:
    for field, operator, make, comment, act in _faults(role):
        played = play(role, act, make())
        if (check := played.check) is None:
            continue
        alone = check in WITHOUT_SWITCH or play(role, act, make(), frozenset({check})).check is None
        if alone:
            given = {"units": played.units}
            yield Vector(requirement(check), field, operator, False, comment, given, refusals=refusals(check))


def _valid(role: Role) -> Iterator[Vector]:
    letter = LETTER[OPPOSITE[role]]
    plays: dict[str, tuple[Act, Deviation | None, str]] = {
        "opened": (_open, None, "up to OPEN"),
        "data": (_data, None, "labelled data, and its receipt"),
        "everything": (_everything, None, "data both ways, PING, re-attestation and CLOSE"),
        "type-128": (_open, Before(f"VERDICT_{letter}", _frame(128, {})), "a type that is to be ignored"),
    }
    for operator, (act, deviation, comment) in plays.items():
        played = play(role, act, deviation)
        if played.check is not None:
            raise GeneratorError(f"an honest session ends by {played.check}")
        output = {
            "sid": octets(played.conversation.peer.run.value(SID)),
            "frames": [[sender, cbor.decode(frame)[0]] for sender, frame in _passed(played)],
        }
        yield Vector("SES-08", f"{role}'s session", operator, True, comment, {"units": played.units}, output)


def _passed(played: Played) -> Iterator[tuple[str, bytes]]:
    """Sender and octets of every frame: the records opened with the keys of the session."""
    run = played.conversation.peer.run
    readers = {
        "device": Protection(run, "R", "I", RECORD_LIMIT, frozenset()),
        "service": Protection(run, "I", "R", RECORD_LIMIT, frozenset()),
    }
    for reader in readers.values():
        reader.session_opened()
    for sender, unit in played.units:
        payload = bytes.fromhex(unit)
        if payload[4] == RECORD:
            for frame in readers[sender].open(payload[5:]):
                yield sender, frame


def _common(role: Role) -> dict[str, Json]:
    """What a passive reader knows: both ephemeral keys, the credentials, and what the judging party goes by."""
    played = play(role, _open)
    assert played.iut.latest is not None
    runs = {played.conversation.peer.role: played.conversation.peer.run, role: played.iut.latest.run}
    given = {k: v for k, v in evidence.relying_party(evidence.arriving(role)).items() if k != "binder"}
    hello = {
        k: v for k, v in hellos.knowledge(hellos.arriving(role)).items() if k not in ("max_age", "now", "tolerance")
    }
    worlds = {role: played.iut._honest, OPPOSITE[role]: played.iut.world}
    return {
        "judge": role,
        "suites": [3],
        "method": 0,
        "x": octets(runs["device"].value(X).private),
        "y": octets(runs["service"].value(Y).private),
        "credentials": [_credential(worlds[name]) for name in ("device", "service")],
        **given,
        **hello,
    }


def _credential(world: World) -> Json:
    leaf = world.credentials.leaf
    return {
        "id_cred": octets(own_id_cred(world)),
        "cred": octets(bstr(leaf.der)),
        "public_key": public_key(leaf.public_key),
    }


def _groups() -> Iterator[Group]:
    for role in RECEIVERS:
        vectors = (*_valid(role), *_invalid(role))
        shared = _shared([vector.input["units"] for vector in vectors])
        shorter = (replace(v, input={"units": v.input["units"][len(shared) :]}) for v in vectors)
        common = {**_common(role), "handshake": shared}
        yield Group(f"judged-by-the-{role}", "session", SOURCE, tuple(shorter), common)


def _shared(sessions: list[list[Json]]) -> list[Json]:
    """Units with which all sessions begin."""
    return [
        units[0]
        for units in takewhile(lambda units: all(unit == units[0] for unit in units), zip(*sessions, strict=False))
    ]


AREA = Area(
    "sessions", "All units of a connection in their order, as far as one of the peers goes along with them.", _groups
)
