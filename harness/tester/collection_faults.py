"""Collections of evidence as no honest platform would put them together, their items good as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cbor2 import CBORTag

from ..codec import cbor
from ..identity.policy import TPM_FORMAT

TYPE, TOKEN, BUNDLE = "__cmwc_t", 0, 1
"""Keys of the collection."""
Collection = dict[Any, Any]


def _nested(depth: int) -> Callable[[Collection], Any]:
    def change(items: Collection) -> Any:
        for _ in range(depth):
            items = {**items, TOKEN: items}
        return items

    return change


FORMS: dict[str, Callable[[Collection], Any]] = {
    "token-alone": lambda c: {TYPE: c[TYPE], TOKEN: c[TOKEN]},
    "bundle-alone": lambda c: {TYPE: c[TYPE], BUNDLE: c[BUNDLE]},
    "no-items": lambda c: {TYPE: c[TYPE]},
    "no-type": lambda c: {TOKEN: c[TOKEN], BUNDLE: c[BUNDLE]},
    "further-item": lambda c: {**c, 2: c[TOKEN]},
    "further-item-by-name": lambda c: {**c, "token": c[TOKEN]},
    "named-items": lambda c: {TYPE: c[TYPE], "0": c[TOKEN], "1": c[BUNDLE]},
    "items-in-an-array": lambda c: [c[TOKEN], c[BUNDLE]],
    "record-of-the-token": lambda c: c[TOKEN],
    "collection-within": _nested(1),
    "collections-within": _nested(3),
    "collection-within-a-record": lambda c: {**c, BUNDLE: [c[BUNDLE][0], cbor.encode(c), 4]},
    "tag-form": lambda c: {**c, TOKEN: CBORTag(1668547081, c[TOKEN][1])},
    "token-without-indicator": lambda c: {**c, TOKEN: c[TOKEN][:2]},
    "token-as-bundle": lambda c: {**c, BUNDLE: [c[BUNDLE][0], c[TOKEN][1], 4]},
    "token-twice": lambda c: {**c, BUNDLE: c[TOKEN]},
    "items-swapped": lambda c: {**c, TOKEN: c[BUNDLE], BUNDLE: c[TOKEN]},
}
"""Of another form than the grammar gives them."""


def _marked(key: int, mark: int) -> Callable[[Collection], Any]:
    return lambda c: {**c, key: [*c[key][:2], mark]}


LABELS: dict[str, tuple[str, Callable[[Collection], Any]]] = {
    "type-of-others": ("collection_is_of_this_profile", lambda c: {**c, TYPE: "tag:example.com,2024:composite"}),
    "type-as-oid": ("collection_is_of_this_profile", lambda c: {**c, TYPE: "2.25.1"}),
    "token-as-unsigned-claims": ("collected_token_is_one", lambda c: {**c, TOKEN: [267, *c[TOKEN][1:]]}),
    "token-as-bundle-by-type": ("collected_token_is_one", lambda c: {**c, TOKEN: [TPM_FORMAT, *c[TOKEN][1:]]}),
    "bundle-as-octets": ("collected_bundle_is_one", lambda c: {**c, BUNDLE: [42, *c[BUNDLE][1:]]}),
    **{
        f"{what}-indicator-{mark}": (f"collected_{what}_is_marked_evidence", _marked(key, mark))
        for what, key in (("token", TOKEN), ("bundle", BUNDLE))
        for mark in (0, 2, 8, 12)
    },
}
"""What the collection says of itself or of an item, and the check that meets it."""
