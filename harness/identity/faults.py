"""Bad certificates: each differs from a good one in exactly one thing, and names the check that must catch it.

`CREDENTIAL_FAULTS` are for identity leaves, `ATTESTATION_FAULTS` for attestation certificates. A check name with `{}`
takes the letter of the side whose credential it is: "r" for a service's, "i" for a device's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .certificate import Certificate
from .keys import derive_key
from .oids import ARC, EKU_CLIENT_AUTH, EKU_DEVICE, EKU_EAT_AK, EKU_SERVICE, EKU_TPM_AK
from .pki import (
    DAY,
    LEAF_LIFETIME,
    Authority,
    Issued,
    LeafSpec,
    Subject,
    authority_spec,
    issue_authority,
    issue_leaf,
    issue_root,
    organization,
    serial_number,
)
from .status import encode_proofs, make_ocsp
from .tester import ANOTHER, BRANCHES, TesterPki, opposite

_ANY_USE = "2.5.29.37.0"
_UNKNOWN_EXTENSION = f"{ARC}.99"
_ROLE_EKU = {"device": EKU_DEVICE, "service": EKU_SERVICE}


@dataclass(frozen=True, slots=True)
class Case:
    """What a fault starts from: the good leaf's specification, and who the victim is that must refuse it."""

    pki: TesterPki
    branch: str
    spec: LeafSpec
    victim: Certificate


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad certificate, the authority to ask for its status proofs, and the check that must refuse it."""

    issued: Issued
    issuer: Authority
    check: str


Make = Callable[[Case], tuple[Issued, Authority]]


@dataclass(frozen=True, slots=True)
class Fault:
    """How to make a bad certificate and which check must refuse it."""

    check: str
    make: Make

    def check_on(self, side: str) -> str:
        """The check by name, for a credential of side "i" or "r"."""
        check = self.check.format(side)
        of_services = {
            "cred_r_has_device_role": "cred_r_has_service_role",
            "cred_r_is_authorised": "cred_r_is_intended",
        }
        return of_services.get(check, check)


def bad_leaf(pki: TesterPki, role: str, fault: str, victim: Certificate) -> Bad:
    """The leaf of a party of `role` with one of `CREDENTIAL_FAULTS`, for the party with the leaf `victim`."""
    spec = pki.leaf_spec(role, role)
    side = "i" if role == "device" else "r"
    return _bad(CREDENTIAL_FAULTS[fault], Case(pki, role, spec, victim), fault, side)


def bad_ak(pki: TesterPki, role: str, fault: str, victim: Certificate) -> Bad:
    """The attestation certificate of a party of `role` with one fault of `ATTESTATION_FAULTS`."""
    return _bad(ATTESTATION_FAULTS[fault], Case(pki, "attestation", pki.ak_spec(role), victim), fault, role)


def endorsements(pki: TesterPki, bad: Bad) -> bytes:
    """Proofs that a bad attestation certificate, and the authority above it, are not revoked; b"" where all know it."""
    if bad.issuer is pki.attestation.issuing:
        return b""
    above = [pki.root_crl(name) for name in BRANCHES if pki.branch(name).issuing is bad.issuer]
    return encode_proofs(ocsp=[make_ocsp(bad.issued.certificate, bad.issuer, pki.now)], crls=above)


def _bad(fault: Fault, case: Case, name: str, side: str) -> Bad:
    serial = serial_number(case.pki.seed, f"bad/{case.branch}/{name}")
    issued, issuer = fault.make(replace(case, spec=replace(case.spec, serial=serial)))
    return Bad(issued, issuer, fault.check_on(side))


def _changed(change: Callable[[Case], Mapping[str, Any]]) -> Make:
    """The good issuer certifies a specification with some fields replaced."""

    def make(case: Case) -> tuple[Issued, Authority]:
        issuer = case.pki.branch(case.branch).issuing
        return issue_leaf(replace(case.spec, **change(case)), issuer), issuer

    return make


def _by(authority: Callable[[Case], Authority]) -> Make:
    """Another issuer certifies the good specification."""

    def make(case: Case) -> tuple[Issued, Authority]:
        issuer = authority(case)
        return issue_leaf(case.spec, issuer), issuer

    return make


def _rogue(case: Case, kind: str, issuer: Authority | None = None) -> Authority:
    """An authority with an honest one's name and another key."""
    spec = authority_spec(case.pki.seed, case.pki.now, case.branch, kind)
    spec = replace(spec, key=derive_key(case.pki.seed, f"rogue/{case.branch}/{kind}"))
    return issue_root(spec) if issuer is None else issue_authority(spec, issuer)


def _foreign_root(case: Case) -> Authority:
    return _rogue(case, "issuing", _rogue(case, "root"))


def _impostor(case: Case) -> tuple[Issued, Authority]:
    honest = case.pki.branch(case.branch).issuing
    rogue = derive_key(case.pki.seed, f"rogue/{case.branch}/issuing")
    return issue_leaf(case.spec, replace(honest, key=rogue)), honest


def _leaf_as_issuer(case: Case) -> Authority:
    spec = replace(case.spec, serial=case.spec.serial ^ 2, key=derive_key(case.pki.seed, f"leaf issuer/{case.branch}"))
    leaf = issue_leaf(spec, case.pki.branch(case.branch).issuing)
    assert leaf.key is not None
    return Authority(leaf.certificate, leaf.key, (leaf.certificate, *leaf.chain))


def _second_issuer(case: Case, below_root: bool = True, **changes: Any) -> Authority:
    """One more authority of the branch, below its root or below its issuing authority."""
    seed, branch = case.pki.seed, case.pki.branch(case.branch)
    spec = replace(
        authority_spec(seed, case.pki.now, case.branch, "issuing"),
        subject=Subject(branch.organization, f"{case.branch} second authority"),
        serial=serial_number(seed, f"second/{case.branch}"),
        key=derive_key(seed, f"second/{case.branch}"),
    )
    return issue_authority(replace(spec, **changes), branch.root if below_root else branch.issuing)


def _revoked_issuer(case: Case) -> Authority:
    return _second_issuer(case, serial=case.pki.revoked_issuer(case.branch))


def _other_branch(name: Callable[[Case], str]) -> Make:
    """The issuing authority of another branch certifies the leaf, with a name that it may give."""

    def make(case: Case) -> tuple[Issued, Authority]:
        issuer = case.pki.branch(name(case)).issuing
        subject = Subject(organization(name(case)), case.spec.subject.common_name)
        return issue_leaf(replace(case.spec, subject=subject), issuer), issuer

    return make


def _out_of_order(case: Case) -> tuple[Issued, Authority]:
    branch = case.pki.branch(case.branch)
    issued = issue_leaf(case.spec, branch.issuing)
    return replace(issued, chain=(branch.root.certificate, *issued.chain)), branch.issuing


def _identity(change: Callable[[str], str]) -> Make:
    return _changed(lambda case: {"uris": (change(case.spec.uris[0]), *case.spec.uris[1:])})


def _other_identity(uri: str) -> str:
    return uri[:-2] + ("00" if uri[-2:] != "00" else "01") if uri.startswith("urn:") else "https://other.example/"


def _rekeyed(name: str, make: Make) -> Make:
    """The same with a key of its own: one identity, one key (IDN-25)."""
    return lambda case: make(replace(case, spec=replace(case.spec, key=derive_key(case.pki.seed, f"bad/{name}"))))


def _identity_key(case: Case) -> Mapping[str, Any]:
    party = case.spec.subject.common_name.partition(" ")[0]
    return {"key": derive_key(case.pki.seed, f"{party} identity")}


_PATH_FAULTS: dict[str, Make] = {
    "foreign-root": _by(_foreign_root),
    "impostor-issuer": _impostor,
    "broken-signature": _changed(lambda case: {"signature_broken": True}),
    "issued-by-a-leaf": _by(_leaf_as_issuer),
    "path-too-long": _by(lambda case: _second_issuer(case, below_root=False)),
    "issuer-may-not-sign": _by(lambda case: _second_issuer(case, key_usage=frozenset({"crl_sign"}))),
    "issuer-is-no-ca": _by(lambda case: _second_issuer(case, ca=False, permitted=None)),
    "chain-out-of-order": _out_of_order,
    "name-not-permitted": _changed(lambda case: {"subject": Subject("Elsewhere", case.spec.subject.common_name)}),
    "unknown-critical-extension": _changed(lambda case: {"critical_extension": _UNKNOWN_EXTENSION}),
    "leaf-is-a-ca": _changed(lambda case: {"ca": True}),
}
_VALIDITY_FAULTS: dict[str, Make] = {
    "expired": _changed(lambda case: {"not_before": case.pki.now - LEAF_LIFETIME, "not_after": case.pki.now - 1}),
    "not-yet-valid": _changed(lambda case: {"not_before": case.pki.now + DAY}),
    "issuer-expired": _by(lambda case: _second_issuer(case, not_after=case.pki.now - 1)),
}
_ROLE_FAULTS: dict[str, Make] = {
    "other-role": _changed(lambda case: {"eku": (_ROLE_EKU[opposite(case.branch)], *case.spec.eku[1:])}),
    "both-roles": _changed(lambda case: {"eku": (*case.spec.eku, _ROLE_EKU[opposite(case.branch)])}),
    "no-extended-key-usage": _changed(lambda case: {"eku": ()}),
    "any-extended-key-usage": _changed(lambda case: {"eku": (_ANY_USE,)}),
    "tls-usage-only": _changed(lambda case: {"eku": (EKU_CLIENT_AUTH,)}),
}
_IDENTITY_FAULTS: dict[str, Make] = {
    "other-identity": _identity(_other_identity),
    "second-identity": _changed(lambda case: {"uris": (_other_identity(case.spec.uris[0]), *case.spec.uris)}),
    "longer-identity": _identity(lambda uri: uri + "0"),
    "shorter-identity": _identity(lambda uri: uri[:-1]),
    "upper-case-identity": _identity(str.upper),
    "identity-of-another-first": _changed(lambda case: {"uris": ("https://other.example/", *case.spec.uris)}),
    "no-identity": _changed(lambda case: {"uris": ()}),
}

CREDENTIAL_FAULTS: dict[str, Fault] = {
    **{name: Fault("cred_{}_path_verifies", make) for name, make in _PATH_FAULTS.items()},
    "root-of-my-side": Fault("cred_{}_path_verifies", _other_branch(lambda case: opposite(case.branch))),
    "root-for-attestation": Fault("cred_{}_path_verifies", _other_branch(lambda case: "attestation")),
    **{name: Fault("cred_{}_is_in_validity", make) for name, make in _VALIDITY_FAULTS.items()},
    "no-digital-signature": Fault(
        "cred_{}_key_usage_is_signature", _changed(lambda case: {"key_usage": frozenset({"key_agreement"})})
    ),
    "no-key-usage": Fault("cred_{}_key_usage_is_signature", _changed(lambda case: {"key_usage": None})),
    **{name: Fault("cred_{}_has_device_role", make) for name, make in _ROLE_FAULTS.items()},
    "eat-attestation-usage": Fault(
        "cred_{}_is_no_attestation_certificate", _changed(lambda case: {"eku": (*case.spec.eku, EKU_EAT_AK)})
    ),
    "tpm-attestation-usage": Fault(
        "cred_{}_is_no_attestation_certificate", _changed(lambda case: {"eku": (*case.spec.eku, EKU_TPM_AK)})
    ),
    **{name: Fault("cred_{}_is_authorised", _rekeyed(name, make)) for name, make in _IDENTITY_FAULTS.items()},
    "key-of-the-victim": Fault("cred_{}_is_not_mine", _changed(lambda case: {"key": case.victim.public_key})),
    "key-of-another-peer": Fault(
        "cred_{}_key_is_of_one_identity",
        _changed(lambda case: {"key": derive_key(case.pki.seed, f"{ANOTHER} identity")}),
    ),
    "revoked": Fault(
        "cred_{}_is_not_revoked_locally", _changed(lambda case: {"serial": case.pki.revoked_serial(case.branch)})
    ),
    "issuer-revoked": Fault("cred_{}_is_not_revoked_locally", _by(_revoked_issuer)),
}

ATTESTATION_FAULTS: dict[str, Fault] = {
    **{name: Fault("ak_path_verifies", make) for name, make in _PATH_FAULTS.items()},
    "root-for-devices": Fault("ak_path_verifies", _other_branch(lambda case: "device")),
    "root-for-services": Fault("ak_path_verifies", _other_branch(lambda case: "service")),
    **{name: Fault("ak_is_in_validity", make) for name, make in _VALIDITY_FAULTS.items()},
    "no-extended-key-usage": Fault("ak_is_for_eat", _changed(lambda case: {"eku": ()})),
    "tpm-usage-only": Fault("ak_is_for_eat", _changed(lambda case: {"eku": (EKU_TPM_AK,)})),
    "tpm-usage-too": Fault("ak_is_for_eat", _changed(lambda case: {"eku": (EKU_EAT_AK, EKU_TPM_AK)})),
    "identity-usage-too": Fault("ak_is_for_eat", _changed(lambda case: {"eku": (EKU_EAT_AK, EKU_DEVICE)})),
    "other-platform": Fault("ak_names_peer_device", _identity(_other_identity)),
    "another-platform-too": Fault(
        "ak_names_peer_device", _changed(lambda case: {"uris": (*case.spec.uris, _other_identity(case.spec.uris[0]))})
    ),
    "no-platform": Fault("ak_names_peer_device", _changed(lambda case: {"uris": ()})),
    "platform-and-another-name": Fault(
        "ak_names_peer_device", _changed(lambda case: {"uris": (*case.spec.uris, "https://other.example/")})
    ),
    "two-platforms": Fault(
        "ak_names_peer_device", _changed(lambda case: {"uris": (*case.spec.uris, _other_identity(case.spec.uris[0]))})
    ),
    "identity-key": Fault("ak_is_not_the_identity_key", _changed(_identity_key)),
    "identity-key-of-another-peer": Fault(
        "ak_is_not_the_identity_key",
        _changed(lambda case: {"key": derive_key(case.pki.seed, f"{ANOTHER} identity")}),
    ),
    "revoked": Fault("ak_is_not_revoked", _changed(lambda case: {"serial": case.pki.revoked_serial("attestation")})),
    "issuer-revoked": Fault("ak_is_not_revoked", _by(_revoked_issuer)),
}
