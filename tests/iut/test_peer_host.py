"""A reference peer and its folder of credentials: read again when it changes, judged again when time has passed."""

from pathlib import Path

import pytest

from trustconn.harness.identity.provision import provision
from trustconn.harness.peer.clock import ControlledClock
from trustconn.harness.peer.host import HostError, HostOptions, PeerHost

NOW = 1_800_000_000
CENTURY = 100 * 365 * 86_400


def host(folder: Path) -> PeerHost:
    """The host of a service whose clock stands at NOW."""
    provision(folder, seed=b"host", now=NOW, role="service")
    return PeerHost(HostOptions("service", folder / "iut", ControlledClock(NOW)), lambda event: None)


def test_certificates_that_have_ended_are_not_provisioned_again(tmp_path: Path) -> None:
    peer = host(tmp_path)
    peer.provision(None, {})
    peer.set_clock(now=NOW + CENTURY, advance=0)
    with pytest.raises(HostError, match=r"leaf\.pem: notAfter"):
        peer.provision(None, {})
    with pytest.raises(HostError, match=r"leaf\.pem: notAfter"):
        peer.restart()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    peer = host(tmp_path)
    (tmp_path / "iut" / "policy.toml").write_text('requires_evidence = "perhaps"\n')
    with pytest.raises(HostError, match="requires_evidence"):
        peer.provision(None, {})


def test_a_restart_remembers_what_it_must_and_no_configuration(tmp_path: Path) -> None:
    peer = host(tmp_path)
    honest = peer._world.policy
    peer._world.memory.sent_sequence(6)
    peer.provision(None, {"max_age": 7})
    assert (peer._world.policy.max_age, peer._world.memory.next_sequence()) == (7, 7)
    peer.restart()
    assert (peer._world.policy, peer._world.memory.next_sequence()) == (honest, 7)
