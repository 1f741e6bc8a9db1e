"""What a description points to: commands that exist, credentials that load, fit the role and are in force."""

from pathlib import Path

import pytest

from trustconn.harness.identity.provision import provision
from trustconn.harness.iut.checking import check
from trustconn.harness.iut.description import DescriptionError, template

NOW = 1_800_000_000
DAY = 86400


@pytest.fixture
def file(tmp_path: Path) -> Path:
    provision(tmp_path / "credentials", seed=b"description", now=NOW, role="service")
    (tmp_path / "iut.toml").write_text(template("service"))
    return tmp_path / "iut.toml"


def complaint(file: Path, now: int = NOW) -> str:
    with pytest.raises(DescriptionError) as caught:
        check(file, now)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_provisioned_credentials_are_good(file: Path) -> None:
    assert check(file, NOW).credentials.tester.is_dir()


def test_expired_certificate_is_named(file: Path) -> None:
    text = complaint(file, NOW + 3650 * DAY)
    assert "credentials.folder: expected credentials that can be used" in text
    assert "leaf.pem: notAfter: expected a certificate that is valid at" in text


def test_expired_certificate_of_the_implementation_is_named(file: Path, tmp_path: Path) -> None:
    provision(tmp_path / "old", seed=b"description", now=NOW - 3650 * DAY, role="service")
    for name in ("leaf.pem", "leaf.key.pem"):
        (tmp_path / "old" / "iut" / name).replace(tmp_path / "credentials" / "iut" / name)
    assert f"{Path('credentials') / 'iut' / 'leaf.pem'}: notAfter" in complaint(file)


def test_unreadable_key_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "credentials" / "tester" / "peer" / "leaf.key.pem").write_text("no key")
    assert "peer/leaf.key.pem: key: expected a private key in PEM" in complaint(file)


def test_missing_authority_key_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "credentials" / "tester" / "waiver.key.pem").unlink()
    assert "waiver.key.pem: file: expected a readable file" in complaint(file)


def test_broken_manifest_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "credentials" / "tester" / "manifest.toml").write_text("now = 1")
    assert "tester: KeyError('seed')" in complaint(file)


def test_missing_folder_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "credentials" / "tester").rename(tmp_path / "elsewhere")
    assert "expected the folder that `trustconn provision` wrote" in complaint(file)


def test_credentials_for_the_other_role_are_refused(file: Path) -> None:
    file.write_text(template("device").replace('connect = ["./device"', 'connect = ["sh"'))
    assert "credentials of a service in" in complaint(file)


def test_command_that_does_not_exist_is_named(file: Path) -> None:
    file.write_text(template("device"))
    assert "wire.connect: expected a command that exists and can be executed, found string './device'" in complaint(
        file
    )
