"""The second implementation, in JavaScript on Node.js: described and started like a vendor's."""

import shutil
from pathlib import Path

from .description import PATIENT_SILENCE, PATIENT_START, Control, Credentials, Description, Iut, Timeouts, Wire
from .features import Features

FOLDER = Path(__file__).resolve().parents[2] / "peers" / "node"
"""Where a checkout has it; it is in no wheel."""
BINDINGS = ("tls",)
"""Secure channels that it speaks."""
FEATURES = Features(
    bindings=BINDINGS,
    presents_waiver=True,
    initiates_reattestation=True,
    revocation_proofs=("crl", "ocsp", "short-lived"),
    connections=256,
    key_log=True,
)
"""Its statement."""


def missing() -> str:
    """What keeps it from being started, with the command that installs it; nothing where it can start."""
    if not FOLDER.is_dir():
        return "peers/node is in a checkout alone: git clone the project"
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js 20 or later: apt-get install nodejs npm, or https://nodejs.org/"
    if not (FOLDER / "node_modules").is_dir():
        return f"its packages: npm ci --prefix {FOLDER}"
    return ""


def node(role: str, credentials: Path, binding: str = BINDINGS[0]) -> Description:
    """The description of the Node.js peer with the folder that `provision` wrote for `role`."""
    command = ("node", f"--openssl-config={FOLDER / 'openssl.cnf'}", str(FOLDER / "main.js"))
    return Description(
        Path.cwd(),
        Iut(f"Node.js {role}", role, "1.0.0"),
        Wire(binding, connect="control" if role == "device" else None),
        Credentials(credentials),
        FEATURES,
        Control("stdio", (*command, "--credentials", str(credentials / "iut"), "--control")),
        Timeouts(start=PATIENT_START, silence=PATIENT_SILENCE),
    )
