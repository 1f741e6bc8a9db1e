"""What a relying party demands: an immutable policy, read from `policy.toml` and `reference-values.toml`."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

from ...spec import identifiers
from .settings import SettingError, boolean, convert, octets, read_toml, text, texts, whole
from .tam import EVENT_TYPES, REGISTERS

EvidenceFormat = int | str
"""CoAP content-format, or a media type where none is registered."""
EAT_CWT = 263
PSA_TOKEN = 10003
TPM_FORMAT: str = identifiers()["media_type"]["tpm2_evidence"]
COLLECTION_FORMAT: str = identifiers()["media_type"]["collection"]
EAR_FORMAT: str = identifiers()["media_type"]["result"]
PBA_FORMAT: str = identifiers()["media_type"]["property_evidence"]
DAY = 86400
SIGNER_LENGTHS = (32, 48, 64)
"""Octets of a signer ID: a digest by SHA-256, SHA-384 or SHA-512 (RFC 9783 section 4.4.1.5)."""


class PolicyError(SettingError):
    """The policy cannot be used; a peer with this policy does not start."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Times are seconds. A device needs `intended_peer`, a service `authorised_devices`: identity URIs of peers."""

    intended_peer: str | None = None
    authorised_devices: tuple[str, ...] = ()
    requires_evidence: bool = True
    accepted: tuple[EvidenceFormat, ...] = (EAT_CWT,)
    offered: tuple[EvidenceFormat, ...] = (EAT_CWT,)
    labels_required: bool = True
    reattest_interval: int = 3600
    max_age: int = 300
    """Oldest evidence and label that is accepted."""
    revocation_max_age: int = 7 * DAY
    """Oldest proof of status that is accepted, whatever the peer asks for."""
    valid_for: int = 3600
    record_limit: int = 1 << 20
    handshake_timeout: int = 10
    verdict_timeout: int = 30
    expired_timeout: int = 30
    admits_anonymous: bool = False
    """Admits pseudonyms in place of identities that it knows."""
    physical_only: bool = False
    """Refuses a peer whose root of trust is virtual."""
    requires_interface: bool = False
    """Refuses a device whose evidence tells no trusted user interface."""
    minimum_waiver_level: int = 3
    minimum_dbgstat: int = 2
    """Disabled since boot; 1 admits debug that is disabled at this moment only."""
    clock_tolerance: int = 60
    verifier_policy: str | None = None
    """The policy id that a verifier is asked for."""
    verifier_properties: tuple[str, ...] = ()
    """Properties that its result must affirm, where it answers for properties."""
    own_policy: str | None = None
    """The policy id by which this party has itself appraised, where it presents a verifier's result."""
    reference_values: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Component name to SHA-256; a component that is not listed is refused. `pcr-7` is register 7 of a TPM."""
    implementations: tuple[bytes, ...] = ()
    """Implementation IDs, 32 octets, of the roots of trust whose PSA tokens are accepted."""
    signers: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Component name to the signer ID that a PSA token must have for it; one that is not listed is of any signer."""
    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Name to SHA-256 of the files that a measurement list may have; where there are any, it must be there."""
    event_types: Mapping[int, int] = field(default_factory=lambda: EVENT_TYPES)
    """Register of a TPM to the TCG type of the events that an event log may have there."""

    def check(self, role: str, file: Path = Path("policy.toml")) -> "Policy":
        """This policy, fit for `role` ("device" or "service"). Raises PolicyError."""
        if role == "device" and not self.intended_peer:
            raise PolicyError(file, "intended_peer", "the identity URI of the intended service")
        if role == "service" and not self.authorised_devices:
            raise PolicyError(file, "authorised_devices", "a list of identity URIs of devices")
        if self.requires_evidence and not self.accepted:
            raise PolicyError(file, "accepted", "an evidence format, because evidence is required")
        if self.requires_evidence and not self.reference_values:
            raise PolicyError(
                file.with_name("reference-values.toml"), "components", "a component, because evidence is required"
            )
        return self

    @classmethod
    def load(cls, folder: Path, role: str) -> "Policy":
        """Read `policy.toml` and, if it is there, `reference-values.toml`. Raises PolicyError."""
        file, references = folder / "policy.toml", folder / "reference-values.toml"
        values = convert(file, read_toml(file, PolicyError), _FIELDS, PolicyError)
        if references.exists():
            values |= _read_references(references)
        return cls(**values).check(role, file)

    def save(self, folder: Path) -> None:
        """Write both files."""
        values: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        references, types = values.pop("reference_values"), values.pop("event_types")
        known, files, signers = values.pop("implementations"), values.pop("files"), values.pop("signers")
        table = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None and (key, value) not in _UNSAID
        }
        (folder / "policy.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
        listed: dict[str, Any] = {"components": {name: digest.hex() for name, digest in sorted(references.items())}}
        if known:
            listed["implementations"] = [item.hex() for item in known]
        if signers:
            listed["signers"] = {name: signer.hex() for name, signer in sorted(signers.items())}
        if files:
            listed["files"] = {name: digest.hex() for name, digest in sorted(files.items())}
        if types != EVENT_TYPES:
            listed["events"] = {f"pcr-{index}": kind for index, kind in sorted(types.items())}
        (folder / "reference-values.toml").write_text(tomli_w.dumps(listed), encoding="utf-8")


def _read_references(file: Path) -> dict[str, Any]:
    """The tables of the file, as fields of a policy."""
    tables = dict.fromkeys(("components", "signers", "events", "files"), _table)
    known = {**tables, "implementations": implementations}
    table = convert(file, read_toml(file, PolicyError), known, PolicyError)
    components, events = table.get("components", {}), table.get("events")
    digests = convert(file, components, dict.fromkeys(components, octets(32)), PolicyError)
    found: dict[str, Any] = {"reference_values": MappingProxyType(digests)}
    if files := table.get("files"):
        found["files"] = MappingProxyType(convert(file, files, dict.fromkeys(files, octets(32)), PolicyError))
    if signers := table.get("signers"):
        found["signers"] = read_signers(file, signers, digests)
    if "implementations" in table:
        found["implementations"] = table["implementations"]
    if events is not None:
        types = convert(file, events, dict.fromkeys(map(pcr_name, range(REGISTERS)), whole(0, 0xFFFFFFFF)), PolicyError)
        found["event_types"] = {int(name[4:]): kind for name, kind in types.items()}
    return found


def read_signers(file: Path, table: dict[str, Any], components: Container[str]) -> Mapping[str, bytes]:
    """Component name to signer ID. Raises PolicyError, also for a component that has no reference value."""
    for name in table:
        if name not in components:
            raise PolicyError(file, name, "the name of a component with a reference value")
    return MappingProxyType(convert(file, table, dict.fromkeys(table, octets(*SIGNER_LENGTHS)), PolicyError))


def implementations(value: Any) -> tuple[bytes, ...]:
    """A list of implementation IDs, as hexadecimal digits. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError("a list of implementation IDs")
    return tuple(map(octets(32), value))


def pcr_name(index: int) -> str:
    """What reference values call a register of a TPM."""
    return f"pcr-{index}"


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table from name to value")
    return value


def formats(value: Any) -> tuple[EvidenceFormat, ...]:
    """A list of evidence types. Raises ValueError."""
    if not isinstance(value, list) or not all(_is_format(item) for item in value):
        raise ValueError("a list of content-formats (integers to 65535) and media types (strings)")
    return tuple(value)


def _is_format(item: Any) -> bool:
    if isinstance(item, str):
        return "/" in item
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 65535


_UNSAID = (("authorised_devices", ()), ("verifier_properties", ()), ("requires_interface", False))
"""Fields that stand in a file only where they say something."""
_SECONDS = whole(1, 366 * DAY)
_FIELDS = {
    "intended_peer": text,
    "authorised_devices": texts,
    "requires_evidence": boolean,
    "accepted": formats,
    "offered": formats,
    "labels_required": boolean,
    "reattest_interval": _SECONDS,
    "max_age": _SECONDS,
    "revocation_max_age": _SECONDS,
    "valid_for": _SECONDS,
    "record_limit": whole(1, 1 << 48),
    "handshake_timeout": _SECONDS,
    "verdict_timeout": _SECONDS,
    "expired_timeout": _SECONDS,
    "admits_anonymous": boolean,
    "physical_only": boolean,
    "requires_interface": boolean,
    "minimum_waiver_level": whole(3, 4),
    "minimum_dbgstat": whole(1, 4),
    "clock_tolerance": whole(0, 3600),
    "verifier_policy": text,
    "verifier_properties": texts,
    "own_policy": text,
}
