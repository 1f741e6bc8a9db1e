"""Check: which configurations an issuer no longer vouches for, or that it vouches for none.

A list is for one property of one key, signed, numbered, and valid for a time. An attester proves that the configuration
behind its commitment differs from each on the list; it answers the issuer's lists alone, because a list that a relying
party could write would ask whether the platform has a configuration of its choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..codec import cbor, cose
from ..crypto.errors import BadSignature
from ..crypto.signatures import ES256
from .certificate import MAX_PROPERTY
from .errors import BadList, Malformed, Revoked
from .issuer import Issuer, PublicKeyOfIssuer
from .items import boolean, listed, octets, read_map, text, unsigned
from .suites import MESSAGE

TYPE = "application/vnd.tc.pba-list+cose"
EXTERNAL_AAD = b"tc1-pba-list"
MAX_REVOKED = 64
"""Configurations on a list: a proof grows by two exponents for each. An issuer with more renews its key instead."""
MAX_LIST = 1 << 13
CLOCK_TOLERANCE = 60


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list whose signature has been verified; times in unix seconds. `withdrawn`: no configuration has the
    property."""

    property_name: str
    number: int
    issued_at: int
    next_update: int
    withdrawn: bool
    configurations: tuple[bytes, ...]
    encoded: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the signed list, 32 octets."""
        return sha256(self.encoded).digest()

    def require_good(self, property_: str, now: int) -> None:
        """Raise BadList unless it is current and for that property, Revoked if the property is withdrawn."""
        if self.property_name != property_:
            raise BadList("list for another property")
        if not self.issued_at - CLOCK_TOLERANCE <= now < self.next_update:
            raise BadList("list is not current")
        if self.withdrawn:
            raise Revoked("the issuer has withdrawn the property")


def make_list(
    issuer: Issuer,
    property_: str,
    number: int,
    configurations: Iterable[bytes],
    *,
    issued_at: int,
    next_update: int,
    withdrawn: bool = False,
) -> RevocationList:
    """A signed list, configurations in ascending order. Raises BadList for more than `MAX_REVOKED`."""
    revoked = sorted(set(configurations))
    if len(revoked) > MAX_REVOKED:
        raise BadList(f"{len(revoked)} configurations, {MAX_REVOKED} at most")
    claims = {1: issuer.public.id, 2: property_, 3: number, 4: issued_at, 5: next_update, 6: withdrawn, 7: revoked}
    protected = {cose.ALG: cose.ES256, cose.TYP: TYPE}

    def sign(message: bytes) -> bytes:
        return ES256.sign(issuer.list_key, message)

    return parse(cose.sign1(sign, protected, {}, cbor.encode(claims), EXTERNAL_AAD), issuer.public)


def parse(data: bytes, issuer: PublicKeyOfIssuer) -> RevocationList:
    """The list in `data`, signed by the issuer. Raises Malformed, BadList."""
    if len(data) > MAX_LIST:
        raise Malformed(f"revocation list: {len(data)} octets, {MAX_LIST} at most")
    try:
        message = cose.parse_sign1(data)
    except ValueError as error:
        raise Malformed(f"revocation list: {error}") from error
    if message.protected != {cose.ALG: cose.ES256, cose.TYP: TYPE} or message.unprotected or message.payload is None:
        raise Malformed("revocation list: other headers than alg and typ, or no payload")
    try:
        cose.verify1(message, lambda signature, signed: ES256.verify(issuer.list_key, signature, signed), EXTERNAL_AAD)
    except BadSignature as error:
        raise BadList("list is not signed by the issuer") from error
    return _read(message.payload, issuer, data)


def _read(payload: bytes, issuer: PublicKeyOfIssuer, data: bytes) -> RevocationList:
    readers: dict[int, Any] = {1: octets(32), 2: text(MAX_PROPERTY), 3: unsigned, 4: unsigned, 5: unsigned, 6: boolean}
    readers[7] = listed(octets(MESSAGE // 8), 0, MAX_REVOKED)
    found = read_map(payload, "revocation list", MAX_LIST, readers)
    if found[1] != issuer.id:
        raise BadList("list of another key")
    if found[7] != sorted(set(found[7])):
        raise BadList("configurations are not in ascending order, or one stands twice")
    return RevocationList(found[2], found[3], found[4], found[5], found[6], tuple(found[7]), data)
