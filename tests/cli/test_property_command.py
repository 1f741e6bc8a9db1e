"""`property`, from an issuer's key to a judged proof, in files."""

from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.issuer import parse_public, parse_secret
from trustconn.harness.property.suites import PBA_2048

HARDENED = "tag:example.org,2026:hardened"
BINDER, OTHER_BINDER = "ab" * 32, "cd" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device and a service, an issuer, and a certificate and a list for the device."""
    made = tmp_path_factory.mktemp("property")
    issuer = fixed_issuer(PBA_2048)
    (made / "issuer").mkdir()
    (made / "issuer" / "public.cbor").write_bytes(issuer.public.encoded)
    (made / "issuer" / "secret.cbor").write_bytes(issuer.encode())
    assert main(["provision", "both", "--out", str(made / "credentials")]) == 0
    certify = f"certify --issuer {made}/issuer --property {HARDENED} --platform {made}/credentials/device/iut"
    assert run(f"{certify} --out {made}/certificate.cbor") == 0
    assert run(f"revoke --issuer {made}/issuer --property {HARDENED} --number 1 --out {made}/list.cbor") == 0
    return made


def run(words: str) -> int:
    return main(["property", *words.split()])


def prove(folder: Path, out: str = "evidence.cbor", listed: str = "list.cbor") -> int:
    return run(
        f"prove --key {folder}/issuer/public.cbor --certificate {folder}/certificate.cbor --list {folder}/{listed} "
        f"--platform {folder}/credentials/device/iut --binder {BINDER} --out {folder}/{out}"
    )


def verify(folder: Path, binder: str = BINDER, peer: str = "device/iut", listed: str = "list.cbor") -> int:
    credentials = folder / "credentials"
    return run(
        f"verify --key {folder}/issuer/public.cbor --list {folder}/{listed} --platform {credentials}/service/iut "
        f"--peer {credentials}/{peer}/leaf.pem --binder {binder} {folder}/evidence.cbor"
    )


def test_evidence_is_accepted_for_its_binder_and_peer_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prove(folder) == 0
    assert verify(folder) == 0
    assert f"has {HARDENED}" in capsys.readouterr().out
    assert verify(folder, OTHER_BINDER) == 1
    assert "refused: made for another binder" in capsys.readouterr().err
    assert verify(folder, peer="service/iut") == 1


def test_a_revoked_configuration_gives_no_evidence_and_old_evidence_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prove(folder) == 0
    assert run(
        f"certify --issuer {folder}/issuer --property {HARDENED} --platform {folder}/credentials/device/iut "
        f"--out {folder}/again.cbor"
    ) == 0  # fmt: skip
    configuration = capsys.readouterr().out.split("configuration ")[1].split()[0]
    assert run(
        f"revoke --issuer {folder}/issuer --property {HARDENED} --number 2 --configuration {configuration} "
        f"--out {folder}/second.cbor"
    ) == 0  # fmt: skip
    assert prove(folder, "revoked.cbor", "second.cbor") == 1
    assert "on the list" in capsys.readouterr().err
    assert not (folder / "revoked.cbor").exists()
    assert verify(folder, listed="second.cbor") == 1


def test_setup_writes_a_key_whose_proofs_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"setup --out {tmp_path}/issuer") == 0
    public = parse_public((tmp_path / "issuer" / "public.cbor").read_bytes())
    assert public.id.hex() in capsys.readouterr().out
    secret = tmp_path / "issuer" / "secret.cbor"
    assert parse_secret(secret.read_bytes(), public).public == public
    assert secret.stat().st_mode & 0o077 == 0
    assert run(f"setup --out {tmp_path}/issuer") == 2


@pytest.mark.parametrize(
    "words",
    [
        "prove --key {0}/list.cbor --certificate {0}/certificate.cbor --list {0}/list.cbor "
        "--platform {0}/credentials/device/iut --binder " + BINDER + " --out {0}/x.cbor",
        "prove --key {0}/issuer/public.cbor --certificate {0}/list.cbor --list {0}/list.cbor "
        "--platform {0}/credentials/device/iut --binder " + BINDER + " --out {0}/x.cbor",
        "prove --key {0}/issuer/public.cbor --certificate {0}/certificate.cbor --list {0}/list.cbor "
        "--platform {0}/nowhere --binder " + BINDER + " --out {0}/x.cbor",
        "certify --issuer {0}/nowhere --property x --configuration " + BINDER + " --out {0}/x.cbor",
        "certify --issuer {0}/issuer --property " + "x" * 256 + " --configuration " + BINDER + " --out {0}/x.cbor",
        "certify --issuer {0}/issuer --property x --configuration " + BINDER + " --out {0}/nowhere/x.cbor",
    ],
)
def test_a_bad_file_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert run(words.format(folder)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "x.cbor").exists()


def test_a_binder_of_another_length_is_bad_usage(folder: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        verify(folder, "abcd")
    assert raised.value.code == 2
