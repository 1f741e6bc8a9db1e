"""The reference device, service and verifier as implementations under test: described and started like a vendor's."""

import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ..identity.tam import SOFTWARE
from .description import PATIENT_SILENCE, PATIENT_START, Control, Credentials, Description, Iut, Timeouts, Wire
from .features import BINDINGS, REFERENCE, Features, stated


def reference(
    role: str,
    credentials: Path,
    *,
    without: Collection[str] = (),
    faults: Collection[str] = (),
    seed: bytes | None = None,
    now: int | None = None,
    version: str = "",
    binding: str = BINDINGS[0],
    tam: str = SOFTWARE,
    verifier: bool = False,
    virtual: bool = False,
    evidence: Collection[str] = (),
    chains: bool = False,
    anonymous: bool = False,
    interface: bool = False,
) -> Description:
    """The description of a reference peer with the folder that `provision` wrote for `role`.

    `without` are checks that are switched off in it, `faults` its named faults. `seed` makes its randomness repeat; its
    clock is the tester's and starts at `now`. `tam` is the module that `provision` made. With `verifier` it
    declares that it can have evidence judged by one; `virtual` is how `provision` made its root of trust, and
    `evidence` are further forms that it declares. With `chains` it declares blocks and processing chains, with
    `anonymous` pseudonyms, with `interface` a trusted user interface.
    """
    command = [sys.executable, "-m", "trustconn.harness.peer.runner", role, "--credentials", str(credentials / "iut")]
    command += ["--control", "stdio", "--clock", "control", "--binding", binding]
    command += _switches(without, faults, now)
    if seed is not None:
        command += ["--seed", seed.hex()]
    name = f"trustconn reference {role}" + ("" if tam == SOFTWARE else f", keys in {tam}")
    alone = stated(in_tpm=tam != SOFTWARE, virtual=virtual)
    features = replace(
        alone,
        verifier=verifier,
        anonymous=anonymous,
        evidence_formats=(*alone.evidence_formats, *evidence),
        evidence_accepted=(*alone.evidence_accepted, *evidence),
        label_blocks=chains,
        label_inputs=chains,
        trusted_user_interface=interface,
    )
    return Description(
        Path.cwd(),
        Iut(name, role, version or "unversioned"),
        Wire(binding, connect="control" if role == "device" else None),
        Credentials(credentials),
        features,
        Control("stdio", tuple(command)),
        Timeouts(start=PATIENT_START, silence=PATIENT_SILENCE),
    )


def reference_verifier(
    credentials: Path,
    *,
    without: Collection[str] = (),
    faults: Collection[str] = (),
    now: int | None = None,
    version: str = "",
) -> Description:
    """The description of a reference verifier on standard input and output, whose clock stands still at `now`."""
    folder = str(credentials / "iut")
    command = [sys.executable, "-m", "trustconn.harness.verifier.runner", "--credentials", folder]
    command += _switches(without, faults, now)
    return Description(
        Path.cwd(),
        Iut("trustconn reference verifier", "verifier", version or "unversioned"),
        Wire(command=tuple(command)),
        Credentials(credentials),
        Features(
            evidence_accepted=("eat", "tpm2", "psa", "collection"),
            revocation_proofs=REFERENCE.revocation_proofs,
            measurement_lists=True,
        ),
        Control(),
        Timeouts(start=PATIENT_START),
    )


def _switches(without: Collection[str], faults: Collection[str], now: int | None) -> list[str]:
    words = ["--without", ",".join(sorted(without))] if without else []
    words += ["--fault", ",".join(sorted(faults))] if faults else []
    return words + (["--now", str(now)] if now is not None else [])
