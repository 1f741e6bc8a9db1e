"""A verifier's folder: its key, what it trusts, its policies, and, once it has been asked, its ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

from ..crypto.random import Random, system_random
from ..identity.credentials import (
    CredentialError,
    Credentials,
    TrustAnchors,
    read_certificates,
    read_key,
    write_certificates,
    write_key,
)
from ..identity.pki import Issued
from ..identity.policy import COLLECTION_FORMAT, EAT_CWT, PSA_TOKEN, TPM_FORMAT, Policy
from ..identity.psa import knowing_psa
from ..identity.settings import convert, read_toml, text
from ..identity.tam import SoftwareTam, reference_values
from ..identity.tester import ANOTHER, ROLES, VERIFIER, VERIFIER_POLICIES, VERIFIER_URI, TesterPki, boot_events
from ..identity.world import World
from .appraisal import Verifier
from .ledger import Ledger
from .policy import FOLDER, AppraisalPolicy, load_policies, save_policies

LEDGER = "ledger.sqlite"
DEVICE_POLICY, SERVICE_POLICY = VERIFIER_POLICIES["device"], VERIFIER_POLICIES["service"]
EMPTY_POLICY, PROPERTY_POLICY = "tc-test-empty", "tc-test-properties"
PROPERTY_POLICIES = {"device": PROPERTY_POLICY, "service": "tc-test-service-properties"}
"""Policies that a verifier under test holds: of a device, of a service, one without reference values, and for each role
of attesters one that names properties alone."""
FILES_POLICY, FILES = "tc-test-files", MappingProxyType({"/usr/bin/named": bytes(range(32))})
"""And one of a device that names a file of measurement lists."""
ACCEPTED = (EAT_CWT, TPM_FORMAT, PSA_TOKEN, COLLECTION_FORMAT)
PROPERTIES = {
    "measured-boot": ("firmware", "boot-loader"),
    "approved-software": ("operating-system", "trusted-connection"),
}


def anchors(pki: TesterPki) -> TrustAnchors:
    """What a verifier trusts: the roots of attestation keys. It knows identities of peers, as keys that attest nothing.

    It holds the revocation lists of the attestation branch.
    """
    authorities = [pki.branch(name).issuing.certificate for name in (*ROLES, "attestation")]
    peers = [pki.party(role, label).leaf for role in ROLES for label in ("", ANOTHER)]
    return TrustAnchors(
        peer_roots=tuple(pki.branch(role).root.certificate for role in ROLES),
        attestation_roots=(pki.attestation.root.certificate,),
        known=(*authorities, *peers),
        crls=(pki.crl("attestation"), pki.root_crl("attestation")),
    )


def policies() -> list[AppraisalPolicy]:
    """Policies for platforms as the tester makes them."""
    device, service = (
        knowing_psa(Policy(accepted=ACCEPTED, reference_values=reference_values(boot_events(role)))) for role in ROLES
    )
    return [
        AppraisalPolicy(DEVICE_POLICY, device),
        AppraisalPolicy(SERVICE_POLICY, service),
        AppraisalPolicy(EMPTY_POLICY, Policy()),
        AppraisalPolicy(FILES_POLICY, replace(device, files=FILES)),
        AppraisalPolicy(PROPERTY_POLICIES["device"], device, PROPERTIES),
        AppraisalPolicy(PROPERTY_POLICIES["service"], service, PROPERTIES),
    ]


def make_world(own: Issued, trusted: TrustAnchors, now: Callable[[], int]) -> World:
    """A verifier's world: a key that signs results, and no attestation key, because it attests nothing."""
    assert own.key is not None
    credentials = Credentials(own.certificate, own.chain, own.key, own.certificate, (), None)
    return World(VERIFIER, now, credentials, trusted, Policy(), SoftwareTam(own.key, own.key, b"", ()))


def provision(out: Path, *, seed: bytes, now: int, seeded: bool = True) -> TesterPki:
    """Write `out/iut` for a verifier and `out/tester` with the authorities whose keys it trusts."""
    pki = TesterPki.from_seed(seed, now)
    folder, own = out / "iut", pki.verifier()
    folder.mkdir(parents=True)
    write_certificates(folder / "leaf.pem", (own.certificate, *own.chain))
    write_key(folder / "leaf.key.pem", own.key)
    anchors(pki).save(folder)
    save_policies(folder / FOLDER, policies())
    manifest = {"seeded": seeded, "role": VERIFIER, "issued_at": now, "identity": VERIFIER_URI}
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest), encoding="utf-8")
    (out / "tester").mkdir()
    pki.save(out / "tester")
    return pki


def load(
    folder: Path,
    now: Callable[[], int],
    *,
    ledger: Path | None = None,
    off: frozenset[str] = frozenset(),
    rng: Random = system_random,
    make: Callable[..., Verifier] = Verifier,
) -> Verifier:
    """The verifier that a folder describes; `ledger` is the file of what it must remember, by default in the folder.

    Raises:
        SettingError: a file cannot be used, or the certificate is not valid now.
        LedgerError: the ledger cannot be used.
    """
    file = folder / "manifest.toml"
    if convert(file, read_toml(file, CredentialError), _MANIFEST, CredentialError).get("role") != VERIFIER:
        raise CredentialError(file, "role", '"verifier"')
    certificate, *chain = read_certificates(folder / "leaf.pem")
    key = read_key(folder / "leaf.key.pem")
    if key.public_key() != certificate.public_key:
        raise CredentialError(folder / "leaf.key.pem", "key", "the private key of the certificate beside it")
    world = make_world(Issued(certificate, tuple(chain), key), TrustAnchors.load(folder), now)
    world.credentials.require_valid(folder, now())
    noted = Ledger(ledger or folder / LEDGER)
    return make(world, load_policies(folder / FOLDER), noted, own_name(), off=off, rng=rng)


def own_name() -> dict[int, str]:
    """What results of the reference verifier name it: developer (0) and build (1)."""
    return {0: "trustconn", 1: f"trustconn {version('trustconn')}"}


def _anything(value: Any) -> Any:
    return value


_MANIFEST = {"seeded": _anything, "role": text, "issued_at": _anything, "identity": text}
