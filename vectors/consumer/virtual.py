"""Virtualized roots of trust: chapter 10."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from . import pki
from .appraisal import FOREIGN, Trust, token
from .identifiers import IDS, OID, URN
from .pki import Certificate
from .refusal import ensure
from .strict import load

VIRTUAL = x509.ObjectIdentifier(OID["extension_virtual"])
PURPOSES = {OID[name] for name in ("eku_device", "eku_service", "eku_eat_ak", "eku_psa_ak", "eku_tcg_ak")}
SIGNS_CERTIFICATES_ALONE = b"\x03\x02\x02\x04"
UEID, INSTANCE, BOOT_SEED = 33, 16, 32


def certificate(given: dict[str, Any]) -> dict[str, str]:
    """Operation `virtual-certificate`."""
    known = pki.certificates(given["known"])
    whole = pki.path(pki.presented(given, known), pki.certificates(given["roots"]), frozenset({VIRTUAL}))
    leaf, endorser = whole[:2]
    pki.judge(whole, known, given)
    ensure(leaf.uris and leaf.uris[0] in given["identities"], "another identity")
    extension = next((item for item in leaf.x509.extensions if item.oid == VIRTUAL), None)
    ensure(extension is not None and extension.critical, "no critical tc-virtual")
    assert extension is not None
    value = extension.value.public_bytes()
    ueid, instance, generation = _read(value)
    _endorsed(leaf, endorser, IDS["urn"]["device"] + ueid.hex(), known)
    _ground(IDS["urn"]["device"] + ueid.hex(), known, [bytes.fromhex(crl) for crl in given["crls"]])
    ensure(not given["physical_only"], "a physical root is wanted")
    for root in given["generations"]:
        same = (root["ueid"], root["instance"]) == (ueid.hex(), instance.hex())
        ensure(not same or generation >= root["generation"], "an old generation")
    return {"identity": leaf.uris[0], "leaf": leaf.digest.hex(), "tc_virtual": value.hex()}


def _read(der: bytes) -> tuple[bytes, bytes, int]:
    """UEID, instance and generation. Raises Refused for any other encoding than the one."""
    at = 2 + 2 + UEID
    ueid, instance, number = der[4:at], der[at + 2 : at + 2 + INSTANCE], der[at + 2 + INSTANCE + 2 :]
    heads = (der[:2], der[2:4], der[at : at + 2], der[at + 2 + INSTANCE : at + 4 + INSTANCE])
    expected = (bytes([0x30, len(der) - 2]), bytes([4, UEID]), bytes([4, INSTANCE]), bytes([2, len(number)]))
    ensure(heads == expected and 1 <= len(number) <= 5, "tc-virtual")
    padded = len(number) > 1 and number[0] == 0 and number[1] < 0x80
    ensure(number[0] < 0x80 and not padded, "generation")
    generation = int.from_bytes(number, "big")
    ensure(generation < 1 << 32, "generation")
    return ueid, instance, generation


def _endorsed(leaf: Certificate, endorser: Certificate, physical: str, known: list[Certificate]) -> None:
    ensure(endorser.uris and endorser.platform == physical, "not endorsed by the physical root that it names")
    basic = endorser.extension(ExtensionOID.BASIC_CONSTRAINTS)
    usage = endorser.extension(ExtensionOID.KEY_USAGE)
    ensure(basic.ca and basic.path_length == 0, "an authority of more than leaves")
    ensure(usage.public_bytes() == SIGNS_CERTIFICATES_ALONE, "an authority of more than certificates")
    keys = [leaf.spki, *(item.spki for item in known if PURPOSES & set(item.usages))]
    ensure(endorser.spki not in keys, "a key of two purposes")
    inside = (
        endorser.x509.not_valid_before_utc <= leaf.x509.not_valid_before_utc
        and leaf.x509.not_valid_after_utc <= endorser.x509.not_valid_after_utc
    )
    ensure(inside, "valid beyond its authority")


def _ground(physical: str, known: list[Certificate], lists: list[bytes]) -> None:
    """No certificate of the physical root is revoked."""
    for held in known:
        if physical in [uri for uri in held.uris if uri.startswith(URN)]:
            issuers = [item for item in known if item.is_ca and held.issued_by(item)]
            said = [pki.by_crl(crl, held, issuer) for issuer in issuers for crl in lists]
            ensure(not any(one.revoked for one in said if one), "the physical root is revoked")


def evidence(given: dict[str, Any]) -> None:
    """Operation `virtual-evidence`."""
    _, claims = token(given, Trust(given), load(bytes.fromhex(given["cmw"])))
    seed = claims.get(268)
    ensure(isinstance(seed, bytes) and len(seed) == BOOT_SEED, "no boot seed", FOREIGN)
    assert isinstance(seed, bytes)
    ensure(all(shown == seed.hex() for shown in given["boot_seeds"]), "another start is connected", FOREIGN)
