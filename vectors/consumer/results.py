"""A verifier's result, judged by who asked (VER-05, PBA-06), or by whom it is presented to (chapter 9.1)."""

from __future__ import annotations

from typing import Any

from . import pki
from .identifiers import IDS
from .pki import Certificate
from .refusal import ensure
from .sign1 import Sign1, is_key, names
from .strict import load

EAR = IDS["ear"]
MALFORMED, UNSUPPORTED = "alert:11", "alert:21"
FAILED, UNBOUND, FOREIGN, STALE, REVOKED = "alert:22", "alert:23", "alert:24", "alert:25", "alert:26"


def result(given: dict[str, Any]) -> None:
    """Operation `result`."""
    reply = load(bytes.fromhex(given["reply"]))
    ensure(isinstance(reply, dict) and set(reply) == {1}, "no result", FAILED)
    submods = _judged(reply[1], given, FAILED)
    ensure(EAR["submod"] in submods, "nothing about the platform", FAILED)
    for submod in submods.values():
        _affirming(submod)


def passport(given: dict[str, Any]) -> None:
    """Operation `passport`."""
    record = load(bytes.fromhex(given["cmw"]))
    ensure(isinstance(record, list) and len(record) == 3 and isinstance(record[1], bytes), "no record", MALFORMED)
    kind, value, indicator = record
    ensure(kind == IDS["media_type"]["result"], "type of evidence", UNSUPPORTED)
    ensure(type(indicator) is int and indicator == 8, "indicator", UNSUPPORTED)
    submods = _judged(load(value), given, MALFORMED)
    for name in given["properties"]:
        ensure(name in submods, "nothing about a property", FAILED)
        _affirming(submods[name])


def _judged(item: Any, given: dict[str, Any], malformed: str) -> dict[str, Any]:
    """The submodules of a result of a pinned verifier about this peer in this session, by the policy that is wanted."""
    found = Sign1(item, malformed)
    header, claims = found.protected, load(found.payload)
    ensure(set(header) == {1, 16, 34} and set(found.unprotected) <= {33}, "headers", malformed)
    ensure(header[1] in (-7, -9) and header[16] == 263, "headers", FAILED)
    ensure(isinstance(claims, dict) and {4, 6, 8, 10, 256, 265, 266, 1004} <= set(claims), "claims", malformed)
    _form(claims, malformed)
    ensure(claims[265] == EAR["profile"], "profile", FAILED)
    verifiers = pki.certificates(given["verifiers"])
    verifier = next((one for one in verifiers if names(header[34], one)), None)
    ensure(verifier is not None and verifier.valid_at(given["now"]), "verifier", FAILED)
    assert verifier is not None
    found.verify(verifier.key, "", FAILED)
    _claims(claims, given)
    ensure(verifier.digest.hex() not in given["revoked_verifiers"], "verifier is revoked", REVOKED)
    submods: dict[str, Any] = claims[266]
    for submod in submods.values():
        policies = submod.get(1003)
        ensure(isinstance(policies, list), "policies", FAILED)
        ensure(not set(policies) & set(given["revoked_policies"]), "policy is revoked")
        ensure(policies == [given["policy"]], "another policy", FAILED)
    return submods


def _form(claims: dict[Any, Any], malformed: str) -> None:
    ensure(isinstance(claims[10], bytes), "nonce", malformed)
    ensure(isinstance(claims[8], dict) and set(claims[8]) == {1}, "cnf", malformed)
    ensure(isinstance(claims[256], bytes), "ueid", malformed)
    ensure(all(type(claims[key]) is int and claims[key] >= 0 for key in (4, 6)), "times", malformed)
    submods = claims[266]
    ensure(isinstance(submods, dict) and all(isinstance(one, dict) for one in submods.values()), "submodules", FAILED)


def _claims(claims: dict[Any, Any], given: dict[str, Any]) -> None:
    ensure(claims[10].hex() == given["binder"], "binder", UNBOUND)
    leaf = Certificate(bytes.fromhex(given["leaf"]))
    is_key(claims[8][1], leaf, FOREIGN)
    ensure(leaf.platform == IDS["urn"]["device"] + claims[256].hex(), "another platform", FOREIGN)
    ensure(claims[6] <= given["now"] + given["tolerance"] and given["now"] < claims[4], "not in force", STALE)


def _affirming(submod: dict[Any, Any]) -> None:
    ensure(type(submod.get(1000)) is int and 2 <= submod[1000] < 32, "not affirming", FAILED)
