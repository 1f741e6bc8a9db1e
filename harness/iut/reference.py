"""The reference device and service as implementations under test: described and started like a vendor's."""

import sys
from collections.abc import Collection
from pathlib import Path

from .description import Control, Credentials, Description, Iut, Timeouts, Wire
from .features import BINDINGS, REFERENCE


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
) -> Description:
    """The description of a reference peer with the folder that `provision` wrote for `role`.

    `without` are checks that are switched off in it, `faults` its named faults. `seed` makes its randomness repeat; its
    clock is the tester's and starts at `now`.
    """
    command = [sys.executable, "-m", "trustconn.harness.peer.runner", role, "--credentials", str(credentials / "iut")]
    command += ["--control", "stdio", "--clock", "control", "--binding", binding]
    if without:
        command += ["--without", ",".join(sorted(without))]
    if faults:
        command += ["--fault", ",".join(sorted(faults))]
    if now is not None:
        command += ["--now", str(now)]
    if seed is not None:
        command += ["--seed", seed.hex()]
    return Description(
        Path.cwd(),
        Iut(f"trustconn reference {role}", role, version or "unversioned"),
        Wire(binding, connect="control" if role == "device" else None),
        Credentials(credentials),
        REFERENCE,
        Control("stdio", tuple(command)),
        Timeouts(),
    )
