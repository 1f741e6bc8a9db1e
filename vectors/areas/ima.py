"""Measurement lists of the Linux kernel (IMA): taken apart, and in the bundle of a TPM that quotes their register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from ...harness.tester.ima_faults import FAULTS, GOOD, HONEST, Tell, showing
from ...harness.tester.session import OPPOSITE, Role
from ...harness.tpm.ima import MAX_ENTRIES, MAX_LIST, PCR, SIG, ImaEntry, entry, read_list, replay, write_list
from ...harness.tpm.structures import StructureError
from ..vector import Area, GeneratorError, Group, Json, Vector, octets
from . import bundles, evidence
from .bundles import Maker
from .honest import Moment, moment
from .judged import Candidate, invalid, valid

SOURCE = "generated; TPM-18 to TPM-22, Linux security/integrity/ima, Documentation/security/IMA-templates.rst"
RECEIVER: Role = "service"
KIND = "ima-list"

# --- by themselves ---------------------------------------------------------------------------------------------------


def _read(data: bytes) -> Mapping[str, Json]:
    entries = read_list(data)
    listed = [[e.pcr, octets(e.digest), e.template, e.file[0], octets(e.file[1])] for e in entries]
    return {"entries": listed, "register": octets(replay(entries))}


def _structure(requirement: str, field: str, operator: str, comment: str, data: bytes, *, good: bool = False) -> Vector:
    """A vector of a list by itself. Raises GeneratorError where the reference reads it otherwise."""
    try:
        output: Mapping[str, Json] = _read(data)
    except StructureError:
        output = {}
    if bool(output) is not good:
        raise GeneratorError(f"{field} {operator}: the reference reads it otherwise")
    return Vector(requirement, field, operator, good, comment, {"octets": octets(data)}, output)


def _bytes_of(template: bytes, data: bytes) -> bytes:
    """One entry as octets, whatever its template."""
    sizes = (len(part).to_bytes(4, "little") + part for part in (template, data))
    return PCR.to_bytes(4, "little") + bytes(20) + b"".join(sizes)


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def _structures() -> Iterator[Vector]:
    lists = {
        "usual": (HONEST, "entries of both templates"),
        "one-entry": (HONEST[:1], "one entry"),
        "empty": ((), "no entry"),
        "signed": ((entry("/sbin/init", sha256(b"init").digest(), b"\x03\x02\x04 a signature"),), "a signed file"),
        "name-in-utf-8": ((entry("/usr/bin/é", sha256(b"e").digest()),), "a name beyond ASCII"),
        "most-entries": (tuple(_file(number) for number in range(MAX_ENTRIES)), "as many entries as there may be"),
    }
    for operator, (entries, comment) in lists.items():
        yield _structure("TPM-18", "list", operator, comment, write_list(entries), good=True)
    whole = write_list(HONEST)
    algorithm, name = b"sha256:\0", b"/bin/sh\0"
    good = algorithm + sha256(b"sh").digest()
    too_long = entry("x" * (MAX_LIST + 1 - len(write_list([entry("", bytes(32))]))), bytes(32))
    forms = {
        "cut": (whole[:-1], "ends within an entry"),
        "cut-in-a-head": (whole + b"\x0a\x00", "ends within a head"),
        "trailing-octet": (whole + b"\x00", "an octet behind the last entry"),
        "big-endian": (whole[:24] + whole[24:28][::-1] + whole[28:], "a length that is big-endian"),
        "too-many-entries": (write_list(_file(number) for number in range(MAX_ENTRIES + 1)), "an entry too many"),
        "too-long": (write_list([too_long]), "an octet more than there may be"),
        "endless-field": (_bytes_of(b"ima-ng", b"\xff\xff\xff\xff" + good), "a field that says it is 4 GiB long"),
    }
    for operator, (data, comment) in forms.items():
        yield _structure("TPM-18", "list", operator, comment, data)
    templates = {
        "ima": (b"ima", _field(bytes(20)) + _field(name), "the first template, of SHA-1"),
        "ima-buf": (b"ima-buf", _field(good) + _field(name) + _field(b"x"), "a template of buffers"),
        "ima-ngv2": (b"ima-ngv2", _field(good) + _field(name), "a template of fs-verity"),
        "upper-case": (b"IMA-NG", _field(good) + _field(name), "the template in upper case"),
        "with-zero": (b"ima-ng\0", _field(good) + _field(name), "the template with a zero octet behind it"),
        "empty": (b"", _field(good) + _field(name), "no template"),
    }
    for operator, (template, data, comment) in templates.items():
        yield _structure("TPM-22", "template", operator, comment, _bytes_of(template, data))
    fields = {
        "digest-alone": (_field(good), "no name"),
        "field-too-many": (_field(good) + _field(name) + _field(b""), "three fields under ima-ng"),
        "trailing": (_field(good) + _field(name) + b"\x00", "an octet behind the last field"),
        "digest-of-31": (_field(good[:-1]) + _field(name), "a digest that is an octet short"),
        "digest-of-33": (_field(good + b"\x00") + _field(name), "a digest that is an octet long"),
        "sha-1": (_field(b"sha1:\0" + bytes(20)) + _field(name), "a digest of SHA-1"),
        "sha-512": (_field(b"sha512:\0" + bytes(64)) + _field(name), "a digest of SHA-512"),
        "without-algorithm": (_field(bytes(32)) + _field(name), "a digest without its algorithm"),
        "name-without-end": (_field(good) + _field(name[:-1]), "a name without its zero octet"),
        "name-empty": (_field(good) + _field(b""), "no name, not even a zero octet"),
        "name-no-text": (_field(good) + _field(b"\xff\xfe\0"), "a name that is not UTF-8"),
    }
    for operator, (data, comment) in fields.items():
        yield _structure("TPM-22", "template data", operator, comment, _bytes_of(b"ima-ng", data))
    two = _bytes_of(SIG.encode(), _field(good) + _field(name))
    yield _structure("TPM-22", "template data", "signature-absent", "two fields under ima-sig", two)


def _file(number: int) -> ImaEntry:
    return entry(f"/{number}", sha256(b"%d" % number).digest())


# --- in evidence -----------------------------------------------------------------------------------------------------

NAMED: dict[str, Tell] = {
    "no-list": lambda b: {},
    "empty-list": showing(()),
    "file-of-nobody": showing((*HONEST, entry("/usr/bin/other", bytes(32)))),
    "file-changed": showing((*HONEST, entry(HONEST[2].file[0], bytes(32), b""))),
    "file-by-another-name": showing((*HONEST, entry("/usr/bin/another", HONEST[2].file[1]))),
    "names-exchanged": showing(
        (*HONEST, entry(HONEST[1].file[0], HONEST[4].file[1]), entry(HONEST[4].file[0], HONEST[1].file[1]))
    ),
}
"""Lists that account for the register, and tell of files that policy does not name so."""
NAMED_GOOD: dict[str, Tell] = {"every-file": showing(HONEST), "some-files": showing(HONEST[:2])}


@cache
def arriving(*, files: bool = False) -> Moment:
    """A bundle on its way to a service, which names files or does not."""
    named: dict[str, Any] = {"files": dict(item.file for item in HONEST)} if files else {}
    within = (lambda iut: iut.configured(**named)) if files else None
    return moment(RECEIVER, f"ATT_{evidence.LETTER[OPPOSITE[RECEIVER]]}", tpm=True, within=within)


def relying_party(at: Moment) -> dict[str, Json]:
    """What a relying party goes by when it appraises."""
    files = {name: octets(digest) for name, digest in sorted(at.world.policy.files.items())}
    return {**bundles.relying_party(at), "files": files}


def _told(maker: Maker, tales: Mapping[str, Tell], comment: str) -> Iterator[Candidate]:
    for name, tell in tales.items():
        yield maker.bundled("bundle[11]", name, comment, maker.made(tell(maker.bundle)))


def _vectors() -> Iterator[Vector]:
    at = arriving()
    maker = Maker(at)
    yield from valid(at, "TPM-18", _told(maker, GOOD, "a list that accounts for the register"))
    faults = {name: fault.tell for name, fault in FAULTS.items()}
    yield from invalid(at, _told(maker, faults, "told by the TPM, and quoted"))


def _named() -> Iterator[Vector]:
    at = arriving(files=True)
    maker = Maker(at)
    yield from valid(at, "TPM-21", _told(maker, NAMED_GOOD, "of nothing but files that policy names"))
    yield from invalid(at, _told(maker, NAMED, "not of what policy names"), must=True)


def _groups() -> Iterator[Group]:
    yield Group("list", "tpm-structure", SOURCE, tuple(_structures()), {"kind": KIND})
    yield Group("evidence", "tpm-evidence", SOURCE, tuple(_vectors()), relying_party(arriving()))
    yield Group("named-files", "tpm-evidence", SOURCE, tuple(_named()), relying_party(arriving(files=True)))


AREA = Area("measurement-lists", "What the Linux kernel measured, by itself and as the evidence of a TPM.", _groups)
