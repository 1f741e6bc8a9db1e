"""Folders of credentials and policy: they round-trip, repeat from a seed, and say in one line what is wrong."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustconn.harness.identity.credentials import CredentialError, Credentials, TrustAnchors
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.pki import LEAF_LIFETIME, Subject, certificate_request
from trustconn.harness.identity.policy import Policy, PolicyError
from trustconn.harness.identity.predicates import PREDICATES
from trustconn.harness.identity.provision import load_world, make_pair, make_test_world, provision
from trustconn.harness.identity.tester import TesterPki

NOW = 1_800_000_000
SEED = b"files"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("provisioned")
    provision(out, seed=SEED, now=NOW, role="device", with_waiver=True)
    return out


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    for file in (pristine / "iut").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_both_sides_load_and_accept_each_other(pristine: Path) -> None:
    device = load_world(pristine / "iut", lambda: NOW)
    service = load_world(pristine / "tester" / "peer", lambda: NOW)
    assert (device.role, service.role) == ("device", "service")
    PREDICATES["cred_r_is_intended"](device, service.credentials.issued.id_cred())
    PREDICATES["cred_r_path_verifies"](device, service.credentials.issued.id_cred())
    PREDICATES["cred_i_is_authorised"](service, device.credentials.issued.id_cred())
    PREDICATES["ak_is_not_revoked"](service, device.credentials.attestation.x5chain(), b"")
    assert device.credentials.waiver is not None
    assert service.credentials.waiver is None


def test_a_folder_keeps_everything(pristine: Path) -> None:
    loaded, made = load_world(pristine / "iut", lambda: NOW), make_pair(SEED, NOW)[0]
    assert loaded.policy == made.policy
    assert loaded.credentials.leaf.der == made.credentials.leaf.der
    assert loaded.credentials.proofs == made.credentials.proofs
    for name in ("crls", "revoked_waivers", "known", "peer_roots", "attestation_roots", "waiver_authorities"):
        assert getattr(loaded.anchors, name) == getattr(made.anchors, name), name
    assert loaded.tam.measurements() == made.tam.measurements()
    assert loaded.tam.ueid == made.tam.ueid


def test_the_same_seed_writes_the_same_octets_and_another_does_not(pristine: Path, tmp_path: Path) -> None:
    provision(tmp_path / "same", seed=SEED, now=NOW, role="device", with_waiver=True)
    provision(tmp_path / "other", seed=b"other", now=NOW, role="device", with_waiver=True)
    files = sorted(file.relative_to(pristine) for file in pristine.rglob("*") if file.is_file())
    assert files == sorted(
        file.relative_to(tmp_path / "same") for file in (tmp_path / "same").rglob("*") if file.is_file()
    )
    assert [file for file in files if (pristine / file).read_bytes() != (tmp_path / "same" / file).read_bytes()] == []
    for name in ("leaf.pem", "leaf.key.pem", "ak.key.pem", "crls.pem", "proofs.cbor", "waiver.cose"):
        assert (pristine / "iut" / name).read_bytes() != (tmp_path / "other" / "iut" / name).read_bytes()


def test_seeded_folders_say_so(pristine: Path) -> None:
    for name in ("iut", "tester", "tester/peer"):
        assert tomllib.loads((pristine / name / "manifest.toml").read_text())["seeded"] is True


def test_the_testers_authorities_certify_after_loading(pristine: Path) -> None:
    loaded = TesterPki.load(pristine / "tester")
    assert loaded.party("device").leaf.der == Credentials.load(pristine / "iut", NOW).leaf.der
    device = load_world(pristine / "iut", lambda: NOW)
    PREDICATES["cred_r_path_verifies"](device, loaded.party("service").issued.id_cred())


@pytest.mark.parametrize("encoding", ["DER", "PEM"])
def test_a_certificate_request_keeps_its_key_outside(tmp_path: Path, encoding: str) -> None:
    key = derive_key(b"vendor", "hsm")
    der = certificate_request(Subject("Vendor", "device"), key)
    if encoding == "PEM":
        der = x509.load_der_x509_csr(der).public_bytes(Encoding.PEM)
    provision(tmp_path, seed=SEED, now=NOW, role="device", csr=der)
    assert not (tmp_path / "iut" / "leaf.key.pem").exists()
    loaded = Credentials.load(tmp_path / "iut", NOW, keys_required=False)
    assert loaded.leaf.public_key == key.public_key()
    assert loaded.key is None
    with pytest.raises(CredentialError, match=r"leaf\.key\.pem: file: expected a readable file"):
        Credentials.load(tmp_path / "iut", NOW)


@pytest.mark.parametrize("csr", [b"garbage", b"-----BEGIN garbage", b""])
def test_a_request_that_cannot_be_read_is_refused(tmp_path: Path, csr: bytes) -> None:
    with pytest.raises(CredentialError, match="PKCS #10"):
        provision(tmp_path, seed=SEED, now=NOW, role="device", csr=csr)


def test_a_request_must_prove_possession(tmp_path: Path) -> None:
    der = certificate_request(Subject("Vendor", "device"), derive_key(b"vendor", "hsm"))
    with pytest.raises(CredentialError, match="signed by its own"):
        provision(tmp_path, seed=SEED, now=NOW, role="device", csr=der[:-1] + bytes([der[-1] ^ 1]))


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("name", "content", "key", "expected"),
    [
        ("leaf.pem", None, "file", "a readable file"),
        ("leaf.pem", b"garbage", "certificate", "certificates in PEM"),
        ("leaf.key.pem", None, "file", "a readable file"),
        ("leaf.key.pem", b"garbage", "key", "a private key in PEM"),
        ("leaf.key.pem", _pem(derive_key(b"", "other")), "key", "the private key of the certificate beside it"),
        ("leaf.key.pem", _pem(rsa.generate_private_key(65537, 1024)), "key", "an elliptic-curve key"),
        ("ak.key.pem", _pem(derive_key(b"", "other")), "key", "the private key of the certificate beside it"),
        ("proofs.cbor", b"\xff", "proofs", "deterministic CBOR"),
        ("peer-roots.pem", None, "file", "a readable file"),
        ("peer-roots.pem", b"", "certificate", "certificates in PEM"),
        ("attestation-roots.pem", b"", "certificate", "certificates in PEM"),
        ("crls.pem", b"garbage", "CRL", "revocation lists in PEM"),
        ("revoked-waivers.toml", b'statements = ["00"]', "statements", "32 hexadecimal digits"),
        ("revoked-waivers.toml", b"other = 1", "other", "one of statements"),
        ("manifest.toml", b"role = 'verifier'", "role", '"device" or "service"'),
        ("manifest.toml", b"role =", "file", "TOML"),
        ("tam.toml", b"", "ueid", "a value"),
        ("tam.toml", b"ueid = 'zz'", "ueid", "66 hexadecimal digits"),
        ("policy.toml", None, "file", "a readable file"),
        ("policy.toml", b"", "intended_peer", "the identity URI"),
        ("policy.toml", b"intended_peer = 7", "intended_peer", "a string"),
        ("policy.toml", b"intended_peer = 'x'\nvalid_four = 1", "valid_four", "one of accepted"),
        ("policy.toml", b"intended_peer = 'x'\nrequires_evidence = 1", "requires_evidence", "true or false"),
        ("policy.toml", b"intended_peer = 'x'\nmax_age = true", "max_age", "an integer from 1"),
        ("policy.toml", b"intended_peer = 'x'\naccepted = []", "accepted", "an evidence format"),
        ("policy.toml", b"intended_peer = 'x'\naccepted = [-1]", "accepted", "content-formats"),
        ("policy.toml", b"intended_peer = 'x'\nminimum_waiver_level = 2", "minimum_waiver_level", "an integer from 3"),
        ("reference-values.toml", b"", "components", "a component"),
        ("reference-values.toml", b"[components]\nfirmware = 'ff'", "firmware", "64 hexadecimal digits"),
        ("reference-values.toml", b"components = 1", "components", "a table"),
    ],
)
def test_a_wrong_file_is_named_with_its_key_and_what_is_expected(
    folder: Path, name: str, content: bytes | None, key: str, expected: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises((CredentialError, PolicyError)) as caught:
        load_world(folder, lambda: NOW)
    message = str(caught.value)
    assert message.startswith(f"{folder / name}: {key}: expected ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(("now", "key"), [(NOW + LEAF_LIFETIME + 1, "notAfter"), (NOW - 3601, "notBefore")])
def test_a_certificate_outside_its_validity_is_no_credential(folder: Path, now: int, key: str) -> None:
    with pytest.raises(CredentialError, match=rf"leaf\.pem: {key}: expected a certificate that is valid at {now}"):
        load_world(folder, lambda: now)


def test_a_crl_of_another_issuer_is_not_loaded(folder: Path, pristine: Path) -> None:
    (folder / "crls.pem").write_bytes((pristine / "tester" / "peer" / "crls.pem").read_bytes())
    with pytest.raises(CredentialError, match=r"crls\.pem: CRL: expected a list signed by an authority"):
        TrustAnchors.load(folder)


def test_private_keys_are_the_owners_alone(pristine: Path) -> None:
    for file in pristine.rglob("*.key.pem"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_service_needs_somebody_to_authorise() -> None:
    with pytest.raises(PolicyError, match="authorised_devices"):
        Policy(reference_values={"x": bytes(32)}).check("service")
    Policy(authorised_devices=("urn:x",), requires_evidence=False).check("service")


def test_policy_keeps_every_field(tmp_path: Path) -> None:
    policy = Policy(
        authorised_devices=("urn:a", "urn:b"),
        requires_evidence=False,
        accepted=(263, "application/x"),
        offered=(),
        labels_required=False,
        max_age=1,
        clock_tolerance=0,
        record_limit=3,
    )
    policy.save(tmp_path)
    assert Policy.load(tmp_path, "service") == policy


def test_a_test_world_takes_other_fields() -> None:
    clock: Callable[[], int] = lambda: NOW + 5  # noqa: E731
    world = make_test_world("service", SEED, NOW, now=clock)
    assert (world.role, world.time()) == ("service", NOW + 5)
    with pytest.raises(Refused):
        PREDICATES["cred_i_is_authorised"](world, world.credentials.issued.id_cred())
