"""A chain that must be taken, and the same with one link that breaks it."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.identity.oids import EKU_EAT_AK
from ..harness.identity.pki import HOUR
from ..harness.identity.tester import TesterPki
from ..harness.labels.label import Label, parse
from .chaining import EDITOR, MakeOrigin, Origin, Workshop, made_from, signing


def honest(shop: Workshop) -> Origin:
    """A picture of a camera, cropped by an editor."""
    picture = shop.label(b"picture")
    return made_from([shop.label(b"cropped", picture, by=shop.signer(EDITOR))], picture)


def _bit(label: Label) -> Label:
    return parse(one_bit_other(label.octets))


def below(shop: Workshop, **changes: Any) -> Origin:
    """Something is wrong with the label of an input."""
    picture = shop.label(b"picture")
    return made_from([shop.label(b"cropped", picture, **changes)], picture)


def _deeper(shop: Workshop, **changes: Any) -> Origin:
    """Something is wrong with the label of an input of an input."""
    picture = shop.label(b"picture", **changes)
    return made_from([shop.label(b"cropped", picture, by=shop.signer(EDITOR))], picture)


def _without(shop: Workshop, index: int) -> Origin:
    origin = honest(shop)
    return dataclasses.replace(origin, labels=origin.labels[:index] + origin.labels[index + 1 :])


def _replaced(shop: Workshop) -> Origin:
    """Another label about the same data comes in place of the one that is named."""
    origin = honest(shop)
    return dataclasses.replace(origin, labels=(origin.labels[0], shop.label(b"picture")))


def _other_data(shop: Workshop) -> Origin:
    origin = honest(shop)
    return dataclasses.replace(origin, inputs=(dataclasses.replace(origin.inputs[0], data=bytes(32)),))


def _nearly_the_data(shop: Workshop) -> Origin:
    origin = honest(shop)
    (named,) = origin.inputs
    nearly = one_bit_other(named.data)
    return dataclasses.replace(origin, inputs=(dataclasses.replace(named, data=nearly),))


def _other_data_below(shop: Workshop) -> Origin:
    picture = shop.label(b"picture")
    named = dataclasses.replace(shop.statement(b"x", [picture]).inputs[0], data=bytes(32))
    return made_from([shop.label(b"cropped", picture, inputs=(named,))], picture)


def _other_data_of_the_second(shop: Workshop) -> Origin:
    one, two = shop.label(b"one"), shop.label(b"two")
    origin = made_from([one, two])
    wrong = dataclasses.replace(origin.inputs[1], data=bytes(32))
    return dataclasses.replace(origin, inputs=(origin.inputs[0], wrong))


def _signed_by_another_key(shop: Workshop) -> Origin:
    return _deeper(shop, by=dataclasses.replace(shop.signer(), sign=shop.signer(EDITOR).sign))


def _of_another_identity(shop: Workshop) -> Origin:
    return _deeper(shop, by=dataclasses.replace(shop.signer(), identity="https://other.example/"))


def _of_another_platform(shop: Workshop) -> Origin:
    return _deeper(shop, by=dataclasses.replace(shop.signer(), platform="urn:tc:device:01" + "00" * 32))


def _of_a_stranger(shop: Workshop) -> Origin:
    """An authority with the same names and other keys."""
    pki = TesterPki.from_seed(b"a stranger".ljust(32, b"."), shop.iut.pki.now)
    return _deeper(shop, by=signing(pki.party(shop.iut.opposite, EDITOR).issued))


def _issued(**changes: Any) -> MakeOrigin:
    return lambda shop: _deeper(shop, by=shop.issued(**changes))


def _expired(shop: Workshop) -> Origin:
    now = shop.iut.clock.now()
    return _deeper(shop, by=shop.issued(not_before=now - 3 * HOUR, not_after=now - HOUR), issued_at=now - 2 * HOUR)


def _revoked(shop: Workshop) -> Origin:
    return _deeper(shop, by=shop.issued(serial=shop.iut.pki.revoked_serial(shop.iut.opposite)))


def _revoked_directly(shop: Workshop) -> Origin:
    return made_from([shop.label(b"picture", by=shop.issued(serial=shop.iut.pki.revoked_serial(shop.iut.opposite)))])


LINKS: dict[str, tuple[str, MakeOrigin]] = {
    "input-missing": ("chain_labels_are_there", lambda shop: _without(shop, 0)),
    "deeper-input-missing": ("chain_labels_are_there", lambda shop: _without(shop, 1)),
    "another-label-of-the-same-data": ("chain_labels_are_there", _replaced),
    "second-input-missing": (
        "chain_labels_are_there",
        lambda shop: dataclasses.replace(made_from([one := shop.label(b"one"), shop.label(b"two")]), labels=(one,)),
    ),
    "a-number-beside-the-labels": (
        "chain_labels_are_well_formed",
        lambda shop: dataclasses.replace(honest(shop), beside=(b"\x07",)),
    ),
    "a-label-without-tag-beside": (
        "chain_labels_are_well_formed",
        lambda shop: dataclasses.replace(honest(shop), beside=(shop.label(b"x").octets[1:],)),
    ),
    "data-of-another": ("chain_names_its_data", _other_data),
    "data-of-the-same-first-octets": ("chain_names_its_data", _nearly_the_data),
    "data-of-another-below": ("chain_names_its_data", _other_data_below),
    "data-of-another-second": ("chain_names_its_data", _other_data_of_the_second),
    "signature-bit": ("chain_signatures_verify", lambda shop: made_from([_bit(shop.label(b"picture"))])),
    "signature-bit-below": (
        "chain_signatures_verify",
        lambda shop: made_from([shop.label(b"cropped", forged := _bit(shop.label(b"picture")))], forged),
    ),
    "signature-bit-in-the-middle": (
        "chain_signatures_verify",
        lambda shop: made_from([_bit(shop.label(b"cropped", picture := shop.label(b"picture")))], picture),
    ),
    "signature-by-another-key": ("chain_signatures_verify", _signed_by_another_key),
    "sub-of-another": ("chain_subjects_are_signers", _of_another_identity),
    "iss-of-another-platform": (
        "chain_subjects_are_signers",
        _of_another_platform,
    ),
    "signer-for-evidence": ("chain_signers_have_a_path", _issued(eku=(EKU_EAT_AK,))),
    "signer-of-a-stranger": ("chain_signers_have_a_path", _of_a_stranger),
    "signer-expired": ("chain_signers_have_a_path", _expired),
    "signer-with-a-broken-certificate": ("chain_signers_have_a_path", _issued(signature_broken=True)),
    "signer-revoked": ("chain_signers_are_not_revoked", _revoked_directly),
    "signer-revoked-below": ("chain_signers_are_not_revoked", _revoked),
}
"""What is wrong, to the check that must refuse it and the data that was made so."""
