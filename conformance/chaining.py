"""Labels of others, and what data was made from: chains for the tester's own labels, honest or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.credentials import Credentials
from ..harness.identity.keys import signer
from ..harness.identity.pki import Issued, LeafSpec, issue_leaf
from ..harness.labels.label import Action, Input, Label, Signer, Statement, input_of, make, parse
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Tale
from .labelling import label_of
from .stages import CONTENT

CREATED, PROCESSED, FORWARDED = "tc.created", "tc.processed", "tc.forwarded"
AGENT, PARAMETERS = "conformance suite", sha256(b"parameters").digest()
RELATION = "parentOf"
DEPTH, WIDTH, LABELS = 32, 64, 1024
"""The profile's bounds (CHN-10)."""
CAMERA, EDITOR = "another platform", "an editor"
"""Further parties of the tester's side: the certificate of the first one every implementation holds."""


class Workshop:
    """Makes labels of parties beside the tester, for an implementation that trusts their authorities."""

    def __init__(self, iut: Iut) -> None:
        self.iut = iut
        self._made = 0

    def party(self, name: str) -> Credentials:
        """An enrolled party of the tester's role."""
        return self.iut.pki.party(self.iut.opposite, name)

    def signer(self, name: str = CAMERA) -> Signer:
        """What signs for it."""
        return signing(self.party(name).issued)

    def issued(self, **changes: Any) -> Signer:
        """What signs for an editor whose certificate has something else in it."""
        spec: LeafSpec = dataclasses.replace(self.iut.pki.leaf_spec(self.iut.opposite, EDITOR), **changes)
        return signing(issue_leaf(spec, self.iut.pki.branch(self.iut.opposite).issuing))

    def statement(self, data: bytes, inputs: Sequence[Label] = (), action: str = "") -> Statement:
        """About data that was made from inputs, if there are any."""
        self._made += 1
        name = action or (PROCESSED if inputs else CREATED)
        return Statement(
            sha256(data).digest(), "text/plain", self._made, self.iut.clock.now(), sha256(data).digest()[:16],
            action=Action(name, AGENT, PARAMETERS), inputs=tuple(input_of(item, RELATION) for item in inputs),
        )  # fmt: skip

    def label(
        self,
        data: bytes,
        *inputs: Label,
        by: Signer | None = None,
        action: Action | str | None = "",
        short: bool = False,
        **changes: Any,
    ) -> Label:
        """A label of the camera, or of another party; a `short` one leaves the certificates to its readers."""
        statement = self.statement(data, inputs, action if isinstance(action, str) else "")
        if not isinstance(action, str):
            statement = dataclasses.replace(statement, action=action)
        signed = make(dataclasses.replace(statement, **changes), by or self.signer(), with_certificates=not short)
        return parse(signed)

    def line(self, length: int) -> list[Label]:
        """A chain of so many labels, each made from the one before."""
        labels: list[Label] = []
        camera = self.signer()
        for number in range(length):
            labels.append(self.label(b"version %d" % number, *labels[-1:], by=camera, short=True))
        return labels

    def originals(self, count: int) -> list[Label]:
        """So many labels that were made from nothing."""
        camera = self.signer()
        return [self.label(b"original %d" % number, by=camera, short=True) for number in range(count)]


def signing(issued: Issued) -> Signer:
    """What signs with an issued key."""
    assert issued.key is not None
    certificates = (issued.certificate.der, *(item.der for item in issued.chain))
    return Signer(issued.certificate.platform, issued.certificate.identity, certificates, signer(issued.key))


@dataclasses.dataclass(frozen=True)
class Origin:
    """What the tester's own label says that its data was made from, and the labels that come with it."""

    labels: tuple[Label, ...] = ()
    inputs: tuple[Input, ...] = ()
    action: Action | None = None
    beside: tuple[bytes, ...] = ()
    """Items that come with them and are no labels."""

    def tale(self, peer: TesterEndpoint) -> Tale:
        """What the tester tells then."""
        own = label_of(peer)
        named = [[item.relation, item.label, item.data] for item in self.inputs]
        brought = [*(label.octets for label in self.labels), *self.beside]
        return {
            own.action: cbor.encode(self.action.encoded()) if self.action else b"",
            own.inputs: cbor.encode(named) if named else b"",
            own.carried_inputs: cbor.head(cbor.ARRAY, len(brought)) + b"".join(brought) if brought else b"",
        }


def made_from(tops: Sequence[Label], *others: Label, action: Action | str | None = PROCESSED) -> Origin:
    """Data that was made from these, which come with the labels that theirs need."""
    named = Action(action, AGENT, PARAMETERS) if isinstance(action, str) else action
    return Origin((*tops, *others), tuple(input_of(item, RELATION) for item in tops), named)


MakeOrigin = Callable[[Workshop], Origin]
SAME = CONTENT
"""Data that is forwarded as it came."""


def deep(labels: int) -> MakeOrigin:
    """A chain of so many labels, the tester's own on top."""

    def make(shop: Workshop) -> Origin:
        *below, top = shop.line(labels - 1)
        return made_from([top], *below)

    return make


def wide(inputs: int) -> MakeOrigin:
    """Data made from so many originals."""
    return lambda shop: made_from(shop.originals(inputs))


def wide_below(inputs: int) -> MakeOrigin:
    """Data made from one that was made from so many originals."""

    def make(shop: Workshop) -> Origin:
        originals = shop.originals(inputs)
        return made_from([shop.label(b"collage", *originals)], *originals)

    return make


def many(labels: int) -> MakeOrigin:
    """A chain of so many labels that is neither deep nor wide."""

    def make(shop: Workshop) -> Origin:
        collages = -(-(labels - 1) // (WIDTH + 1))
        originals = shop.originals(labels - 1 - collages)
        parts = [originals[start::collages] for start in range(collages)]
        tops = [shop.label(b"collage %d" % number, *part, short=True) for number, part in enumerate(parts)]
        return made_from(tops, *originals)

    return make
