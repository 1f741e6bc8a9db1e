"""Properties in zero knowledge: a proof about a hidden configuration, as a relying party verifies it (section 9.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ...harness.bits import one_bit_other
from ...harness.codec import cbor, cose
from ...harness.codec.cbor import encode
from ...harness.identity.provision import make_pair
from ...harness.identity.world import World
from ...harness.property import proof as proofs
from ...harness.property import revocation
from ...harness.property.arithmetic import to_octets
from ...harness.property.certificate import PropertyCertificate
from ...harness.property.commitment import Commitment, Opening, commit
from ...harness.property.errors import PropertyError
from ...harness.property.fixture import PROPERTIES, REVOKED, VALIDITY, holdings, issuer, list_of
from ...harness.property.proof import Statement
from ...harness.property.revocation import RevocationList
from ..keys import public_key
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .seed import NOW, SEED, stream

SOURCE = "generated; sections 9.3 and 9.4, numbers of suite tc1-pba-2048"
PROPERTY, OTHER = PROPERTIES
BINDER = stream("property binder")(32)


class Proven:
    """A proof, and what it is about."""

    def __init__(self) -> None:
        self.device, _, _ = make_pair(SEED, NOW)
        self.certificate: PropertyCertificate = holdings("device", NOW).certificates[PROPERTY]
        self.made, self.opening = self._committed(BINDER, "commitment")
        self.listed = list_of(PROPERTY, NOW)
        self.statement = Statement(issuer().public, PROPERTY, self.made, self.listed)
        self.proof = self.proved(self.statement, self.opening)

    def _committed(self, binder: bytes, label: str) -> tuple[Commitment, Opening]:
        suite = issuer().public.suite
        return commit(self.device.tam, _chain(self.device), binder, suite, NOW, stream(f"property {label}"))

    def proved(self, statement: Statement, opening: Opening, certificate: PropertyCertificate | None = None) -> bytes:
        """A proof of a statement, encoded."""
        made = proofs.prove(statement, certificate or self.certificate, opening, NOW, stream("property proof"))
        return made.encode(issuer().public)

    def of_another_binder(self) -> bytes:
        """A genuine proof, made for another session."""
        made, opening = self._committed(stream("another binder")(32), "another commitment")
        return self.proved(Statement(issuer().public, PROPERTY, made, self.listed), opening)

    def of_another_property(self) -> bytes:
        """A genuine proof of another property that the platform has."""
        statement = Statement(issuer().public, OTHER, self.made, list_of(OTHER, NOW))
        return self.proved(statement, self.opening, holdings("device", NOW).certificates[OTHER])

    def of_another_list(self) -> bytes:
        """A genuine proof that answers an older list."""
        return self.proved(Statement(issuer().public, PROPERTY, self.made, list_of(PROPERTY, NOW, ())), self.opening)


def _chain(world: World) -> bytes:
    credentials = world.credentials
    return encode(cose.x5chain([credentials.ak.der, *(item.der for item in credentials.ak_chain)]))


@cache
def proven() -> Proven:
    """The one proof of this area."""
    return Proven()


def _accepts(p: Proven, given: Mapping[str, Json]) -> bool:
    public = issuer().public
    try:
        listed = revocation.parse(bytes.fromhex(str(given["list"])), public)
        statement = Statement(public, PROPERTY, p.made, listed)
        proofs.verify(statement, proofs.parse(bytes.fromhex(str(given["proof"])), public), NOW)
    except PropertyError:
        return False
    return True


def _vector(
    p: Proven, requirement: str, field: str, operator: str, comment: str, *, valid: bool = False, **changes: bytes
) -> Vector:
    given: dict[str, Json] = {
        name: octets(data) for name, data in {"proof": p.proof, "list": p.listed.encoded, **changes}.items()
    }
    if _accepts(p, given) is not valid:
        raise GeneratorError(f"{field} {operator}: the reference decides otherwise")
    return Vector(requirement, field, operator, valid, comment, given)


def _numbers(p: Proven) -> Iterator[Vector]:
    """Members of the proof changed."""
    public, honest = issuer().public, cbor.decode(p.proof)
    order, modulus = public.suite.group.order, public.suite.modulus
    names = {3: "blinded", 4: "challenge", 5: "e", 6: "configuration", 7: "v", 8: "r"}

    def changed(key: int, value: Any) -> bytes:
        return encode({**honest, key: value})

    for key, name in names.items():
        flipped = one_bit_other(honest[key])
        yield _vector(p, "PBA-13", f"proof[{key}]", "other", f"another {name}", proof=changed(key, flipped))
        longer = b"\x00" + honest[key]
        yield _vector(p, "PBA-14", f"proof[{key}]", "longer", "an octet too long", proof=changed(key, longer))
        yield _vector(
            p, "PBA-14", f"proof[{key}]", "shorter", "an octet too short", proof=changed(key, honest[key][1:])
        )
    r = int.from_bytes(honest[8], "big")
    pairs = honest[9]
    bounds: dict[str, tuple[int, Any, str]] = {
        "one": (3, to_octets(1, modulus), "the blinded signature is 1"),
        "zero": (3, bytes(modulus // 8), "the blinded signature is 0"),
        "modulus": (3, to_octets(public.n, modulus), "the blinded signature is n"),
        "too-great": (5, b"\xff" * len(honest[5]), "a response beyond its length"),
        "not-reduced": (8, to_octets(r + order, order.bit_length() + 1), "a response plus the order of g"),
        "none": (9, [], "an inequality is missing"),
        "twice": (9, [*pairs, *pairs], "an inequality too many"),
        "exchanged": (9, [[pairs[0][1], pairs[0][0]]], "both numbers of an inequality exchanged"),
    }
    for operator, (key, value, comment) in bounds.items():
        needed = "PBA-13" if operator == "exchanged" else "PBA-14"
        yield _vector(p, needed, f"proof[{key}]", operator, comment, proof=changed(key, value))
    yield _vector(p, "PBA-16", "proof[1]", "other-text", "names another property", proof=changed(1, OTHER))
    yield _vector(p, "PBA-16", "proof[2]", "other", "answers another list", proof=changed(2, bytes(32)))
    yield _vector(p, "PBA-14", "proof", "unknown-key", "a member that nobody knows", proof=encode({**honest, 10: b""}))


def _lists(p: Proven) -> dict[str, tuple[str, RevocationList, str]]:
    made = issuer()

    def at(issued: int, until: int, number: int) -> RevocationList:
        return revocation.make_list(made, PROPERTY, number, REVOKED, issued_at=issued, next_update=until)

    return {
        "expired": ("PBA-17", at(NOW - VALIDITY, NOW, 2), "has ended"),
        "of-the-future": ("PBA-17", at(NOW + 61, NOW + VALIDITY, 3), "not issued yet"),
        "of-another-property": ("PBA-17", list_of(OTHER, NOW), "about another property"),
        "withdrawn": ("PBA-16", list_of(PROPERTY, NOW, withdrawn=True, number=4), "the property is withdrawn"),
        "another": ("PBA-16", list_of(PROPERTY, NOW, number=5), "another current list than the proof answers"),
    }


def _invalid(p: Proven) -> Iterator[Vector]:
    yield from _numbers(p)
    yield _vector(
        p, "PBA-13", "proof", "of-another-session", "genuine, over another binder", proof=p.of_another_binder()
    )
    yield _vector(
        p, "PBA-16", "proof", "of-another-property", "genuine, of another property", proof=p.of_another_property()
    )
    yield _vector(p, "PBA-16", "proof", "of-another-list", "genuine, of an older list", proof=p.of_another_list())
    for operator, (needed, listed, comment) in _lists(p).items():
        statement = Statement(issuer().public, PROPERTY, p.made, listed)
        proof = _blindly(p, statement)
        yield _vector(p, needed, "list", operator, comment, proof=proof, list=listed.encoded)
    bent = one_bit_other(p.listed.encoded)
    yield _vector(p, "PBA-17", "list signature", "bit-flipped", "one bit of its signature the other way", list=bent)


def _blindly(p: Proven, statement: Statement) -> bytes:
    """A proof that answers a list which no prover should, or else the honest one."""
    try:
        return p.proved(statement, p.opening) if statement.revocation.number != 5 else p.proof
    except PropertyError:
        return p.proof


def _common(p: Proven) -> dict[str, Json]:
    public = issuer().public
    group, bits = public.suite.group, public.suite.modulus
    roots = cbor.decode(public.encoded)
    return {
        "suite": public.suite.name,
        "key_id": octets(public.id),
        "n": octets(roots[2]),
        "roots": {name: octets(roots[key]) for name, key in (("s", 3), ("r_0", 4), ("r_1", 5), ("z", 6))},
        "list_key": public_key(public.list_key),
        "group": group.name,
        "prime": octets(to_octets(group.prime, bits)),
        "property": PROPERTY,
        "commitment": octets(to_octets(p.made.element, bits)),
        "token_digest": octets(p.made.digest),
        "binder": octets(p.made.binder),
        "thumbprint": octets(p.made.cnf),
        "now": NOW,
    }


def _groups() -> Iterator[Group]:
    p = proven()
    honest = _vector(p, "PBA-16", "proof", "honest", "an honest proof", valid=True)
    yield Group("tc1-pba-2048", "property-proof", SOURCE, (honest, *_invalid(p)), _common(p))


AREA = Area(
    "evidence-property", "A proof that a hidden configuration has a property, and what it must be bound to.", _groups
)
