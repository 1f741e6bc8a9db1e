"""The committed verdicts and attacks, as they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

VERDICTS, ATTACKS = (Path(__file__).with_name(name) for name in ("expected.json", "attacks.json"))


@cache
def expected() -> Mapping[str, Any]:
    """The committed verdicts: `claims` by question, `matrix` by the removed checks."""
    data: Mapping[str, Any] = json.loads(VERDICTS.read_text(encoding="utf-8"))
    return data


@cache
def shown() -> Mapping[str, Any]:
    """The committed attacks by the removed checks."""
    data: Mapping[str, Any] = json.loads(ATTACKS.read_text(encoding="utf-8"))["attacks"]
    return data


@cache
def attacks() -> Mapping[str, Any]:
    """Those on the first variant of the table, which are played in octets."""
    return {name: one for name, one in shown().items() if "variant" not in one}
