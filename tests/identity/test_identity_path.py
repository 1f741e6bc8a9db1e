"""Paths are refused for the reason that was planted; name constraints work for each name form that is supported."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from trustconn.harness.identity.certificate import Certificate, CertificateError, parse_certificate
from trustconn.harness.identity.errors import Refused
from trustconn.harness.identity.faults import bad_leaf
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.names import NameConstraintError, check_names
from trustconn.harness.identity.path import PathError, verify_path
from trustconn.harness.identity.pki import authority_spec, issue_leaf, issue_root, leaf_spec, organization
from trustconn.harness.identity.predicates import PREDICATES
from trustconn.harness.identity.revocation import ProofError, read_proof
from trustconn.harness.identity.status import make_ocsp
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.identity.world import World

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("foreign-root", "not signed by its issuer"),
        ("impostor-issuer", "not signed by its issuer"),
        ("broken-signature", "not signed by its issuer"),
        ("chain-out-of-order", "not signed by its issuer"),
        ("issued-by-a-leaf", "not a certification authority"),
        ("issuer-is-no-ca", "not a certification authority"),
        ("issuer-may-not-sign", "not a certification authority"),
        ("path-too-long", "1 authorities below one that allows 0"),
        ("name-not-permitted", "outside the permitted names"),
        ("unknown-critical-extension", "is not understood"),
        ("leaf-is-a-ca", "end-entity"),
        ("root-of-my-side", "no pinned root"),
    ],
)
def test_the_planted_reason_is_the_one_found(service: World, pki: TesterPki, fault: str, reason: str) -> None:
    bad = bad_leaf(pki, "device", fault, service.credentials.leaf)
    with pytest.raises(Refused, match=reason):
        PREDICATES["cred_i_path_verifies"](service, bad.issued.id_cred())


def test_the_root_may_be_sent_along(device: World, pki: TesterPki) -> None:
    held = device.credentials
    root = pki.device.root.certificate
    verify_path(held.leaf, held.chain, [root])
    verify_path(held.leaf, (*held.chain, root), [root])


def test_a_root_with_the_same_name_does_not_hide_the_right_one(device: World, pki: TesterPki) -> None:
    older = issue_root(replace(authority_spec(pki.seed, NOW, "device", "root"), key=derive_key(b"older", "root")))
    held, root = device.credentials, pki.device.root.certificate
    verify_path(held.leaf, held.chain, [older.certificate, root])
    with pytest.raises(PathError, match="not signed"):
        verify_path(held.leaf, held.chain, [older.certificate])


def test_a_root_that_is_no_authority_anchors_nothing(device: World, pki: TesterPki) -> None:
    held = device.credentials
    weak = issue_root(replace(authority_spec(pki.seed, NOW, "device", "root"), key_usage=frozenset({"crl_sign"})))
    with pytest.raises(PathError, match="not a certification authority"):
        verify_path(held.leaf, held.chain, [weak.certificate])


def test_a_root_alone_is_no_path(pki: TesterPki) -> None:
    root = pki.device.root.certificate
    with pytest.raises(PathError):
        verify_path(root, (), [root])


def test_a_path_is_bounded(device: World, pki: TesterPki) -> None:
    held = device.credentials
    with pytest.raises(PathError, match="at most 8"):
        verify_path(held.leaf, held.chain * 8, [pki.device.root.certificate])


def named(pki: TesterPki, uri: str) -> Certificate:
    """A leaf with one URI name."""
    return issue_leaf(leaf_spec(pki.seed, NOW, "service", (uri,), "named"), pki.service.issuing).certificate


def uri_constraint(permitted: str | None = None, excluded: str | None = None) -> x509.NameConstraints:
    return x509.NameConstraints(
        [x509.UniformResourceIdentifier(permitted)] if permitted else None,
        [x509.UniformResourceIdentifier(excluded)] if excluded else None,
    )


def test_hosts_of_uris_are_compared_whole_or_by_domain(pki: TesterPki) -> None:
    leaf = named(pki, "https://a.example.org/x")
    check_names(uri_constraint("a.example.org"), leaf)
    check_names(uri_constraint(".example.org"), leaf)
    check_names(uri_constraint(excluded="example.org"), leaf)
    for constraint in (
        uri_constraint("example.org"),
        uri_constraint(".ample.org"),
        uri_constraint(excluded=".example.org"),
        uri_constraint(".org", "a.example.org"),
    ):
        with pytest.raises(NameConstraintError):
            check_names(constraint, leaf)


def test_a_uri_without_a_host_cannot_meet_a_constraint(pki: TesterPki) -> None:
    with pytest.raises(NameConstraintError, match="no host"):
        check_names(uri_constraint(".example.org"), named(pki, "urn:tc:device:01"))


def test_directory_names_are_constrained_by_prefix(pki: TesterPki) -> None:
    def below(value: str) -> x509.NameConstraints:
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value)])
        return x509.NameConstraints(None, [x509.DirectoryName(name)])

    check_names(below("Elsewhere"), named(pki, "https://a.example/"))
    with pytest.raises(NameConstraintError, match="excluded"):
        check_names(below(organization("service")), named(pki, "https://a.example/"))


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"\x30\x80", bytes(100)], ids=bytes.hex)
def test_what_is_no_certificate_is_one_error(der: bytes) -> None:
    with pytest.raises(CertificateError):
        parse_certificate(der)


def damaged(der: bytes) -> Iterator[bytes]:
    """Truncations, and each octet with one or two bits flipped."""
    for position in range(0, len(der), 2):
        yield der[:position]
        for mask in (0x01, 0x21, 0x80):
            yield der[:position] + bytes([der[position] ^ mask]) + der[position + 1 :]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_damaged_certificates_and_proofs_are_one_kind_of_error_each(device: World, pki: TesterPki) -> None:
    leaf, issuer = device.credentials.leaf, pki.device.issuing
    for octets in damaged(leaf.der):
        with suppress(CertificateError):
            parse_certificate(octets)
    for kind, proof in ((0, make_ocsp(leaf, issuer, NOW)), (1, pki.crl("device"))):
        for octets in damaged(proof):
            with suppress(ProofError):
                read_proof(kind, octets, leaf, issuer.certificate, NOW)
