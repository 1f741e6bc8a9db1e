"""Numbers and names of the profile, from the specification's table `identifiers.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

IDS = tomllib.loads((Path(__file__).resolve().parents[2] / "spec" / "identifiers.toml").read_text(encoding="utf-8"))
OID = IDS["oid"]
COSE = IDS["cose"]
URN = IDS["urn"]["device"]
