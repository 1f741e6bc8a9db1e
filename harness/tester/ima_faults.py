"""Measurement lists as no honest kernel would make them: tales for the tester's TPM, by the check they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

from ...model.terms import Term
from ..codec import cbor
from ..identity.tpm_emulation import REGISTERS
from ..tpm import ima
from ..tpm.ima import ImaEntry, entry
from ..tpm.structures import SHA256
from .tpm_faults import quoted

if TYPE_CHECKING:
    from ...model.protocol.tpm import Bundle

Tell = Callable[["Bundle"], Mapping[Term, Any]]
Entries = tuple[ImaEntry, ...]


def _file(name: str, signature: bytes | None = None) -> ImaEntry:
    return entry(name, sha256(name.encode()).digest(), signature)


HONEST: Entries = (
    _file("boot_aggregate"), _file("/usr/lib/systemd/systemd"), _file("/usr/bin/python3.11", b""),
    _file("/usr/bin/name with blanks", b"\x03\x02\x04 a signature"), _file("/usr/lib/libcrypto.so.3"),
)  # fmt: skip


def showing(entries: Iterable[ImaEntry], *, replayed: Iterable[ImaEntry] | None = None, quotes: bool = True) -> Tell:
    """A list of entries, and PCR 10 with what `replayed`, by default the same, extends it to; it is quoted or not."""
    items = tuple(entries)
    value = ima.replay(items if replayed is None else replayed)
    return _octets(ima.write_list(items), value, quotes=quotes)


def _octets(octets: bytes, value: bytes, *, quotes: bool = True) -> Tell:
    def values(peer: Any) -> dict[int, bytes]:
        module = peer.world.tam.module
        assert module is not None
        return {**module.pcrs(), ima.PCR: value}

    chosen = sorted({*REGISTERS, ima.PCR}) if quotes else REGISTERS
    return lambda b: {
        b.ima: cbor.encode(octets),
        b.pcrs: lambda peer, honest: cbor.encode({SHA256: values(peer)}),
        b.quote.attested: lambda peer, honest: quoted({SHA256: values(peer)}, [(SHA256, chosen)]),
    }


@dataclass(frozen=True, slots=True)
class ImaFault:
    """The check that must meet it, and what the TPM tells."""

    check: str
    tell: Tell


def _with(changed: ImaEntry, at: int = 2) -> Entries:
    return (*HONEST[:at], changed, *HONEST[at + 1 :])


def _data(at: int, change: Callable[[bytes], bytes]) -> ImaEntry:
    """An entry with other template data, and the digest of that."""
    data = change(HONEST[at].data)
    return replace(HONEST[at], data=data, digest=sha1(data).digest())


def _templates() -> dict[str, Tell]:
    """What replays as it should: the name of a template is not measured."""
    first, signed = HONEST[1], HONEST[2]
    other = {"legacy": "ima", "buffer": "ima-buf", "modsig": "ima-modsig", "verity": "ima-ngv2", "nothing": ""}
    tales = {f"template-{name}": showing(_with(replace(first, template=t), 1)) for name, t in other.items()}
    tales |= {
        "retyped-as-signed": showing(_with(replace(first, template=ima.SIG), 1)),
        "retyped-as-unsigned": showing(_with(replace(signed, template=ima.NG))),
        "field-too-long": showing(_with(_data(2, lambda data: data[:-1]))),
        "digest-of-sha-1": showing(_with(_data(1, lambda data: data.replace(b"sha256:", b"sha1:\0\0")), 1)),
        "name-without-end": showing(_with(_data(1, lambda data: data[:-1] + b"x"), 1)),
        "name-no-text": showing(_with(_data(1, lambda data: data[:-2] + b"\xff\0"), 1)),
    }
    return tales


def _forms() -> dict[str, Tell]:
    whole = ima.write_list(HONEST)
    value = ima.replay(HONEST)
    many = tuple(_file(f"/{number}") for number in range(ima.MAX_ENTRIES + 1))
    return {
        "cut": _octets(whole[:-1], value),
        "cut-in-a-head": _octets(whole + b"\x0a\0", value),
        "big-endian": _octets(whole[:4][::-1] + whole[4:], value),
        "too-many-entries": showing(many),
    }


def _digests() -> dict[str, Tell]:
    changed = replace(HONEST[1], digest=bytes(19) + b"\x01")
    return {
        "digest-other": showing(_with(changed, 1)),
        "digest-of-the-entry-before": showing(_with(replace(HONEST[2], digest=HONEST[1].digest))),
    }


def _replays() -> dict[str, Tell]:
    another = _file("/usr/bin/python3.12", b"")
    return {
        "entry-missing": showing(HONEST[:-1], replayed=HONEST),
        "entry-further": showing((*HONEST, another), replayed=HONEST),
        "entry-twice": showing((*HONEST, HONEST[-1]), replayed=HONEST),
        "entry-other": showing(_with(another), replayed=HONEST),
        "entries-reordered": showing((*HONEST[:1], *reversed(HONEST[1:])), replayed=HONEST),
        "list-of-nothing": showing((), replayed=HONEST),
        "entry-of-another-register": showing(_with(replace(HONEST[2], pcr=11))),
        "register-not-quoted": showing(HONEST, quotes=False),
    }


def _violation() -> ImaEntry:
    """As the kernel lists it: the digest of the entry is zero, and the register is extended with ones."""
    return replace(entry(HONEST[2].file[0], bytes(32)), digest=bytes(20))


FAULTS: dict[str, ImaFault] = {
    **{name: ImaFault("tpm_ima_templates_are_known", tell) for name, tell in (_templates() | _forms()).items()},
    **{name: ImaFault("tpm_ima_digests_are_recomputed", tell) for name, tell in _digests().items()},
    "violation": ImaFault("tpm_ima_has_no_violation", showing(_with(_violation()))),
    "violations-alone": ImaFault("tpm_ima_has_no_violation", showing([_violation()])),
    **{name: ImaFault("tpm_ima_replays", tell) for name, tell in _replays().items()},
}
"""Lists with one thing wrong, by what it is."""

GOOD: dict[str, Tell] = {
    "usual": showing(HONEST),
    "one-entry": showing(HONEST[:1]),
    "file-measured-twice": showing((*HONEST, HONEST[1])),
    "most-entries": showing(tuple(_file(f"/{number}") for number in range(ima.MAX_ENTRIES))),
    "empty": showing(()),
}
"""Lists that account for the register."""
