"""A verifier's reply, judged by who asked: VER-05 and PBA-06."""

from __future__ import annotations

from typing import Any

from . import pki
from .identifiers import IDS
from .pki import Certificate
from .refusal import ensure
from .sign1 import Sign1, is_key, names
from .strict import load

EAR = IDS["ear"]
FAILED, UNBOUND, FOREIGN, STALE, REVOKED = "alert:22", "alert:23", "alert:24", "alert:25", "alert:26"


def result(given: dict[str, Any]) -> None:
    """Operation `result`."""
    reply = load(bytes.fromhex(given["reply"]))
    ensure(isinstance(reply, dict) and set(reply) == {1}, "no result", FAILED)
    found = Sign1(reply[1], FAILED)
    header, claims = found.protected, load(found.payload)
    ensure(set(header) == {1, 16, 34} and set(found.unprotected) <= {33}, "headers", FAILED)
    ensure(header[1] in (-7, -9) and header[16] == 263, "headers", FAILED)
    ensure(isinstance(claims, dict) and {4, 6, 8, 10, 256, 265, 266, 1004} <= set(claims), "claims", FAILED)
    ensure(claims[265] == EAR["profile"], "profile", FAILED)
    verifiers = pki.certificates(given["verifiers"])
    verifier = next((one for one in verifiers if names(header[34], one)), None)
    ensure(verifier is not None and verifier.valid_at(given["now"]), "verifier", FAILED)
    assert verifier is not None
    found.verify(verifier.key, "", FAILED)
    _claims(claims, verifier, given)


def _claims(claims: dict[Any, Any], verifier: Certificate, given: dict[str, Any]) -> None:
    ensure(isinstance(claims[10], bytes), "nonce", FAILED)
    ensure(claims[10].hex() == given["binder"], "binder", UNBOUND)
    ensure(isinstance(claims[8], dict) and set(claims[8]) == {1}, "cnf", FAILED)
    leaf = Certificate(bytes.fromhex(given["leaf"]))
    is_key(claims[8][1], leaf, FOREIGN)
    ensure(isinstance(claims[256], bytes), "ueid", FAILED)
    ensure(leaf.platform == IDS["urn"]["device"] + claims[256].hex(), "another platform", FOREIGN)
    ensure(all(type(claims[key]) is int and claims[key] >= 0 for key in (4, 6)), "times", FAILED)
    ensure(claims[6] <= given["now"] + given["tolerance"] and given["now"] < claims[4], "not in force", STALE)
    submods = claims[266]
    ensure(isinstance(submods, dict) and EAR["submod"] in submods, "submodules", FAILED)
    ensure(verifier.digest.hex() not in given["revoked_verifiers"], "verifier is revoked", REVOKED)
    for submod in submods.values():
        ensure(isinstance(submod, dict), "submodules", FAILED)
        policies = submod.get(1003)
        ensure(isinstance(policies, list), "policies", FAILED)
        ensure(not set(policies) & set(given["revoked_policies"]), "policy is revoked")
        ensure(policies == [given["policy"]], "another policy", FAILED)
        ensure(type(submod.get(1000)) is int and 2 <= submod[1000] < 32, "not affirming", FAILED)
