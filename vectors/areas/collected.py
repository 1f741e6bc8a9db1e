"""Collections: a token and a TPM bundle of one platform in one ATT, their form, their items, and items of two."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from itertools import chain, islice
from typing import Any

from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.identity.faults import bad_ak
from ...harness.identity.pki import issue_leaf
from ...harness.identity.policy import COLLECTION_FORMAT, EAT_CWT
from ...harness.identity.tam import platform_urn
from ...harness.identity.tester import ANOTHER
from ...harness.identity.world import World
from ...harness.tester.attesting import Attester
from ...harness.tester.collection_faults import BUNDLE, FORMS, LABELS, TOKEN, Collection
from ...harness.tester.local import LocalIut
from ...harness.tester.session import OPPOSITE, Role
from ...harness.tester.tpm_faults import FAULTS, GOOD
from ...model.protocol import tpm
from ...model.protocol.attestation import binder
from ...model.protocol.frames import SIDES
from ...model.terms import Term
from ..vector import Area, Group, Json, Vector
from . import bundles, evidence
from .honest import Moment, moment
from .judged import Candidate, invalid, valid
from .seed import stream

SOURCE = "generated; section 6.6 and chapter 7, RFC 9999 sections 3.3 and 8.2"
OF_A_KIND = 1
"""Vectors of one requirement about one item: each check of an item is asked for where the item comes alone."""
OF_FORM = {"ERR-08": "ATT-50"}
"""What a broken form is refused by in general, and the requirement that says it of collections."""
BY_TYPE_TOO = ("token-twice", "items-swapped")
"""Forms that may be refused by the type of a record as well, which is another refusal (ATT-47)."""
Change = Callable[[Collection], Any]


def _accepting(iut: LocalIut) -> AbstractContextManager[None]:
    formats = [COLLECTION_FORMAT, EAT_CWT]
    return iut.configured(offered=formats[::-1], accepted=formats)


def _attesting(iut: LocalIut) -> World:
    policy = dataclasses.replace(iut.world.policy, offered=(COLLECTION_FORMAT,), accepted=(COLLECTION_FORMAT,))
    return iut.fresh_world(policy=policy)


@cache
def arriving(receiver: Role) -> Moment:
    """A collection on its way to a receiver."""
    return moment(receiver, f"ATT_{evidence.LETTER[OPPOSITE[receiver]]}", world=_attesting, within=_accepting)


class Maker(evidence.Maker):
    """Makes collections for one moment."""

    def __init__(self, at: Moment) -> None:
        super().__init__(at)
        self.bundle = tpm.BUNDLE[at.sender.letter]
        self._expected: bytes = at.value(binder(SIDES[at.sender.letter]))

    def collection(
        self, tales: Mapping[Term, Any] | None = None, over: bytes | None = None, **credentials: Any
    ) -> Collection:
        """A collection over the session's binder, or `over` another."""
        at = self.at
        own = dataclasses.replace(at.sender.world.credentials, **credentials)
        tam = at.iut.pki.tam(at.sender.role, own)
        world = dataclasses.replace(at.sender.world, credentials=own, tam=tam)
        attester = Attester(at.sender.role, world, stream("collection"), at.world.policy.max_age)
        made = attester.conveyed(self._expected if over is None else over, tales, kind=COLLECTION_FORMAT)
        collected: Collection = cbor.decode(made)
        return collected

    def told(self, field: str, operator: str, comment: str, tales: Mapping[Term, Any]) -> Candidate:
        """A collection with a tale in it, correctly signed."""
        return self.candidate(field, operator, comment, encode(self.collection(tales)))

    def changed(self, field: str, operator: str, comment: str, change: Change) -> Candidate:
        """A collection put together otherwise."""
        return self.candidate(field, operator, comment, encode(change(self.collection())))


def _good(maker: Maker) -> Iterator[Candidate]:
    yield maker.changed("collection", "honest", "a token and a bundle of one platform", lambda items: items)
    for name, tell in GOOD.items():
        yield maker.told("collection[1]", name, "the bundle differs in what is left open", tell(maker.bundle))
    more = {maker.terms.further: encode(4711) + encode("more")}
    yield maker.told("collection[0]", "further-claim", "a claim that nobody knows in the token", more)
    yield maker.told("collection[0]", "esp256", "ESP256 in place of ES256", {maker.terms.token.alg: encode(-9)})


def _forms(maker: Maker) -> Iterator[Candidate]:
    for name, change in FORMS.items():
        yield maker.changed("collection", name, "good items in a collection of another form", change)
    for name, (_, change) in LABELS.items():
        yield maker.changed("collection", name, "good items that are said to be something else", change)


def _items(maker: Maker) -> Iterator[Candidate]:
    """One thing wrong in an item whose neighbour is good."""
    for name, bad in FAULTS.items():
        yield maker.told("collection[1]", name, "told by the TPM, and signed where it signs", bad.tell(maker.bundle))
    of_token = (evidence.claims, evidence.measurements, evidence.forged)
    for candidate in chain.from_iterable(make(maker) for make in of_token):
        yield candidate._replace(field=f"collection[0].{candidate.field}")


def _splices(maker: Maker) -> Iterator[Candidate]:
    """Items of two collections, each good where it belongs."""
    at, bundle, token = maker.at, maker.bundle, maker.terms.token
    pki, role = at.iut.pki, at.sender.role
    other = maker.collection(over=bytes(31) + b"\x01")
    reflected = maker.collection(over=at.value(binder(SIDES[at.receiver.letter])))
    for key, what in ((TOKEN, "token"), (BUNDLE, "bundle")):
        for whose, items in (("another-session", other), ("the-other-direction", reflected)):
            yield maker.changed(
                f"collection[{key}]", f"of-{whose}", f"the {what} is over another binder",
                partial(_with, key, items[key]),
            )  # fmt: skip
    for operator, step in (("earlier-start", -1), ("later-start", 1)):
        count = {token.bootcount: lambda attester, honest, step=step: encode(cbor.decode(honest) + step)}
        yield maker.told("collection[0].claims[267]", operator, "the token counts another start than the bundle", count)
    for operator, reset in (("no-start", bytes(4)), ("another-start", b"\x00\x01\x00\x01")):
        tales = {part.reset: reset for part in (bundle.quote, bundle.certification)}
        yield maker.told("collection[1].reset", operator, "the bundle counts another start than the token", tales)
    bad = bad_ak(pki, role, "other-platform", at.peer.leaf).issued
    of_another = maker.collection(ak=bad.certificate, ak_chain=bad.chain, ak_key=bad.key)
    yield maker.changed(
        "collection[0]", "of-another-platform", "the token is by another platform's key", lambda honest: of_another
    )
    spec = dataclasses.replace(pki.tpm_ak_spec(role), uris=(platform_urn(pki.ueid(ANOTHER)),))
    with_another = maker.collection(tpm_ak=issue_leaf(spec, pki.attestation.issuing))
    yield maker.changed(
        "collection[1]", "of-another-platform", "the bundle is by another platform's key", lambda honest: with_another
    )


def _with(key: int, item: Any, honest: Collection) -> Collection:
    return {**honest, key: item}


def _few(vectors: Iterable[Vector]) -> Iterator[Vector]:
    """No more than `OF_A_KIND` of one requirement about one item."""
    seen = Counter[tuple[str, str]]()
    for vector in vectors:
        kind = vector.requirement, vector.field[: len("collection[0]")]
        seen[kind] += 1
        if seen[kind] <= OF_A_KIND:
            yield vector


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    maker = Maker(at)
    good = _good(maker)
    yield from valid(at, "ATT-47", good if receiver == evidence.RECEIVERS[0] else islice(good, 1))
    yield from invalid(at, _splices(maker), must=True)
    if receiver == evidence.RECEIVERS[0]:  # What is symmetric is asked for once.
        for vector in invalid(at, _forms(maker), must=True):
            said = () if vector.operator in BY_TYPE_TOO else vector.refusals
            needed = OF_FORM.get(vector.requirement, vector.requirement)
            yield dataclasses.replace(vector, requirement=needed, refusals=said)
        yield from (dataclasses.replace(v, refusals=()) for v in _few(invalid(at, _items(maker))))


def relying_party(at: Moment) -> dict[str, Json]:
    """What a relying party goes by when it appraises both items."""
    return bundles.relying_party(at)


def _groups() -> Iterator[Group]:
    for receiver in evidence.RECEIVERS:
        common = relying_party(arriving(receiver))
        yield Group(OPPOSITE[receiver], "collection-evidence", SOURCE, tuple(_vectors(receiver)), common)


AREA = Area(
    "evidence-collection", "A token and a TPM bundle in one CMW collection, and what they are judged by.", _groups
)
