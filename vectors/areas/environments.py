"""Environment objects of other roots of trust than the profile's own: a quote of a TPM, a PSA token."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

from ...harness.codec import cbor
from ...harness.codec.cbor import encode
from ...harness.codec.cose import cose_key
from ...harness.identity.keys import derive_key
from ...harness.identity.tam import COMPONENTS
from ...harness.identity.tpm_emulation import REGISTERS as REGISTERED
from ...harness.tester.deviation import TesterFault
from ...harness.tester.operators import operators
from ...harness.tester.psa_faults import LIFECYCLES
from ...harness.tester.session import OPPOSITE, Role
from ...harness.tester.tpm_faults import holding_another, without
from ...harness.tpm.structures import sized, write_signature
from ...model.protocol import psa, tpm
from ...model.protocol.attestation import EVIDENCE, REGISTERS, SID, binder
from ...model.protocol.frames import SIDES
from ...model.protocol.labels import LABEL, LABEL_REGISTERS
from ...model.terms import Term
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import evidence
from .honest import CONTENT, Moment, lying, moment
from .judged import Candidate, invalid, valid
from .psa import references
from .seed import NOW, SEED

SOURCE = "generated; LBL-31, LBL-33 and LBL-36, sections 6.5 and 7, RFC 9783"
RECEIVER: Role = "service"
OF_FORM = ("empty", "retype", "truncate", "extend", "absent", "twice", "none")
"""Operators behind which a receiver may refuse the form, or what it says."""
OTHER = cose_key(derive_key(SEED, "another environment").public_key())


class Signer:
    """DATA of one session, and the same with something else in its environment object, signed where that signs."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.at: Moment = moment(RECEIVER, f"DATA_{evidence.LETTER[OPPOSITE[RECEIVER]]}", **options)
        self.letter = self.at.sender.letter

    def shown(self, field: str, operator: str, comment: str, frame: bytes) -> Candidate:
        """A whole DATA."""
        return Candidate(field, operator, frame, {"frame": octets(frame)}, comment)

    def told(self, field: str, operator: str, term: Term, change: Any, comment: str) -> Candidate:
        """DATA whose root of trust says something else there."""
        name = self.at.message.name
        lie = lying(term, change, name, by_module=True)
        return self.shown(field, operator, comment, moment(RECEIVER, name, lie=lie, **self._options).frame)

    def each(self, slots: Mapping[str, Term]) -> Iterator[Candidate]:
        """Each slot by each operator."""
        for field, term in slots.items():
            for operator, change in operators(term).items():
                with suppress(TypeError, ValueError, GeneratorError, TesterFault):  # The signer itself cannot say all.
                    yield self.told(field, operator, term, change, "said by the root of trust, and signed")

    def exchanged(self) -> Iterator[Candidate]:
        """The label names another object than the one that is there, or none is."""
        kind, body = cbor.decode(self.at.frame)
        changed: dict[str, tuple[dict[int, Any], str]] = {
            "absent": ({k: v for k, v in body.items() if k != 4}, "the object is missing"),
            "twice": ({**body, 4: 2 * body[4]}, "the object twice"),
            "none": ({**body, 4: []}, "no object in its array"),
        }
        for operator, (content, comment) in changed.items():
            yield self.shown("environment", operator, comment, encode([kind, content]))
        named = LABEL[self.letter].environment
        lie = lying(named, encode(bytes(32)), self.at.message.name, by_module=False)
        frame = moment(RECEIVER, self.at.message.name, lie=lie, **self._options).frame
        yield self.shown("label[-71910][1]", "of-another", "the digest of another object", frame)


def _constant(value: bytes) -> Callable[[bytes], bytes]:
    return lambda honest: value


def _session(signer: Signer) -> dict[str, Json]:
    """What the receiver knows of the session and of the signer."""
    at, registers = signer.at, REGISTERS[signer.letter]
    return {
        "leaf": octets(at.peer.leaf.der),
        "sid": octets(at.value(SID)),
        "now": NOW,
        "max_age": at.world.policy.max_age,
        "tolerance": at.world.policy.clock_tolerance,
        "epoch": cbor.decode(at.value(registers.attested_epoch)),
        "environment": "",
        "environment_iat": cbor.decode(at.value(LABEL_REGISTERS[signer.letter].last_iat)),
        "last_sequence": -1,
        "seen": [],
    }


def _attestation_key(signer: Signer) -> str:
    chain = cbor.decode(signer.at.value(REGISTERS[signer.letter].attested_ak))
    return octets(chain if isinstance(chain, bytes) else chain[0])


def _of_session(signer: Signer, terms: Any) -> Iterator[Candidate]:
    """What every environment object says of the session."""
    own = signer.at.value(EVIDENCE[signer.at.receiver.letter].token.cnf)
    for operator, key in (("of-another", encode(OTHER)), ("of-the-receiver", own)):
        yield signer.told("environment.cnf", operator, terms.cnf, _constant(key), "another key than the label's")
    yield signer.told("environment.sid", "zeros", terms.sid, _constant(bytes(16)), "of no session")
    yield signer.told("environment.epoch", "far", terms.epoch, _constant(encode(24)), "of another epoch")


# --- TPM -------------------------------------------------------------------------------------------------------------


@cache
def _of_tpm() -> Signer:
    return Signer(tpm=True)


def _quotes(signer: Signer) -> Iterator[Candidate]:
    """The object and the quote over its digest."""
    terms = tpm.ENVIRONMENTS[signer.letter]
    quote, tam = terms.quote, signer.at.sender.world.tam
    parts = ("magic", "type", "extra", "clock", "reset", "restart", "safe", "firmware", "attested", "signature")
    slots: dict[str, Term] = {"cnf": terms.cnf, "epoch": terms.epoch, "sid": terms.sid, "iat": terms.iat}
    slots |= {f"quote.{part}": getattr(quote, part) for part in parts}
    yield from signer.each({f"environment.{name}": term for name, term in slots.items()})
    yield from _of_session(signer, terms)
    values: dict[str, tuple[str, Term, Any, str]] = {
        "certification": ("quote.type", quote.type, b"\x80\x17", "a certification in place of a quote"),
        "time": ("quote.type", quote.type, b"\x80\x19", "a time in place of a quote"),
        "creation": ("quote.type", quote.type, b"\x80\x1a", "a creation in place of a quote"),
        "reversed": ("quote.magic", quote.magic, b"GCT\xff", "the magic the other way round"),
        "of-evidence": ("quote.extra", quote.extra, sized(_binder(signer)), "the quote of the evidence"),
        "zeros": ("quote.signature", quote.signature, write_signature(bytes(64)), "a signature of zeros"),
        "next-start": ("quote.reset", quote.reset, b"\x00\x00\x00\x02", "after another start"),
        "resumed": ("quote.restart", quote.restart, b"\x00\x00\x00\x01", "after a resumption"),
    }
    shown = {"one-register-less": without(11), "no-register": without(*REGISTERED), "other-value": holding_another(8)}
    for operator, change in shown.items():
        told = partial(change, signer.at.sender)
        yield signer.told("environment.quote.attested", operator, quote.attested, told, "other than evidence showed")
    for operator, (field, term, value, comment) in values.items():
        yield signer.told(f"environment.{field}", operator, term, _constant(value), comment)
    tbs: bytes = signer.at.sender.tam.run.value(quote.term)
    by_identity = write_signature(tam.sign_identity(tbs))
    yield signer.told(
        "environment.quote.signature", "by-the-identity-key", quote.signature, _constant(by_identity),
        "by the identity key",
    )  # fmt: skip


def _binder(signer: Signer) -> bytes:
    at = signer.at
    made: bytes = at.value(binder(SIDES[at.sender.letter]))
    return made


def _tpm() -> Group:
    signer = _of_tpm()
    boot = signer.at.value(REGISTERS[signer.letter].attested_boot)
    known = {
        "attestation_key": _attestation_key(signer),
        "reset_count": int.from_bytes(boot[:4], "big"),
        "restart_count": int.from_bytes(boot[4:], "big"),
        "registers": octets(signer.at.value(REGISTERS[signer.letter].attested_registers)),
        "reference_pcrs": sorted(COMPONENTS[name] for name in signer.at.world.policy.reference_values),
    }
    return Group("tpm", "label-tpm", SOURCE, tuple(_vectors(signer, "LBL-31", _quotes)), {**_session(signer), **known})


# --- PSA -------------------------------------------------------------------------------------------------------------


@cache
def _of_psa() -> Signer:
    return Signer(psa=True)


def _tokens(signer: Signer) -> Iterator[Candidate]:
    """The object and the token whose challenge is its digest."""
    terms = psa.PSA_ENVIRONMENTS[signer.letter]
    token, tam = terms.token, signer.at.sender.world.tam
    slots: dict[str, Term] = {"cnf": terms.cnf, "epoch": terms.epoch, "sid": terms.sid, "iat": terms.iat}
    parts = ("alg", "nonce", "instance", "profile", "seed", "client", "lifecycle", "components", "signature")
    slots |= {f"token.{part}": getattr(token, part) for part in parts}
    yield from signer.each({f"environment.{name}": term for name, term in slots.items()})
    yield from _of_session(signer, terms)
    for name in ("provisioning", "just-before-secured", "just-after-secured", "debug"):
        value = _constant(encode(LIFECYCLES[name]))
        yield signer.told("environment.token.lifecycle", name, token.lifecycle, value, "not in the state Secured")
    values: dict[str, tuple[str, Term, Any, str]] = {
        "non-secure": ("client", token.client, -1, "asked for by a caller that is not secure"),
        "old": ("profile", token.profile, "PSA_IOT_PROFILE_1", "an old profile"),
        "of-evidence": ("nonce", token.nonce, _binder(signer), "the token of the evidence"),
        "of-another-start": ("seed", token.seed, bytes(32), "after another start"),
        "of-another-platform": ("instance", token.instance, b"\x01" + bytes(32), "of another platform"),
    }
    for operator, (part, term, value, comment) in values.items():
        yield signer.told(f"environment.token.{part}", operator, term, _constant(encode(value)), comment)
    for operator, change in COMPONENTS_CHANGED.items():
        comment = "other software than policy names"
        yield signer.told("environment.token.components", operator, token.components, change, comment)
    tbs: bytes = signer.at.sender.tam.run.value(token.tbs)
    for operator, signature, comment in (
        ("by-the-identity-key", tam.sign_identity(tbs), "by the identity key"),
        ("zeros", bytes(64), "a signature of zeros"),
    ):
        yield signer.told("environment.token.signature", operator, token.signature, _constant(signature), comment)


COMPONENTS_CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "last-missing": lambda honest: encode(cbor.decode(honest)[:-1]),
    "first-twice": lambda honest: encode([cbor.decode(honest)[0], *cbor.decode(honest)]),
    "first-other": lambda honest: encode([{**cbor.decode(honest)[0], 2: bytes(32)}, *cbor.decode(honest)[1:]]),
}


def _psa() -> Group:
    signer = _of_psa()
    seed = cbor.decode(signer.at.value(REGISTERS[signer.letter].attested_boot))
    known = {"attestation_key": _attestation_key(signer), "boot_seed": octets(seed), **references(signer.at)}
    return Group("psa", "label-psa", SOURCE, tuple(_vectors(signer, "LBL-33", _tokens)), {**_session(signer), **known})


# --- both ------------------------------------------------------------------------------------------------------------


def _vectors(signer: Signer, needed: str, made: Callable[[Signer], Iterator[Candidate]]) -> Iterator[Vector]:
    honest = [signer.shown("DATA", "honest", "data and an environment object of that form", signer.at.frame)]
    for vector in valid(signer.at, needed, honest):
        yield dataclasses.replace(vector, output={"content": octets(CONTENT)})
    for candidate in (*made(signer), *signer.exchanged()):
        for vector in invalid(signer.at, [candidate]):
            yield dataclasses.replace(vector, refusals=()) if vector.operator in OF_FORM else vector


def _groups() -> Iterator[Group]:
    yield _tpm()
    yield _psa()


AREA = Area("environments", "DATA whose environment object is a quote of a TPM, or a PSA token.", _groups)
