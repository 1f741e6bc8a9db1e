"""A property of a hidden configuration needs a module that commits to it; a TPM does not."""

import time
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.harness.identity.policy import PBA_FORMAT
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.peer.clock import ControlledClock
from trustconn.harness.peer.host import HostError, HostOptions, PeerHost
from trustconn.harness.property.commitment import require_committer
from trustconn.harness.property.errors import NoCommitter
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.suites import PBA_2048
from trustconn.harness.tpm.swtpm import require_swtpm


def test_a_tpm_is_not_implemented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It quotes its PCR digest in clear, and nobody else on the platform is trusted to commit."""
    require_swtpm()
    now = int(time.time())
    provision(tmp_path, seed=b"in a TPM", now=now, role="device", tam="swtpm")
    with pytest.raises(NoCommitter):
        require_committer(load_world(tmp_path / "iut", lambda: now).tam)

    issuer = fixed_issuer(PBA_2048)
    (tmp_path / "public.cbor").write_bytes(issuer.public.encoded)
    (tmp_path / "secret.cbor").write_bytes(issuer.encode())
    made = f"--issuer {tmp_path} --property tag:example.org,2026:hardened"
    for words in (
        f"certify {made} --platform {tmp_path}/iut --out {tmp_path}/certificate.cbor",
        f"revoke {made} --number 1 --out {tmp_path}/list.cbor",
    ):
        assert main(["property", *words.split()]) == 0
    prove = f"prove --key {tmp_path}/public.cbor --certificate {tmp_path}/certificate.cbor --list {tmp_path}/list.cbor"
    assert (
        main(["property", *f"{prove} --platform {tmp_path}/iut --binder {'ab' * 32} --out {tmp_path}/x".split()]) == 3
    )
    assert "NOT IMPLEMENTED: a TPM 2.0" in capsys.readouterr().err


def test_a_peer_whose_key_is_in_a_tpm_does_not_offer_proofs(tmp_path: Path) -> None:
    require_swtpm()
    now = int(time.time())
    provision(tmp_path, seed=b"in a TPM", now=now, role="device", tam="swtpm")
    host = PeerHost(HostOptions("device", tmp_path / "iut", ControlledClock(now)), lambda event: None)
    with pytest.raises(HostError, match="NOT IMPLEMENTED: a TPM") as refused:
        host.provision(None, {"offered": [PBA_FORMAT]})
    assert refused.value.code == "unsupported"
    host.provision(None, {"accepted": [PBA_FORMAT]})
