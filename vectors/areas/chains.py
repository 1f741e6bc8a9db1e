"""Processing chains: a label, the labels of what its data was made from, theirs, down to the originals (section 12.2).

Signers' certificates are given and trusted: their paths and their status are asked for in other areas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from ...harness.identity.certificate import Certificate
from ...harness.identity.keys import signer
from ...harness.labels import chain as chains
from ...harness.labels.chain import Chain
from ...harness.labels.errors import LabelError
from ...harness.labels.label import Action, Input, Signer, Statement, make, parse
from ...harness.labels.trust import Trust
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .certificates import parties
from .seed import NOW, stream

SOURCE = "generated; section 12.2, CHN-06 to CHN-13"
PARAMETERS = sha256(b"parameters").digest()
DEEPEST, WIDEST = 32, 64


class Made(NamedTuple):
    """A label, and the digest of its data."""

    octets: bytes
    data: bytes

    def named(self, relation: str = "parentOf", data: bytes = b"") -> Input:
        """As what something was made from."""
        return Input(relation, sha256(self.octets).digest(), data or self.data)


@cache
def signers() -> dict[str, tuple[Signer, Certificate]]:
    """A camera, and a service that works on what it took."""
    worlds, _ = parties()
    found = {}
    for name, world in worlds.items():
        own = world.credentials
        assert own.key is not None
        found[name] = (Signer(own.leaf.platform, own.leaf.identity, (own.leaf.der,), signer(own.key)), own.leaf)
    return found


def _label(
    name: str, deed: str, inputs: tuple[Input, ...] = (), *, by: str = "service", data: bytes = b"", **changes: Any
) -> Made:
    """A label over data of its own, unless other `data` is named; `changes` are of the statement."""
    payload = data or sha256(name.encode()).digest()
    statement = Statement(
        payload,
        "image/png",
        0,
        NOW,
        stream(f"chain {name}")(16),
        action=Action(deed, "crop 1.2", PARAMETERS),
        inputs=inputs,
    )
    changed = replace(statement, **changes)
    return Made(make(changed, signers()[by][0], with_certificates=False), payload)


def _created(name: str = "picture") -> Made:
    return _label(name, "tc.created", by="device")


def _judge(top: bytes, labels: list[bytes]) -> str | None:
    """The requirement by which the reference refuses a chain; None if it takes it."""
    worlds, _ = parties()
    held = {leaf.sha256: leaf for _, leaf in signers().values()}
    trust = replace(Trust.of(worlds["service"]), held=held)
    try:
        chain = Chain.of(top, labels)
        for label in chain.ordered():
            chains.check_action(label)
            chains.check_inputs(label, chain.find)
            chains.check_forwarded(label)
            trust.check_signature(label)
            trust.check_subject(label)
    except LabelError as error:
        return error.requirement
    return None


def _vector(field: str, operator: str, top: Made, labels: list[Made], comment: str, *, valid: bool = False) -> Vector:
    refused = _judge(top.octets, [label.octets for label in labels])
    if (refused is None) is not valid:
        raise GeneratorError(f"{field} {operator}: {refused}")
    given: dict[str, Json] = {"label": octets(top.octets), "labels": [octets(label.octets) for label in labels]}
    output: dict[str, Json] = {"labels": len({label.octets for label in (top, *labels)})} if valid else {}
    return Vector(refused or "CHN-08", field, operator, valid, comment, given, output)


def _line(length: int) -> tuple[Made, list[Made]]:
    """A chain of so many labels, each made from the one before."""
    made = [_created()]
    for step in range(1, length):
        made.append(_label(f"step {step}", "tc.processed", (made[-1].named(),)))
    return made[-1], made[:-1]


def _wide(width: int) -> tuple[Made, list[Made]]:
    """One label with so many inputs."""
    made = [_created(f"picture {number}") for number in range(width)]
    return _label("collage", "tc.aggregated", tuple(one.named("componentOf") for one in made)), made


def _diamond() -> tuple[Made, list[Made]]:
    origin = _created()
    sides = [_label(side, "tc.filtered", (origin.named(),)) for side in ("left", "right")]
    return _label("both", "tc.aggregated", tuple(side.named("componentOf") for side in sides)), [origin, *sides]


def _good() -> Iterator[Vector]:
    origin = _created()
    cropped = _label("cropped", "tc.processed", (origin.named(),))
    yield _vector("chain", "processed", cropped, [origin], "made from one", valid=True)
    yield _vector("chain", "created", origin, [], "an original", valid=True)
    forwarded = _label("forwarded", "tc.forwarded", (origin.named(),), data=origin.data)
    yield _vector("chain", "forwarded", forwarded, [origin], "forwarded unchanged", valid=True)
    for action in ("tc.aggregated", "tc.filtered", "tc.redacted"):
        yield _vector(
            "action", action, _label(action, action, (origin.named(),)), [origin], "a known action", valid=True
        )
    yield _vector("chain", "diamond", *_diamond(), "one original by two ways: judged once", valid=True)
    yield _vector(
        "chain", "more-labels", cropped, [origin, _created("another")], "a label that belongs to nothing", valid=True
    )
    yield _vector("depth", "deepest", *_line(DEEPEST), "as deep as allowed", valid=True)


def _bad() -> Iterator[Vector]:
    origin, other = _created(), _created("another")
    cropped = _label("cropped", "tc.processed", (origin.named(),))
    top, below = _line(4)
    yield _vector("input", "missing", cropped, [], "the original is not there")
    yield _vector("input", "exchanged", cropped, [other], "another original")
    yield _vector("input in the middle", "missing", top, [below[0], *below[2:]], "a label in the middle is not there")
    yield _vector(
        "input data",
        "other",
        _label("x", "tc.processed", (origin.named(data=other.data),)),
        [origin],
        "named with the data of another",
    )
    actions: dict[str, tuple[Made, str]] = {
        "unknown": (_label("x", "tc.invented", (origin.named(),)), "an action that nobody knows"),
        "upper-case": (_label("x", "TC.PROCESSED", (origin.named(),)), "an action in upper case"),
        "c2pa-name": (_label("x", "c2pa.cropped", (origin.named(),)), "an action of another vocabulary"),
        "none": (
            _label("x", "tc.processed", (origin.named(),), action=None),
            "made from something, and nobody says how",
        ),
        "without-parameters": (
            _label("x", "tc.processed", (origin.named(),), action=Action("tc.processed", "crop 1.2", None)),
            "no digest of parameters",
        ),
        "without-agent": (
            _label("x", "tc.processed", (origin.named(),), action=Action("tc.processed", "", PARAMETERS)),
            "nobody did it",
        ),
        "created-from-something": (_label("x", "tc.created", (origin.named(),)), "created, and made from something"),
        "processed-from-nothing": (_label("x", "tc.processed"), "processed, and made from nothing"),
        "forwarded-and-changed": (_label("x", "tc.forwarded", (origin.named(),)), "forwarded, and changed"),
    }
    for operator, (made, comment) in actions.items():
        yield _vector("action", operator, made, [origin], comment)
    below_wrong = _label("x", "tc.invented", (origin.named(),))
    yield _vector(
        "action in the middle",
        "unknown",
        _label("y", "tc.processed", (below_wrong.named(),)),
        [origin, below_wrong],
        "an unknown action further down",
    )
    yield _vector("depth", "deeper", *_line(DEEPEST + 1), "a label deeper than allowed")
    yield _vector("inputs", "too-many", *_wide(WIDEST + 1), "an input more than allowed")
    yield from _forged(origin)


def _forged(origin: Made) -> Iterator[Vector]:
    """Labels further down that their signer did not make so."""
    (camera, _), (service, other) = signers()["device"], signers()["service"]
    forgers: dict[str, tuple[Callable[[Signer], Signer], str]] = {
        "other-key": (lambda signs: replace(signs, sign=service.sign), "signed by another key"),
        "other-subject": (lambda signs: replace(signs, identity=other.identity), "says another identity"),
        "other-platform": (lambda signs: replace(signs, platform=other.platform), "says another platform"),
        "unknown-signer": (
            lambda signs: replace(signs, certificates=(parties()[1].party("device", "nobody").leaf.der,)),
            "by a certificate that nobody gave",
        ),
        "zeros": (lambda signs: replace(signs, sign=lambda message: bytes(64)), "a signature of zeros"),
    }
    statement = Statement(
        origin.data, "image/png", 0, NOW, bytes(16), action=Action("tc.created", "camera", PARAMETERS)
    )
    for operator, (change, comment) in forgers.items():
        forged = Made(make(statement, change(camera), with_certificates=False), origin.data)
        parse(forged.octets)
        yield _vector("original", operator, _label("x", "tc.processed", (forged.named(),)), [forged], comment)


def _groups() -> Iterator[Group]:
    common: dict[str, Json] = {"signers": [octets(leaf.der) for _, leaf in signers().values()]}
    yield Group("labels", "chain", SOURCE, (*_good(), *_bad()), common)


AREA = Area("chains", "A label with the labels of what its data was made from: whether the chain holds.", _groups)
