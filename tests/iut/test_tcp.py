"""The tester's end of TCP: finished, reset, silent and flooding peers are told apart."""

from collections.abc import Iterator

import pytest

from trustconn.harness.deadline import Deadline
from trustconn.harness.peer.tcp import (
    NotReachable,
    PeerFinished,
    PeerReset,
    TcpConnection,
    TcpListener,
    TimedOut,
    TooManyBytes,
)

LONG = Deadline.after(24 * 3600)  # Counted from when the module is read.
NOW = Deadline.after(0)
Pair = tuple[TcpConnection, TcpConnection]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected ends; the first one accepts little."""
    with (
        TcpListener() as listener,
        TcpConnection.connect(listener.host, listener.port, LONG, 100_000) as near,
        listener.accept(LONG) as far,
    ):
        yield near, far


def test_bytes_arrive_both_ways(pair: Pair) -> None:
    near, far = pair
    far.send_all(b"to near", LONG)
    assert near.recv_some(LONG) == b"to near"
    near.send_all(b"to far", LONG)
    assert far.recv_some(LONG) == b"to far"
    assert (near.sent, near.received) == (6, 7)
    assert not near.closed


def test_finished_peer_is_told_after_its_bytes(pair: Pair) -> None:
    near, far = pair
    far.send_all(b"last words", LONG)
    far.half_close()
    assert near.recv_until_end(LONG) == b"last words"
    assert near.ended is PeerFinished
    near.send_all(b"still heard", LONG)
    assert far.recv_some(LONG) == b"still heard"


def test_reset_is_no_finish_and_leaves_what_came_before(pair: Pair) -> None:
    near, far = pair
    far.send_all(b"refused", LONG)
    far.reset()
    assert near.recv_until_end(LONG) == b"refused"
    assert near.ended is PeerReset
    assert near.closed
    with pytest.raises(PeerReset):
        near.send_all(b"x", LONG)


def test_silent_peer_is_a_timeout(pair: Pair) -> None:
    near, _ = pair
    with pytest.raises(TimedOut, match="the peer is silent"):
        near.recv_some(NOW)
    assert near.ended is None


def test_bytes_survive_a_timeout_on_the_way_to_the_end(pair: Pair) -> None:
    near, far = pair
    far.send_all(b"kept", LONG)
    near.recv_some(LONG)
    far.send_all(b"more", LONG)
    with pytest.raises(TimedOut):
        near.recv_until_end(Deadline.after(0.01))
    assert near.recv_some(NOW) == b"more"


def test_peer_that_does_not_read_is_a_timeout(pair: Pair) -> None:
    near, _ = pair
    with pytest.raises(TimedOut, match="takes no data"):
        near.send_all(bytes(64 << 20), Deadline.after(0.05))
    assert 0 < near.sent < 64 << 20


def test_flood_is_bounded(pair: Pair) -> None:
    near, far = pair
    far.send_all(bytes(100_001), LONG)
    with pytest.raises(TooManyBytes):
        near.recv_until_end(LONG)


def test_nobody_listening_is_not_reachable() -> None:
    with TcpListener() as listener:
        port = listener.port
    with pytest.raises(NotReachable, match=f"127.0.0.1:{port}"):
        TcpConnection.connect("127.0.0.1", port, LONG)


def test_nobody_dialling_is_a_timeout() -> None:
    with TcpListener() as listener, pytest.raises(TimedOut, match="nobody dialled"):
        listener.accept(NOW)
