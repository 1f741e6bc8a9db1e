"""EDHOC (RFC 9528): whole handshakes with every intermediate value, for each method and suite, and messages to refuse.

Whoever knows both ephemeral keys can read a handshake and judge each message as its receiver must. Faults are made by
the operators of the tester, which protect anew whatever stands around the changed field; the reference ends judge them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from ...harness.bits import one_bit_other
from ...harness.codec.cbor import bstr, encode
from ...harness.crypto.curves import EphemeralKey
from ...harness.crypto.suites import SUITES
from ...harness.evaluator.bare import BareEnd, BareParty, Credential, UnknownCredential, complete
from ...harness.evaluator.errors import CheckFailed, GrammarError
from ...harness.evaluator.makers import keystream
from ...harness.identity.certificate import PublicKey
from ...harness.tester.fields import altered, fields
from ...harness.tester.operators import operators
from ...model.protocol.edhoc import AUTHENTICATION, DEVICE, G_XY, SERVICE, SIG, X, Y, handshake, messages
from ...model.terms import Term, dependents
from ..judging import refusals, requirement
from ..keys import public_key
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import edhoc_lies, edhoc_published
from .seed import stream

SOURCE = "generated; RFC 9528 sections 4 and 5"
ID_CRED = {"I": encode({4: b"\x2b"}), "R": encode({4: b"key of r"})}
C_I, C_R = b"\x0e", bstr(b"c_r")
IN_FULL = ((0, 3), (0, 2), (3, 2))
"""Method and suite for which every field is tried."""
UNKNOWN, UNAVAILABLE = "unknown credential", ("close", "edhoc-error:1", "edhoc-error:3")
EADS = {
    "padding": b"\x00\x43abc",
    "grease": encode(160) + b"\x41x",
    "two-items": b"\x00" + encode(44975),
    "value-empty": encode(41120) + b"\x40",
}
CRITICAL = {
    "critical": encode(-160),
    "critical-with-value": encode(-43690) + b"\x41x",
    "critical-behind": b"\x00" + encode(-1),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Long-term secrets and credentials of both parties."""

    secrets: Mapping[str, Callable[[bytes], bytes] | EphemeralKey]
    credentials: Mapping[bytes, Credential]


def _keys(method: int, suite: int) -> Keys:
    rng, chosen = stream(f"edhoc {method} {suite}"), SUITES[suite]
    secrets: dict[str, Callable[[bytes], bytes] | EphemeralKey] = {}
    credentials: dict[bytes, Credential] = {}
    for letter, kind in zip("IR", AUTHENTICATION[method], strict=True):
        cred = encode({2: letter})
        if kind == SIG:
            key = chosen.signature.generate(rng)
            secrets[letter] = partial(chosen.signature.sign, key)
            credentials[ID_CRED[letter]] = Credential(cred, public_key=key.public_key())
        else:
            secrets[letter] = static = chosen.curve.ephemeral(rng)
            credentials[ID_CRED[letter]] = Credential(cred, static_share=static.share)
    return Keys(secrets, credentials)


def pair(method: int, suite: int, ead: Mapping[int, bytes] | None = None) -> tuple[BareEnd, BareEnd]:
    """Initiator and responder, the same ones each time."""
    keys = _keys(method, suite)

    def end(role: str, letter: str, connection: bytes) -> BareEnd:
        party = BareParty(
            (suite,), encode(suite), connection, ID_CRED[letter], keys.secrets[letter], keys.credentials, ead or {}
        )
        return BareEnd(role, method, party, stream(f"edhoc {method} {suite} {letter}"))

    return end(DEVICE, "I", C_I), end(SERVICE, "R", C_R)


def _credentials(keys: Keys) -> list[Json]:
    return [
        {"id_cred": octets(id_cred), "cred": octets(held.cred), **_key_of(held.public_key, held.static_share)}
        for id_cred, held in keys.credentials.items()
    ]


def _key_of(key: PublicKey | None, share: bytes | None) -> dict[str, Json]:
    return {"public_key": public_key(key)} if key is not None else {"static_share": octets(share or b"")}


def intermediates(initiator: BareEnd) -> dict[str, Json]:
    """Every value of the key schedule, by its name in the RFC."""
    run, terms = initiator.run, initiator.terms
    k_3, iv_3, _, _ = terms.message_3.args[0].args
    k_4, iv_4, _, plaintext_4 = terms.message_4.args[0].args
    named: dict[str, Term] = {
        "g_xy": G_XY,
        "th_2": terms.th_2,
        "prk_2e": terms.prk_2e,
        "plaintext_2": terms.plaintext_2,
        "prk_3e2m": terms.prk_3e2m,
        "mac_2": terms.mac_2,
        "th_3": terms.th_3,
        "k_3": k_3,
        "iv_3": iv_3,
        "plaintext_3": terms.plaintext_3,
        "prk_4e3m": terms.prk_4e3m,
        "mac_3": terms.mac_3,
        "th_4": terms.th_4,
        "k_4": k_4,
        "iv_4": iv_4,
        "plaintext_4": plaintext_4,
        "prk_out": terms.prk_out,
        "prk_exporter": terms.prk_exporter,
    }
    found = {name: octets(run.value(term)) for name, term in named.items()}
    plaintext: bytes = run.value(terms.plaintext_2)
    ciphertext_2 = terms.message_2.args[0].args[1]
    return {**found, "keystream_2": octets(keystream(run, ciphertext_2, len(plaintext)))}


def transcript(exchanged: tuple[bytes, ...]) -> dict[str, Json]:
    """Messages as input."""
    return {f"message_{number}": octets(data) for number, data in enumerate(exchanged, 1)}


def _valid(method: int, suite: int, field: str, operator: str, ead: Mapping[int, bytes] | None = None) -> Vector:
    ends = pair(method, suite, ead)
    exchanged = complete(*ends)
    comment = "a whole handshake with its intermediate values"
    return Vector("EDH-01", field, operator, True, comment, transcript(exchanged), intermediates(ends[0]))


def refusal(method: int, suite: int, number: int, sent: bytes) -> str | None:
    """The check by which the receiver answers an altered message; None if it takes it."""
    ends = pair(method, suite)
    to = ends[0].start()
    for position, receiver in enumerate((ends[1], ends[0], ends[1], ends[0]), 1):
        if position == number:
            return _judged(receiver, sent)
        to = receiver.receive(to)
    return None


def _judged(receiver: BareEnd, sent: bytes) -> str | None:
    try:
        receiver.receive(sent)
    except CheckFailed as failure:
        return failure.check.name
    except GrammarError:
        return "edhoc_message_is_deterministic"
    except UnknownCredential:
        return UNKNOWN
    return None


# --- faults ----------------------------------------------------------------------------------------------------------

Sent = tuple[str, str, int, bytes, str]
"""Field, operator, number of the message, its octets, and a word on it."""


def _altered(method: int, suite: int) -> Iterator[Sent]:
    """Every field of every message, by every operator that fits."""
    initiator, responder = pair(method, suite)
    complete(initiator, responder)
    m = messages(method)
    for number, message in enumerate((m.message_1, m.message_2, m.message_3, m.message_4), 1):
        sender = initiator if number % 2 else responder
        for field in fields(message, message.sender):
            for name, change in operators(field.term).items():
                data = altered(sender.run, message.term, field.path, change)
                yield field.name, name, number, data, "changed before what stands around it was protected"


def _bent(exchanged: tuple[bytes, ...]) -> Iterator[Sent]:
    """Octets of messages changed on the way, nothing made anew."""
    for number, data in enumerate(exchanged, 1):
        name, last = f"message_{number}", len(data) - 1
        for where, at in {"head": 0, "first": min(2, last), "middle": last // 2, "last": last}.items():
            yield f"{name} {where} octet", "bit-flipped", number, one_bit_other(data, at), "one bit the other way"
        yield name, "truncated", number, data[:-1], "the last octet is missing"
        yield name, "trailing-octet", number, data + b"\x00" * (number != 1) + b"\x40" * (number == 1), "octets follow"
        yield name, "emptied", number, b"", "nothing at all"
        yield name, "prepended", number, b"\xf5" + data, "prepended with true, as over CoAP (RFC 9528 appendix A.2)"


def _critical(method: int, suite: int) -> Iterator[Sent]:
    for number in (1, 2, 3, 4):
        for name, item in CRITICAL.items():
            exchanged = _as_far_as(number, pair(method, suite, {number: item}))
            yield f"EAD_{number}", name, number, exchanged, "a critical item that nobody knows"


def _as_far_as(number: int, ends: tuple[BareEnd, BareEnd]) -> bytes:
    """The message of that number, sent by ends of which a receiver refuses nothing before it."""
    to = ends[0].start()
    for position, receiver in enumerate((ends[1], ends[0], ends[1], ends[0]), 1):
        if position == number:
            break
        to = receiver.receive(to)
    return to


def _lied(method: int, suite: int) -> Iterator[Sent]:
    """What a sender gets who computes something otherwise than the RFC says."""
    honest = pair(method, suite)
    complete(*honest)
    for lie in edhoc_lies.lies(*honest):
        ends = pair(method, suite)
        sender = ends[0] if lie.message % 2 else ends[1]
        sender.run.pinned = dict(lie.pinned)
        yield lie.field, lie.operator, lie.message, _as_far_as(lie.message, ends), lie.comment


def _bad_shares(suite: int) -> Iterator[Sent]:
    """Shares that are none; the secret is what a peer without validation would compute."""
    for name, share in edhoc_lies.bad_shares(suite).items():
        initiator, _ = pair(0, suite)
        initiator.run.pinned = {handshake(0).message_1.args[2].args[0]: share}
        yield "G_X", name, 1, initiator.start(), "a share that anybody can know the secret of, or none at all"
        initiator, responder = pair(0, suite)
        message_1 = initiator.start()
        secret = SUITES[suite].curve.exchange_unvalidated(initiator.run.value(X).private, share)
        g_y = next(term for term in dependents(Y) if term.op == "slot" and term.label == "G_Y")
        responder.run.pinned = {g_y: share, G_XY: secret}
        yield (
            "G_Y",
            name,
            2,
            responder.receive(message_1),
            "a share that anybody can know the secret of, or none at all",
        )


def _invalid(
    method: int, suite: int, exchanged: tuple[bytes, ...], sent: Iterator[Sent], *, must: bool
) -> Iterator[Vector]:
    for field, operator, number, data, comment in sent:
        judged = refusal(method, suite, number, data)
        if judged is None:
            if must and data != exchanged[number - 1]:
                raise GeneratorError(f"{field} {operator}, method {method}, suite {suite}: accepted")
            continue
        input_ = transcript((*exchanged[: number - 1], data))
        needed, said = (
            ("IDN-19", UNAVAILABLE) if judged == UNKNOWN else (requirement(judged), refusals(judged, handshake=True))
        )
        yield Vector(needed, field, operator, False, comment, input_, refusals=said)


def _group(method: int, suite: int) -> Group:
    keys, full = _keys(method, suite), (method, suite) in IN_FULL
    ends = pair(method, suite)
    exchanged = complete(*ends)
    vectors = [_valid(method, suite, "handshake", "honest")]
    for number in (1, 2, 3, 4) if full else ():
        vectors += [_valid(method, suite, f"EAD_{number}", name, {number: item}) for name, item in EADS.items()]
    faults = partial(_invalid, method, suite, exchanged)
    if method == 0 or suite == 2:
        vectors += faults(_lied(method, suite), must=True)
    if full:
        vectors += [*faults(_altered(method, suite), must=False), *faults(_bent(exchanged), must=False)]
        vectors += faults(_critical(method, suite), must=True)
    if method == 0:
        vectors += faults(_bad_shares(suite), must=True)
    common = {
        "method": method,
        "suites": [suite],
        "credentials": _credentials(keys),
        "x": octets(ends[0].run.value(X).private),
        "y": octets(ends[1].run.value(Y).private),
    }
    return Group(f"method-{method}-suite-{suite}", "edhoc", SOURCE, tuple(vectors), common)


def _groups() -> Iterator[Group]:
    for method in AUTHENTICATION:
        for suite in SUITES:
            yield _group(method, suite)
    yield from edhoc_published.groups()


AREA = Area(
    "edhoc", "An EDHOC handshake as both ends see it, as far as it went: all values, or a message to refuse.", _groups
)
