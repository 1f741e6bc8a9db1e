"""The reference device, service and verifier as implementations under test: described and started like a vendor's."""

import sys
from collections.abc import Collection
from pathlib import Path

from .description import PATIENT_SILENCE, PATIENT_START, Control, Credentials, Description, Iut, Timeouts, Wire
from .equipment import DEFAULT, Equipment
from .features import BINDINGS, REFERENCE, Features


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
    equipment: Equipment = DEFAULT,
) -> Description:
    """The description of a reference peer with the folder that `provision` wrote for `role`.

    `without` are checks that are switched off in it, `faults` its named faults. `seed` makes its randomness repeat; its
    clock is the tester's and starts at `now`. It declares its `equipment`: what needs credentials is in the folder.
    """
    command = [sys.executable, "-m", "trustconn.harness.peer.runner", role, "--credentials", str(credentials / "iut")]
    command += ["--control", "stdio", "--clock", "control", "--binding", binding]
    command += _switches(without, faults, now)
    if seed is not None:
        command += ["--seed", seed.hex()]
    name = f"trustconn reference {role}" + (f", keys in {equipment.tam}" if equipment.in_tpm else "")
    return Description(
        Path.cwd(),
        Iut(name, role, version or "unversioned"),
        Wire(binding, connect="control" if role == "device" else None),
        Credentials(credentials),
        equipment.features(),
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
