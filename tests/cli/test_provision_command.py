"""`provision` writes what `peer` and the suite read, once."""

import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from trustconn.cli.main import main
from trustconn.cli.peer import party_folder
from trustconn.harness.identity.credentials import Credentials


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_both_parties_get_credentials_that_load(tmp_path: Path) -> None:
    assert main(["provision", "service", "--out", str(tmp_path / "made"), "--waiver"]) == 0
    service, device = (party_folder(tmp_path / "made", role) for role in ("service", "device"))
    assert (service.name, device.name) == ("iut", "peer")
    now = int(time.time())
    assert Credentials.load(service, now).waiver is not None
    assert Credentials.load(device, now).leaf != Credentials.load(service, now).leaf


def test_keys_are_fresh_unless_a_seed_is_given(tmp_path: Path) -> None:
    def key(name: str, *options: str) -> bytes:
        assert main(["provision", "device", "--out", str(tmp_path / name), *options]) == 0
        return (tmp_path / name / "iut" / "leaf.key.pem").read_bytes()

    assert key("a") != key("b")
    assert key("c", "--seed", "x") == key("d", "--seed", "x")


def test_a_request_is_certified_without_its_key(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, SHA256())
    (tmp_path / "request.pem").write_bytes(request.public_bytes(Encoding.PEM))
    words = ["provision", "device", "--out", str(tmp_path / "made"), "--request", str(tmp_path / "request.pem")]
    assert main(words) == 0
    leaf = x509.load_pem_x509_certificate((tmp_path / "made" / "iut" / "leaf.pem").read_bytes())
    assert leaf.public_key() == key.public_key()
    assert not (tmp_path / "made" / "iut" / "leaf.key.pem").exists()


def test_what_cannot_be_provisioned_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "request.pem").write_text("none")
    assert "PKCS #10" in refused(f"provision device --out {tmp_path}/made --request {tmp_path}/request.pem", capsys)
    (tmp_path / "tester").mkdir()
    assert "exists" in refused(f"provision device --out {tmp_path}", capsys)
    assert "expected credentials of a service" in refused(f"peer service --credentials {tmp_path}", capsys)
    assert "--connect" in refused("peer device", capsys)
