"""Collections of section 6.6."""

from __future__ import annotations

from typing import Any

from . import appraisal, tpm
from .appraisal import FAILED, UNSUPPORTED, Trust
from .identifiers import IDS
from .refusal import ensure
from .strict import load

TYPE, TOKEN, BUNDLE = "__cmwc_t", 0, 1
MEDIA_TYPE: str = IDS["media_type"]["collection"]
OF_THE_PROFILE = MEDIA_TYPE.partition('cmwc_t="')[2].rstrip('"')


def evidence(given: dict[str, Any]) -> None:
    """Operation `collection-evidence`."""
    items = load(bytes.fromhex(given["cmw"]))
    ensure(isinstance(items, dict) and set(items) == {TYPE, TOKEN, BUNDLE}, "items of a collection", "alert:11")
    ensure(all(type(key) in (int, str) for key in items), "items of a collection", "alert:11")
    ensure(isinstance(items[TYPE], str), "type of the collection", "alert:11")
    records = items[TOKEN], items[BUNDLE]
    ensure(all(isinstance(one, list) and len(one) == 3 for one in records), "no records", "alert:11")
    ensure(items[TYPE] == OF_THE_PROFILE, "another collection", UNSUPPORTED)
    trust = Trust(given)
    _, claims = appraisal.token(given, trust, records[0])
    _, quote = tpm.bundle(given, trust, records[1])
    ensure(claims[267] == quote["reset_count"], "items of two starts", FAILED)
