"""Evidence of properties inside a session: what a party holds for it, what its module and its software make.

The module draws the opening and signs; the software proves. In a session the table takes both apart (model/protocol/
proving.py); what it cannot say is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..codec import cbor
from ..codec.cose_key import public_from_cose_key, thumbprint
from ..crypto.random import Random
from ..identity.credentials import CredentialError
from ..identity.errors import NoEvidence
from ..identity.tam import Tam
from . import certificate as certificates
from . import proof as proofs
from . import revocation
from .arithmetic import to_octets
from .certificate import PropertyCertificate
from .commitment import BINDER, BOOTCOUNT, CNF, COMMITMENT, NONCE, Commitment, Opening, draw
from .errors import PropertyError
from .evidence import Demand
from .issuer import PublicKeyOfIssuer, parse_public
from .items import number, octets
from .proof import Statement
from .suites import MESSAGE

ISSUER = "issuer.cbor"
CERTIFICATES, LISTS = "certificate-*.cbor", "list-*.cbor"


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a party pins, `demand`, and the certificates for its own configuration."""

    demand: Demand
    certificates: Mapping[str, PropertyCertificate] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the files that `load` reads."""
        folder.mkdir()
        (folder / ISSUER).write_bytes(self.demand.issuer.encoded)
        for index, (_, listed_) in enumerate(sorted(self.demand.lists.items())):
            (folder / LISTS.replace("*", str(index))).write_bytes(listed_.encoded)
        for index, (_, held) in enumerate(sorted(self.certificates.items())):
            (folder / CERTIFICATES.replace("*", str(index))).write_bytes(held.encode(self.demand.issuer))

    @classmethod
    def load(cls, folder: Path) -> Holdings:
        """Read them, with every proof in them verified: a good part of a second, once. Raises CredentialError."""
        file = folder / ISSUER
        try:
            issuer = _issuer(file.read_bytes())
            lists, held = {}, {}
            for file in sorted(folder.glob(LISTS)):
                one = revocation.parse(file.read_bytes(), issuer)
                lists[one.property_name] = one
            for file in sorted(folder.glob(CERTIFICATES)):
                certificate = _certificate(file.read_bytes(), issuer.encoded)
                held[certificate.property_name] = certificate
        except (OSError, PropertyError) as error:
            raise CredentialError(file, "properties", f"what a property issuer gave: {error}") from error
        return cls(Demand(issuer, lists), held)


@lru_cache(4)
def _issuer(encoded: bytes) -> PublicKeyOfIssuer:
    """A key whose proofs have been verified: the same octets are the same key."""
    return parse_public(encoded)


@lru_cache(64)
def _certificate(encoded: bytes, issuer: bytes) -> PropertyCertificate:
    return certificates.parse(encoded, _issuer(issuer))


def make_commitment(tam: Tam, holdings: Holdings | None, rng: Random) -> tuple[bytes, bytes]:
    """The commitment claim, and the opening for the software, both encoded. Raises NoEvidence."""
    if holdings is None:
        raise NoEvidence("no issuer of properties is pinned")
    suite = holdings.demand.issuer.suite
    try:
        element, opening = draw(tam, suite, rng)
    except PropertyError as error:
        raise NoEvidence(str(error)) from error
    group = suite.group
    claim = cbor.encode({1: group.name, 2: to_octets(element, group.bits)})
    return claim, cbor.encode([opening.configuration, to_octets(opening.r, group.bits)])


def make_proofs(holdings: Holdings | None, token_and_opening: bytes, now: int, rng: Random) -> bytes:
    """An encoded array of proofs, one for each property demanded, about a token that the module has made.

    Raises NoEvidence where a property cannot be proved, or its list is not current.
    """
    if holdings is None:
        raise NoEvidence("no issuer of properties is pinned")
    demand = holdings.demand
    token, opening = cbor.split_sequence(token_and_opening)
    made, opened = read_own(token, demand), read_opening(opening, demand)
    try:
        if missing := demand.lists.keys() - holdings.certificates.keys():
            raise PropertyError(f"no certificate for {', '.join(sorted(missing))}")
        found = [
            proofs.prove(Statement(demand.issuer, name, made, listed_), holdings.certificates[name], opened, now, rng)
            for name, listed_ in sorted(demand.lists.items())
        ]
    except PropertyError as error:
        raise NoEvidence(str(error)) from error
    return cbor.encode([item.encode(demand.issuer) for item in found])


def read_own(token: bytes, demand: Demand) -> Commitment:
    """What the software reads in a token of its own module."""
    claims: dict[int, Any] = cbor.decode(cbor.decode(token).value[2])
    group = demand.issuer.suite.group
    element = int.from_bytes(claims[COMMITMENT][2], "big")
    cnf = thumbprint(public_from_cose_key(claims[CNF][1]))
    binder: bytes = claims[NONCE]
    assert len(binder) == BINDER
    return Commitment(group, element, binder, cnf, claims[BOOTCOUNT], token)


def read_opening(data: bytes, demand: Demand) -> Opening:
    """What the module tells its software beside the token."""
    configuration, r = cbor.decode(data)
    group = demand.issuer.suite.group
    return Opening(octets(MESSAGE // 8)(configuration), number(group.bits)(r))
