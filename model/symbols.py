"""Function symbols: the algebra beside the contract of their bytes.

Each symbol is declared once. The prover reads the algebra (who can build it, who can open it, what an attacker gains
when the receiver does not verify); the harness registers an implementation that keeps the byte contract, and a
missing one fails when the harness is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .terms import Sort, Term, apply

HASH = Sort("hash", "hash")
DIGEST = Sort("digest", 32)
SHARE = Sort("share", "share")
SIGNATURE = Sort("signature", "signature")
SIGNATURE_64 = Sort("signature_64", 64)
MAC = Sort("mac", "mac")
SECRET = Sort("secret", "handle")
"""A private key or exponent: never octets, always a handle that its owner can use."""


@dataclass(frozen=True, slots=True)
class Opening:
    """With the arguments at `needs`, the argument at `yields` comes out."""

    yields: int
    needs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One function symbol.

    `arity` counts term arguments. `opens` says how it is taken apart. `builds` lists the arguments that an attacker
    needs in order to make one (all of them, unless said otherwise). `weak` lists what an attacker needs to make one
    that passes when the receiver's verification is switched off (the weak twin). `matches` says
    whether the harness must register a matcher beside the maker.
    """

    name: str
    arity: int
    contract: str
    opens: tuple[Opening, ...] = ()
    builds: tuple[int, ...] | None = None
    weak: tuple[int, ...] | None = None
    matches: bool = False


SYMBOLS: dict[str, Symbol] = {}
"""All declared symbols by name; structure (`seq`, `array`, ...) is not a symbol."""


def _declare(symbol: Symbol) -> None:
    SYMBOLS[symbol.name] = symbol


_declare(Symbol("hash", 1, "the EDHOC hash of the suite over the octets (RFC 9528 section 3.6)"))
_declare(Symbol("sha256", 1, "SHA-256 over the octets, 32 bytes, whatever the suite"))
_declare(Symbol("extract", 2, "EDHOC_Extract(salt, IKM), RFC 9528 section 4.1.1"))
_declare(
    Symbol(
        "kdf",
        2,
        "EDHOC_KDF(PRK, label, context, length), RFC 9528 section 4.1.2; with a text as label HKDF-Expand-Label of"
        " RFC 9846 section 7.1; params: label, length",
    )
)
_declare(
    Symbol(
        "export",
        2,
        "exporter of the channel; args: channel secret, context octets; params: label, length. EDHOC_Exporter of"
        " RFC 9528 section 4.2.1, or TLS-Exporter of RFC 9846 section 7.5",
    )
)
_declare(Symbol("share", 1, "public share of an exponent; x-coordinate for the NIST curves"))
_declare(Symbol("dh", 2, "ECDH shared secret of an exponent and a share"))
_declare(
    Symbol(
        "sign",
        2,
        "COSE signature, r||s or Ed25519, over the octets; args: private key, message; params: algorithm or 'suite'",
        opens=(Opening(1, ()),),
    )
)
_declare(
    Symbol(
        "stream",
        3,
        "XOR with KEYSTREAM_2 = EDHOC_KDF(PRK_2e, 0, TH_2, length), RFC 9528 section 5.3.2: malleable, no integrity",
        opens=(Opening(2, (0, 1)),),
        weak=(2,),
        matches=True,
    )
)
_declare(
    Symbol(
        "aead",
        4,
        "EDHOC AEAD of the suite; args: key, nonce, external_aad, plaintext (RFC 9528 section 5.4.2)",
        opens=(Opening(3, (0, 1)),),
        weak=(3,),
        matches=True,
    )
)
_declare(
    Symbol(
        "seal",
        2,
        "a frame in the protected stream of the channel; args: traffic key, frame; params: direction. The record layer"
        " numbers, encrypts and authenticates (specification, EDHOC binding)",
        opens=(Opening(1, (0,)),),
        weak=(1,),
    )
)
_declare(
    Symbol(
        "compact",
        1,
        "ID_CRED_x in a plaintext: a map of kid alone becomes its value, RFC 9528 section 3.5.3.2",
        opens=(Opening(0, ()),),
        matches=True,
    )
)
_declare(Symbol("cred", 1, "CRED_x that ID_CRED_x identifies: for X.509 a byte string of the leaf's DER"))
_declare(Symbol("public_key", 1, "signature verification key in CRED_x"))
_declare(Symbol("static_share", 1, "static Diffie-Hellman share in CRED_x"))
_declare(Symbol("leaf_digest", 1, "SHA-256 of the DER leaf in CRED_x, 32 bytes"))
_declare(Symbol("cose_key", 1, "the key in CRED_x as a COSE_Key map (RFC 9052 section 7)"))
_declare(Symbol("device_id", 1, "UEID of the platform that CRED_x names, as a CBOR byte string"))
_declare(Symbol("chain_key", 1, "verification key of the first certificate of an x5chain (RFC 9360)"))
_declare(Symbol("chain_digest", 1, "COSE x5t [-16, SHA-256] of the first certificate of an x5chain"))
_declare(Symbol("authority_key", 1, "verification key of the pinned authority that an x5t names"))
_declare(
    Symbol(
        "property_proofs", 1, "proofs of properties for a commitment token, from its opening; an array of byte strings"
    )
)
_declare(Symbol("direction", 2, "from the flags of relying party and attester: attests, waived or not required"))
_declare(Symbol("succ", 1, "the next unsigned integer, as a CBOR item"))
_declare(Symbol("present", 1, "whether an optional item is there, as a CBOR boolean"))


def hash_(data: Term) -> Term:
    """`H(data)` with the suite's EDHOC hash."""
    return apply("hash", data)


def sha256(data: Term) -> Term:
    """SHA-256, 32 bytes."""
    return apply("sha256", data)


def extract(salt: Term, ikm: Term) -> Term:
    """EDHOC_Extract."""
    return apply("extract", salt, ikm)


def kdf(prk: Term, label: int | str, context: Term, length: int | str) -> Term:
    """EDHOC_KDF; `length` in octets or the name of a suite length (`hash`, `mac`, `key`, `nonce`)."""
    return apply("kdf", prk, context, params=(label, length))


def export(secret: Term, label: int, context: Term, length: int | str) -> Term:
    """Exporter of the established channel, whatever the binding."""
    return apply("export", secret, context, params=(label, length))


def share(exponent: Term) -> Term:
    """Public share of `exponent`."""
    return apply("share", exponent)


def dh(exponent: Term, peer_share: Term) -> Term:
    """Diffie-Hellman shared secret."""
    return apply("dh", exponent, peer_share)


def sign(key: Term, message: Term, algorithm: str = "ES256") -> Term:
    """Signature; `algorithm` is `suite` where the cipher suite chooses."""
    return apply("sign", key, message, params=(algorithm,))


def stream(prk_2e: Term, th_2: Term, plaintext: Term) -> Term:
    """CIPHERTEXT_2."""
    return apply("stream", prk_2e, th_2, plaintext)


def aead(key: Term, nonce: Term, aad: Term, plaintext: Term, check: str) -> Term:
    """AEAD ciphertext; `check` names the check that its tag verifies."""
    return apply("aead", key, nonce, aad, plaintext, params=(check,))


def seal(key: Term, frame: Term, direction: str) -> Term:
    """A frame inside the protected channel; `direction` is the sender's letter, `I` or `R`."""
    return apply("seal", key, frame, params=(direction,))


def unary(symbol: str, argument: Term) -> Term:
    """Application of a declared symbol of one argument.

    Raises:
        KeyError: no such symbol.
    """
    if SYMBOLS[symbol].arity != 1:
        raise ValueError(f"{symbol} takes {SYMBOLS[symbol].arity} arguments")
    return apply(symbol, argument)


def direction(flags_of_relying_party: Term, flags_of_attester: Term) -> Term:
    """How one direction of attestation goes: `NOT_REQUIRED`, `ATTESTS` or `WAIVED`."""
    return apply("direction", flags_of_relying_party, flags_of_attester)


def structural() -> frozenset[str]:
    """Operators that are structure and leaves: transparent to everybody."""
    return frozenset({"const", "octets", "name", "slot", "seq", "array", "map", "bstr", "tag", "concat"})


def matched(term: Term) -> tuple[Term, ...]:
    """Arguments that a receiver takes apart: all of structure, of a symbol what an opening yields."""
    if term.op in structural():
        return () if term.op == "slot" else term.args
    symbol = SYMBOLS[term.op]
    return tuple(term.args[o.yields] for o in symbol.opens) if symbol.matches else ()


@cache
def received_slots(pattern: Term) -> tuple[Term, ...]:
    """Slots that matching `pattern` binds, left to right: meanings are not entered."""
    if pattern.op == "slot":
        return (pattern,)
    return tuple(s for argument in matched(pattern) for s in received_slots(argument))
