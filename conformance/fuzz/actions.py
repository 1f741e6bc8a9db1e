"""The actions of traces, by name. Each does one thing to one session; `player.Player` does the waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...harness.codec import cbor
from ...harness.tester.frames import PAYLOAD, frame_of, receipt, verdict
from ...harness.tester.telling import tell, tell_no_more
from ...harness.tester.wire import put_record
from ...harness.transport.frames import write_frame
from ...harness.transport.units import Kind, write_unit
from ...model.terms import Term
from .encoding import FRAMES, UNITS
from .puppet import Pending
from .sessions import Playing, Sessions
from .stage import Impossible
from .telling import changed_at, fields_of, is_encoded, lies_of, repeats_of, slots
from .trace import Step
from .values import change_of

Action = Callable[[Sessions, Step], None]
CONTENT = b"21.5 degrees"


def _head(player: Sessions, item: Step) -> tuple[Playing, Pending]:
    """The session and its next message, which is taken."""
    playing = player.session(item)
    if not playing.puppet.pending or playing.conversation.ended:
        raise Impossible("nothing to send")
    return playing, playing.puppet.pending[0]


def _put(player: Sessions, playing: Playing, head: Pending, data: bytes) -> None:
    """Other octets in the place of the next message."""
    playing.puppet.pending.popleft()
    playing.puppet.put(playing.conversation.peer, head.message, data)
    player.flush(playing)


# --- sessions, and honest messages -----------------------------------------------------------------------------------


def _open(player: Sessions, item: Step) -> None:
    player.open(item)


def _retry(player: Sessions, item: Step) -> None:
    """The session that the implementation begins by itself after an error."""
    connection = player.retried()
    if connection is None:
        raise Impossible("no retry")
    player.open(item, connection)


def _go(player: Sessions, item: Step) -> None:
    player.go(player.session(item), item.arguments.get("until"), item.arguments.get("nth", 0))


def _send(player: Sessions, item: Step) -> None:
    playing, _ = _head(player, item)
    player.release(playing)


def _skip(player: Sessions, item: Step) -> None:
    playing, _ = _head(player, item)
    playing.puppet.pending.popleft()


def _repeat(player: Sessions, item: Step) -> None:
    playing, head = _head(player, item)
    for _ in range(item.arguments.get("times", 2) - 1):
        playing.puppet.put(playing.conversation.peer, head.message, head.data)
    player.release(playing)


def _swap(player: Sessions, item: Step) -> None:
    """The next message comes behind the one after it, which must be ready."""
    playing, head = _head(player, item)
    if len(playing.puppet.pending) < 2:
        raise Impossible("one message alone")
    playing.puppet.pending.popleft()
    playing.puppet.pending.insert(1, head)


# --- other messages --------------------------------------------------------------------------------------------------


def _alter(player: Sessions, item: Step) -> None:
    """A field of the next message becomes what an operator makes of it."""
    playing, head = _head(player, item)
    path = tuple(item.arguments["path"])
    found = fields_of(head.message.name)[path]
    now = playing.conversation.peer.world.now()
    change = change_of(item.arguments["by"], item=is_encoded(found.term), now=now)
    _put(player, playing, head, changed_at(head.knowledge, head.message, path, change))


def _replace(player: Sessions, item: Step) -> None:
    """A field of the next message becomes a field of a message sent before, by this or another session."""
    playing, head = _head(player, item)
    path = tuple(item.arguments["path"])
    value = player.value(item.arguments["of"])
    _put(player, playing, head, changed_at(head.knowledge, head.message, path, lambda _: value))


def _mirror(player: Sessions, item: Step) -> None:
    """A field of the next message becomes what the implementation said in the corresponding field."""
    playing, head = _head(player, item)
    path = tuple(item.arguments["path"])
    found = fields_of(head.message.name)[path]
    theirs = _counterpart(found.term)
    value = None if theirs is None else head.knowledge.values.get(theirs)
    if not isinstance(value, bytes):
        raise Impossible("the implementation has not said that")
    _put(player, playing, head, changed_at(head.knowledge, head.message, path, lambda _: value))


def _counterpart(term: Term) -> Term | None:
    label, _, letter = (term.label if term.op == "slot" else "").rpartition("_")
    wanted = f"{label}_{'R' if letter == 'I' else 'I'}"
    return slots().get(wanted)


def _lie(player: Sessions, item: Step) -> None:
    """From now on this party says something else, wherever the term stands."""
    peer = player.session(item).conversation.peer
    tell(peer, *lies_of(peer, item.arguments["message"], tuple(item.arguments["path"]), item.arguments["by"]))


def _lie_of(player: Sessions, item: Step) -> None:
    """From now on this party says what was said in another message."""
    peer, value = player.session(item).conversation.peer, player.value(item.arguments["of"])
    tell(peer, *repeats_of(item.arguments["message"], tuple(item.arguments["path"]), value))


def _truth(player: Sessions, item: Step) -> None:
    tell_no_more(player.session(item).conversation.peer)


def _reuse(player: Sessions, item: Step) -> None:
    """A message as it went out, or came, in some session; with `instead`, in the place of the next one."""
    playing = player.session(item)
    if item.arguments.get("instead"):
        _head(player, item)
        playing.puppet.pending.popleft()
    session, direction, name, nth = item.arguments["of"]
    source = player.known(session)
    if direction == "sent":
        data = source.puppet.sent[name][nth]
    else:
        data = [o.data for o in source.conversation.peer.observations if o.name == name][nth]
    _put_octets(player, playing, name, data)


def _put_octets(player: Sessions, playing: Playing, name: str, data: bytes) -> None:
    peer = playing.conversation.peer
    if name.startswith("message_"):
        peer.send_unit(Kind.EDHOC_MESSAGE, data)
    elif name == "edhoc_error":
        peer.send_unit(Kind.EDHOC_ERROR, data)
    else:
        _need_channel(playing)
        peer.send_frame(data)
    player.flush(playing)


def _need_channel(playing: Playing) -> None:
    if not playing.conversation.peer.channel_stands:
        raise Impossible("no channel yet")


# --- octets ----------------------------------------------------------------------------------------------------------


def _encode(player: Sessions, item: Step) -> None:
    """The next message in another encoding, protected as usual."""
    playing, head = _head(player, item)
    changed = FRAMES[item.arguments["by"]](head.data)
    if changed == head.data:
        raise Impossible("nothing changes")
    _put(player, playing, head, changed)


def _units(player: Sessions, item: Step) -> None:
    """The units of the next message altered on their way."""
    playing, head = _head(player, item)
    playing.puppet.units = UNITS[item.arguments["by"]]
    _put(player, playing, head, head.data)


def _octets(player: Sessions, item: Step) -> None:
    """Octets on the transport."""
    playing = player.session(item)
    playing.conversation.peer.put_octets(bytes.fromhex(item.arguments["hex"]))
    player.flush(playing)


def _unit(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    playing.conversation.peer.put_octets(write_unit(item.arguments["kind"], bytes.fromhex(item.arguments["hex"])))
    player.flush(playing)


def _record(player: Sessions, item: Step) -> None:
    """A record as it went out in some session, once more; `of` is its session and how far back it is."""
    playing = player.session(item)
    session, back = item.arguments["of"]
    playing.conversation.peer.put_octets(write_unit(Kind.RECORD, player.known(session).puppet.records[-1 - back]))
    player.flush(playing)


def _plain(player: Sessions, item: Step) -> None:
    """A record with exactly these octets inside."""
    playing = player.session(item)
    _need_channel(playing)
    put_record(playing.conversation.peer, bytes.fromhex(item.arguments["hex"]))
    player.flush(playing)


def _together(player: Sessions, item: Step) -> None:
    """Two well-formed frames in one record."""
    playing = player.session(item)
    _need_channel(playing)
    peer = playing.conversation.peer
    put_record(peer, b"".join(write_frame(frame_of(peer, kind)) for kind in item.arguments["kinds"]))
    player.flush(playing)


# --- frames of the attacker's own making -----------------------------------------------------------------------------


def _frame(player: Sessions, item: Step) -> None:
    """A well-formed frame of some type, whatever the state."""
    playing = player.session(item)
    _need_channel(playing)
    peer = playing.conversation.peer
    peer.send_frame(frame_of(peer, item.arguments["kind"], ahead=item.arguments.get("ahead", 0)))
    player.flush(playing)


def _body(player: Sessions, item: Step) -> None:
    """A frame of a type with an encoded body."""
    playing = player.session(item)
    _need_channel(playing)
    kind = cbor.encode(item.arguments["kind"])
    playing.conversation.peer.send_frame(b"\x82" + kind + bytes.fromhex(item.arguments["hex"]))
    player.flush(playing)


def _verdict(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    _need_channel(playing)
    told: dict[str, Any] = dict(item.arguments)
    playing.conversation.peer.send_frame(verdict(told.pop("tier", 2), **told))
    player.flush(playing)


def _receipt(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    _need_channel(playing)
    playing.conversation.peer.send_frame(receipt(item.arguments["count"], item.arguments.get("code", 0)))
    player.flush(playing)


# --- applications, transport, time -----------------------------------------------------------------------------------


def _ping(player: Sessions, item: Step) -> None:
    """PING, if both HELLOs are through: the implementation shows whether it is still there."""
    playing = player.session(item)
    peer = playing.conversation.peer
    if not peer.probe_is_legal or playing.conversation.ended:
        raise Impossible("no PING yet")
    peer.put_frame(8, {1: PAYLOAD})
    player.flush(playing)


def _data(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    playing.conversation.peer.send_data(CONTENT, "text/plain")


def _reattest(player: Sessions, item: Step) -> None:
    player.session(item).conversation.peer.reattest()


def _close(player: Sessions, item: Step) -> None:
    player.session(item).conversation.peer.close()


def _their_data(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    player.guarded(lambda: player.iut.sends(playing.conversation, CONTENT))


def _their_close(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    player.guarded(lambda: player.iut.closes(playing.conversation))


def _finish(player: Sessions, item: Step) -> None:
    player.session(item).conversation.connection.half_close()


def _reset(player: Sessions, item: Step) -> None:
    playing = player.session(item)
    playing.conversation.connection.reset()
    playing.conversation.ended = "reset"


def _clock(player: Sessions, item: Step) -> None:
    if player.clock is None:
        raise Impossible("no clock")
    seconds, clock = item.arguments["seconds"], player.clock
    player.guarded(lambda: clock.advance(seconds))


def _restart(player: Sessions, item: Step) -> None:
    player.restart()


ACTIONS: dict[str, Action] = {
    "open": _open, "retry": _retry, "go": _go, "send": _send, "skip": _skip, "repeat": _repeat, "swap": _swap,
    "alter": _alter, "replace": _replace, "mirror": _mirror, "lie": _lie, "lie-of": _lie_of, "truth": _truth,
    "reuse": _reuse, "encode": _encode, "units": _units, "octets": _octets, "unit": _unit, "record": _record,
    "plain": _plain, "together": _together, "frame": _frame, "body": _body, "verdict": _verdict, "receipt": _receipt,
    "ping": _ping, "data": _data, "reattest": _reattest, "close": _close, "their-data": _their_data,
    "their-close": _their_close, "finish": _finish, "reset": _reset, "clock": _clock, "restart": _restart,
}  # fmt: skip
