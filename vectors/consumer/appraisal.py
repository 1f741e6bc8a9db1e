"""Evidence of chapter 6, appraised as a relying party does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from . import grammar, pki
from .identifiers import IDS, OID
from .pki import Certificate
from .refusal import Refused, ensure
from .sign1 import Sign1, is_key, names
from .strict import load

FAILED, UNSUPPORTED, UNBOUND, FOREIGN, STALE = ("alert:22", "alert:21", "alert:23", "alert:24", "alert:25")
ANON = OID["eku_anon"]
CUSTODY = {1: False, 2: True, 3: True, 4: True}


class Trust:
    """What a relying party goes by."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.now, self.max_age, self.tolerance = given["now"], given["max_age"], given["tolerance"]
        self.revocation_max_age = given["revocation_max_age"]
        self.roots, self.known = pki.certificates(given["roots"]), pki.certificates(given["known"])
        self.crls = [bytes.fromhex(crl) for crl in given["crls"]]
        self.references = {name: bytes.fromhex(value) for name, value in given["reference_values"].items()}
        self.leaf, self.own = (Certificate(bytes.fromhex(given[name])) for name in ("leaf", "own"))
        self.pseudonym_roots = pki.certificates(given.get("pseudonym_roots", []))
        self.binder = bytes.fromhex(given["binder"])

    def identities(self) -> list[bytes]:
        """Identity keys of all peers that are known."""
        roles = {OID["eku_device"], OID["eku_service"]}
        return [
            item.spki for item in (self.leaf, self.own, *self.known) if item is self.leaf or roles & set(item.usages)
        ]

    def attestation_key(self, chain: list[Certificate], endorsements: bytes, usage: str) -> Certificate:
        """The certificate of the key that signs evidence, judged. Raises Refused."""
        leaf = chain[0]
        hidden = pki.is_pseudonym(leaf)
        try:
            whole = pki.path(chain, self.pseudonym_roots if hidden else self.roots)
        except Refused as refused:
            raise Refused(str(refused), FAILED) from None
        usages = [one for one in leaf.usages if one != ANON] if usage == OID["eku_eat_ak"] else leaf.usages
        ensure(usages == [usage], "usage of the attestation key", FAILED)
        ensure(leaf.spki not in self.identities(), "an identity key", FAILED)
        ensure(all(item.valid_at(self.now) for item in whole), "outside its period", FAILED)
        for below, above in pairwise(whole):
            pki.certain(below, above, endorsements, self.crls, self.now, self.revocation_max_age, self.tolerance)
        ensure(hidden == pki.is_pseudonym(self.leaf), "a pseudonym beside a name", FOREIGN)
        ensure(pki.lives_a_day(leaf), "a pseudonym for too long", FOREIGN)
        return leaf

    def recent(self, issued: int) -> None:
        """Neither too old nor of the future."""
        ensure(self.now - self.max_age <= issued <= self.now + self.tolerance, "too old or of the future", STALE)


def eat(given: dict[str, Any]) -> None:
    """Operation `evidence`."""
    token(given, Trust(given), load(bytes.fromhex(given["cmw"])))


def token(given: dict[str, Any], trust: Trust, wrapper: Any) -> tuple[Certificate, dict[Any, Any]]:
    """The attestation key and the claims of a token in a record of its own, judged. Raises Refused."""
    endorsements = bytes.fromhex(given["endorsements"])
    ensure(isinstance(wrapper, list) and len(wrapper) == 3, "no record")
    kind, value, indicator = wrapper
    ensure(isinstance(value, bytes), "no record")
    ensure(type(kind) is int and kind == 263, "type of evidence", UNSUPPORTED)
    ensure(type(indicator) is int and indicator == 4, "indicator", UNSUPPORTED)
    found = Sign1(load(value))
    grammar.check("eat_protected", found.header)
    ensure(set(found.unprotected) == {33}, "unprotected header")
    claims = load(found.payload)
    for key in (6, 8, 10, 256, 263, 265, 267, 273, -71901):
        ensure(key in claims, "a claim is missing")
    _optional(claims)
    ensure(claims[265] == IDS["profile"], "profile", UNSUPPORTED)
    leaf = trust.attestation_key(found.chain, endorsements, OID["eku_eat_ak"])
    ensure(names(found.protected[34], leaf), "x5t", FAILED)
    found.verify(leaf.key, IDS["external_aad"]["eat"], FAILED)
    _claims(claims, trust, leaf, given["minimum_dbgstat"])
    return leaf, claims


def _optional(claims: dict[Any, Any]) -> None:
    """Claims that need not be there have the form of the grammar, whoever asks for them."""
    seed = claims.get(IDS["claim"]["bootseed"], bytes(32))
    ensure(isinstance(seed, bytes) and len(seed) == 32, "bootseed")
    for claim in ("trusted_ui", "iso19790"):
        if (key := IDS["claim"][claim]) in claims:
            ensure(grammar.rule(claim)(claims[key]), claim)


def _claims(claims: dict[Any, Any], trust: Trust, leaf: Certificate, minimum: int) -> None:
    ensure(isinstance(claims[10], bytes), "eat_nonce")
    ensure(claims[10] == trust.binder, "binder", UNBOUND)
    ensure(isinstance(claims[8], dict) and set(claims[8]) == {1}, "cnf")
    is_key(claims[8][1], trust.leaf, FOREIGN)
    platform = trust.leaf.platform
    ensure(isinstance(claims[256], bytes), "ueid")
    ensure(platform == IDS["urn"]["device"] + claims[256].hex(), "another platform", FOREIGN)
    ensure(leaf.uris == [platform], "attestation key of another platform", FOREIGN)
    stated = claims[-71901]
    ensure(
        isinstance(stated, dict) and all(stated.get(key) is value for key, value in CUSTODY.items()), "custody", FOREIGN
    )
    ensure(all(type(claims[key]) is int for key in (6, 263, 267)), "numbers")
    trust.recent(claims[6])
    ensure(minimum <= claims[263] <= 4, "debug", FAILED)
    check_measurements(claims[273], trust.references)


def check_measurements(listed: Any, references: dict[str, bytes], code: str = FAILED) -> None:
    """Measured components are those of the references, each once. Raises Refused."""
    ensure(isinstance(listed, list), "measurements", code)
    found: dict[str, bytes] = {}
    for kind, value in listed:
        ensure(kind == 295 and isinstance(value, bytes), "no measured component", code)
        component = load(value)
        ensure(grammar.rule("measured_component")(component), "no measured component", code)
        name = component[1][0]
        ensure(name not in found, "a component twice", code)
        found[name] = component[2][1]
    ensure(bool(references) and found == references, "measurements", code)
