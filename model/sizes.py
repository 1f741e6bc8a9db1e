"""How long a term's octets are, as its sort would say it."""

from __future__ import annotations

from .terms import Term

_ITEM = "item"
_FIXED: dict[str, int | str] = {
    "const": _ITEM,
    "array": _ITEM,
    "map": _ITEM,
    "bstr": _ITEM,
    "tag": _ITEM,
    "hash": "hash",
    "extract": "hash",
    "sha256": 32,
    "leaf_digest": 32,
    "share": "share",
    "dh": "share",
    "static_share": "share",
    "compact": _ITEM,
    "cred": _ITEM,
    "cose_key": _ITEM,
    "device_id": _ITEM,
    "chain_digest": _ITEM,
    "direction": _ITEM,
    "succ": _ITEM,
    "present": _ITEM,
}


def size_of(term: Term) -> int | str | None:
    """Octets, the name of a length of the suite, `item`, `items`, `rest` or `handle`; None where nothing says so."""
    if term.op in ("slot", "name"):
        return term.sort.size
    if term.op == "octets":
        value = term.params[0]
        return len(value) if isinstance(value, bytes) else None
    if term.op in ("kdf", "export"):
        length = term.params[1]
        return length if isinstance(length, int | str) else None
    if term.op == "sign":
        return {"suite": "signature", "TPM": "rest"}.get(str(term.params[0]), 64)
    return _FIXED.get(term.op)
