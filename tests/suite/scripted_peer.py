"""A reference service with a script around it, as an implementation under test."""

import json
import sys
from pathlib import Path

from trustconn.conformance.fleet import REFERENCE_TIME
from trustconn.harness.identity.provision import provision


def describe(folder: Path, script: str, timeouts: str = "") -> Path:
    """The description of what `script` runs with the arguments of `trustconn peer`."""
    provision(folder / "credentials", seed=b"scripted peer", now=REFERENCE_TIME, role="service")
    file = folder / "peer.py"
    file.write_text(script)
    command = [sys.executable, str(file), "service", "--credentials", str(folder / "credentials" / "iut")]
    command += ["--control", "stdio", "--clock", "control", "--now", str(REFERENCE_TIME)]
    path = folder / "iut.toml"
    path.write_text(
        '[iut]\nname = "scripted"\nrole = "service"\nversion = "1"\n[credentials]\nfolder = "credentials"\n[features]\n'
        f'[control]\nmode = "stdio"\ncommand = {json.dumps(command)}\n[timeouts]\nstart = 60\n{timeouts}\n'
    )
    return path
