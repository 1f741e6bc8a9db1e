"""TPM evidence as no honest platform would make it: tales for the tester's trust anchor module, by the check they meet.

The terms are asked for only when a test is played: whoever speaks no TPM evidence shall not pay for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ...model.terms import Term
from ..bits import one_bit_other
from ..codec import cbor
from ..identity.keys import derive_key
from ..identity.tpm_emulation import REGISTERS
from ..tpm.event_log import IPL, NO_ACTION, POST_CODE, LogEvent, read_log, write_log
from ..tpm.keys import AK_ATTRIBUTES, IDK_ATTRIBUTES
from ..tpm.structures import (
    SHA1,
    SHA256,
    SHA384,
    Attribute,
    read_public,
    sized,
    write_public,
    write_selections,
    write_signature,
)
from .peer import TesterEndpoint

if TYPE_CHECKING:
    from ...model.protocol.tpm import Attested, Bundle

Tell = Callable[["Bundle"], Mapping[Term, Any]]
Values = dict[int, dict[int, bytes]]
"""PCR values by bank and index."""
_OTHER = derive_key(b"conformance", "a key of nobody")


@dataclass(frozen=True, slots=True)
class TpmFault:
    """The check that must meet it, and what the module tells."""

    check: str
    tell: Tell


# --- parts -----------------------------------------------------------------------------------------------------------


def _bit(peer: TesterEndpoint, honest: bytes) -> bytes:
    return one_bit_other(honest)


def _in(which: str, part: Callable[[Attested], Term], value: Any) -> Tell:
    """Another value in the quote, or in the certification."""
    return lambda bundle: {part(getattr(bundle, which)): value}


def _with(octets: bytes, attributes: int) -> bytes:
    return write_public(read_public(octets).key, attributes)


def _with_attributes(attributes: int) -> Callable[[TesterEndpoint, bytes], bytes]:
    return lambda peer, honest: _with(honest, attributes)


def _identity(public: Callable[[bytes], bytes]) -> Tell:
    """Another public area of the identity key, and its name certified."""

    def certified(bundle: Bundle) -> Callable[[TesterEndpoint, bytes], bytes]:
        return lambda peer, honest: sized(read_public(peer.tam.run.value(bundle.idk_public)).name) + honest[36:]

    return lambda b: {b.idk_public: lambda peer, honest: public(honest), b.certification.attested: certified(b)}


def _values(peer: TesterEndpoint) -> dict[int, bytes]:
    module = peer.world.tam.module
    assert module is not None
    return module.pcrs()


def quoted(values: Values, selections: Iterable[tuple[int, Iterable[int]]]) -> bytes:
    """TPMS_QUOTE_INFO over these values in the order of the selections."""
    chosen = [(bank, tuple(indices)) for bank, indices in selections]
    digest = sha256(b"".join(values[bank][index] for bank, indices in chosen for index in indices)).digest()
    return write_selections(chosen) + sized(digest)


def _quoting(values: Callable[[dict[int, bytes]], Values], *selections: tuple[int, Iterable[int]]) -> Tell:
    """Other values quoted and shown, without a log."""
    return lambda b: {
        b.quote.attested: lambda peer, honest: quoted(values(_values(peer)), selections),
        b.pcrs: lambda peer, honest: cbor.encode(values(_values(peer))),
        b.log: b"",
    }


def _showing(change: Callable[[dict[int, bytes]], dict[int, bytes]]) -> Tell:
    """Other values shown than were quoted, without a log."""
    return lambda b: {b.pcrs: lambda peer, honest: cbor.encode({SHA256: change(_values(peer))}), b.log: b""}


def _hiding(index: int) -> Tell:
    """Another value quoted than is shown: the one that the relying party wants to see."""
    return lambda b: {b.quote.attested: holding_another(index)}


def holding_another(index: int) -> Callable[[Any, bytes], bytes]:
    """What a quote attests: another value in a register."""
    return lambda peer, honest: quoted({SHA256: {**_values(peer), index: bytes(32)}}, [(SHA256, REGISTERS)])


def without(*left: int) -> Callable[[Any, bytes], bytes]:
    """What a quote attests: the registers but some."""
    kept = [index for index in REGISTERS if index not in left]
    return lambda peer, honest: quoted({SHA256: _values(peer)}, [(SHA256, kept)] if kept else [])


def _quoting_more(values: dict[int, bytes]) -> bytes:
    return quoted({SHA256: {**values, 23: bytes(32)}}, [(SHA256, (*REGISTERS, 23))])


def _logged(change: Callable[[tuple[LogEvent, ...]], Iterable[LogEvent]]) -> Tell:
    return lambda b: {b.log: lambda peer, honest: cbor.encode(write_log(change(read_log(cbor.decode(honest)))))}


def _retyped(events: tuple[LogEvent, ...]) -> tuple[LogEvent, ...]:
    last = events[-1]
    return (*events[:-1], LogEvent(last.pcr, POST_CODE, last.digest, last.text))


def _shifting(bundle: Bundle) -> Mapping[Term, Any]:
    """Two further registers quoted, and the octets of both shown as the value of one."""
    held, shown = {16: bytes(32), 23: b"\xff" * 32}, {16: bytes(32) + b"\xff" * 32, 23: b""}
    return {
        bundle.quote.attested: lambda peer, honest: quoted(
            {SHA256: {**_values(peer), **held}}, [(SHA256, (*REGISTERS, *held))]
        ),
        bundle.pcrs: lambda peer, honest: cbor.encode({SHA256: {**_values(peer), **shown}}),
        bundle.log: b"",
    }


def _descending(values: dict[int, bytes]) -> bytes:
    digest = sha256(b"".join(values[index] for index in reversed(REGISTERS))).digest()
    return write_selections([(SHA256, REGISTERS)]) + sized(digest)


def _attested_with(attributes: int) -> Tell:
    return lambda b: {b.ak_public: _with_attributes(attributes)}


def _identified_with(attributes: int) -> Tell:
    return _identity(lambda octets: _with(octets, attributes))


def _holding(index: int) -> Tell:
    """One register with another value, quoted and shown."""
    return _quoting(lambda values: {SHA256: {**values, index: bytes(32)}}, (SHA256, REGISTERS))


# --- faults ----------------------------------------------------------------------------------------------------------


def _attestation_key() -> dict[str, TpmFault]:
    bits = {
        "not-restricted": AK_ATTRIBUTES & ~Attribute.RESTRICTED,
        "not-for-signing": AK_ATTRIBUTES & ~Attribute.SIGN,
        "not-fixed": AK_ATTRIBUTES & ~Attribute.FIXED_TPM,
        "for-decryption-too": AK_ATTRIBUTES | Attribute.DECRYPT,
    }
    other = write_public(_OTHER.public_key(), AK_ATTRIBUTES)
    faults = {f"ak-{name}": TpmFault("tpm_ak_is_restricted", _attested_with(value)) for name, value in bits.items()}
    faults["ak-public-area-of-another-key"] = TpmFault("tpm_ak_is_the_certified_one", lambda b: {b.ak_public: other})
    return faults


def _structures() -> dict[str, TpmFault]:
    """The same faults of quote and certification."""
    parts: dict[str, tuple[str, Callable[[Attested], Term], Any]] = {
        "signature-bit": ("signature_verifies", lambda a: a.signature, _bit),
        "signature-zero": ("signature_verifies", lambda a: a.signature, write_signature(bytes(64))),
        "signature-of-another-scheme": (
            "signature_verifies", lambda a: a.signature, lambda peer, honest: b"\x00\x14" + honest[2:],
        ),
        "magic-of-nobody": ("is_generated", lambda a: a.magic, b"\x00TCG"),
        "magic-reversed": ("is_generated", lambda a: a.magic, b"GCT\xff"),
        "extra-zero": ("is_over_the_binder", lambda a: a.extra, sized(bytes(32))),
        "extra-bit": ("is_over_the_binder", lambda a: a.extra, _bit),
    }  # fmt: skip
    faults = dict[str, TpmFault]()
    for which in ("quote", "certification"):
        for name, (check, part, value) in parts.items():
            faults[f"{which}-{name}"] = TpmFault(f"tpm_{which}_{check}", _in(which, part, value))
        by_identity = TpmFault(f"tpm_{which}_signature_verifies", _by_identity(which))
        faults[f"{which}-signature-by-the-identity-key"] = by_identity
    faults |= {
        "quote-typed-as-certification": TpmFault("tpm_quote_is_a_quote", lambda b: {b.quote.type: b"\x80\x17"}),
        "quote-typed-as-time": TpmFault("tpm_quote_is_a_quote", lambda b: {b.quote.type: b"\x80\x19"}),
        "certification-typed-as-quote": TpmFault(
            "tpm_certification_is_one", lambda b: {b.certification.type: b"\x80\x18"}
        ),
        "certification-typed-as-creation": TpmFault(
            "tpm_certification_is_one", lambda b: {b.certification.type: b"\x80\x1a"}
        ),
    }
    return faults


def _by_identity(which: str) -> Tell:
    def told(bundle: Bundle) -> Mapping[Term, Any]:
        part: Attested = getattr(bundle, which)

        def signature(peer: TesterEndpoint, honest: bytes) -> bytes:
            return write_signature(peer.world.tam.sign_identity(peer.tam.run.value(part.term)))

        return {part.signature: signature}

    return told


def _signed_by(begin: bytes) -> Tell:
    """Both structures with a qualified signer that begins so."""

    def signer(peer: TesterEndpoint, honest: bytes) -> bytes:
        return begin + honest[len(begin) :]

    return lambda b: {b.quote.signer: signer, b.certification.signer: signer}


def _agreement() -> dict[str, TpmFault]:
    """A quote of one TPM, or of one start, beside a certification of another."""
    other = sized(read_public(write_public(_OTHER.public_key(), AK_ATTRIBUTES)).name)
    return {
        "signer-named-by-sha-1": TpmFault("tpm_signer_is_a_name", _signed_by(b"\x00\x16\x00\x04")),
        "signer-named-by-another-hash": TpmFault("tpm_signer_is_a_name", _signed_by(b"\x00\x22\x00\x12")),
        "certification-by-another-tpm": TpmFault("tpm_signers_agree", lambda b: {b.certification.signer: other}),
        "quote-by-another-tpm": TpmFault("tpm_signers_agree", lambda b: {b.quote.signer: other}),
        "certification-before-a-reset": TpmFault("tpm_reset_counts_agree", lambda b: {b.certification.reset: bytes(4)}),
        "certification-after-a-restart": TpmFault(
            "tpm_restart_counts_agree", lambda b: {b.certification.restart: bytes(3) + b"\x01"}
        ),
        "certification-of-other-firmware": TpmFault(
            "tpm_firmware_agrees", lambda b: {b.certification.firmware: bytes(8)}
        ),
    }


def _registers() -> dict[str, TpmFault]:
    def sha256_of(values: dict[int, bytes]) -> Values:
        return {SHA256: values}

    covers, digest, match, whole = (
        "tpm_quote_covers_the_policy", "tpm_quoted_digest_is_recomputed", "tpm_pcrs_match_reference_values",
        "tpm_pcr_values_are_whole",
    )  # fmt: skip
    faults = {
        f"without-pcr-{left}": TpmFault(covers, _quoting(sha256_of, (SHA256, [i for i in REGISTERS if i != left])))
        for left in REGISTERS
    }
    faults |= {f"pcr-{index}-other": TpmFault(match, _holding(index)) for index in REGISTERS}
    faults |= {f"pcr-{index}-other-than-quoted": TpmFault(digest, _hiding(index)) for index in REGISTERS}
    faults |= {
        "bank-of-sha-1-too": TpmFault(
            "tpm_quote_has_no_weak_bank",
            _quoting(lambda v: {SHA1: {0: bytes(20)}, SHA256: v}, (SHA1, [0]), (SHA256, REGISTERS)),
        ),
        "bank-of-sha-384-alone": TpmFault(
            covers, _quoting(lambda v: {SHA384: {i: bytes(48) for i in v}, SHA256: v}, (SHA384, REGISTERS))
        ),
        "nothing-quoted": TpmFault("tpm_quote_has_no_weak_bank", _quoting(sha256_of)),
        "digest-bit": TpmFault(digest, lambda b: {b.quote.attested: _bit}),
        "digest-in-another-order": TpmFault(
            digest, lambda b: {b.quote.attested: lambda peer, honest: _descending(_values(peer))}
        ),
        "value-of-a-further-register-missing": TpmFault(
            digest, lambda b: {b.quote.attested: lambda peer, honest: _quoting_more(_values(peer))}
        ),
        "octets-of-a-register-shown-as-its-neighbours": TpmFault(whole, _shifting),
        "bank-selected-twice": TpmFault(whole, _quoting(sha256_of, (SHA256, REGISTERS), (SHA256, REGISTERS[:1]))),
        "value-missing": TpmFault(digest, _showing(lambda v: {i: v[i] for i in REGISTERS[:-1]})),
    }
    return faults


def _logs() -> dict[str, TpmFault]:
    check, types = "tpm_log_replays", "tpm_event_types_are_expected"
    return {
        "event-retyped": TpmFault(types, _logged(_retyped)),
        "event-missing": TpmFault(check, _logged(lambda events: events[:-1])),
        "event-twice": TpmFault(check, _logged(lambda events: (*events, events[-1]))),
        "event-other": TpmFault(check, _logged(lambda e: (*e[:-1], LogEvent(11, IPL, bytes(32))))),
        "event-without-action": TpmFault(types, _logged(lambda e: (*e, LogEvent(11, NO_ACTION, bytes(32))))),
        "event-in-another-register": TpmFault(check, _logged(lambda e: (*e[:-1], LogEvent(8, IPL, e[-1].digest)))),
        "log-of-nothing": TpmFault(check, _logged(lambda events: ())),
        "log-cut": TpmFault(types, lambda b: {b.log: lambda p, honest: cbor.encode(cbor.decode(honest)[:-1])}),
    }


def _identity_key() -> dict[str, TpmFault]:
    lost = {
        "not-for-signing": Attribute.SIGN,
        "not-fixed-in-its-tpm": Attribute.FIXED_TPM,
        "not-fixed-below-its-parent": Attribute.FIXED_PARENT,
        "made-outside": Attribute.SENSITIVE_DATA_ORIGIN,
    }
    kept = "tpm_identity_key_is_kept"
    faults = {f"idk-{name}": TpmFault(kept, _identified_with(IDK_ATTRIBUTES & ~bit)) for name, bit in lost.items()}
    name = "tpm_certified_name_is_the_identity_key"
    faults |= {
        "idk-restricted": TpmFault(kept, _identified_with(IDK_ATTRIBUTES | Attribute.RESTRICTED)),
        "idk-of-another-key": TpmFault(
            "tpm_identity_key_is_the_leafs", _identity(lambda o: write_public(_OTHER.public_key(), IDK_ATTRIBUTES))
        ),
        "certified-another-key": TpmFault(name, lambda b: {b.certification.attested: _certifying_itself(b)}),
        "certified-other-attributes": TpmFault(
            name, lambda b: {b.idk_public: _with_attributes(IDK_ATTRIBUTES | Attribute.NO_DA << 1)}
        ),
    }
    return faults


def _certifying_itself(bundle: Bundle) -> Callable[[TesterEndpoint, bytes], bytes]:
    return lambda peer, honest: sized(read_public(peer.tam.run.value(bundle.ak_public)).name) + honest[36:]


FAULTS: dict[str, TpmFault] = {
    **_attestation_key(), **_structures(), **_agreement(), **_registers(), **_logs(), **_identity_key(),
}  # fmt: skip
"""Bundles with one thing wrong, by what it is."""

GOOD: dict[str, Tell] = {
    "no-log": lambda b: {b.log: b""},
    "clock-far-ahead": lambda b: {b.quote.clock: b"\xff" * 8},
    "clock-not-safe": lambda b: {b.quote.safe: b"\x00"},
    "further-register": _quoting(lambda v: {SHA256: {**v, 23: bytes(32)}}, (SHA256, (*REGISTERS, 23))),
    "further-bank": _quoting(
        lambda v: {SHA384: {0: bytes(48)}, SHA256: v}, (SHA384, [0]), (SHA256, REGISTERS)
    ),
    "further-value": _showing(lambda v: {**v, 23: bytes(32)}),
}  # fmt: skip
"""Bundles that differ from the usual in what the profile leaves open."""
