"""No deviation of a peer, and no octets at any moment, get anything but a named refusal out of the endpoint."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trustconn.harness.codec import cbor
from trustconn.harness.deadline import Deadline
from trustconn.harness.peer.endpoint import NotOpen
from trustconn.harness.tester.conversation import Conversation
from trustconn.harness.tester.deviation import (
    AlterInside,
    AlterOctets,
    Deviation,
    Drop,
    Duplicate,
    OnMessage,
    Swap,
)
from trustconn.harness.tester.deviation import TesterFault as Fault
from trustconn.harness.tester.fields import Field, fields
from trustconn.harness.tester.local import LocalConnection, LocalIut
from trustconn.harness.tester.operators import operators
from trustconn.harness.tester.peer import TesterEndpoint as Peer
from trustconn.harness.tester.session import OPPOSITE
from trustconn.model.checks import CHECKS
from trustconn.model.protocol.tables import profile
from trustconn.model.table import NET, RECORD, Message

Role = Literal["device", "service"]
ROLES: tuple[Role, ...] = ("device", "service")


class Crashed(BaseException):
    """An exception came out of the endpoint under test; nothing on the tester's side takes it for its own."""


class WatchedConnection:
    """A connection whose far end must not raise."""

    def __init__(self, inner: LocalConnection) -> None:
        self.recv_some, self.half_close, self.close = inner.recv_some, inner.half_close, inner.close
        self._inner = inner

    def send_all(self, data: bytes, deadline: Deadline) -> None:
        try:
            self._inner.send_all(data, deadline)
        except Exception as error:
            raise Crashed from error


class WatchedIut(LocalIut):
    def connect(self) -> Any:
        return WatchedConnection(super().connect())


IUTS = {role: WatchedIut(role, seed=b"never crashes") for role in ROLES}
"""Made once: what they remember may grow, as a real peer's does."""

BOUNDED = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
PHASES = ("start", "handshake", "hello", "open", "reattesting", "closing")
MESSAGES = {role: sorted(m.name for m in profile().receivable(role) if m.channel in (NET, RECORD)) for role in ROLES}
FRAME_KINDS = range(12)
CBOR = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=8) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-2, 12), inner, max_size=5),
    max_leaves=8,
)


def reach(phase: str, conversation: Conversation) -> None:
    """Bring an honest conversation to a phase."""
    peer = conversation.peer
    states = {"start": (), "handshake": ("wait_message_4", "wait_message_3"), "hello": ("wait_ATT_R", "wait_HELLO_I")}
    if phase in states:
        conversation.until(lambda: not states[phase] or peer.state in states[phase])
        return
    assert conversation.until_open()
    if phase == "reattesting":
        peer.reattest()
        conversation.flush()
    if phase == "closing":
        peer.close()
        conversation.flush()


def judge(role: Role) -> None:
    """Whatever happened was said by name, and nothing follows the end."""
    endpoint = IUTS[role].latest
    assert endpoint is not None
    for event in endpoint.events:
        if event.name in ("refused", "data_refused") and "check" in event.fields:
            assert event.fields["check"] in CHECKS or event.fields["check"] == "credential"
    if endpoint.closed:
        endpoint.data_to_send()
        endpoint.receive_data(b"\x00\x00\x00\x01\x01\x00")
        assert endpoint.data_to_send() == b""


def play(role: Role, phase: str, act: Callable[[Conversation], Any]) -> None:
    conversation = IUTS[role].converse(label=f"{role} {phase}")
    reach(phase, conversation)
    act(conversation)
    drain(conversation)
    judge(role)


def drain(conversation: Conversation) -> None:
    """Until nobody has anything to say."""
    conversation.flush()
    conversation.until(lambda: False)


@pytest.mark.parametrize("role", ROLES)
@BOUNDED
@given(phase=st.sampled_from(PHASES), octets=st.binary(max_size=300))
@example(phase="open", octets=b"\xff" * 9)
def test_octets_of_the_transport(role: Role, phase: str, octets: bytes) -> None:
    def act(conversation: Conversation) -> None:
        conversation.peer.put_octets(octets)

    play(role, phase, act)


@pytest.mark.parametrize("role", ROLES)
@BOUNDED
@given(phase=st.sampled_from(PHASES), kind=st.integers(0, 4), payload=st.binary(max_size=200) | CBOR)
def test_units(role: Role, phase: str, kind: int, payload: Any) -> None:
    octets = payload if isinstance(payload, bytes) else cbor.encode(payload)
    play(role, phase, lambda conversation: conversation.peer.put_unit(kind, octets))


@pytest.mark.parametrize("role", ROLES)
@BOUNDED
@given(phase=st.sampled_from(PHASES[2:]), kind=st.sampled_from(FRAME_KINDS), body=CBOR, times=st.integers(1, 2))
@example(phase="open", kind=10, body={1: b"8 octets"}, times=2)
def test_frames_that_nothing_called_for(role: Role, phase: str, kind: int, body: Any, times: int) -> None:
    def act(conversation: Conversation) -> None:
        for _ in range(times):
            conversation.peer.put_frame(kind, body)

    play(role, phase, act)


@pytest.mark.parametrize("role", ROLES)
@BOUNDED
@given(phase=st.sampled_from(PHASES[2:]), frame=st.binary(max_size=80))
def test_frames_that_are_no_cbor(role: Role, phase: str, frame: bytes) -> None:
    play(role, phase, lambda conversation: conversation.peer.send_frame(frame))


def changed(at: int, by: int, cut: int) -> Callable[[bytes], bytes]:
    """Octets with one of them changed and the end cut off."""

    def change(data: bytes) -> bytes:
        place = at % len(data)
        altered = data[:place] + bytes([data[place] ^ by]) + data[place + 1 :]
        return altered[: len(altered) - cut] if cut else altered

    return change


class Several(Deviation):
    """Deviations at different messages of one conversation."""

    def __init__(self, parts: list[OnMessage | Swap]) -> None:
        super().__init__()
        self._parts = parts
        self._holding: Swap | None = None

    def emit(self, peer: Peer, message: Message, data: bytes) -> None:
        part = self._holding or next((p for p in self._parts if p.message == message.name and not p.reached), None)
        self._holding = part if isinstance(part, Swap) and self._holding is None else None
        if part is None:
            peer.put(message, data)
        else:
            part.emit(peer, message, data)


Part = Callable[[], OnMessage | Swap]


def fields_of(role: Role) -> list[tuple[str, Field]]:
    """Fields of everything that an implementation of `role` receives."""
    return [(name, f) for name in MESSAGES[role] for f in fields(profile().messages[name], OPPOSITE[role])]


def inside(field: tuple[str, Field], index: int) -> Part:
    """One field altered inside, what stands around it made anew."""
    fitting = list(operators(field[1].term).values())
    return lambda: AlterInside(field[0], field[1].path, fitting[index % len(fitting)])


def parts(role: Role) -> st.SearchStrategy[Part]:
    """One thing that a peer does otherwise, at one message."""
    names = st.sampled_from(MESSAGES[role])
    octets = st.builds(changed, st.integers(0, 5000), st.integers(0, 255), st.integers(0, 3))
    return st.one_of(
        st.builds(inside, st.sampled_from(fields_of(role)), st.integers(0, 3)),
        st.builds(lambda n: lambda: Drop(n), names),
        st.builds(lambda n: lambda: Duplicate(n), names),
        st.builds(lambda n: lambda: Swap(n), names),
        st.builds(lambda n, c: lambda: AlterOctets(n, c), names, octets),
    )


ACTIONS = ("data", "reattest", "ping", "iut data", "close")


def act_on(conversation: Conversation, action: str, role: Role) -> None:
    """One thing that an application may ask for; a state that does not allow it says so."""
    peer, endpoint = conversation.peer, IUTS[role].latest
    assert endpoint is not None
    try:
        if action == "data":
            peer.send_data(b"21.5", "text/plain")
        elif action == "reattest":
            peer.reattest()
        elif action == "ping":
            peer.ping(bytes(8))
        elif action == "iut data":
            endpoint.send_data(b"set", "text/plain")
        else:
            peer.close()
    except NotOpen:
        return


@pytest.mark.parametrize("role", ROLES)
@settings(BOUNDED, max_examples=80)
@given(data=st.data())
def test_conversations_that_deviate_at_several_messages(role: Role, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(parts(role), min_size=1, max_size=3))
    actions = data.draw(st.lists(st.sampled_from(ACTIONS), max_size=4))
    try:
        conversation = IUTS[role].converse(Several([make() for make in chosen]), label=f"{role} deviates")
        drain(conversation)
        for action in actions:
            act_on(conversation, action, role)
            drain(conversation)
    except (Fault, Exception):
        return  # The tester could not go on after its own deviation; a crash of the other side is neither.
    judge(role)
