"""Who the tester is in one session: an identity of its own for every session, and what is wrong with it, as data.

What an implementation remembers about a peer, it remembers by certificate: with a new one each time, no trace disturbs
the next.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ...harness.identity.faults import ATTESTATION_FAULTS, CREDENTIAL_FAULTS, bad_leaf
from ...harness.identity.keys import derive_key, signer
from ...harness.identity.pki import issue_leaf, leaf_spec, serial_number
from ...harness.identity.status import encode_proofs, make_crl, make_ocsp
from ...harness.identity.world import Cache, World
from ...harness.tester.clock import TesterClock
from ...harness.tester.session import Iut
from ...model.terms import Term
from ..parties import PARTIES, key_of, leaf_of, presenting, world_with
from ..talk import attesting
from ..test_credentials import ACCEPTED, REFERENCES, knowing_itself, reference_tale
from ..test_evidence import attesting_with, evidence
from ..test_revocation import GOOD, PROOFS, of_attestation_key, of_leaf
from ..test_revocation import attesting as attesting_by
from ..test_waivers import FORMS, STATEMENTS, holding
from ..test_waivers import honest as honest_waiver

Tales = dict[Term, Any]
"""Terms of the tester's software and what it tells in their place."""
DAY = 86400


class NoParty(Exception):
    """A party that cannot be."""


@dataclasses.dataclass
class Party:
    """A world, and what its software tells."""

    world: World
    tales: Tales = dataclasses.field(default_factory=dict)


def party(iut: Iut, told: Mapping[str, Any], number: int) -> Party:
    """The tester's party that `told` describes; `number` makes its certificates new.

    Raises:
        NoParty: something in `told` is unknown.
    """
    view = copy.copy(iut)
    view.clock = TesterClock(iut.pki.now)  # Proofs from later would make the implementation's time later for good.
    if told.get("known"):
        view.world = knowing_itself(iut)
    else:
        view.world = _identity(iut, number, told.get("leaf_times", (0, 0)), told.get("ak_times", (0, 0)))
    made = Party(view.world)
    for key, value in told.items():
        if key in ("known", "leaf_times", "ak_times"):
            continue
        if key not in OPTIONS:
            raise NoParty(key)
        try:
            OPTIONS[key](view, made, value)
        except (LookupError, TypeError, ValueError) as error:
            raise NoParty(f"{key}={value}: {error}") from error
        view.world = made.world
    return made


def _identity(iut: Iut, number: int, leaf_times: tuple[int, int], ak_times: tuple[int, int]) -> World:
    """An honest identity with new certificates; times are seconds added to notBefore and notAfter, or from now."""
    key = (iut.pki.seed, iut.pki.now, iut.opposite, number, tuple(leaf_times), tuple(ak_times))
    changes = _ISSUED.get(key) or _ISSUED.put(key, _issue(iut, number, leaf_times, ak_times))
    return world_with(iut, **changes)


_ISSUED: Cache[dict[str, Any]] = Cache(256)
"""A complete peer and the implementation often have the same authorities."""


def _issue(iut: Iut, number: int, leaf_times: tuple[int, int], ak_times: tuple[int, int]) -> dict[str, Any]:
    role, pki = iut.opposite, iut.pki
    spec = leaf_spec(pki.seed, pki.now, role, pki.names(role, role), f"{role} identity")
    spec = dataclasses.replace(spec, serial=serial_number(pki.seed, f"trace/{number}"))
    ak = dataclasses.replace(pki.ak_spec(role), serial=serial_number(pki.seed, f"trace/{number}/ak"))
    branch = pki.branch(role)
    leaf = issue_leaf(_timed(spec, leaf_times, pki.now), branch.issuing)
    attestation = issue_leaf(_timed(ak, ak_times, pki.now), pki.attestation.issuing)
    return {
        "leaf": leaf.certificate,
        "chain": leaf.chain,
        "key": leaf.key,
        "ak": attestation.certificate,
        "ak_chain": attestation.chain,
        "ak_key": attestation.key,
        "proofs": pki.staple(leaf.certificate, branch.issuing),
    }


def _timed(spec: Any, times: tuple[int, int], now: int) -> Any:
    before, after = times
    if before:
        spec = dataclasses.replace(spec, not_before=now + before)
    return dataclasses.replace(spec, not_after=now + after) if after else spec


# --- options ---------------------------------------------------------------------------------------------------------

Option = Callable[[Iut, Party, Any], None]


def _leaf(iut: Iut, made: Party, name: str) -> None:
    victim, key = iut.world.credentials.leaf, None
    if name == "key-of-the-victim":
        victim = leaf_of(iut)
        key = key_of(iut, victim)
    made.world = presenting(iut, bad_leaf(iut.pki, iut.opposite, name, victim), key)


def _victim(iut: Iut, made: Party, _: Any) -> None:
    leaf, issuing = leaf_of(iut), iut.pki.branch(iut.role).issuing
    proofs = iut.pki.staple(leaf, issuing)
    made.world = world_with(iut, leaf=leaf, chain=issuing.chain, key=key_of(iut, leaf), proofs=proofs)


def _ak(iut: Iut, made: Party, name: str) -> None:
    made.world, tales = attesting_with(iut, name)
    made.tales.update(tales)


def _proofs(iut: Iut, made: Party, name: str) -> None:
    make = PROOFS.get(name) or GOOD[name][1]
    made.world = world_with(iut, proofs=make(of_leaf(iut)))


def _ak_proofs(iut: Iut, made: Party, name: str) -> None:
    asked = of_attestation_key(iut)
    make = PROOFS.get(name) or GOOD[name][1]
    made.world = attesting_by(asked)
    made.tales[evidence(iut).endorsements] = make(asked)


def _aged_proof(iut: Iut, made: Party, told: tuple[str, int, int]) -> None:
    """A good proof of that kind whose thisUpdate is `age` seconds ago and that is valid for some seconds from then."""
    kind, age, validity = told
    asked = of_leaf(iut)
    if kind == "ocsp":
        ocsp = make_ocsp(asked.certificate, asked.issuer, asked.now - age, validity=validity)
        proofs = encode_proofs(ocsp=[ocsp])
    else:
        proofs = encode_proofs(crls=[make_crl(asked.issuer, [], asked.now - age, validity)])
    made.world = world_with(iut, proofs=proofs)


def _waiver(iut: Iut, made: Party, told: Any) -> None:
    """True, the name of a bad statement, or fields with other values; times are relative to now."""
    honest = honest_waiver(iut)
    if isinstance(told, str):
        make = STATEMENTS[told][1] if told in STATEMENTS else FORMS[told]
        statement = make(iut, honest)
    else:
        changes = dict(told) if isinstance(told, Mapping) else {}
        for field in ("issued_at", "expires_at"):
            if field in changes:
                changes[field] += iut.clock.now()
        statement = dataclasses.replace(honest, **changes).sign(iut.pki.waiver_authority)
    made.world = holding(iut, statement)


def _requires(iut: Iut, made: Party, required: bool) -> None:
    made.world = attesting(iut, requires_evidence=required)


def _policy(iut: Iut, made: Party, changes: Mapping[str, Any]) -> None:
    made.world = attesting(iut, **{k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()})


def _reference(iut: Iut, made: Party, name: str) -> None:
    made.tales.update(reference_tale(made.world, REFERENCES.get(name) or ACCEPTED[name]))


def _key(iut: Iut, made: Party, whose: str) -> None:
    credentials = made.world.credentials
    key = credentials.ak_key if whose == "attestation" else derive_key(iut.pki.seed, f"somebody {whose}")
    assert key is not None
    made.tales[PARTIES[iut.opposite].key] = lambda peer, honest: signer(key)


OPTIONS: dict[str, Option] = {
    "leaf": _leaf,
    "victim": _victim,
    "ak": _ak,
    "proofs": _proofs,
    "ak_proofs": _ak_proofs,
    "aged_proof": _aged_proof,
    "waiver": _waiver,
    "requires": _requires,
    "policy": _policy,
    "reference": _reference,
    "key": _key,
}
"""What can be told of a party, and how it is made."""

LEAVES = tuple(CREDENTIAL_FAULTS)
ATTESTATION_KEYS = tuple(ATTESTATION_FAULTS)
PROOF_NAMES = (*PROOFS, *GOOD)
STATEMENT_NAMES = (*STATEMENTS, *FORMS)
REFERENCE_NAMES = (*REFERENCES, *ACCEPTED)
