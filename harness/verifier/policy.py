"""What a verifier appraises by: one policy a file, each with an id that requests name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

from ..identity.policy import DAY, Policy, PolicyError, formats, implementations, read_signers
from ..identity.settings import convert, octets, read_toml, text, texts, whole

FOLDER = "policies"
_SECONDS = whole(1, 366 * DAY)


@dataclass(frozen=True, slots=True)
class AppraisalPolicy:
    """`policy` holds limits and reference values. With `properties`, name to the components that show it, a result
    names properties alone.

    Without reference values a policy is held but affirms nothing: it is answered like an unknown one.
    """

    id: str
    policy: Policy
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def usable(self) -> bool:
        """Whether anything can be appraised by it."""
        return bool(self.policy.reference_values)

    def save(self, file: Path) -> None:
        """Write the file that `load` reads."""
        policy = self.policy
        table: dict[str, Any] = {"id": self.id, **{name: getattr(policy, name) for name in _LIMITS}}
        table["accepted"] = list(policy.accepted)
        table["components"] = {name: digest.hex() for name, digest in sorted(policy.reference_values.items())}
        if policy.implementations:
            table["implementations"] = [item.hex() for item in policy.implementations]
        if policy.signers:
            table["signers"] = {name: signer.hex() for name, signer in sorted(policy.signers.items())}
        if policy.files:
            table["files"] = {name: digest.hex() for name, digest in sorted(policy.files.items())}
        if self.properties:
            table["properties"] = {name: list(shown) for name, shown in self.properties.items()}
        file.write_text(tomli_w.dumps(table), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> AppraisalPolicy:
        """Read one file. Raises PolicyError."""
        table = convert(file, read_toml(file, PolicyError), _FIELDS, PolicyError)
        if "id" not in table:
            raise PolicyError(file, "id", "the text by which requests name the policy")
        components, properties = table.pop("components", {}), table.pop("properties", {})
        files, signers = table.pop("files", {}), table.pop("signers", {})
        values, measured = (
            convert(file, digests, dict.fromkeys(digests, octets(32)), PolicyError) for digests in (components, files)
        )
        shown = convert(file, properties, dict.fromkeys(properties, texts), PolicyError)
        for name, needed in shown.items():
            if missing := sorted(set(needed) - values.keys()):
                raise PolicyError(file, name, f"components with reference values, not {', '.join(missing)}")
        policy = Policy(
            reference_values=MappingProxyType(values),
            files=MappingProxyType(measured),
            signers=read_signers(file, signers, values),
            **{k: v for k, v in table.items() if k != "id"},
        )
        return cls(table["id"], policy, MappingProxyType(shown))


def load_policies(folder: Path) -> dict[str, AppraisalPolicy]:
    """Every policy in a folder, by id. Raises PolicyError for a bad file, two with one id, or none at all."""
    found: dict[str, AppraisalPolicy] = {}
    for file in sorted(folder.glob("*.toml")):
        policy = AppraisalPolicy.load(file)
        if found.setdefault(policy.id, policy) is not policy:
            raise PolicyError(file, "id", f"another one than {policy.id!r}, which a policy beside it has")
    if not found:
        raise PolicyError(folder, "file", "at least one policy, in a file with the ending .toml")
    return found


def save_policies(folder: Path, policies: Iterable[AppraisalPolicy]) -> None:
    """Write policies into a new folder, each in a file called like its id."""
    folder.mkdir()
    for policy in policies:
        policy.save(folder / f"{policy.id}.toml")


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table")
    return value


_LIMITS = {
    "max_age": _SECONDS,
    "revocation_max_age": _SECONDS,
    "valid_for": _SECONDS,
    "minimum_dbgstat": whole(1, 4),
    "clock_tolerance": whole(0, 3600),
}
_FIELDS = {
    "id": text, "accepted": formats, **_LIMITS, "components": _table, "files": _table, "properties": _table,
    "signers": _table, "implementations": implementations,
}  # fmt: skip
