"""DATA with a label, judged as chapter 11 says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from . import grammar, psa, tpm
from .appraisal import check_measurements
from .crypto import verify
from .identifiers import IDS
from .pki import Certificate
from .refusal import Refused, ensure
from .sign1 import Sign1, is_key, names
from .strict import dump, load

INVALID, REQUIRED = "receipt:30", "receipt:32"
Judge = Callable[[Any, bytes, Certificate, dict[str, Any]], None]
"""Of an environment object, its digest as the label names it, the signer's leaf, and what is given."""
LABEL_MAP = IDS["cose"]["label_map"]


def label(given: dict[str, Any]) -> dict[str, str]:
    """Operation `label`."""
    return _label(given, _signed)


def of_tpm(given: dict[str, Any]) -> dict[str, str]:
    """Operation `label-tpm`."""
    return _label(given, _quoted)


def of_psa(given: dict[str, Any]) -> dict[str, str]:
    """Operation `label-psa`."""
    return _label(given, _psa)


def _label(given: dict[str, Any], judge: Judge) -> dict[str, str]:
    octets = bytes.fromhex(given["frame"])
    frame = load(octets)
    ensure(isinstance(frame, list) and len(frame) == 2, "no frame", "alert:11")
    if type(frame[0]) is int and frame[0] != 5:
        raise Refused("another frame", "alert:10")
    body = frame[1]
    ensure(isinstance(body, dict) and set(body) <= {1, 2, 3, 4, 5}, "grammar of DATA", "alert:11")
    if 1 in body:
        ensure(set(body) == {1} and isinstance(body[1], bytes), "grammar of DATA", "alert:11")
        raise Refused("no label", REQUIRED)
    ensure(2 in body, "neither label nor octets", REQUIRED)
    ensure(isinstance(body.get(3), bytes), "content", "alert:11")
    found = Sign1(body[2], "alert:11")
    header, leaf = found.protected, Certificate(bytes.fromhex(given["leaf"]))
    _form(found)
    ensure(header[1] == -7 and header[16] == IDS["media_type"]["label"] and header[258] == -16, "header", INVALID)
    ensure(names(header[34], leaf), "x5t", INVALID)
    found.verify(leaf.key, IDS["external_aad"]["label"], INVALID)
    _claims(header, leaf, given)
    ensure(found.payload == hashlib.sha256(body[3]).digest(), "content", INVALID)
    _environment(body.get(4), header[LABEL_MAP].get(1), leaf, given, judge)
    return {"content": body[3].hex()}


def _form(found: Sign1) -> None:
    """What the grammar says, apart from values that a requirement refuses by itself (ERR-27)."""
    header = found.protected
    ensure(set(header) == {1, 15, 16, 34, 258, 259, LABEL_MAP}, "grammar of the label", "alert:11")
    ensure(set(found.unprotected) <= {33}, "a header that must be protected", "alert:11")
    ensure(all(type(header[key]) is int for key in (1, 258)), "grammar of the label", "alert:11")
    claims, said = header[15], header[LABEL_MAP]
    ensure(isinstance(claims, dict) and set(claims) == {1, 2, 6, 7}, "grammar of the claims", "alert:11")
    ensure(
        isinstance(said, dict) and {3, 4} <= set(said) <= {1, 2, 3, 4, 5, 6, 7}, "grammar of the label map", "alert:11"
    )
    ensure(all(isinstance(claims[key], str) for key in (1, 2)), "grammar of the claims", "alert:11")
    ensure(_unsigned(claims[6]) and _unsigned(said[3]), "numbers", "alert:11")
    ensure(_octets(claims[7], 16) and _octets(said[4], 16) and _octets(found.payload, 32), "lengths", "alert:11")


def _unsigned(value: Any) -> bool:
    return type(value) is int and value >= 0


def _octets(value: Any, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _claims(header: dict[Any, Any], leaf: Certificate, given: dict[str, Any]) -> None:
    claims, said = header[15], header[LABEL_MAP]
    ensure(claims[2] == leaf.uris[0] and claims[1] == leaf.platform, "signer", INVALID)
    ensure(said[4] == bytes.fromhex(given["sid"]), "session", INVALID)
    ensure(said[3] > given["last_sequence"], "sequence", INVALID)
    ensure(claims[7].hex() not in given["seen"], "identifier", INVALID)
    ensure(given["now"] - given["max_age"] <= claims[6] <= given["now"] + given["tolerance"], "age", INVALID)
    ensure(not {2, 5, 6, 7} & set(said), "parts that this receiver does not judge", INVALID)


def _environment(brought: Any, named: Any, leaf: Certificate, given: dict[str, Any], judge: Judge) -> None:
    ensure(isinstance(named, bytes), "no environment is named", INVALID)
    if brought is None:
        ensure(named.hex() == given["environment"], "another environment", INVALID)
        return
    ensure(isinstance(brought, list) and len(brought) == 1, "one environment object", "alert:11")
    judge(brought[0], named, leaf, given)


def _signed(item: Any, named: bytes, leaf: Certificate, given: dict[str, Any]) -> None:
    """An object by the attestation key of tokens."""
    found = Sign1(item, "alert:11")
    claims = load(found.payload)
    ensure(isinstance(claims, dict) and {1, 2, 3, 4, 5, 6} <= set(claims), "grammar of the environment", "alert:11")
    ensure(_unsigned(claims[3]), "grammar", "alert:11")
    _claims_of_environment(claims)
    ensure(set(found.protected) == {1, 16, 34} and type(found.protected[1]) is int, "grammar of the header", "alert:11")
    ensure(set(found.unprotected) == {33}, "grammar", "alert:11")
    ensure(named == hashlib.sha256(found.raw).digest(), "another environment", INVALID)
    key = found.chain[0]
    ensure(found.protected[1] == -7 and found.protected[16] == IDS["media_type"]["environment"], "header", INVALID)
    ensure(names(found.protected[34], key), "x5t", INVALID)
    ensure(key.der == bytes.fromhex(given["attestation_key"]), "another attestation key", INVALID)
    found.verify(key.key, IDS["external_aad"]["environment"], INVALID)
    _of_session(claims, leaf, given)
    ensure(claims[3] == given["bootcount"], "start", INVALID)
    ensure(grammar.rule("measurements")(claims[2]), "measurements", "alert:11")
    check_measurements(claims[2], _references(given), INVALID)


def _references(given: dict[str, Any]) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in given["reference_values"].items()}


def _quoted(item: Any, named: bytes, leaf: Certificate, given: dict[str, Any]) -> None:
    """An object under a quote (LBL-31)."""
    claims = _attested(item, 3, named)
    key = Certificate(bytes.fromhex(given["attestation_key"])).key
    verify(key, tpm.signature(item[2]), item[1], INVALID)
    quote = tpm.attest(item[1])
    ensure(quote["magic"] == IDS["tpm"]["magic"] and quote["type"] == IDS["tpm"]["quote"], "no quote", INVALID)
    ensure(quote["extra"] == hashlib.sha256(item[0]).digest(), "a quote over something else", INVALID)
    ensure(quote["reset_count"] == given["reset_count"], "start", INVALID)
    ensure(quote["restart_count"] == given["restart_count"], "resumption", INVALID)
    _of_session(claims, leaf, given)
    values = load(bytes.fromhex(given["registers"]))
    tpm.check_quoted(tpm.quote_info(quote["attested"]), values, given["reference_pcrs"], INVALID)


def _psa(item: Any, named: bytes, leaf: Certificate, given: dict[str, Any]) -> None:
    """An object and a token whose challenge is its digest (LBL-33)."""
    claims = _attested(item, 2, named)
    token = psa.Token(load(item[1]), INVALID)
    token.verify(Certificate(bytes.fromhex(given["attestation_key"])), INVALID)
    ensure(token.claims[10] == hashlib.sha256(item[0]).digest(), "a token over something else", INVALID)
    token.judge_caller(leaf, INVALID, INVALID)
    psa.check_components(token.claims[2399], _references(given), given["signers"], INVALID)
    seed = token.claims[268]
    ensure(isinstance(seed, bytes) and seed.hex() == given["boot_seed"], "start", INVALID)
    _of_session(claims, leaf, given)


def _attested(item: Any, parts: int, named: bytes) -> dict[Any, Any]:
    """The claims of an object that stands beside what attests it."""
    ensure(isinstance(item, list) and len(item) == parts, "parts of an environment", "alert:11")
    ensure(all(isinstance(part, bytes) for part in item), "parts of an environment", "alert:11")
    ensure(named == hashlib.sha256(dump(item)).digest(), "another environment", INVALID)
    claims: dict[Any, Any] = load(item[0])
    ensure(isinstance(claims, dict) and set(claims) == {1, 4, 5, 6}, "grammar of the environment", "alert:11")
    _claims_of_environment(claims)
    return claims


def _claims_of_environment(claims: dict[Any, Any]) -> None:
    ensure(all(_unsigned(claims[key]) for key in (4, 6)) and _octets(claims[5], 16), "grammar", "alert:11")
    ensure(isinstance(claims[1], dict) and set(claims[1]) == {1}, "grammar", "alert:11")


def _of_session(claims: dict[Any, Any], leaf: Certificate, given: dict[str, Any]) -> None:
    is_key(claims[1][1], leaf, INVALID)
    ensure(claims[5] == bytes.fromhex(given["sid"]), "session", INVALID)
    ensure(claims[4] == given["epoch"], "epoch", INVALID)
    ensure(claims[6] >= given["environment_iat"], "older than the one before", INVALID)
