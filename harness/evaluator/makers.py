"""Terms to octets: the implementation of every symbol, and of structure."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from ...model.terms import Term
from ..codec.cbor import ARRAY, MAP, TAG, bstr, decode, encode, head, split_sequence, unbstr
from ..crypto.curves import EphemeralKey
from ..crypto.errors import CryptoError
from .errors import Unbound
from .registry import makes
from .run import Run

KID_ALONE = b"\xa1\x04"
"""How the header map starts that holds a kid (4) and nothing else, in the one deterministic encoding."""


# --- leaves and structure --------------------------------------------------------------------------------------------


@makes("slot")
def _slot(run: Run, term: Term) -> Any:
    way = term.defs.get(run.role) or term.means
    if way is None:
        raise Unbound(f"{run.role} has no value for {term.label}")
    return run.value(way)


@makes("name")
def _name(run: Run, term: Term) -> Any:
    label = term.label
    try:
        return run.provider.given(label)
    except KeyError as error:
        if label in ("x", "y"):
            return run.suite.curve.ephemeral(run.rng)
        raise Unbound(f"{run.role} was not given {label}") from error


@cache
def _constant(term: Term) -> bytes:
    return encode(term.params[1])


@makes("const")
def _const(run: Run, term: Term) -> bytes:
    return _constant(term)


@makes("octets")
def _octets(run: Run, term: Term) -> Any:
    return term.params[0]


@makes("seq")
@makes("concat")
def _concat(run: Run, term: Term) -> bytes:
    return b"".join(map(run.value, term.args))


@makes("array")
def _array(run: Run, term: Term) -> bytes:
    return head(ARRAY, len(term.args)) + b"".join(map(run.value, term.args))


@makes("bstr")
def _bstr(run: Run, term: Term) -> bytes:
    return bstr(run.value(term.args[0]))


@makes("tag")
def _tag(run: Run, term: Term) -> bytes:
    number = term.params[0]
    assert isinstance(number, int)
    return head(TAG, number) + bytes(run.value(term.args[0]))


@cache
def map_keys(term: Term) -> tuple[tuple[bytes, bool], ...]:
    """Encoded keys of a map template in the order of its arguments, and whether each may be absent."""
    required, optional, _ = term.params
    assert isinstance(required, tuple) and isinstance(optional, tuple)
    return tuple((encode(k), False) for k in required) + tuple((encode(k), True) for k in optional)


def has_rest(term: Term) -> bool:
    """Whether a map template binds further keys with its last argument."""
    return bool(term.params[2])


@makes("map")
def _map(run: Run, term: Term) -> bytes:
    values = [run.value(a) for a in term.args]
    if has_rest(term):
        further = split_sequence(values.pop(), rules=run.rules)
        entries = [(key, value) for (key, _), value in zip(map_keys(term), values, strict=True) if value != b""]
        present = sorted([*entries, *zip(further[::2], further[1::2], strict=True)])
    else:
        present = [(key, values[at]) for key, at in _in_order(term) if values[at] != b""]
    return head(MAP, len(present)) + b"".join([part for pair in present for part in pair])


@cache
def _in_order(term: Term) -> tuple[tuple[bytes, int], ...]:
    """Encoded keys of a map template in the order of the encoding, and the argument of each."""
    return tuple(sorted((key, at) for at, (key, _) in enumerate(map_keys(term))))


# --- hashing and keys ------------------------------------------------------------------------------------------------


@makes("hash")
def _hash(run: Run, term: Term) -> bytes:
    return run.suite.hash(run.value(term.args[0]))


@makes("sha256")
def _sha256(run: Run, term: Term) -> bytes:
    return hashlib.sha256(run.value(term.args[0])).digest()


@makes("extract")
def _extract(run: Run, term: Term) -> bytes:
    return run.suite.extract(run.value(term.args[0]), run.value(term.args[1]))


@makes("kdf")
def _kdf(run: Run, term: Term) -> bytes:
    label: Any
    length: Any
    label, length = term.params
    prk, context = run.value(term.args[0]), run.value(term.args[1])
    derive = run.suite.expand_label if isinstance(label, str) else run.suite.edhoc_kdf
    return derive(prk, label, context, run.length(length))


@makes("export")
def _export(run: Run, term: Term) -> bytes:
    label: Any
    length: Any
    label, length = term.params
    return run.exporter(run, run.value(term.args[0]), label, run.value(term.args[1]), length)


# --- Diffie-Hellman --------------------------------------------------------------------------------------------------


@makes("share")
def _share(run: Run, term: Term) -> bytes:
    key: EphemeralKey = run.value(term.args[0])
    return key.share


@makes("dh")
def _dh(run: Run, term: Term) -> bytes:
    """A share that does not validate gives no secret; with its check off, the weak twin of the curve."""
    key: EphemeralKey = run.value(term.args[0])
    share: bytes = run.value(term.args[1])
    try:
        return key.exchange(share)
    except CryptoError:
        return run.suite.curve.exchange_unvalidated(key.private, share)


# --- encryption ------------------------------------------------------------------------------------------------------


def keystream(run: Run, term: Term, length: int) -> bytes:
    """KEYSTREAM_2 of `length` octets (RFC 9528 section 5.3.2)."""
    return run.suite.edhoc_kdf(run.value(term.args[0]), 0, run.value(term.args[1]), length)


def xor(left: bytes, right: bytes) -> bytes:
    """Octets of equal length, XORed."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


@makes("stream")
def _stream(run: Run, term: Term) -> bytes:
    plaintext: bytes = run.value(term.args[2])
    return xor(plaintext, keystream(run, term, len(plaintext)))


@makes("aead")
def _aead(run: Run, term: Term) -> bytes:
    key, nonce, aad, plaintext = map(run.value, term.args)
    return run.suite.aead.seal(key, nonce, aad, plaintext)


@makes("sign")
def _sign(run: Run, term: Term) -> bytes:
    signer = run.value(term.args[0])
    signature: bytes = signer(run.value(term.args[1]))
    return signature


# --- credentials -----------------------------------------------------------------------------------------------------


@makes("compact")
def _compact(run: Run, term: Term) -> bytes:
    id_cred: bytes = run.value(term.args[0])
    return compact_identifier(unbstr(id_cred[2:])) if id_cred.startswith(KID_ALONE) else id_cred


def compact_identifier(identifier: bytes) -> bytes:
    """bstr_identifier: an octet that encodes an integer -24..23 is that integer (RFC 9528 section 3.3.2)."""
    if len(identifier) == 1 and (identifier[0] < 0x18 or 0x20 <= identifier[0] < 0x38):
        return identifier
    return bstr(identifier)


def _looked_up(symbol: str) -> None:
    def make(run: Run, term: Term) -> Any:
        return run.provider.look_up(symbol, run.value(term.args[0]))

    makes(symbol)(make)


for _symbol in (
    "cred",
    "public_key",
    "static_share",
    "leaf_digest",
    "cose_key",
    "device_id",
    "chain_key",
    "chain_digest",
    "authority_key",
    "property_proofs",
):
    _looked_up(_symbol)


# --- small arithmetic ------------------------------------------------------------------------------------------------

REQUIRES_EVIDENCE, PRESENTS_WAIVER = 1, 2


@makes("direction")
def _direction(run: Run, term: Term) -> bytes:
    asks, offers = (decode(run.value(a), rules=run.rules) for a in term.args)
    if not asks & REQUIRES_EVIDENCE:
        return encode(0)
    return encode(2 if offers & PRESENTS_WAIVER else 1)


@makes("succ")
def _succ(run: Run, term: Term) -> bytes:
    return encode(decode(run.value(term.args[0]), rules=run.rules) + 1)


@makes("present")
def _present(run: Run, term: Term) -> bytes:
    return encode(run.value(term.args[0]) != b"")
