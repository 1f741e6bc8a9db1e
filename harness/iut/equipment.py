"""What the reference peers of a run are equipped with beyond their default, and so declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from .features import TAMS, Features, stated


@dataclass(frozen=True, slots=True)
class Equipment:
    """Each field is an option of `trustconn run` of the same name."""

    tam: str = TAMS[0]
    """The module that holds their keys, `software` or `swtpm`."""
    virtual: bool = False
    """Whether their roots of trust are virtual."""
    verifier: bool = False
    """Whether they can have evidence judged by a verifier."""
    evidence: tuple[str, ...] = ()
    """Further forms of evidence, as conformance statements name them."""
    chains: bool = False
    """Whether they judge blocks and processing chains."""
    anonymous: bool = False
    """Whether they can be, and can admit, pseudonyms."""
    interface: bool = False
    """Whether the device has a trusted user interface, and the service judges what it confirms."""

    @property
    def in_tpm(self) -> bool:
        """Whether their keys are in a TPM."""
        return self.tam != TAMS[0]

    def features(self) -> Features:
        """What they state."""
        alone = stated(in_tpm=self.in_tpm, virtual=self.virtual)
        return replace(
            alone,
            verifier=self.verifier,
            anonymous=self.anonymous,
            evidence_formats=(*alone.evidence_formats, *self.evidence),
            evidence_accepted=(*alone.evidence_accepted, *self.evidence),
            label_blocks=self.chains,
            label_inputs=self.chains,
            trusted_user_interface=self.interface,
        )

    def options(self) -> Iterator[str]:
        """The words on a command line that ask for it."""
        for field in fields(self):
            option, value = f"--{field.name}", getattr(self, field.name)
            if value == field.default:
                continue
            if value is True:
                yield option
            else:
                for one in (value,) if isinstance(value, str) else value:
                    yield from (option, one)


DEFAULT = Equipment()
