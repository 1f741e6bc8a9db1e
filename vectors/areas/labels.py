"""Labels: DATA with a label and its environment object, as the receiver of a session judges them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from ...harness.codec import cbor, cose
from ...harness.codec.cbor import bstr, encode
from ...harness.identity.keys import signer
from ...harness.identity.tester import ANOTHER
from ...harness.tester.deviation import TesterFault
from ...harness.tester.operators import operators
from ...harness.tester.session import OPPOSITE, Role
from ...model.protocol.attestation import EVIDENCE, REGISTERS, SID
from ...model.protocol.labels import ENVIRONMENT, LABEL, LABEL_REGISTERS
from ...model.terms import Term
from ..judging import refusals, requirement
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from .evidence import LETTER, RECEIVERS
from .honest import CONTENT, Lies, Moment, lying, moment
from .judged import Candidate, invalid, valid
from .seed import NOW

SOURCE = "generated; chapter 11, RFC 9052, RFC 9995, RFC 9597"


@cache
def arriving(receiver: Role) -> Moment:
    """The first DATA of a session on its way to a receiver."""
    return moment(receiver, f"DATA_{LETTER[OPPOSITE[receiver]]}")


KIND = (0,)
"""Where the type of a frame stands: another one is another frame."""


def session(at: Moment) -> dict[str, Json]:
    """What the receiver knows of the session and of the signer."""
    registers, policy = REGISTERS[at.sender.letter], at.world.policy
    chain = cbor.decode(at.value(registers.attested_ak))
    return {
        "leaf": octets(at.peer.leaf.der),
        "sid": octets(at.value(SID)),
        "now": NOW,
        "max_age": policy.max_age,
        "tolerance": policy.clock_tolerance,
        "attestation_key": octets(chain if isinstance(chain, bytes) else chain[0]),
        "bootcount": cbor.decode(at.value(registers.attested_boot)),
        "epoch": cbor.decode(at.value(registers.attested_epoch)),
        "environment": "",
        "environment_iat": cbor.decode(at.value(LABEL_REGISTERS[at.sender.letter].last_iat)),
        "reference_values": {name: octets(value) for name, value in sorted(policy.reference_values.items())},
        "last_sequence": -1,
        "seen": [],
    }


def _candidate(field: str, operator: str, frame: bytes, comment: str) -> Candidate:
    return Candidate(field, operator, frame, {"frame": octets(frame)}, comment)


def _lied(
    at: Moment, field: str, operator: str, term: Term, change: Any, comment: str, *, module: bool = False
) -> Candidate:
    """The DATA of the same session by a signer who says something else there, and signs it."""
    name = at.message.name
    told = moment(_receiver(at), name, lie=lying(term, change, name, by_module=module))
    return _candidate(field, operator, told.frame, comment)


def _receiver(at: Moment) -> Role:
    return OPPOSITE[at.sender.role]


def _altered(at: Moment) -> Iterator[Candidate]:
    for field, operator, frame in at.alterations():
        if field.path != KIND:
            yield _candidate(field.name, operator, frame, "changed after it was signed")


def _slots(at: Moment) -> Iterator[Candidate]:
    """Each field of label and environment object by each operator, signed over that."""
    letter = at.sender.letter
    label, environment = LABEL[letter], ENVIRONMENT[letter]
    token = environment.token
    of_label = {
        "label[1]": label.alg,
        "label[15][1]": label.issuer,
        "label[15][2]": label.subject,
        "label[15][6]": label.iat,
        "label[15][7]": label.cti,
        "label[16]": label.typ,
        "label[34]": label.x5t,
        "label[258]": label.hash_alg,
        "label[-71910][1]": label.environment,
        "label[-71910][3]": label.sequence,
        "label[-71910][4]": label.sid,
        "label payload": label.digest,
        "label signature": label.signature,
    }
    of_environment = {
        "environment[1]": token.alg,
        "environment[16]": token.typ,
        "environment[34]": token.x5t,
        "environment.cnf": token.cnf,
        "environment.measurements": token.measurements,
        "environment.bootcount": token.bootcount,
        "environment.epoch": environment.epoch,
        "environment.sid": environment.sid,
        "environment.iat": token.iat,
        "environment signature": token.signature,
    }
    for slots, module in ((of_label, False), (of_environment, True)):
        for field, term in slots.items():
            for operator, change in operators(term).items():
                with suppress(TypeError, ValueError, GeneratorError, TesterFault):  # The signer itself cannot say all.
                    yield _lied(at, field, operator, term, change, "said by the signer, and signed", module=module)


def _values(at: Moment) -> Iterator[Candidate]:
    letter, policy, now = at.sender.letter, at.world.policy, at.now
    label, token = LABEL[letter], ENVIRONMENT[letter].token
    ages = {"too-old": now - policy.max_age - 1, "of-the-future": now + policy.clock_tolerance + 1, "zero": 0}
    for operator, iat in ages.items():
        yield _lied(at, "label[15][6]", operator, label.iat, encode(iat), "outside the ages that are allowed")
    others = {
        "waiver-type": "application/vnd.tc.waiver+cose",
        "environment-type": "application/vnd.tc.env+cose",
        "eat-type": 263,
    }
    for operator, kind in others.items():
        yield _lied(at, "label[16]", operator, label.typ, encode(kind), "the type of another object")
    own = at.world.credentials.leaf
    yield _lied(
        at, "label[34]", "of-the-receiver", label.x5t, encode([-16, own.sha256]), "the receiver's own certificate"
    )
    yield _lied(
        at, "label[15][2]", "of-the-receiver", label.subject, encode(own.identity), "the receiver's own identity"
    )
    yield _lied(at, "label[258]", "sha-384", label.hash_alg, encode(-43), "another hash of the content")
    cnf = at.value(EVIDENCE[at.receiver.letter].token.cnf)
    yield _lied(at, "environment.cnf", "of-the-receiver", token.cnf, cnf, "the receiver's own key", module=True)


def _signatures(at: Moment) -> Iterator[Candidate]:
    label, token, tam = LABEL[at.sender.letter], ENVIRONMENT[at.sender.letter].token, at.sender.world.tam

    def over(
        term: Term, sign: Callable[[bytes], bytes], old: bytes, new: bytes, *, module: bool = False
    ) -> Callable[[bytes], bytes]:
        run = at.sender.tam.run if module else at.sender.run
        tbs: bytes = run.value(term)
        return lambda honest: sign(tbs.replace(old, new))

    aad = b"\x49tc1-label"
    told = {
        "by-the-attestation-key": (over(label.tbs, tam.sign_attestation, b"", b""), "by the attestation key"),
        "other-external-aad": (
            over(label.tbs, tam.sign_identity, aad, b"\x47tc1-env"),
            "under the domain of another object",
        ),
        "no-external-aad": (over(label.tbs, tam.sign_identity, aad, b"\x40"), "without a domain"),
        "zeros": (lambda honest: bytes(64), "zeros"),
    }
    for operator, (change, comment) in told.items():
        yield _lied(at, "label signature", operator, label.signature, change, comment)
    env = b"\x47tc1-env"
    by_module = {
        "by-the-identity-key": (over(token.tbs, tam.sign_identity, b"", b"", module=True), "by the identity key"),
        "other-external-aad": (
            over(token.tbs, tam.sign_attestation, env, b"\x47tc1-eat", module=True),
            "under the domain of evidence",
        ),
        "zeros": (lambda honest: bytes(64), "zeros"),
    }
    for operator, (change, comment) in by_module.items():
        yield _lied(at, "environment signature", operator, token.signature, change, comment, module=True)
    yield _by_another_key(at)


def _by_another_key(at: Moment) -> Candidate:
    """The environment object of another platform's attestation key, good as that is."""
    token, other = ENVIRONMENT[at.sender.letter].token, at.iut.pki.party(at.sender.role, ANOTHER)
    assert other.ak_key is not None
    chain = encode(cose.x5chain([other.ak.der, *(item.der for item in other.ak_chain)]))
    name, receiver = at.message.name, _receiver(at)
    told = lying(token.chain, chain, name, by_module=True)
    signature = signer(other.ak_key)(moment(receiver, name, lie=told).sender.tam.run.value(token.tbs))
    lies = Lies(told, lying(token.signature, lambda honest: signature, name, by_module=True))
    frame = moment(receiver, name, lie=lies).frame
    comment = "by the attestation key of another platform"
    return _candidate("environment signature", "by-another-attestation-key", frame, comment)


def _frames(at: Moment) -> Iterator[Candidate]:
    """Parts of DATA exchanged, left out or added."""
    kind, body = cbor.decode(at.frame)
    label = LABEL[at.sender.letter]
    changed: dict[str, tuple[dict[int, Any], str]] = {
        "other-content": ({**body, 3: CONTENT[::-1]}, "other content under the same label"),
        "longer-content": ({**body, 3: CONTENT + b"\x00"}, "an octet more than was labelled"),
        "empty-content": ({**body, 3: b""}, "no octets"),
        "no-environment": ({k: v for k, v in body.items() if k != 4}, "the environment object is missing"),
        "two-environments": ({**body, 4: 2 * body[4]}, "the environment object twice"),
        "content-alone": ({3: CONTENT}, "content and no label"),
        "nothing": ({}, "neither octets nor a label"),
        "plain": ({1: CONTENT}, "no label at all"),
        "plain-and-label": ({**body, 1: CONTENT}, "octets without a label beside what has one"),
        "plain-and-content": ({1: CONTENT, 3: CONTENT}, "octets without a label beside content"),
        "untagged-label": ({**body, 2: body[2].value}, "a label without its tag"),
    }
    for operator, (content, comment) in changed.items():
        yield _candidate("DATA", operator, encode([kind, content]), comment)
    unprotected = body[2].value[:]
    unprotected[1] = {1: -7}
    yield _candidate(
        "label unprotected",
        "alg",
        encode([kind, {**body, 2: type(body[2])(18, unprotected)}]),
        "a header that must be protected",
    )
    yield _lied(
        at,
        "label[-71910][1]",
        "of-another",
        label.environment,
        bstr(bytes(32)),
        "the digest of another environment object",
    )


def _remembered(at: Moment) -> Iterator[Vector]:
    """The honest DATA, to a receiver that has accepted something from this signer before."""
    memory, signer = at.world.memory, at.peer.leaf.sha256
    sequence, cti = (
        cbor.decode(at.sender.run.value(LABEL[at.sender.letter].sequence)),
        at.sender.run.value(LABEL[at.sender.letter].cti),
    )
    base: dict[str, Json] = {"frame": octets(at.frame)}
    for operator, last in {"equal": sequence, "smaller": sequence + 1, "far-smaller": 2**63}.items():
        memory.label_sequence[signer] = last
        yield _refused(
            at, "label[-71910][3]", operator, {**base, "last_sequence": last}, "not greater than what was accepted"
        )
        del memory.label_sequence[signer]
    memory.label_ids[signer + cti] = at.now
    yield _refused(
        at, "label[15][7]", "seen", {**base, "seen": [octets(cti)]}, "an identifier that was accepted before"
    )
    del memory.label_ids[signer + cti]
    yield _older(at, base)


def _older(at: Moment, base: dict[str, Json]) -> Vector:
    """The honest DATA, to a receiver that has accepted a newer environment object in this session."""
    values, last = at.receiver.run.values, LABEL_REGISTERS[at.sender.letter].last_iat
    before, newer = values[last], at.now + 1
    values[last] = encode(newer)
    try:
        comment = "older than the one before"
        return _refused(at, "environment.iat", "older", {**base, "environment_iat": newer}, comment)
    finally:
        values[last] = before


def _refused(at: Moment, field: str, operator: str, given: dict[str, Json], comment: str) -> Vector:
    check = at.refusing(at.frame)
    if check is None or not at.is_the_only_reason(at.frame, check):
        raise GeneratorError(f"{field} {operator}: {check}")
    return Vector(requirement(check), field, operator, False, comment, given, refusals=refusals(check))


def _vectors(receiver: Role) -> Iterator[Vector]:
    at = arriving(receiver)
    good = [_candidate("DATA", "honest", at.frame, "labelled data with its environment object")]
    label = LABEL[at.sender.letter]
    for operator, iat in {
        "oldest": at.now - at.world.policy.max_age,
        "from-the-future": at.now + at.world.policy.clock_tolerance,
    }.items():
        good.append(_lied(at, "label[15][6]", operator, label.iat, encode(iat), "at the limit of what is allowed"))
    good.append(_lied(at, "label[-71910][3]", "far-ahead", label.sequence, encode(2**40), "numbers may be left out"))
    for vector in valid(at, "LBL-10", good):
        yield dataclasses.replace(vector, output={"content": octets(CONTENT)})
    further = (_altered, _slots) if receiver == RECEIVERS[0] else ()  # What is symmetric is asked for once.
    candidates = (c for made in (*further, _values, _signatures, _frames) for c in made(at))
    yield from invalid(at, candidates)
    yield from _remembered(at)


def _groups() -> Iterator[Group]:
    for receiver in RECEIVERS:
        yield Group(OPPOSITE[receiver], "label", SOURCE, tuple(_vectors(receiver)), session(arriving(receiver)))


AREA = Area("labels", "A DATA frame with a label and its environment object, and what the receiver knows.", _groups)
