"""Bad certificates of virtualized roots of trust: each differs from a good one in one thing; see `faults`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from .certificate import VIRTUAL, Certificate
from .der import tlv
from .faults import Bad, Case, Fault, Make
from .keys import PrivateKey, derive_key
from .oids import ARC
from .pki import DAY, Authority, Issued, issue_leaf
from .status import ECDSA_SHA256
from .tester import ANOTHER, TesterPki
from .virtual_party import (
    REVOKED_PLATFORM,
    endorser,
    endorser_spec,
    virtual_leaf_spec,
    virtual_root,
)

_STAND_IN = x509.ObjectIdentifier(f"{ARC}.2.2")
"""An identifier that is as long as that of tc-virtual."""


def bad_virtual_leaf(pki: TesterPki, role: str, fault: str, victim: Certificate) -> Bad:
    """The leaf of a tenant of `role` with one of `VIRTUAL_FAULTS`, for the party with the leaf `victim`."""
    found = VIRTUAL_FAULTS[fault]
    issued, issuer = found.make(Case(pki, role, virtual_leaf_spec(pki, role), victim))
    return Bad(issued, issuer, found.check_on("i" if role == "device" else "r"))


def _told(change: Callable[[Case], Mapping[str, Any]]) -> Make:
    """The good endorsement authority certifies a specification with some fields replaced."""

    def make(case: Case) -> tuple[Issued, Authority]:
        issuer = endorser(case.pki, case.branch)
        return issue_leaf(replace(case.spec, **change(case)), issuer), issuer

    return make


def _by(change: Callable[[Case], Mapping[str, Any]]) -> Make:
    """An endorsement authority with some fields replaced certifies the good specification."""

    def make(case: Case) -> tuple[Issued, Authority]:
        issuer = endorser(case.pki, case.branch, replace(endorser_spec(case.pki, case.branch), **change(case)))
        return issue_leaf(case.spec, issuer), issuer

    return make


def _by_the_issuer_of_others(case: Case) -> tuple[Issued, Authority]:
    issuer = case.pki.branch(case.branch).issuing
    return issue_leaf(case.spec, issuer), issuer


def _on_revoked_ground(case: Case) -> tuple[Issued, Authority]:
    pki, role = case.pki, case.branch
    issuer = endorser(pki, role, endorser_spec(pki, role, REVOKED_PLATFORM))
    return issue_leaf(virtual_leaf_spec(pki, role, platform=REVOKED_PLATFORM), issuer), issuer


def _of_another_root(case: Case) -> Mapping[str, Any]:
    return {"virtual": virtual_root(case.pki, case.branch, ANOTHER).encode()}


def _twice(case: Case) -> tuple[Issued, Authority]:
    """Two extensions tc-virtual, which no honest builder makes."""
    issuer = endorser(case.pki, case.branch)
    issued = issue_leaf(replace(case.spec, critical_extension=_STAND_IN.dotted_string), issuer)
    der = issued.certificate.parsed.tbs_certificate_bytes
    der = _signed(der.replace(_oid(_STAND_IN), _oid(VIRTUAL)), issuer.key)
    return replace(issued, certificate=replace(issued.certificate, der=der, sha256=sha256(der).digest())), issuer


def _oid(identifier: x509.ObjectIdentifier) -> bytes:
    return x509.ExtendedKeyUsage([identifier]).public_bytes()[2:]


def _signed(tbs: bytes, key: PrivateKey) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(tbs, ec.ECDSA(SHA256(), deterministic_signing=True))
    return tlv(0x30, tbs + ECDSA_SHA256 + tlv(0x03, b"\x00" + signature))


_MALFORMED: dict[str, Callable[[Case], Mapping[str, Any]]] = {
    "not-critical": lambda case: {"virtual_is_critical": False},
    "malformed": lambda case: {"virtual": virtual_root(case.pki, case.branch).encode() + b"\x00"},
    "no-extension": lambda case: {"virtual": None},
    "other-physical-root": _of_another_root,
}

VIRTUAL_FAULTS: dict[str, Fault] = {
    **{name: Fault("cred_{}_virtual_root_is_well_formed", _told(change)) for name, change in _MALFORMED.items()},
    "extension-twice": Fault("id_cred_{}_is_a_certificate", _twice),
    "issued-like-others": Fault("cred_{}_virtual_root_is_endorsed", _by_the_issuer_of_others),
    "endorser-without-path-length": Fault("cred_{}_virtual_root_is_endorsed", _by(lambda case: {"path_length": None})),
    "endorser-signs-crls": Fault(
        "cred_{}_virtual_root_is_endorsed", _by(lambda case: {"key_usage": frozenset({"key_cert_sign", "crl_sign"})})
    ),
    "endorser-has-the-key-of-the-tenant": Fault(
        "cred_{}_endorser_key_is_for_that_alone", _by(lambda case: {"key": case.spec.key})
    ),
    "endorser-has-an-identity-key": Fault(
        "cred_{}_endorser_key_is_for_that_alone",
        _by(lambda case: {"key": derive_key(case.pki.seed, f"{ANOTHER} identity")}),
    ),
    "begins-before-its-endorser": Fault(
        "cred_{}_validity_is_nested", _by(lambda case: {"not_before": case.spec.not_before + 1})
    ),
    "ends-after-its-endorser": Fault("cred_{}_validity_is_nested", _by(lambda case: {"not_after": case.pki.now + DAY})),
    "endorser-revoked": Fault(
        "cred_{}_is_not_revoked_locally", _by(lambda case: {"serial": case.pki.revoked_issuer(case.branch)})
    ),
    "physical-root-revoked": Fault("cred_{}_physical_root_is_not_revoked", _on_revoked_ground),
}
